"""Stands between the board and a submission: sets the limits, and leaves no process behind.

A program of its own, of the standard library alone, started by `benchmarks.submissions.running`. It
forks the submission, and ends all that came of it when the submission ends, when the board says so,
or when the board is gone (its pipe closes). Processes that leave their group come back to it: on
Linux it is the subreaper of its descendants. The last line it writes says how it ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_SECONDS_BETWEEN_LOOKS = 0.05
_SECONDS_TO_END_ALL = 5.0
_FAILED_TO_START = 127


def main() -> None:
    """Runs the command; see `running.Child` for the arguments."""
    settings: dict[str, Any] = json.loads(sys.argv[1])
    life, status = settings["life"], settings["status"]
    for own in (life, status):
        os.set_inheritable(own, False)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    child = os.fork()
    if child == 0:
        _become(settings["limits"], sys.argv[2:])
    for descriptor in settings["of_child"]:
        os.close(descriptor)
    ended = _watch(child, life, settings["processes"])
    _end_all(child)
    shutil.rmtree(settings["home"], ignore_errors=True)  # nobody else would, if the board is gone
    os.write(status, (json.dumps(ended) + "\n").encode())


def _become(limits: dict[str, int], command: list[str]) -> None:
    """The forked process takes its limits and becomes the submission."""
    try:
        os.setsid()
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, name), (value, value))
        os.umask(0o077)
        os.execv(command[0], command)
    except BaseException as error:
        os.write(2, f"the submission could not be started: {error}\n".encode())
    finally:
        os._exit(_FAILED_TO_START)


def _watch(child: int, life: int, max_processes: int) -> dict[str, Any]:
    """Waits for the end: of the submission, or because the board or the limit says so."""
    while True:
        ready, _, _ = select.select([life], [], [], _SECONDS_BETWEEN_LOOKS)
        if ready:
            return {"why": "told"}
        status = _reaped().get(child)
        if status is not None:
            return {"why": "ended", "code": os.waitstatus_to_exitcode(status)}
        count = len(descendants(os.getpid()))
        if count > max_processes:
            return {"why": "processes", "count": count}


def _reaped() -> dict[int, int]:
    found: dict[int, int] = {}
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            found[ended[0]] = ended[1]
    return found


def _end_all(child: int) -> None:
    """Kills what is left, and what that left, until there is nothing."""
    deadline_s = time.monotonic() + _SECONDS_TO_END_ALL
    while time.monotonic() < deadline_s:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        for one in descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.001)


def descendants(root: int) -> list[int]:
    """All processes below one, where the system tells (`/proc` of Linux)."""
    found, todo = [], [root]
    while todo:
        told = Path(f"/proc/{todo.pop()}/task")
        with contextlib.suppress(OSError):
            for thread in told.iterdir():
                below = [int(one) for one in (thread / "children").read_text().split()]
                found += below
                todo += below
    return found


def _prctl(what: int, value: int) -> None:
    """Linux alone; elsewhere a process that leaves its group is not followed."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(what, value, 0, 0, 0)


if __name__ == "__main__":
    main()
