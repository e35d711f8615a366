"""The bound that is a track's 100, for scenarios of every kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.environments import facet
from benchmarks.protocol import BoundKind
from benchmarks.statistics import mean_interval
from twin_gym.errors import ConfigError
from twin_gym.policies import world_seeds
from twin_gym.scenario import Scenario

Kind = TypeVar("Kind", bound=Scenario)

FIRST_WORLD = 2**19
"""Validation worlds of sampled bounds: apart from those of curves, tuning, anchors and `run`."""


@dataclass(frozen=True)
class Bound:
    """An upper bound on the mean of any policy without foresight, over whole episodes.

    Attributes:
        kind: what it is.
        value_per_s: return a second, penalties subtracted.
        half_width: by how much at most the value may be above the exact optimum (kind "exact
            optimum"); 0 for other bounds, which are above the optimum by an unknown amount.
        proof: where it is proven, in a line.
    """

    kind: BoundKind
    value_per_s: float
    half_width: float
    proof: str


def bound_of(scenario: Scenario, objective: str, action: str | None = None) -> Bound:
    """An upper bound on the mean return a second of any policy without foresight.

    Args:
        scenario: of a track; large networks and replayed traces take minutes.
        objective: what is earned.
        action: the form of the actions; None: the default of the environment.

    Returns:
        The tightest bound that is proven. Where its value is a mean over worlds, which is
        estimated, it is the upper end of the 95 % interval, and the line of the proof says so.

    Raises:
        ConfigError: if no bound is known for this objective or scenario.
    """
    expected = facet(scenario.kind, "objective")
    if objective != expected:
        raise ConfigError(
            f"a bound is known for the objective {expected!r} alone, not {objective!r}"
        )
    bound: Bound = facet(scenario.kind, "bound")(scenario, action)
    return bound


def sampled_bound(
    scenario: Kind,
    returns: Callable[[Kind, list[int]], NDArray[np.float64]],
    worlds: int,
    proof: str,
) -> Bound:
    """A bound that is a mean over worlds: the upper end of the interval over validation worlds.

    Args:
        scenario: where.
        returns: the greatest return of an episode in each of these worlds.
        worlds: how many.
        proof: that it is one, in a line.
    """
    bounds = returns(scenario, world_seeds("validation", worlds, first=FIRST_WORLD))
    mean = mean_interval(bounds / scenario.horizon_s)
    text = f"{proof}; upper end of the 95 % interval over {worlds} validation worlds"
    return Bound("perfect information", mean.high, 0.0, text)
