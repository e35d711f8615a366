"""Submissions are confined by the system, and all their processes end with them."""

import doctest
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.submissions import confining, running
from benchmarks.submissions.confining import in_words, landlock_version
from benchmarks.submissions.policies import ChildPolicy
from benchmarks.submissions.running import Child, SubmissionError, confinement
from benchmarks.submissions.supervisor import descendants
from tests.benchmarks.processes import alive
from tests.benchmarks.submitting import DENSITY, QUICK
from twin_gym.scenario.loading import load

SCENARIO = load("contention").replace(horizon_s=10.0)
ROOT = Path(__file__).parents[2]
ABI_TCP, ABI_SCOPES = 4, 6
UNCONFINED = (
    "import sys; sys.path.insert(0, sys.argv[1]); import benchmarks.submissions.confining as c; "
    "c.new_pid_namespace = lambda: False; c.write_only_below = lambda folder: 0; "
    "c.give_up_privileges = lambda: None; "
    "from benchmarks.submissions.supervisor import main; main()"
)
"""The supervisor of a system that has neither."""

needs_landlock = pytest.mark.skipif(landlock_version() == 0, reason="this kernel has no Landlock")
needs_scopes = pytest.mark.skipif(
    landlock_version() < ABI_SCOPES, reason="signals are not kept in here"
)


@pytest.fixture(name="namespaces")
def _namespaces():
    """Skips where this system makes no PID namespaces, which it is asked for itself."""
    asked = "import ctypes, sys; f = ctypes.CDLL(None).unshare; sys.exit(f(2**29) and f(3 * 2**28))"
    if subprocess.run([sys.executable, "-c", asked], check=False).returncode:
        pytest.skip("there are no PID namespaces here")


def tried(tmp_path, line, before="", **changes):
    """Runs a line at the start of a submission; returns "done" or the error's name."""
    code = (
        f"import os, signal, socket, sys, time\n{before}\ntry:\n    {line}\n    said = 'done'\n"
        "except BaseException as error:\n    said = type(error).__name__\n"
        "raise ValueError('it was ' + said)\n"
    )
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "agent.py").write_text(code)
    child = Child(folder, "agent:Agent", replace(QUICK, **changes))
    try:
        with pytest.raises(SubmissionError) as raised:
            ChildPolicy(child, "mine", SCENARIO, {})
    finally:
        child.close()
    return str(raised.value).strip().rpartition("ValueError: it was ")[2]


WRITES = {
    "anchors": "open({root!r} + '/benchmarks/anchors.toml', 'r+')",
    "code": "open({root!r} + '/twin_gym/errors.py', 'a')",
    "a new module": "open({root!r} + '/twin_gym/new_one.py', 'x')",
    "results": "os.truncate({root!r} + '/benchmarks/results/board/results.jsonl', 0)",
    "a folder": "os.mkdir({root!r} + '/new')",
    "a file that goes": "os.unlink({outside!r} + '/file')",
    "a file that is moved": "os.rename({outside!r} + '/file', 'file')",
    "a file that is replaced": "os.rename('agent.py', {outside!r} + '/file')",
    "a link": "os.symlink('/', {outside!r} + '/link')",
    "a file of root's": "open('/etc/hostname', 'r+')",
    "by a link of its own": "os.symlink({outside!r}, 'out'); open('out/file', 'w')",
    "in a process of its own": (
        "import subprocess; subprocess.run([sys.executable, '-c', "
        "\"open({outside!r} + '/file', 'w')\"], check=True)"
    ),
}


@needs_landlock
@pytest.mark.parametrize("line", WRITES.values(), ids=WRITES.keys())
def test_the_checkout_and_all_outside_its_folder_is_read_only(line, tmp_path):
    """By whatever way it is written to."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("ours")
    said = tried(tmp_path, line.format(root=str(ROOT), outside=str(outside)))
    assert said in {"PermissionError", "OSError", "CalledProcessError"}
    assert [one.name for one in outside.iterdir()] == ["file"]
    assert (outside / "file").read_text() == "ours"


@needs_landlock
def test_its_own_folder_is_its_own(tmp_path):
    """Files, folders, links and temporary files; and output may be thrown away."""
    line = (
        "import tempfile, subprocess; os.mkdir('new'); open('new/file', 'w').write('x'); "
        "os.rename('new/file', 'moved'); os.symlink('moved', 'link'); tempfile.mkstemp(); "
        "subprocess.run(['/bin/true'], stdout=subprocess.DEVNULL, check=True)"
    )
    assert tried(tmp_path, line) == "done"


@needs_landlock
def test_variables_of_the_board_are_not_read(tmp_path, monkeypatch):
    """Neither by the system's files of the process nor by tracing it."""
    monkeypatch.setenv("SECRET_TOKEN", "secret")
    assert tried(tmp_path, f"open('/proc/{os.getpid()}/environ').read()") == "PermissionError"


def test_limits_are_not_raised_again(tmp_path):
    """By root neither."""
    line = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2**40, 2**40))"
    assert tried(tmp_path, line) in {"ValueError", "PermissionError"}


@pytest.mark.skipif(landlock_version() < ABI_TCP, reason="TCP is not kept from it here")
def test_no_connection_is_made(tmp_path):
    """To a server on this machine, which listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = f"socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 5)"
        assert tried(tmp_path, line) == "PermissionError"


ESCAPED = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        import signal
        for one in (1, 2, 15):
            signal.signal(one, signal.SIG_IGN)
        time.sleep(600)
    os._exit(0)
os.wait()
"""
KILLS = {
    "its parent": "os.kill(os.getppid(), 9)",
    "the board": "os.kill({board}, 9)",
    "everybody": "os.kill(-1, 9)",
    "its group": "signal.signal(15, signal.SIG_IGN); os.killpg(0, 15)",
    "who watches": "[os.kill(one, 9) for one in {watchers}]",
}


@needs_scopes
@pytest.mark.parametrize("line", KILLS.values(), ids=KILLS.keys())
def test_orphan_does_not_outlive_its_cell_whoever_is_killed(line, tmp_path, namespaces):
    """By the submission: what left its group and waits is gone when the cell is."""
    before = set(descendants(os.getpid()))
    watchers = (
        "[int(one) for one in os.listdir('/proc') if one.isdigit() and int(one) != os.getpid() "
        "and b'supervisor' in open('/proc/' + one + '/cmdline', 'rb').read()]"
    )
    tried(tmp_path, line.format(board=os.getpid(), watchers=watchers), ESCAPED)
    assert not set(descendants(os.getpid())) - before


def below_without_end(tmp_path):
    """A submission that waits, with an orphan; the processes of both."""
    (tmp_path / "agent.py").write_text(f"import os, time\n{ESCAPED}\n{DENSITY}")
    child = Child(tmp_path, "agent:Agent", QUICK)
    policy = ChildPolicy(child, "mine", SCENARIO, {})
    return child, policy, descendants(child.process_id)


def until_all_end(processes):
    """Fails where some do not, in a time that is far too long."""
    deadline_s = time.monotonic() + 20.0
    while alive(processes):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_orphan_does_not_outlive_a_supervisor_that_is_killed(tmp_path, namespaces):
    """From outside, so that it can end nothing: the kernel does."""
    child, policy, below = below_without_end(tmp_path)
    assert len(below) == 3  # who keeps, the submission, who escapes
    os.kill(child.process_id, signal.SIGKILL)
    until_all_end(below)
    with pytest.raises(SubmissionError, match="what watches over its process was killed"):
        policy.reset(0)


def test_orphan_does_not_outlive_a_killed_supervisor_where_nothing_is_confined(
    tmp_path, monkeypatch
):
    """Who keeps the submission ends what is below it."""
    monkeypatch.setattr(running, "_SUPERVISE", UNCONFINED)
    child, policy, below = below_without_end(tmp_path)
    assert len(below) == 3
    os.kill(child.process_id, signal.SIGKILL)
    until_all_end(below)
    with pytest.raises(SubmissionError, match="what watches over its process was killed"):
        policy.reset(0)


def test_orphan_ends_with_its_cell_where_nothing_is_confined(tmp_path, monkeypatch):
    """It is found below the supervisor, which takes in who has lost its parent."""
    monkeypatch.setattr(running, "_SUPERVISE", UNCONFINED)
    child, policy, below = below_without_end(tmp_path)
    policy.reset(0)
    assert len(below) == 3
    child.close()
    assert not alive(below)


def test_killing_its_parent_ends_it_where_nothing_is_confined(tmp_path, monkeypatch):
    """With what escaped: its parent is not the one who watches."""
    monkeypatch.setattr(running, "_SUPERVISE", UNCONFINED)
    before = set(descendants(os.getpid()))
    tried(tmp_path, "os.kill(os.getppid(), 9); time.sleep(60)", ESCAPED)
    assert not set(descendants(os.getpid())) - before


def test_what_is_in_force_is_told(monkeypatch):
    """By starting a process that does nothing."""
    assert (f"Landlock {landlock_version()}" in confinement()) == (landlock_version() > 0)
    monkeypatch.setattr(running, "_SUPERVISE", UNCONFINED)
    assert confinement().startswith("Nothing is confined here")


@pytest.mark.parametrize(
    ("landlock", "namespace", "said"),
    [
        (1, 0, "Landlock 1: the code cannot write files outside of its own folder."),
        (4, 0, "cannot write files outside of its own folder or use TCP."),
        (6, 0, "own folder, use TCP or signal processes of others."),
        (0, 1, "by a PID namespace: the code cannot signal processes of others. It can read and w"),
        (7, 1, "Confined by Landlock 7 and a PID namespace: "),
    ],
)
def test_confinement_in_words(landlock, namespace, said):
    """Nothing is promised that the version does not have."""
    assert said in in_words({"landlock": landlock, "namespace": namespace})
    assert doctest.testmod(confining).failed == 0
