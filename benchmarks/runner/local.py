"""Cells on processes of this machine: each process does many, and one that dies is replaced.

Every worker has a pipe of its own (a queue that all share can be left locked by one that is
killed). A worker watches its parent (see `worker`) and goes when that is gone, whatever it was
doing: a run that goes on after a kill never meets the workers of the one before.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing import Pipe, connection, spawn
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.cell import Cell
from benchmarks.runner.engine_base import (
    CellFunction,
    Listener,
    name_of_signal,
    on_answer,
    one_thread_each,
)

_ATTEMPTS = 2
_TICK_S = 0.5
_PATIENCE_S = 5.0
_CHECKOUT = Path(__file__).parents[2]
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from benchmarks.runner.worker import main; "
    "main(int(sys.argv[2]))"
)


@dataclass(frozen=True)
class LocalEngine:
    """Runs cells on processes of this machine.

    Attributes:
        function: see `CellFunction`.
        folder_of: gives the folder of a cell.
        jobs: processes side by side.
    """

    function: CellFunction
    folder_of: Callable[[Cell], Path]
    jobs: int = 2

    def run(self, cells: Sequence[Cell], listener: Listener) -> None:
        """See `Engine`; an exception, Ctrl-C too, ends the workers at once."""
        crew = _Crew(self, deque(cells), listener)
        try:
            crew.work()
        except BaseException:
            crew.stop()
            raise
        crew.dismiss()


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    pipe: Connection[Any, Any]
    cell: Cell | None = None


@dataclass
class _Crew:
    """The workers of one call."""

    engine: LocalEngine
    waiting: deque[Cell]
    listener: Listener
    workers: list[_Worker] = field(default_factory=list)
    attempts: Counter[Cell] = field(default_factory=Counter)

    def work(self) -> None:
        """Until no cell waits and no worker is busy."""
        while self._give_out():
            busy = [worker for worker in self.workers if worker.cell is not None]
            ready = connection.wait([one.pipe for one in busy], _TICK_S)
            for worker in busy:
                if worker.pipe in ready:
                    self._listen(worker)
                elif worker.process.poll() is not None:  # something that it left holds the pipe
                    self._replace_dead(worker)
            self.listener.tick()

    def stop(self) -> None:
        """Ends the workers, busy or not."""
        for worker in self.workers:
            worker.process.kill()
        self._wait()

    def dismiss(self) -> None:
        """Lets idle workers go."""
        for worker in self.workers:
            _tell(worker, None)
        self._wait()

    def _give_out(self) -> bool:
        """Gives every idle worker a cell, and says whether any worker is busy."""
        jobs = self.engine.jobs
        while self.waiting and len(self.workers) < min(jobs, len(self.waiting) + self._num_busy()):
            self.workers.append(_start(self.engine.function))
        for worker in self.workers:
            if worker.cell is None and self.waiting:
                worker.cell = self.waiting.popleft()
                self.attempts[worker.cell] += 1
                self.listener.stage(worker.cell, "starting", 0.0)
                _tell(worker, (worker.cell, self.engine.folder_of(worker.cell)))
        return self._num_busy() > 0

    def _num_busy(self) -> int:
        return sum(worker.cell is not None for worker in self.workers)

    def _listen(self, worker: _Worker) -> None:
        """One message; a pipe that ends means that the worker is dead."""
        cell = worker.cell
        try:
            kind, *said = worker.pipe.recv()
        except (EOFError, OSError):
            self._replace_dead(worker)
            return
        if cell is None:
            return
        if kind == "stage":
            self.listener.stage(cell, *said)
            return
        worker.cell = None
        on_answer((kind, *said), cell, self.listener)

    def _replace_dead(self, worker: _Worker) -> None:
        """Its cell is tried once more, by another worker."""
        self.workers.remove(worker)
        _close(worker)
        code = worker.process.returncode
        cell = worker.cell
        if cell is None:
            return
        if self.attempts[cell] < _ATTEMPTS:
            self.waiting.appendleft(cell)
            return
        self.listener.failed(
            cell, f"its process died {_ATTEMPTS} times ({_in_words(code)}): was memory short?"
        )

    def _wait(self) -> None:
        for worker in self.workers:
            _close(worker)
        self.workers.clear()


def _start(function: CellFunction) -> _Worker:
    mine, theirs = Pipe()
    command = [sys.executable, "-c", _START, str(_CHECKOUT), str(theirs.fileno())]
    # A worker that is still importing would answer Ctrl-C with a traceback: it inherits the mask.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with one_thread_each():
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, pass_fds=(theirs.fileno(),), close_fds=True
            )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()  # so that the pipe ends with the worker
    worker = _Worker(process, mine)
    preparation = spawn.get_preparation_data("cells")
    preparation.pop("authkey")  # a secret of ours, for which there is no use
    _tell(worker, preparation)
    _tell(worker, function)
    return worker


def _close(worker: _Worker) -> None:
    """Waits for it a while, then kills it."""
    try:
        worker.process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        worker.process.kill()
        worker.process.wait()
    if worker.process.stdin is not None:
        worker.process.stdin.close()
    worker.pipe.close()


def _tell(worker: _Worker, what: object) -> None:
    try:
        worker.pipe.send(what)
    except OSError:
        return  # it is dead: whoever waits for it will see


def _in_words(code: int | None) -> str:
    if code is not None and code < 0:
        return f"killed by {name_of_signal(-code)}"
    return f"exit code {code}"
