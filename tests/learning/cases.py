"""A small network and what the tests of learning make on it."""

import torch
from stable_baselines3.common.vec_env import VecEnv

from tests.twins.cases import DearestPolicy, small_network
from twin_gym.sb3 import (
    MaskedActorCriticPolicy,
    SemiMarkovA2C,
    SlotActorCriticPolicy,
    make_vec_env,
    masked_policy_kwargs,
    slot_policy_kwargs,
)
from twin_gym.twins import CloneSettings, PolicyTwin, clone, record

ID = "twin_gym/SliceAdmission-v0"
SMALL = small_network(horizon_s=4.0)


def make_env(rows=4, *, seed=0, **kwargs):
    """The small network in several rows."""
    return make_vec_env(ID, rows, seed=seed, **({"scenario": SMALL} | kwargs))


def make_model(env: VecEnv | None = None, *, seed=0, **kwargs):
    """A2C whose actor obeys the mask, in simulated time."""
    settings = {"n_steps": 8, "seed": seed, "policy_kwargs": masked_policy_kwargs(SMALL)}
    return SemiMarkovA2C(
        MaskedActorCriticPolicy, make_env() if env is None else env, **(settings | kwargs)
    )


def make_slot_model(**kwargs):
    """A2C with the queue-slot network."""
    env = make_env(action="slot")
    settings = {"n_steps": 8, "seed": 0, "policy_kwargs": slot_policy_kwargs(SMALL)}
    return SemiMarkovA2C(SlotActorCriticPolicy, env, **(settings | kwargs))


def make_twin(action="slice", hidden=None) -> PolicyTwin:
    """A hasty twin of a known rule on the small network."""
    log = record(DearestPolicy(), SMALL, 200, action=action)
    return clone(log, SMALL, settings=CloneSettings(max_epochs=3, min_steps=60, hidden=hidden))


def parameters(model):
    """Copies of all parameters by name."""
    return {name: value.clone() for name, value in model.policy.state_dict().items()}


def are_equal(one, other):
    """Whether two sets of parameters are the same to the last bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def collect(env, num_steps, *, rng):
    """Actions, observations, rewards, dones and infos of a rollout of random allowed actions."""
    steps = []
    for _ in range(num_steps):
        masks = env.action_masks()
        actions = (rng.random(masks.shape) * masks).argmax(axis=1)
        steps.append((actions, *env.step(actions), masks))
    return steps
