"""Cells that take no time, and a run of them in a process that can be killed.

`python -m tests.benchmarks.runner_cases FOLDER` runs `CELLS` there and writes a line for each. With
`endless` after the folder they never end; with `held` each worker does one and holds in its second,
so that the run cannot end before it is killed, however late that is.
"""

import hashlib
import os
import signal
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from benchmarks.cell import Cell, Result
from benchmarks.contestant import Cost
from benchmarks.protocol import PROTOCOL
from benchmarks.runner.board import run_board
from benchmarks.runner.local import LocalEngine
from benchmarks.runner.plan import selection_of
from benchmarks.store import Store, digest_now
from twin_gym.errors import ConfigError

AGENTS, TRACKS, SEEDS = "random,fifo,density", "mild,contention", 3
ASKED = selection_of(AGENTS, TRACKS, SEEDS, 0, "validation")
CELLS = [cell for t in ASKED.tracks for a in ASKED.agents for cell in ASKED.cells(t, a)]

_ROUNDS = 20_000


def fake(cell: Cell, seconds: float = 0.0) -> Result:
    """The result of a cell: numbers made of its name."""
    content = repr(cell).encode()
    for _ in range(_ROUNDS):  # a few hundredths of a second: long enough to be killed in
        content = hashlib.sha256(content).digest()
    number = int.from_bytes(content[:4], "big") / 2**32
    return Result(
        PROTOCOL,
        cell,
        digest_now(cell.track) or "",
        {cell.track: [number, number / 3]},
        content.hex()[:16],
        {"utilisation": number},
        Cost(seconds=seconds),
    )


def without_times(result: Result) -> Result:
    """Everything but wall-clock and processor time."""
    return replace(
        result, test_seconds=0.0, cost=replace(result.cost, seconds=0.0, core_seconds=0.0)
    )


def run_fake(cell: Cell, folder: Path, on_stage) -> Result:
    """Tells how far it is, keeps a file, gives a result."""
    on_stage("training", 0.5)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "threads.txt").write_text(os.environ.get("OMP_NUM_THREADS", "unset"))
    on_stage("testing", 1.0)
    return fake(cell)


def run_endless(cell: Cell, folder: Path, on_stage) -> Result:
    """Says that it has begun, and never ends."""
    print("begun", flush=True)
    threading.Event().wait()
    return fake(cell)


_begun: list[Cell] = []  # by this process


def run_held(cell: Cell, folder: Path, on_stage) -> Result:
    """The first cell of a process as `run_fake` does it; the second never ends."""
    _begun.append(cell)
    if len(_begun) > 1:
        threading.Event().wait()
    return run_fake(cell, folder, on_stage)


@dataclass(frozen=True)
class Troubled:
    """Runs cells of which some do not end well.

    Attributes:
        refusing: agents that raise an error of the package.
        raising: agents that raise another one.
        leaving: agents that call exit().
        dying_once: agents whose process is killed at the first attempt.
        dying: agents whose process is killed at every attempt.
    """

    refusing: str = ""
    raising: str = ""
    leaving: str = ""
    dying_once: str = ""
    dying: str = ""

    def __call__(self, cell: Cell, folder: Path, on_stage) -> Result:
        if cell.agent == self.refusing:
            raise ConfigError("not with me")
        if cell.agent == self.raising:
            raise ZeroDivisionError("by nothing")
        if cell.agent == self.leaving:
            sys.exit(3)
        tried = folder / "tried"
        if cell.agent == self.dying or (cell.agent == self.dying_once and not tried.exists()):
            folder.mkdir(parents=True, exist_ok=True)
            tried.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return fake(cell)


class InProcess:
    """An engine without processes; remembers what it was asked to run."""

    def __init__(self, function=run_fake, folder: Path = Path("/nonexistent")) -> None:
        self.function = function
        self.folder = folder
        self.cells: list[Cell] = []

    def run(self, cells, listener) -> None:
        self.cells += cells
        for cell in cells:
            listener.stage(cell, "starting", 0.0)
            listener.done(
                self.function(cell, self.folder, lambda *news, c=cell: listener.stage(c, *news))
            )
            listener.tick()


class Told:
    """Passes an engine's news on, and writes a line for each result that was kept."""

    def __init__(self, engine) -> None:
        self.engine = engine

    def run(self, cells, listener) -> None:
        self.stage, self.failed, self.tick = listener.stage, listener.failed, listener.tick
        self.keep = listener.done
        self.engine.run(cells, self)

    def done(self, result: Result) -> None:
        self.keep(result)
        print("kept", flush=True)


def main(folder: Path, *words: str) -> int:
    """Runs `CELLS` on two processes; Ctrl-C is heard even if whoever started pytest ignored it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    store = Store(folder)
    functions = {"endless": run_endless, "held": run_held}
    function = functions[words[0]] if words else run_fake
    engine = Told(LocalEngine(function, store.folder_of, 2))
    return run_board(ASKED, store, engine, Console(stderr=True))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
