"""The most that any policy can earn in a given world of truck routing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twin_gym.core.draws import world_key
from twin_gym.environments.truck_routing import layout
from twin_gym.environments.truck_routing.layout import build_tables
from twin_gym.environments.truck_routing.scenario import DAY_S, TruckScenario
from twin_gym.environments.truck_routing.theory.episode_bound import least_cost_bound
from twin_gym.environments.truck_routing.theory.known_episode import KnownEpisode
from twin_gym.environments.truck_routing.world import World


def known_episodes(
    scenario: TruckScenario, seeds: Sequence[int], episode: int = 0
) -> list[KnownEpisode]:
    """Episodes with everything that happens in them known.

    Args:
        scenario: of which the bins and the roads are.
        seeds: of rows, as `reset` takes them.
        episode: the how-manieth of each seed.

    Returns:
        One for each seed: times, distances and volumes are those that the rules use.
    """
    tables = build_tables([scenario])
    keys = [int(world_key(np.uint64(seed), episode)) for seed in seeds]
    return [_known(World(tables, 0, key)) for key in keys]


def _known(world: World) -> KnownEpisode:
    network, bins = world.network, range(world.num_bins)
    days = round(float(network["horizon"]) / layout.DAY_MS)
    return KnownEpisode(
        distance_m=world.distance_m,
        travel_s=world.travel_ms / layout.MS_PER_S,
        thrown_in_l=world.volumes[:, :-1],
        initial_l=np.array([world.initial_l(i) for i in bins]),
        capacity_l=world.bins[layout.CAPACITY],
        shift_starts_s=tuple(DAY_S * day for day in range(days)),
        shift_length_s=float(network["shift"]) / layout.MS_PER_S,
        num_trucks=int(network["num_trucks"]),
        truck_capacity_l=float(network["truck_capacity"]),
        service_s=float(network["service"]) / layout.MS_PER_S,
        unload_s=float(network["unload"]) / layout.MS_PER_S,
        cost_per_km=float(network["cost_per_km"]),
        cost_per_stop=float(network["cost_per_stop"]),
        penalty_per_l=float(network["penalty_per_l"]),
    )


def most_earned(scenario: TruckScenario, seed: int, episode: int = 0) -> float:
    """A bound on the return of an episode by one who knows all that will be thrown in.

    Args:
        scenario: where.
        seed: of the row, as `reset` takes it.
        episode: the how-manieth of that seed.

    Returns:
        A return in the units of the reward `balanced`, which no policy exceeds in this world (see
        `theory.episode_bound`).
    """
    return -least_cost_bound(known_episodes(scenario, [seed], episode)[0]).cost
