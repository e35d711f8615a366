"""One small scenario of each environment, and runs of them."""

import gymnasium
import numpy as np

import twin_gym  # noqa: F401 - registers the environments
from twin_gym.environments.kinds import kind_named
from twin_gym.policies.trajectory import TrajectoryHash

SCENARIOS = {
    "admission": "contention",
    "tic": "tic-small-45",
    "access": "access-small-45",
    "sync": "sync-small",
}


def made(kind, **arguments):
    """An environment of a kind, its action space seeded."""
    env = gymnasium.make(kind_named(kind).id, scenario=SCENARIOS[kind], **arguments)
    env.action_space.seed(5)
    return env


def run(env, steps, observe, *, seed=11):
    """Goes through so many steps of random actions; the fingerprint of what happened."""
    trajectory = TrajectoryHash(1)
    env.reset(seed=seed)
    observe()
    for _ in range(steps):
        action = env.action_space.sample()
        _, reward, _, truncated, info = env.step(action)
        observe()
        trajectory.add(
            np.ones(1, bool), np.asarray(action)[None], np.array([float(reward)]),
            np.array([info["elapsed_s"]]),
        )  # fmt: skip
        if truncated:
            env.reset()
            observe()
    return trajectory.digest()
