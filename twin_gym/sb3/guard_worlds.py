"""The worlds in which the learner of a training meets the best actor so far, and who is better."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from twin_gym.errors import ConfigError
from twin_gym.policies import Evaluation, Policy, evaluate, world_seeds
from twin_gym.sb3.vec_env import native_env

DEFAULT_MARGIN = 1.0
"""By how many standard errors of the mean difference a learner must be better.

With 4 worlds and normal differences (Student's t) a look then takes a learner that is as good with
probability 0.20, one that is worse by two standard errors with 0.003, and one that is better by two
with 0.84. A margin of 0 gives 0.50, 0.02 and 0.98; one of 2.35, the usual 5 %, gives 0.05, 0.0005
and 0.46. An even exchange costs nothing, a bad one does, and a good one that is missed is met again
at the next look.
"""


class GuardWorlds:
    """Worlds of the family `guard` in the network of a training.

    Args:
        env: of the training; its scenarios, form of action and objective are taken.
        num_worlds: at a time.
        horizon_s: length of the episodes; None: that of the scenario.

    Raises:
        ConfigError: if the environment is none of `make_vec_env`.
    """

    def __init__(self, env: VecEnv, num_worlds: int, horizon_s: float | None) -> None:
        batch = native_env(env).batch
        self._num_worlds = num_worlds
        self._scenarios = tuple(batch.scenarios)
        if horizon_s is not None:
            self._scenarios = tuple(one.replace(horizon_s=horizon_s) for one in self._scenarios)
        self._given = {
            name: batch.arguments[name] for name in ("action", "objective", "objective_seed")
        }

    @property
    def network(self) -> list[str]:
        """What returns depend on besides the policy and the worlds."""
        return [*(one.digest for one in self._scenarios), *map(str, self._given.values())]

    def meet(self, policy: Policy, first: int) -> Evaluation:
        """One episode of a policy in each world, from the world with the index `first` on."""
        seeds = world_seeds("guard", self._num_worlds, first=first)
        return evaluate(policy, self._scenarios, seeds, **self._given)


def is_better(differences: NDArray[np.float64], margin: float) -> bool:
    """Whether a mean difference is positive, and above so many of its standard errors.

    Args:
        differences: paired, one a world.
        margin: at least 0. With 0, or where all differences are equal, any positive mean will do.

    Example:
        >>> is_better(np.array([1.0, 3.0]), 1.0)  # 2 and a standard error of 1
        True
        >>> is_better(np.array([1.0, 3.0]), 2.0), is_better(np.zeros(4), 0.0)
        (False, False)
    """
    mean = float(differences.mean())
    if margin == 0.0 or len(differences) == 1:
        return mean > 0.0
    error = float(differences.std(ddof=1)) / math.sqrt(len(differences))
    return mean > 0.0 and mean > margin * error


def check_arguments(
    every_steps: int, num_worlds: int, margin: float, budget_steps: int | None
) -> None:
    """Refuses arguments of `KeepBest` that are out of their ranges.

    Raises:
        ConfigError: naming the one at fault.
    """
    if every_steps < 1 or num_worlds < 1:
        raise ConfigError(
            f"every_steps and num_worlds must be positive, got {every_steps} and {num_worlds}"
        )
    if not 0.0 <= margin < math.inf:
        raise ConfigError(f"margin must be at least 0 and finite, got {margin!r}")
    if num_worlds == 1 and margin > 0.0:
        raise ConfigError(
            f"one world gives no standard error, and margin is {margin!r} of them: take num_worlds "
            "of 2 at least, or margin=0"
        )
    if budget_steps is not None and budget_steps < 1:
        raise ConfigError(f"budget_steps must be positive or None, got {budget_steps!r}")
