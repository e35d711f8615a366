"""A process that runs cells; from its first moment on it goes when the run that started it is gone.

A program that imports little before it watches: what cells need takes seconds to import, and a run
that was killed meanwhile must not leave workers behind. `benchmarks.runner.local` starts it.
"""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import spawn
from multiprocessing.connection import Connection
from typing import Any

_STDIN = 0


def main(descriptor: int) -> None:
    """Runs cells until it is told to go, or nobody is there to tell.

    Args:
        descriptor: of its end of the pipe. Through it come what `multiprocessing` tells a new
            process of its parent's modules, the function that runs a cell, and then cells with
            their folders, until None. Standard input ends with the parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, who decides
    threading.Thread(target=_go_with_parent, daemon=True).start()
    pipe: Connection[Any, Any] = Connection(descriptor)
    try:
        spawn.prepare(pipe.recv())
        function = pipe.recv()  # imports what it needs
        from benchmarks.runner.engine_base import attempt

        while (job := pipe.recv()) is not None:
            cell, folder = job
            pipe.send(attempt(function, cell, folder, lambda *news: pipe.send(("stage", *news))))
    except EOFError:
        return


def _go_with_parent() -> None:
    while os.read(_STDIN, 1):
        pass
    os._exit(1)
