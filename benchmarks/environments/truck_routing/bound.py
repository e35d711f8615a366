"""The upper bound of truck routing: a planner that knows what will be thrown in, and when."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.bounds.bound import Bound, sampled_bound
from twin_gym.environments.truck_routing.bound import known_episodes
from twin_gym.environments.truck_routing.scenario import TruckScenario
from twin_gym.environments.truck_routing.theory.episode_bound import least_cost_bound

OBJECTIVE = "balanced"
_PROOF = (
    "truck_routing.theory.episode_bound: linear programme of visits, tours and loads that knows "
    "what will be thrown in"
)
_BIN_DAYS, _FEWEST_WORLDS, _MOST_WORLDS = 4_000, 6, 64
_FINE_BIN_DAYS, _FINE_PARTS = 100, 4


def bound_of(scenario: TruckScenario, action: str | None = None) -> Bound:
    """The mean over validation worlds of what a planner with perfect information earns at most.

    Args:
        scenario: any; a world of 20 bins takes a second, one of 100 bins several minutes.
        action: the form of the actions, which changes nothing.

    Returns:
        The upper end of the interval over the worlds.
    """
    return sampled_bound(scenario, _returns, num_worlds(scenario), _PROOF)


def num_worlds(scenario: TruckScenario) -> int:
    """Worlds that the bound is averaged over: fewer of many bins and days, which take longer."""
    worlds = _BIN_DAYS // (scenario.num_bins * scenario.num_days)
    return min(max(worlds, _FEWEST_WORLDS), _MOST_WORLDS)


def parts_per_shift(scenario: TruckScenario) -> int:
    """Parts of a shift that visits are told apart by: several where that costs little time."""
    return _FINE_PARTS if scenario.num_bins * scenario.num_days <= _FINE_BIN_DAYS else 1


def _returns(scenario: TruckScenario, seeds: list[int]) -> NDArray[np.float64]:
    """The most that is earned in each world."""
    parts = parts_per_shift(scenario)
    return np.array(
        [
            -least_cost_bound(one, parts_per_shift=parts).cost
            for one in known_episodes(scenario, seeds)
        ]
    )
