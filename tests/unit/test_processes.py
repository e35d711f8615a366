"""Forking, pickling, copying and closing leave no thread behind and nobody waiting."""

import copy
import gc
import pickle
import subprocess
import sys
import threading

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv

import twin_gym  # noqa: F401 - registers the environments
from twin_gym.environments.kinds import kind_named, kinds
from twin_gym.environments.slice_admission.env import SliceAdmissionEnv

IDS = sorted(one.id for one in kinds())


def begun(name, threads=3):
    """Rows within their episodes, moved by threads."""
    env = gymnasium.make_vec(name, num_envs=9, num_threads=threads, autoreset_mode="SameStep")
    env.reset(seed=4)
    transitions_of(env, 20)
    return env


def transitions_of(env, steps):
    """The results of some steps, whatever was drawn before."""
    env.action_space.seed(steps)
    transitions = [env.step(env.action_space.sample()) for _ in range(steps)]
    return [
        (observations.tobytes(), rewards.tobytes()) for observations, rewards, *_ in transitions
    ]


def pickled(env):
    """There and back."""
    return pickle.loads(pickle.dumps(env))  # noqa: S301 - our own bytes


def row_threads():
    """Threads that run rows; other libraries may have theirs."""
    return [one for one in threading.enumerate() if one.name.startswith("twin_gym rows")]


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
def test_copy_in_the_middle_of_an_episode_goes_on_alike(name, copied):
    """With threads of its own, which end when it is closed."""
    env = begun(name)
    other = copied(env)
    assert transitions_of(env, 30) == transitions_of(other, 30)
    other.close()
    env.close()
    assert not row_threads()


def test_closing_ends_all_threads_every_time():
    """Twice, after further steps, and by forgetting the environment."""
    env = begun(IDS[0])
    assert len(row_threads()) == 3
    env.close()
    env.close()
    assert not row_threads()
    transitions_of(env, 2)
    env.close()
    assert not row_threads()
    env = begun(IDS[0])
    rows = row_threads()
    del env
    gc.collect()
    for one in rows:
        one.join(timeout=10)
    assert not row_threads()


_FORKING = """
import os, signal, sys
import gymnasium, twin_gym
def transitions_of(env, steps):
    env.action_space.seed(steps)
    return [env.step(env.action_space.sample())[1].tobytes() for _ in range(steps)]
for name in sys.argv[2:]:
    signal.alarm(60)  # whoever hangs is ended
    env = gymnasium.make_vec(name, num_envs=9, num_threads=3)
    env.reset(seed=4)
    transitions_of(env, 20)
    reader, writer = os.pipe()
    child = os.fork()
    mine = transitions_of(env, 30)
    if child == 0:
        signal.alarm(60)
        os.write(writer, b"".join(mine))
        env.close()
        sys.exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0, (name, status)
    assert os.read(reader, 10**6) == b"".join(mine), name
    if sys.argv[1] == "closed":
        env.close()
"""


@pytest.mark.parametrize("ending", ["closed", "left open"])
def test_fork_after_threads_moved_rows_goes_on(ending):
    """Parent and child do the same, and both end, whether or not anybody closes anything."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", _FORKING, ending, *IDS],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize("context", ["fork", "spawn", "forkserver"])
def test_gymnasium_s_own_processes_work(context):
    """All ways to start processes work; they do what the rows of a vector do."""
    made = [SliceAdmissionEnv] * 2
    processes = AsyncVectorEnv(made, context=context)
    rows = gymnasium.make_vec(kind_named("admission").id, num_envs=2)
    assert np.array_equal(processes.reset(seed=4)[0], rows.reset(seed=4)[0])
    rows.action_space.seed(0)
    for _ in range(5):
        actions = rows.action_space.sample()
        assert np.array_equal(processes.step(actions)[0], rows.step(actions)[0])
    processes.close()
