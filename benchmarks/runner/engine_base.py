"""The common parts of all engines: attempting a cell, and passing the answer to the listener."""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Protocol

from benchmarks.cell import Cell, OnStage, Result
from twin_gym.errors import TwinGymError
from twin_gym.files.whole import write_text

CellFunction = Callable[[Cell, Path, OnStage], Result]
"""Runs a cell in a folder of its own, such as `benchmarks.cell.run_cell`. It can be pickled."""

Answer = tuple[Literal["done", "failed"], str]
"""The end of a cell: its result as JSON, or the reason why there is none."""

FAILURE_FILE = "failure.txt"
_ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
_SECONDS_BETWEEN_NEWS = 0.2


class Listener(Protocol):
    """Told by an engine, in the process that called it, what becomes of the cells."""

    def stage(self, cell: Cell, what: str, share: float) -> None:
        """A cell is being run; `what` is "starting", "training" or "testing"."""

    def done(self, result: Result) -> None:
        """A cell has its result."""

    def failed(self, cell: Cell, reason: str) -> None:
        """A cell has none, and is not tried again."""

    def tick(self) -> None:
        """Now and then, whether or not anything has happened."""


class Engine(Protocol):
    """Runs cells somewhere."""

    def run(self, cells: Sequence[Cell], listener: Listener) -> None:
        """Runs all of them, beginning with the first; each ends in `done` or in `failed`."""


def attempt(function: CellFunction, cell: Cell, folder: Path, on_stage: OnStage) -> Answer:
    """Runs a cell; whatever its agent raises is an answer too.

    Args:
        function: see `CellFunction`.
        cell: which.
        folder: of the cell. The traceback of an error is left there.
        on_stage: told at most five times a second.

    Returns:
        See `Answer`.
    """
    (folder / FAILURE_FILE).unlink(missing_ok=True)
    try:
        result = function(cell, folder, _now_and_then(on_stage))
        return "done", result.to_json()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # an agent that calls exit() does not stop the others
        write_text(folder / FAILURE_FILE, traceback.format_exc(), makes_folder=True)
        named = isinstance(error, TwinGymError)
        return "failed", str(error) if named else f"{type(error).__name__}: {error}"


def on_answer(answer: Answer, cell: Cell, listener: Listener) -> None:
    """Passes an answer on; a result that cannot be read or kept is a failure."""
    kind, text = answer
    if kind == "failed":
        listener.failed(cell, text)
        return
    try:
        result = Result.from_json(text)
        if result.cell != cell:
            raise ValueError(f"the result is one of {result.cell}")
    except ValueError as error:
        listener.failed(cell, str(error))
        return
    listener.done(result)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Processes started inside calculate on one thread: libraries read this when imported."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def name_of_signal(number: int) -> str:
    """Its name; those of real time have none in Python, and are called by their number."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _now_and_then(on_stage: OnStage) -> OnStage:
    last_s, last_what = -_SECONDS_BETWEEN_NEWS, ""

    def tell(what: str, share: float) -> None:
        nonlocal last_s, last_what
        now_s = time.monotonic()
        if what != last_what or now_s - last_s >= _SECONDS_BETWEEN_NEWS:
            last_s, last_what = now_s, what
            on_stage(what, share)

    return tell
