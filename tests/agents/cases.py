"""Trainings of a second, and what is compared of them."""

import torch

from agents.settings import TrainSettings

torch.set_num_threads(1)

TINY = TrainSettings(
    agent="a2c",
    n_envs=4,
    n_steps=8,
    total_timesteps=128,
    leg_steps=64,
    num_decisions=60,
    net_arch=(8, 8),
)
QUICK = {"evaluate_every": 32, "num_worlds": 2, "evaluation_horizon_s": 2.0}


class Killed(BaseException):
    """Ends a training as a kill does: nothing catches it."""


def parameters(model):
    """All parameters and the state of the optimiser, as one list of numbers each."""
    tensors = {name: value.clone() for name, value in model.policy.state_dict().items()}
    for index, state in model.policy.optimizer.state_dict()["state"].items():
        tensors |= {f"{index}/{name}": torch.as_tensor(value) for name, value in state.items()}
    return tensors


def are_equal(one, other):
    """Whether two models are the same to the last bit."""
    one, other = parameters(one), parameters(other)
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def are_same_curves(one, other):
    """Whether two curves are the same to the last bit; NaN, where nothing was earned yet, too."""
    return repr(one.points) == repr(other.points)
