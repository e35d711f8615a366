"""Cells on processes of this machine: each process does many, and one that dies is replaced.

Every worker has a pipe of its own (a queue that all share can be left locked by one that is
killed). A worker watches its parent and goes when that is gone, whatever it was doing: a run that
goes on after a kill never meets the workers of the one before.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from benchmarks.cell import Cell
from benchmarks.runner.working import CellFunction, Listener, attempt, hear, one_thread_each

_ATTEMPTS = 2
_TICK_S = 0.5
_PATIENCE_S = 5.0


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
    process: SpawnProcess
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
            handles = [handle for one in busy for handle in (one.pipe, one.process.sentinel)]
            ready = connection.wait(handles, _TICK_S)
            for worker in busy:
                if worker.pipe in ready:
                    self._listen(worker)
                elif worker.process.sentinel in ready:
                    self._bury(worker)
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
            self._bury(worker)
            return
        if cell is None:
            return
        if kind == "stage":
            self.listener.stage(cell, *said)
            return
        worker.cell = None
        hear((kind, *said), cell, self.listener)

    def _bury(self, worker: _Worker) -> None:
        """Its cell is tried once more, by another worker."""
        worker.process.join(_PATIENCE_S)
        code = worker.process.exitcode
        self.workers.remove(worker)
        _close(worker)
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
            worker.process.join(_PATIENCE_S)
            _close(worker)
        self.workers.clear()


def _start(function: CellFunction) -> _Worker:
    context = get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, function), name="cells")
    # A worker that is still importing would answer Ctrl-C with a traceback: it inherits the mask.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with one_thread_each():
            process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()  # so that the pipe ends with the worker
    return _Worker(process, mine)


def _close(worker: _Worker) -> None:
    if worker.process.is_alive():
        worker.process.kill()
        worker.process.join()
    worker.process.close()
    worker.pipe.close()


def _tell(worker: _Worker, what: tuple[Cell, Path] | None) -> None:
    try:
        worker.pipe.send(what)
    except OSError:
        return  # it is dead: whoever waits for it will see


def _in_words(code: int | None) -> str:
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


def _serve(pipe: Connection[Any, Any], function: CellFunction) -> None:
    """What a worker does: cells until it is told to go, or nobody is there to tell."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, who decides
    threading.Thread(target=_go_with_parent, daemon=True).start()
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        if job is None:
            return
        cell, folder = job
        pipe.send(attempt(function, cell, folder, lambda *news: pipe.send(("stage", *news))))


def _go_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
