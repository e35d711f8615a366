"""Planned routes against every route there is, and against the limits of trucks and shifts."""

import builtins

import numpy as np
import pytest

from twin_gym.environments.truck_routing.policies.planning import (
    RoutingProblem,
    plan_routes,
    plan_value,
)
from twin_gym.errors import ConfigError, MissingExtraError

SPEED_M_PER_S = 5.0


def town(seed, count=8, **changes):
    """Bins at random places of a square of 4 km, the depot in the middle, prizes of 0 to 3 km."""
    rng = np.random.default_rng(seed)
    places = np.vstack([4000.0 * rng.random((count, 2)), [[2000.0, 2000.0]]])
    travel_m = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    given = {
        "travel_m": travel_m, "travel_s": travel_m / SPEED_M_PER_S,
        "volume_l": rng.uniform(50.0, 240.0, count), "prize": rng.uniform(0.0, 3.0, count),
        "time_left_s": 1e6, "truck_capacity_l": 1e6, "service_s": 180.0, "unload_s": 900.0,
        "cost_per_km": 1.0,
    }  # fmt: skip
    return RoutingProblem(**{**given, **changes})


def shortest_trips_m(problem):
    """Shortest closed way through each set of bins (a bit mask), by Held and Karp."""
    count, metres = len(problem.volume_l), problem.travel_m
    ways = {(1 << k, k): metres[count, k] for k in range(count)}
    for mask in range(1, 1 << count):
        for last in (k for k in range(count) if mask >> k & 1):
            before = mask ^ (1 << last)
            if before:
                ways[mask, last] = min(
                    ways[before, k] + metres[k, last] for k in range(count) if before >> k & 1
                )
    return {
        mask: min(ways[mask, k] + metres[k, count] for k in range(count) if mask >> k & 1)
        for mask in range(1, 1 << count)
    }


def best_value(problem):
    """The most that one truck can gain in any number of trips, over all sets of bins."""
    count, closed = len(problem.volume_l), shortest_trips_m(problem)
    bits = [[k for k in range(count) if mask >> k & 1] for mask in range(1 << count)]
    fits = [problem.volume_l[one].sum() <= problem.truck_capacity_l for one in bits]
    least = {0: {0: 0.0}}  # metres by number of trips, of each set
    for mask in range(1, 1 << count):
        least[mask], part = {}, mask
        while part:
            if fits[part]:
                for trips, metres in least[mask ^ part].items():
                    found = metres + closed[part]
                    least[mask][trips + 1] = min(least[mask].get(trips + 1, np.inf), found)
            part = (part - 1) & mask
    return max(
        problem.prize[bits[mask]].sum() - problem.cost_per_km * metres / 1000.0
        for mask, by_trips in least.items()
        for trips, metres in by_trips.items()
        if metres / SPEED_M_PER_S + len(bits[mask]) * problem.service_s + trips * problem.unload_s
        <= problem.time_left_s
    )


def duration_s(problem, trips):
    """From the first departure to the end of the last unloading."""
    depot, seconds = len(problem.volume_l), 0.0
    for trip in trips:
        stops = [depot, *trip, depot]
        seconds += problem.travel_s[stops[:-1], stops[1:]].sum()
        seconds += len(trip) * problem.service_s + problem.unload_s
    return seconds


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "limits",
    [{}, {"time_left_s": 3600.0}, {"truck_capacity_l": 400.0, "unload_s": 300.0},
     {"truck_capacity_l": 500.0, "time_left_s": 4500.0}],
    ids=["free", "short shift", "small truck", "both"],
)  # fmt: skip
def test_plan_is_the_best_there_is(seed, limits):
    """All sets of 8 bins, all their partitions into trips: PyVRP finds the best one."""
    problem = town(seed, **limits)
    plan = plan_routes(problem)
    assert plan_value(problem, plan) == pytest.approx(best_value(problem), abs=2e-3)
    for trips in plan:
        assert duration_s(problem, trips) <= problem.time_left_s
        assert all(problem.volume_l[list(trip)].sum() <= problem.truck_capacity_l for trip in trips)


@pytest.mark.parametrize("num_trucks", [1, 2, 3])
def test_trucks_share_the_bins(num_trucks):
    """40 bins that all want emptying: each is in one trip at most, and every limit holds."""
    problem = town(5, 40, num_trucks=num_trucks, time_left_s=7200.0, truck_capacity_l=1500.0)
    plan = plan_routes(problem)
    visited = [bin_ for trips in plan for trip in trips for bin_ in trip]
    assert 0 < len(plan) <= num_trucks
    assert len(visited) == len(set(visited))
    for trips in plan:
        assert duration_s(problem, trips) <= problem.time_left_s
    if num_trucks > 1:
        fewer = plan_routes(town(5, 40, time_left_s=7200.0, truck_capacity_l=1500.0))
        assert plan_value(problem, plan) > plan_value(problem, fewer)


def test_same_problem_has_the_same_plan():
    """Steps are counted, no clock is read; another seed searches another way."""
    problem = town(7, 40, time_left_s=9000.0)
    assert plan_routes(problem) == plan_routes(problem)
    few = [plan_routes(problem, max_iterations=20, seed=seed) for seed in (1, 2, 3)]
    assert len(set(few)) > 1


def test_nothing_worth_its_way_is_left():
    """Prizes below the shortest detour: the trucks stay at the depot."""
    problem = town(1, prize=np.full(8, 0.01))
    assert plan_routes(problem) == () == plan_routes(town(1, prize=np.zeros(8)))
    assert plan_value(problem, ()) == 0.0


def test_required_bins_are_visited_without_a_prize():
    """Not only if they lie on the way; those with no time left are not."""
    required = np.arange(8) == 3
    problem = town(1, prize=np.zeros(8), required=required)
    assert plan_routes(problem) == (((3,),),)
    assert plan_routes(town(1, prize=np.zeros(8), required=required, time_left_s=1080.0)) == ()


def test_bins_that_cannot_be_served_are_not_planned():
    """More than a truck holds, or further away than the shift is long."""
    volume_l = np.array([2000.0, *[100.0] * 7])
    plan = plan_routes(town(2, prize=np.full(8, 50.0), volume_l=volume_l, truck_capacity_l=1500.0))
    assert sorted(plan[0][0]) == [*range(1, 8)]


def test_faulty_problems_are_refused():
    """Each with what is wrong."""
    with pytest.raises(ConfigError, match="shape"):
        town(1, prize=np.zeros(7))
    with pytest.raises(ConfigError, match="volume_l"):
        town(1, volume_l=np.full(8, np.nan))
    with pytest.raises(ConfigError, match="prize"):
        town(1, prize=np.full(8, np.inf))
    with pytest.raises(ConfigError, match="num_trucks"):
        town(1, num_trucks=0)


def test_missing_pyvrp_is_named(monkeypatch):
    """The error has the command that installs it."""
    real = builtins.__import__

    def without(name, *rest, **named):
        if name.partition(".")[0] == "pyvrp":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"twin-gym\[routing\]"):
        plan_routes(town(1))


def test_pairs_of_bins_are_worth_a_detour_together():
    """Two neighbours far away: alone neither pays its way, together they do."""
    places = np.array([[3000.0, 0.0], [3000.0, 10.0], [0.0, 0.0]])
    travel_m = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    near = {"travel_m": travel_m, "travel_s": travel_m / 5.0, "volume_l": np.full(2, 100.0)}
    plan = plan_routes(town(1, 2, **near, prize=np.full(2, 4.0)))
    assert sorted(plan[0][0]) == [0, 1]
    for lone in np.eye(2):
        assert plan_routes(town(1, 2, **near, prize=4.0 * lone)) == ()
