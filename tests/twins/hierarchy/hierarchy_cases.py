"""Short episodes that the tests of the hierarchy share."""

import hashlib

import gymnasium
import numpy as np

from twin_gym.scenario import load
from twin_gym.twins.hierarchy import SignallingRecorder

ID = "twin_gym/SliceAdmission-v0"
PRESETS = ("contention", "shift", "teletraffic-erlang-a", "teletraffic-small", "tidal")


def short(name, horizon_s=10.0):
    """A preset with a short horizon."""
    return load(name).replace(horizon_s=horizon_s)


def made(scenario, **arguments):
    """The environment of a scenario."""
    return gymnasium.make(ID, scenario=scenario, **arguments)


def random_episode(env, seed, look=None):
    """Runs one episode of random allowed actions; returns its steps.

    Args:
        env: not yet reset.
        seed: of world and actions.
        look: called with observation and info at each decision.
    """
    rng = np.random.default_rng(seed)
    observation, info = env.reset(seed=seed)
    steps, is_over = [(observation, 0.0, info)], False
    while not is_over:
        if look is not None:
            look(observation, info)
        action = rng.choice(np.flatnonzero(info["action_mask"]))
        observation, reward, _, is_over, info = env.step(action)
        steps.append((observation, reward, info))
    return steps


def trajectory_hash(steps):
    """A digest of observations, rewards and infos to the last bit."""
    digest = hashlib.sha256()
    for observation, reward, info in steps:
        digest.update(observation.tobytes() + np.float64(reward).tobytes())
        for name, value in sorted(info.items()):
            digest.update(
                name.encode() + repr(getattr(value, "tolist", lambda v=value: v)()).encode()
            )
    return digest.hexdigest()


def recorded(name, seed=3, horizon_s=10.0, **arguments):
    """A recorder after a random episode, and its steps."""
    env = SignallingRecorder(made(short(name, horizon_s), **arguments))
    return env, random_episode(env, seed)
