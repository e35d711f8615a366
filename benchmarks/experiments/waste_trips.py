"""How much of what a truck drives is due to the order of its stops, whichever bins it goes to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.experiments.blocks import Floats
from twin_gym.environments.factory import vector_env
from twin_gym.environments.truck_routing.policies.decisions import policy_tables
from twin_gym.environments.truck_routing.scenario import TruckScenario
from twin_gym.errors import ConfigError
from twin_gym.policies import Policy

_LEAST_GAIN_M = 1e-6


def trips_of(policy: Policy, scenario: TruckScenario, seed: int) -> list[list[int]]:
    """The trips of a policy in a world, each from the depot and back to it.

    Args:
        policy: that goes to bins by number (`pick`).
        scenario: with one truck.
        seed: of the world.

    Returns:
        Bins in the order in which they are emptied; a trip that the horizon cuts is left out.

    Raises:
        ConfigError: if there are several trucks.
    """
    if scenario.num_trucks > 1:
        raise ConfigError(f"{scenario.name!r} has {scenario.num_trucks} trucks: take one of one")
    env = vector_env(scenario, 1, action="pick")
    env.reset(seed=seed)
    policy.reset(seed)
    trips: list[list[int]] = [[]]
    over = False
    while not over:
        batch = env.unwrapped.batch
        chosen = policy.actions(batch.observations, batch.masks)
        if int(chosen[0]) < scenario.num_bins:
            trips[-1].append(int(chosen[0]))
        elif trips[-1]:
            trips.append([])
        _, _, terminated, truncated, _ = env.step(chosen)
        over = bool(terminated[0] or truncated[0])
    return trips[:-1]


def driven_and_shortest_km(
    policy: Policy, scenario: TruckScenario, seed: int
) -> tuple[float, float]:
    """What a policy drives in its whole trips, and what the same trips need in a better order.

    Args:
        policy: see `trips_of`.
        scenario: likewise.
        seed: of the world.

    Returns:
        Kilometres; the second are at most the first, and may still be more than the shortest.
    """
    metres = policy_tables(scenario).travel_m
    trips = [np.array([scenario.num_bins, *trip]) for trip in trips_of(policy, scenario, seed)]
    driven = sum(length_m(trip, metres) for trip in trips)
    return driven / 1000.0, sum(length_m(improved(one, metres), metres) for one in trips) / 1000.0


def length_m(tour: NDArray[np.int64], metres: Floats) -> float:
    """Length of a closed tour.

    Args:
        tour: places in order, the first one not repeated.
        metres: between places.
    """
    return float(metres[tour, np.roll(tour, -1)].sum())


def improved(tour: NDArray[np.int64], metres: Floats) -> NDArray[np.int64]:
    """A tour through the same places, as short as exchanges make it.

    Stretches are reversed (2-opt) and moved elsewhere (Or-opt, up to three places) as long as that
    shortens the tour.

    Args:
        tour: see `length_m`; its first place stays first.
        metres: between places, the same in both directions.

    Returns:
        A new order.
    """
    best, length = tour, length_m(tour, metres)
    shortened = True
    while shortened:
        shortened = False
        for other in _neighbours(best):
            its = length_m(other, metres)
            if its < length - _LEAST_GAIN_M:
                best, length, shortened = other, its, True
                break
    return best


def _neighbours(tour: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Tours with one stretch reversed or moved."""
    count, found = len(tour), []
    for first in range(1, count):
        for end in range(first + 1, count + 1):
            stretch, rest = tour[first:end], np.concatenate([tour[:first], tour[end:]])
            found.append(np.concatenate([tour[:first], stretch[::-1], tour[end:]]))
            if len(stretch) <= 3:  # noqa: PLR2004 - Or-opt
                found += [
                    np.concatenate([rest[:at], stretch, rest[at:]])
                    for at in range(1, len(rest) + 1)
                    if at != first
                ]
    return found
