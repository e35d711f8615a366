"""A process for a submission: limits, an environment with nothing of ours, time for each answer.

This keeps mistakes from doing harm, and honest agents to what they claim. It is no wall against an
attacker: the process is one of the same user and may read what that user may. What the system keeps
it from besides is its own matter: `confinement` tells.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.runner.engine_base import name_of_signal
from benchmarks.submissions.confining import in_words
from benchmarks.submissions.wire import AnyArray, Message, WireError, packed, read
from twin_gym.errors import TwinGymError

_CHECKOUT = Path(__file__).parents[2]
_SUPERVISE = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from benchmarks.submissions.supervisor import main; main()"
)
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from benchmarks.submissions.child import main; "
    "main(int(sys.argv[2]), sys.argv[3], sys.argv[4])"
)
_ONE_THREAD = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")
_MAX_ANSWER_JSON, _MAX_SAID, _SECONDS_TO_END = 16_384, 4_000, 10.0


class SubmissionError(TwinGymError):
    """A submission did something wrong while it ran; the message says what."""


@dataclass(frozen=True)
class Limits:
    """The resources that a code submission may use.

    Attributes:
        start_s: until the class is imported and made for the first scenario.
        answer_s: for one answer.
        cell_s: for one track and seed, wall-clock; also of processor time, for each process.
        memory_bytes: address space of each process.
        file_bytes: of each file that it writes.
        open_files: at once.
        processes: at once, its first one included; looked at twenty times a second.
    """

    start_s: float = 60.0
    answer_s: float = 10.0
    cell_s: float = 900.0
    memory_bytes: int = 8 * 2**30
    file_bytes: int = 2**24
    open_files: int = 256
    processes: int = 8

    def of_system(self) -> dict[str, int]:
        """By the names of the module `resource`."""
        return {
            "RLIMIT_AS": self.memory_bytes,
            "RLIMIT_CPU": max(1, round(self.cell_s)),
            "RLIMIT_FSIZE": self.file_bytes,
            "RLIMIT_NOFILE": self.open_files,
            "RLIMIT_CORE": 0,
        }


class Child:
    """The process of a code submission, from its start until `close`.

    Args:
        folder: of the checked files; the process gets a copy and works in it.
        entry: `module:Class`.
        limits: see `Limits`.

    It ends, with all that it started, at the latest when this object is forgotten.
    """

    def __init__(self, folder: Path, entry: str, limits: Limits) -> None:
        self.limits = limits
        self._end_s = time.monotonic() + limits.cell_s
        self._said = bytearray()
        started = _Started(folder, limits, entry)
        self._started = started
        self._finalizer = weakref.finalize(self, started.end)
        self._poll = select.poll()
        for descriptor in (started.channel.fileno(), started.said, started.status):
            self._poll.register(descriptor, select.POLLIN)

    @property
    def process_id(self) -> int:
        """Of the process that watches over the submission."""
        return self._started.process.pid

    def ask(
        self, message: Message, arrays: Sequence[AnyArray] = (), *, limit_s: float, max_bytes: int
    ) -> list[AnyArray]:
        """Sends a question and waits for the answer.

        Args:
            message: see `child.Served.answer`.
            arrays: that go with it.
            limit_s: how long the answer may take.
            max_bytes: how long its arrays may be.

        Returns:
            The arrays of the answer.

        Raises:
            SubmissionError: if it raised, ended, took too long or said something else. The process
                is ended then.
        """
        until_s = min(time.monotonic() + limit_s, self._end_s)
        try:
            self._send(packed(message, arrays), until_s)
            answer, arrays_read = read(
                lambda count: self._read_exactly(count, until_s), _MAX_ANSWER_JSON, max_bytes
            )
            if answer.get("ok") is not True:
                raise SubmissionError(_error_text(answer))
        except TimeoutError:
            self._fail(self._too_long(message["do"], limit_s))
        except WireError as error:
            self._fail(f"it did not answer as agreed: {error}")
        except (BrokenPipeError, ConnectionError, EOFError):
            self._fail(self._why_it_ended())
        except SubmissionError:
            self.close()
            raise
        return arrays_read

    def close(self) -> None:
        """Ends the process and all that it started, and removes its copy of the files."""
        self._finalizer()

    def _fail(self, reason: str) -> None:
        said = _clean(bytes(self._said).decode("utf-8", "replace")).strip()
        self.close()
        raise SubmissionError(f"{reason}\nit printed: {said}" if said else reason)

    def _send(self, frame: bytes, until_s: float) -> None:
        channel = self._started.channel
        channel.settimeout(max(1e-3, until_s - time.monotonic()))
        channel.sendall(frame)

    def _read_exactly(self, count: int, until_s: float) -> bytearray:
        content = bytearray(count)
        view = memoryview(content)
        channel = self._started.channel
        while view:
            self._wait(until_s)
            with suppress(BlockingIOError):
                got = channel.recv_into(view, 0, socket.MSG_DONTWAIT)
                if got == 0:
                    raise EOFError
                view = view[got:]
        return content

    def _wait(self, until_s: float) -> None:
        """Until there is an answer; what is printed meanwhile is taken away, or it would block."""
        started = self._started
        while True:
            left_s = until_s - time.monotonic()
            ready = {one for one, _ in self._poll.poll(max(0.0, left_s) * 1000.0)}
            if started.said in ready:
                self._take_what_is_said()
            if started.channel.fileno() in ready:
                return
            if started.status in ready:
                raise EOFError
            if left_s <= 0.0:
                raise TimeoutError

    def _take_what_is_said(self) -> None:
        part = os.read(self._started.said, 65_536)
        if not part:
            self._poll.unregister(self._started.said)
        self._said = (self._said + part)[-_MAX_SAID:]

    def _too_long(self, what: str, limit_s: float) -> str:
        if time.monotonic() >= self._end_s:
            return f"a track and seed may take {self.limits.cell_s:g} s in all: it was ended"
        asked = {"make": "to be imported and made", "reset": "to be reset"}.get(what, "to choose")
        return f"it took longer than {limit_s:g} s {asked}: it was ended"

    def _why_it_ended(self) -> str:
        """From the last line of the supervisor."""
        with suppress(TimeoutError, OSError):
            self._started.channel.shutdown(socket.SHUT_RDWR)
        report = self._started.last_line()
        with suppress(BlockingIOError):
            os.set_blocking(self._started.said, False)
            self._take_what_is_said()
        limits = self.limits
        if not report:
            return "what watches over its process was killed, and its process with it"
        if report.get("why") == "processes":
            return f"it had {report['count']} processes, and {limits.processes} are allowed"
        code = report.get("code")
        if code == -signal.SIGXCPU or code == -signal.SIGKILL:
            return (
                f"its process was killed: it used more than {limits.cell_s:g} s of processor time, "
                "or the machine ran out of memory"
            )
        if isinstance(code, int) and code < 0:
            return f"its process was ended by {name_of_signal(-code)}"
        return f"its process ended by itself (exit code {code})"


class _Started:
    """The processes, pipes and the folder behind a `Child`; without an entry, nothing is run."""

    def __init__(self, folder: Path, limits: Limits, entry: str | None = None) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="twin-gym-submission-"))
        shutil.copytree(folder, self.home / "files")
        self.channel, theirs = socket.socketpair()
        life, self._life = os.pipe()
        self.status, status = os.pipe()
        self.said, said = os.pipe()
        settings = {
            "life": life,
            "status": status,
            "of_child": [theirs.fileno()],
            "home": str(self.home),
            "processes": limits.processes,
            "limits": limits.of_system(),
        }
        work = self.home / "files"
        command = [
            sys.executable, "-I", "-S", "-B", "-c", _SUPERVISE, str(_CHECKOUT),
            json.dumps(settings), sys.executable, "-s", "-P", "-B", "-c",
        ]  # fmt: skip
        start = [_START, str(_CHECKOUT), str(theirs.fileno()), str(entry), str(work)]
        command += ["pass"] if entry is None else start
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            cwd=work,
            env=_environment(self.home),
            pass_fds=(theirs.fileno(), life, status),
            start_new_session=True,
        )
        theirs.close()
        for descriptor in (life, status, said):
            os.close(descriptor)

    def last_line(self) -> dict[str, Any]:
        """The last line of the supervisor; empty if it is gone."""
        ready, _, _ = select.select([self.status], [], [], _SECONDS_TO_END)
        line = os.read(self.status, 4096) if ready else b""
        try:
            report: dict[str, Any] = json.loads(line)
        except ValueError:
            return {}
        return report

    def end(self) -> None:
        """Tells the supervisor to end all, and cleans up."""
        self.channel.close()
        os.close(self._life)
        try:
            self.process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.status)
        os.close(self.said)
        shutil.rmtree(self.home, ignore_errors=True)


def confinement() -> str:
    """The confinement that this system offers, found by starting an empty process.

    Returns:
        Sentences, see `confining.in_words`.
    """
    with tempfile.TemporaryDirectory(prefix="twin-gym-submission-") as nothing:
        started = _Started(Path(nothing), Limits())
        try:
            return in_words(started.last_line())
        finally:
            started.end()


def _error_text(answer: Message) -> str:
    """The message of an answer that is not `ok`."""
    error = answer.get("error")
    if not isinstance(error, str):
        return "it did not answer as agreed: a message says `ok` or has the text of an `error`"
    return f"it raised\n{_clean(error)}"


def _environment(home: Path) -> dict[str, str]:
    """All that a submission finds: no variable of ours."""
    one_thread = {f"{name}_NUM_THREADS": "1" for name in _ONE_THREAD}
    own = {"HOME": str(home), "TMPDIR": str(home), "PATH": os.defpath, "LANG": "C.UTF-8"}
    return own | one_thread | {"PYTHONHASHSEED": "0"}


def _clean(text: str) -> str:
    """Without what a terminal would obey, and not too long."""
    kept = "".join(one if one.isprintable() or one in "\n\t" else "?" for one in text)
    return kept[-_MAX_SAID:]
