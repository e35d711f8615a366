"""Small episodes of which everything is known."""

import itertools

import numpy as np

from twin_gym.environments.truck_routing.theory.known_episode import KnownEpisode


def drawn_episode(seed, bins=3, days=2, **changes):
    """Bins on 8 km by 8 km with long services: a truck makes a few stops a shift."""
    draw = np.random.default_rng(seed)
    places = draw.uniform(0.0, 8_000.0, (bins + 1, 2))
    metres = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    hourly = draw.gamma(1.0, draw.uniform(3.0, 16.0, bins), (24 * days, bins))
    values = {
        "distance_m": metres,
        "travel_s": metres / 5.0,
        "thrown_in_l": np.vstack([np.zeros(bins), np.cumsum(hourly, axis=0)]),
        "initial_l": draw.uniform(0.0, 200.0, bins),
        "capacity_l": np.full(bins, 240.0),
        "shift_starts_s": tuple(86_400.0 * day for day in range(days)),
        "shift_length_s": 9_000.0,
        "truck_capacity_l": 700.0,
        "service_s": 1_500.0,
        "unload_s": 1_800.0,
        "cost_per_km": 1.0,
        "cost_per_stop": 0.5,
        "penalty_per_l": 0.5,
    }
    return KnownEpisode(**(values | changes))


def one_bin_episode(**changes):
    """A bin 1 km away that gets 10 l an hour for two days and holds 240 l; full at first."""
    values = {
        "distance_m": [[0.0, 1_000.0], [1_000.0, 0.0]],
        "travel_s": [[0.0, 900.0], [900.0, 0.0]],
        "thrown_in_l": 10.0 * np.arange(49.0)[:, None],
        "initial_l": [240.0],
        "capacity_l": [240.0],
        "shift_starts_s": (0.0, 86_400.0),
        "shift_length_s": 10_800.0,
        "service_s": 900.0,
        "unload_s": 900.0,
        "cost_per_km": 1.0,
        "cost_per_stop": 3.0,
        "penalty_per_l": 0.5,
    }
    return KnownEpisode(**(values | changes))


def best_by_hand(lengths, prizes, longest, loads, capacity):
    """The greatest value of a tour, over all orders of all sets of bins."""
    best = 0.0
    for count in range(1, len(prizes) + 1):
        for order in itertools.permutations(range(len(prizes)), count):
            stops = (len(prizes), *order, len(prizes))
            length = sum(lengths[a][b] for a, b in itertools.pairwise(stops))
            if length <= longest and sum(loads[i] for i in order) <= capacity:
                best = max(best, sum(prizes[i] for i in order) - length)
    return best
