"""The process of a submission is held to its limits, not believed, and leaves nothing behind."""

import gc
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.submissions.policies import ChildPolicy, checked
from benchmarks.submissions.running import Child, SubmissionError
from benchmarks.submissions.supervisor import descendants
from benchmarks.submissions.wire import WireError, packed, read
from tests.benchmarks.submitting import DENSITY, QUICK
from twin_gym.environments.slice_admission.observation import field_names
from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.scenario.loading import load

SCENARIO = load("contention").replace(horizon_s=10.0)
ROOT = Path(__file__).parents[2]
ROWS = 4
SEEN = np.zeros((ROWS, len(field_names(SCENARIO))), np.float32)
MASKS = np.ones((ROWS, len(SCENARIO.slices) + 1), np.int8)
MASKS[1, 0] = 0

AGENT = """
import numpy as np, os, sys, time
{before}
class Agent:
    def __init__(self, scenario, seed=None):
        self.seed = seed
        {made}
    def reset(self, seed):
        {reset}
    def actions(self, observations, masks):
        {acts}
"""


def agent(before="", made="pass", reset="pass", acts="return masks[:, 0] * 0 + 4"):
    """Code of an agent that always waits, but for the given lines."""
    return AGENT.format(before=before, made=made, reset=reset, acts=acts)


@pytest.fixture(name="left")
def _left():
    """The processes below this one that were not there before the test."""
    before = set(descendants(os.getpid()))
    return lambda: set(descendants(os.getpid())) - before


@pytest.fixture(name="started")
def _started(tmp_path, left):
    """Starts the process of some code; all are ended with the test."""
    children = []

    def start(code, entry="agent:Agent", **limits):
        folder = tmp_path / f"files-{len(children)}"
        folder.mkdir()
        (folder / "agent.py").write_text(code)
        children.append(Child(folder, entry, replace(QUICK, **limits)))
        return children[-1]

    yield start
    for child in children:
        child.close()
    assert not left()


def policy_of(child, **more):
    """The policy of a process for the scenario of this file."""
    return ChildPolicy(child, "mine", SCENARIO, more)


def test_the_same_rule_gives_the_same_trajectory(started):
    """In a process apart and here, to the last bit; and again in the same process."""
    child, worlds = started(DENSITY), world_seeds("validation", 3)
    here = evaluate(make_policy("density", SCENARIO), SCENARIO, worlds)
    for _ in range(2):
        apart = evaluate(policy_of(child), SCENARIO, worlds)
        assert apart.trajectory == here.trajectory
        assert apart.returns.tolist() == here.returns.tolist()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (agent(before="1 / 0"), "ZeroDivisionError"),  # at import
        ("class Other: pass", "AttributeError"),  # no such class
        (agent(made="raise ValueError('\\x1b[31mred')"), r"ValueError: \?\[31mred"),  # no colours
        (agent(made="sys.exit(3)"), "SystemExit"),
        (agent(made="os._exit(7)"), "ended by itself .exit code 7"),
        (agent(made="os.kill(os.getpid(), 11)"), "SIGSEGV"),
        (agent(made="np.zeros(2**34)"), "MemoryError"),  # 128 GiB
        (agent(made="open('big', 'wb').write(b'x' * 2**25)"), "File too large"),
        (agent(made="kept = [open('agent.py') for _ in range(99)]"), "Too many open"),
        (agent(before="os.write(1, b'last words'); os._exit(1)"), "it printed: last words"),
    ],
)  # fmt: skip
def test_failure_at_the_start_is_told(code, reason, started):
    """With the reason, and what was printed where there is no better one."""
    with pytest.raises(SubmissionError, match=reason):
        policy_of(started(code, open_files=64))


GARBAGE = """
def shout():
    for descriptor in range(3, 99):
        try:
            os.write(descriptor, b"x" * 99)
        except OSError:
            pass
"""


@pytest.mark.parametrize(
    ("acts", "reason"),
    [
        ("raise KeyError('what')", "KeyError: 'what'"),
        ("return None", "TypeError"),
        ("return np.zeros(4, int)", "call 1: action 0 in row 1 is not allowed"),
        ("return np.zeros(10**6, int)", "at most 4,128 bytes"),  # not even read
        ("shout()", "did not answer as agreed"),  # into every pipe that it finds
    ],
)
def test_wrong_answer_is_told(acts, reason, started, left):
    """And the process is ended."""
    policy = policy_of(started(agent(before=GARBAGE, acts=acts)))
    policy.reset(0)
    with pytest.raises(SubmissionError, match=reason):
        policy.actions(SEEN, MASKS)
    assert not left()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([], r"got float64 \(0,\)"),  # nothing
        ([np.zeros(4, int)] * 2, r"got float64 \(0,\)"),  # two arrays
        ([np.zeros(3, int)], r"shape \(4,\), got int64 \(3,\)"),  # too few
        ([np.zeros((4, 1), int)], r"shape \(4,\), got int64 \(4, 1\)"),  # a column
        ([np.zeros(4)], "whole numbers of shape"),  # floats
        ([np.zeros(4, bool)], "whole numbers of shape"),  # truth values
        ([np.full(4, 5)], "actions are 0 to 4, got 5 in row 0"),
        ([np.array([1, 1, 1, -1])], "actions are 0 to 4, got -1 in row 3"),
        ([np.full(4, 2**64 - 1, np.uint64)], "got 18446744073709551615"),  # -1 in disguise
        ([np.zeros(4, int)], "action 0 in row 1 is not allowed"),  # masked
    ],
)
def test_wrong_action_is_told(answer, reason):
    """With the row at fault."""
    with pytest.raises(SubmissionError, match=reason):
        checked(answer, MASKS)


@pytest.mark.parametrize(
    ("lines", "limits", "reason"),
    [
        ({"acts": "time.sleep(99)"}, {"answer_s": 0.3}, "longer than 0.3 s to choose"),
        ({"before": "time.sleep(99)"}, {"start_s": 2.0}, "longer than 2 s to be imported"),
        ({"acts": "time.sleep(99)"}, {"cell_s": 4.0}, "may take 4 s in all"),
        (
            {"reset": "import signal; signal.signal(15, signal.SIG_IGN)\n        while True: pass"},
            {"answer_s": 0.3},
            "longer than 0.3 s to be reset",
        ),
    ],
)
def test_hanging_process_is_ended(lines, limits, reason, started, left):
    """Soon, with the reason, whether it sleeps or works."""
    child = started(agent(**lines), **limits)
    began_s = time.monotonic()
    with pytest.raises(SubmissionError, match=reason):
        evaluate(policy_of(child), SCENARIO, [0])
    assert time.monotonic() - began_s < 20.0
    assert not left()


def test_limits_of_the_system_are_set(started):
    """Each of them, as it was asked for."""
    limits = started("").limits.of_system()
    expression = f"[r.getrlimit(getattr(r, name))[0] for name in {list(limits)}]"
    code = f"import resource as r; raise ValueError({expression})"
    with pytest.raises(SubmissionError, match=re.escape(f"ValueError: {list(limits.values())}")):
        policy_of(started(agent(made=code)))


def test_using_up_the_processor_time_is_told(started):
    """By the time itself or by a limit that is lower still."""
    lower = "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 1))"
    policy = policy_of(started(agent(made=lower, acts="while True: pass")))
    with pytest.raises(SubmissionError, match="processor time"):
        policy.actions(SEEN, MASKS)


def test_printing_does_not_disturb(started):
    """Neither a little nor more than a pipe holds."""
    noise = (
        "os.write(1, b'\\x80tg-1' * 60_000); os.write(2, b'e' * 99_000); return masks[:, 0] * 0 + 4"
    )
    policy = policy_of(started(agent(acts=noise)))
    assert policy.actions(SEEN, MASKS).tolist() == [4] * ROWS


ESCAPES = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)
os.wait()
"""


def test_processes_that_leave_their_group_are_ended(started, left):
    """A grandchild in a session of its own does not outlive the submission."""
    child = started(agent(before=ESCAPES))
    policy = policy_of(child)
    assert len(left()) == 4  # who watches, who keeps, the submission, who escapes
    policy.reset(0)
    child.close()
    assert not left()


def test_too_many_processes_end_it(started):
    """Each of them sleeps, so that only their number is at fault."""
    forks = "[time.sleep(60) for _ in range(9) if os.fork() == 0]; time.sleep(60)"
    with pytest.raises(SubmissionError, match=r"processes, and 4 are allowed"):
        policy_of(started(agent(before=forks), processes=4))


TELLS = """
started_with = open("/proc/self/environ").read().rstrip("\\0").split("\\0")
names = sorted(one.partition("=")[0] for one in started_with)
descriptors = len(os.listdir("/proc/self/fd"))
"""
GIVEN = [
    "HOME", "LANG", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PATH", "PYTHONHASHSEED", "TMPDIR",
]  # fmt: skip


def test_environment_holds_nothing_of_ours(started, monkeypatch):
    """Nor does it have a descriptor of ours, our folder, or something to read."""
    monkeypatch.setenv("SECRET_TOKEN", "secret")
    code = "raise ValueError(names, descriptors, os.getcwd(), sys.stdin.read())"
    with open(__file__) as ours:
        os.set_inheritable(ours.fileno(), True)
        with pytest.raises(SubmissionError) as raised:
            policy_of(started(agent(before=TELLS, made=code)))
    said = str(raised.value).strip().splitlines()[-1]
    # Three standard ones, the socket, and the one that lists them.
    place = re.fullmatch(rf"ValueError: \({re.escape(str(GIVEN))}, 5, '(.*)', ''\)", said)
    assert place is not None
    assert Path(place[1]).parent.name.startswith("twin-gym-submission-")


def test_copy_of_the_files_is_its_own(started, tmp_path):
    """Files that it writes are gone afterwards, and its folder is unchanged."""
    code = agent(made="open('agent.py', 'w').write('changed'); raise ValueError(os.getcwd())")
    with pytest.raises(SubmissionError) as raised:
        policy_of(started(code))
    place = str(raised.value).strip().rpartition("ValueError: ")[2]
    assert not Path(place).exists()
    assert (tmp_path / "files-0" / "agent.py").read_text() == code


def test_process_ends_when_it_is_forgotten(tmp_path, left):
    """Nobody has to close it."""
    (tmp_path / "agent.py").write_text(DENSITY)
    child = Child(tmp_path, "agent:Agent", QUICK)
    assert child.process_id in left()
    del child
    gc.collect()
    assert not left()


BOARD = """
import sys
from pathlib import Path
from benchmarks.submissions.running import Child, Limits
from benchmarks.submissions.supervisor import descendants
child = Child(Path(sys.argv[1]), "agent:Agent", Limits())
print(child.process_id, *descendants(child.process_id), flush=True)
sys.stdin.read()
"""


def test_process_ends_when_the_board_is_killed(tmp_path):
    """Without a chance to say so; its copy of the files goes too."""
    folder, aside = tmp_path / "mine", tmp_path / "aside"
    folder.mkdir()
    aside.mkdir()
    (folder / "agent.py").write_text("import time; time.sleep(99)")
    command = [sys.executable, "-c", BOARD, str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    own = os.environ | {"TMPDIR": str(aside)}
    with subprocess.Popen(command, cwd=ROOT, text=True, env=own, **pipes) as board:
        below = [int(one) for one in board.stdout.readline().split()]
        assert len(list(aside.iterdir())) == 1
        board.kill()
    assert below
    deadline_s = time.monotonic() + 20.0
    while any(Path(f"/proc/{one}").exists() for one in below):
        assert time.monotonic() < deadline_s
    assert not list(aside.iterdir())


def test_checked_gives_actions():
    """Of any type of whole number."""
    actions = checked([np.array([1, 1, 0, 4], np.int8)], MASKS)
    assert actions.dtype == np.int64
    assert actions.tolist() == [1, 1, 0, 4]


def stream_of(content):
    """A stream whose `read` returns these bytes."""
    left = bytearray(content)

    def read_exactly(count):
        if count > len(left):
            raise EOFError
        part = left[:count]
        del left[:count]
        return part

    return read_exactly


def test_frame_is_read_as_it_was_written():
    """An object and arrays of several types and shapes, one of them empty."""
    arrays = [np.arange(6, dtype=np.float32).reshape(2, 3), np.array(3), np.zeros((0, 2), np.int8)]
    message, received = read(stream_of(packed({"do": "act"}, arrays)))
    assert message == {"do": "act"}
    for one, other in zip(arrays, received, strict=True):
        assert one.dtype == other.dtype
        assert one.tolist() == other.tolist()


GOOD = packed({"ok": True}, [np.zeros(4)])


@pytest.mark.parametrize(
    "frame",
    [
        b"x" + GOOD[1:],  # other letters
        GOOD[:4] + b"\xff" * 4 + GOOD[8:],  # a long object
        GOOD[:8] + b"\xff" * 8 + GOOD[16:],  # a long payload
        GOOD.replace(b"[4]", b"[5]"),  # another shape
        GOOD.replace(b"[4]", b"4.0"),  # no shape
        GOOD.replace(b"<f8", b"|O8"),  # objects
        GOOD.replace(b"<f8", b"xyz"),  # no type
        GOOD.replace(b'{"ok"', b'["ok"'),  # no JSON
        GOOD.replace(b"arrays", b"errors"),  # no list of arrays
    ],
)
def test_damaged_frame_is_refused(frame):
    """Before anything of a wrong length is waited for."""
    with pytest.raises(WireError):
        read(stream_of(frame), 1000, 1000)
