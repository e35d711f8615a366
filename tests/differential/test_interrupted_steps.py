"""A step that is cut into many calls of compiled code is the same step, and Ctrl-C can end it."""

import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from twin_gym.environments.massive_access.vector import MassiveAccessVectorEnv
from twin_gym.environments.right_time_sync.vector import RightTimeSyncVectorEnv
from twin_gym.environments.slice_admission import layout
from twin_gym.environments.slice_admission.env import SliceAdmissionEnv
from twin_gym.environments.slice_admission.vector import SliceAdmissionVectorEnv
from twin_gym.environments.tic_scheduling.vector import TicSchedulingVectorEnv
from twin_gym.errors import ConfigError
from twin_gym.scenario.loading import load, parse

ROWS = 7

# What is admitted first stays for ever, and so does the step after it: some 9e8 requests.
ENDLESS = """
kind = "admission"
name = "one-long-step"
horizon_s = 1e8
capacity = { radio = 1.0 }
[[slices]]
name = "a"
demand = { radio = 1.0 }
arrival_rate_hz = 9.0
mean_holding_time_s = 1e8
holding = { law = "deterministic" }
"""


def admission(mode, threads):
    """Short episodes of two lengths."""
    scenarios = [load("contention").replace(horizon_s=horizon_s) for horizon_s in (1.0, 2.0)]
    return SliceAdmissionVectorEnv(ROWS, scenarios, autoreset_mode=mode, num_threads=threads)


def tic(mode, threads):
    """Frames of two lengths."""
    one = load("tic-small-45")
    scenarios = [
        one.replace(frame_slots=slots, horizon_s=10 * slots * one.slot_s) for slots in (5, 12)
    ]
    return TicSchedulingVectorEnv(ROWS, scenarios, autoreset_mode=mode, num_threads=threads)


def access(mode, threads):
    """Rows are moved one by one."""
    return MassiveAccessVectorEnv(ROWS, "access-small-45", autoreset_mode=mode, num_threads=threads)


def sync(mode, threads):
    """Likewise."""
    return RightTimeSyncVectorEnv(ROWS, "sync-small", autoreset_mode=mode, num_threads=threads)


def cut(env):
    """Every call of compiled code does as little as it can."""
    for name in ("_most_events", "_most_slots", "_rows_at_once"):
        if hasattr(env.batch, name):
            setattr(env.batch, name, 1)
    if hasattr(env.batch, "_is_long_frame"):
        env.batch._is_long_frame = True
    return env


def assert_equal(one, other):
    """Nested infos, arrays with rows that have nothing, and numbers."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name, value in one.items():
            assert_equal(value, other[name])
    elif isinstance(one, tuple):
        for mine, theirs in zip(one, other, strict=True):
            assert_equal(mine, theirs)
    elif one is None:
        assert other is None
    elif isinstance(one, np.ndarray) and one.dtype == object:
        for mine, theirs in zip(one, other, strict=True):
            assert_equal(mine, theirs)
    else:
        assert np.array_equal(one, other)


@pytest.mark.parametrize("threads", [1, 3, 9])
@pytest.mark.parametrize("mode", ["SameStep", "NextStep"])
@pytest.mark.parametrize("made", [admission, tic, access, sync])
def test_cut_steps_are_the_same_steps(made, mode, threads):
    """Observations, rewards, ends and all infos, to the last bit."""
    whole, parts = made(mode, 1), cut(made(mode, threads))
    assert_equal(whole.reset(seed=3), parts.reset(seed=3))
    whole.action_space.seed(0)
    ends = 0
    for _ in range(150):
        actions = whole.action_space.sample()
        mine, theirs = whole.step(actions), parts.step(actions)
        assert_equal(mine, theirs)
        ends += int(mine[3].sum())
    assert ends > 0 or made in (access, sync)
    parts.close()


def after_ctrl_c(step):
    """Runs a step during which somebody presses Ctrl-C."""
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        step()
    timer.join()


def test_ctrl_c_ends_a_long_step():
    """Far from the horizon; the episode is then over, and another one can begin."""
    env = SliceAdmissionEnv(parse(ENDLESS))
    env.reset(seed=1)
    after_ctrl_c(lambda: [env.step(0) for _ in range(3)])
    assert env.batch.row(0)["is_over"] == layout.CUT
    assert env.batch.row(0)["now"] < 0.9 * 1e17
    with pytest.raises(ResetNeeded, match="interrupted"):
        env.step(0)
    first, _ = env.reset(seed=1)
    again, _ = SliceAdmissionEnv(parse(ENDLESS)).reset(seed=1)
    assert np.array_equal(first, again)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_ctrl_c_ends_the_steps_of_all_rows(threads):
    """No thread goes on; then all rows must begin anew."""
    env = SliceAdmissionVectorEnv(4, parse(ENDLESS), num_threads=threads)
    env.reset(seed=1)
    after_ctrl_c(lambda: [env.step(np.zeros(4, np.int64)) for _ in range(3)])
    now = env.batch.arrays["rows"]["now"].copy()
    assert (now < 0.9 * 1e17).any()
    with pytest.raises(ResetNeeded, match="interrupted"):
        env.step(np.zeros(4, np.int64))
    with pytest.raises(ConfigError, match="after an interruption"):
        env.reset(options={"reset_mask": np.array([True, False, True, True])})
    assert np.array_equal(now, env.batch.arrays["rows"]["now"])
    env.reset()
    env.close()


@pytest.mark.slow
def test_ctrl_c_ends_the_command_line(tmp_path):
    """In the middle of compiled code: exit code 130, as of any program, and no traceback."""
    path = tmp_path / "endless.toml"
    path.write_text(ENDLESS, "utf-8")
    code = """
import os, signal, sys, threading
from twin_gym.environments.slice_admission import rows as kernel
step_rows, calls = kernel.step_rows, []
def counted(*arguments):
    calls.append(1)
    if len(calls) == 2:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    return step_rows(*arguments)
kernel.step_rows = counted
from twin_gym.cli import app
sys.argv = ["twin-gym", "rollout", "--scenario", sys.argv[1]]
app()
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
