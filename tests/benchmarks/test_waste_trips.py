"""The order of stops: tours with a known shortest length, and trips of a real policy."""

import numpy as np
import pytest

from benchmarks.experiments.waste_trips import driven_and_shortest_km, improved, length_m, trips_of
from twin_gym.errors import ConfigError
from twin_gym.policies import evaluate, make_policy
from twin_gym.scenario.loading import load

GRID = load("truck-grid-20")


@pytest.mark.parametrize("seed", range(5))
def test_places_on_a_circle_are_put_in_the_order_of_the_circle(seed):
    """From any order, and the first place stays first."""
    angles = np.linspace(0.0, 2.0 * np.pi, 9)[:-1]
    places = np.exp(1j * angles)
    metres = np.abs(places[:, None] - places)
    shuffled = np.concatenate([[0], 1 + np.random.default_rng(seed).permutation(7)])
    found = improved(shuffled, metres)
    assert length_m(found, metres) == pytest.approx(8 * metres[0, 1])
    assert found[0] == 0
    assert sorted(found) == list(range(8))


def test_trips_are_all_that_a_truck_drives():
    """Of a rule that ends each day at the depot: no whole trip is missed, none is counted twice."""
    policy = make_policy("nearest-full", GRID, "pick")
    driven, shortest = driven_and_shortest_km(policy, GRID, 7)
    evaluation = evaluate(policy, GRID, [7], action="pick")
    assert driven == pytest.approx(float(evaluation.kpi["distance_km"][0]))
    assert shortest <= driven
    assert sum(map(len, trips_of(policy, GRID, 7))) == int(evaluation.kpi["stops"][0])


def test_trips_of_several_trucks_are_refused():
    """Their stops come mixed."""
    with pytest.raises(ConfigError, match="has 2 trucks"):
        trips_of(make_policy("random", GRID, "pick"), GRID.replace(num_trucks=2), 0)
