"""Stands between the board and a submission: sets the limits, and leaves no process behind.

A program of its own, of the standard library alone, started by `benchmarks.submissions.running`. It
forks a keeper, which forks the submission and waits for it. Where the system allows, the keeper is
the first process of a PID namespace: when it ends, or this program does, the kernel ends all that
came of the submission, and the submission can signal neither of them. Elsewhere this program ends
all that it finds below it, or the keeper does when this program was killed; both are subreapers of
processes that leave their group.

The end comes with the submission's, when the board says so, or when the board is gone (its pipe
closes). The last line that is written says how it ended and what was in force.
"""

from __future__ import annotations

import contextlib
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

from benchmarks.submissions.confining import (
    give_up_privileges,
    new_pid_namespace,
    prctl,
    write_only_below,
)

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_SECONDS_BETWEEN_LOOKS = 0.05
_SECONDS_TO_END_ALL = 5.0
_FAILED_TO_START = 127


def main() -> None:
    """Runs the command; see `running.Child` for the arguments."""
    settings: dict[str, Any] = json.loads(sys.argv[2])
    life, status = settings["life"], settings["status"]
    for own in (life, status):
        os.set_inheritable(own, False)
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    notes, to_notes = os.pipe()
    namespace = new_pid_namespace()
    keeper = os.fork()
    if keeper == 0:
        _go_with_parent(in_namespace=namespace)
        _keep(settings, sys.argv[3:], to_notes, [life, status, notes])
    for descriptor in (*settings["of_child"], to_notes):
        os.close(descriptor)
    watch = _Watch(keeper, life, notes)
    ended = watch.until_the_end(settings["processes"])
    _end_all(keeper)
    shutil.rmtree(settings["home"], ignore_errors=True)  # nobody else would, if the board is gone
    report = ended | {"namespace": int(namespace), "landlock": watch.noted.get("landlock", 0)}
    os.write(status, (json.dumps(report) + "\n").encode())


def _keep(settings: dict[str, Any], command: list[str], to_notes: int, not_ours: list[int]) -> None:
    """Forks the submission and waits for it; what is left behind is taken in and waited for too."""
    os.setsid()
    child = os.fork()
    if child == 0:
        _become(settings, command, to_notes)
    for descriptor in (*settings["of_child"], *not_ours):
        os.close(descriptor)
    ended = 0
    while ended != child:
        ended, status = os.waitpid(-1, 0)
    os.write(to_notes, f"ended {os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _go_with_parent(*, in_namespace: bool) -> None:
    """Ends the keeper, after all processes below it, when the supervisor is killed."""
    if in_namespace:  # the kernel ends what is below
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        return

    def end(number: int, frame: object) -> None:
        _end_all(None)
        os._exit(_FAILED_TO_START)

    signal.signal(signal.SIGTERM, end)
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _become(settings: dict[str, Any], command: list[str], to_notes: int) -> None:
    """The forked process takes its limits and becomes the submission."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        for name, value in settings["limits"].items():
            resource.setrlimit(getattr(resource, name), (value, value))
        os.umask(0o077)
        give_up_privileges()
        os.write(to_notes, f"landlock {write_only_below(settings['home'])}\n".encode())
        os.execv(command[0], command)
    except BaseException as error:
        os.write(2, f"the submission could not be started: {error}\n".encode())
    finally:
        os._exit(_FAILED_TO_START)


class _Watch:
    """Waits for the end of a submission.

    Attributes:
        noted: what keeper and submission have said: `landlock`, `ended`.
    """

    def __init__(self, keeper: int, life: int, notes: int) -> None:
        self.noted: dict[str, int] = {}
        self._keeper, self._life, self._notes = keeper, life, notes
        self._open = [life, notes]
        self._text = ""

    def until_the_end(self, max_processes: int) -> dict[str, Any]:
        """Of the submission, or because the board or the limit says so; why it came."""
        while True:
            ready, _, _ = select.select(self._open, [], [], _SECONDS_BETWEEN_LOOKS)
            if self._notes in ready:
                self._read()
            if "ended" in self.noted:
                return {"why": "ended", "code": self.noted["ended"]}
            if self._life in ready:
                return {"why": "told"}
            status = _reaped().get(self._keeper)
            if status is not None:
                self._read()  # its last words may have come meanwhile
                code = self.noted.get("ended", os.waitstatus_to_exitcode(status))
                return {"why": "ended", "code": code}
            count = len(descendants(os.getpid())) - 1  # without the keeper
            if count > max_processes:
                return {"why": "processes", "count": count}

    def _read(self) -> None:
        part = os.read(self._notes, 4096) if self._notes in self._open else b""
        if not part:
            self._open = [self._life]
        self._text += part.decode()
        *lines, self._text = self._text.split("\n")
        for line in lines:
            name, _, value = line.partition(" ")
            self.noted[name] = int(value)


def _reaped() -> dict[int, int]:
    codes: dict[int, int] = {}
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            codes[ended[0]] = ended[1]
    return codes


def _end_all(keeper: int | None) -> None:
    """Kills what is left, the keeper's group included, and what that left, until all are gone."""
    deadline_s = time.monotonic() + _SECONDS_TO_END_ALL
    while time.monotonic() < deadline_s:
        if keeper is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(keeper, signal.SIGKILL)
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
    processes, todo = [], [root]
    while todo:
        tasks = Path(f"/proc/{todo.pop()}/task")
        with contextlib.suppress(OSError):
            for thread in tasks.iterdir():
                below = [int(one) for one in (thread / "children").read_text().split()]
                processes += below
                todo += below
    return processes
