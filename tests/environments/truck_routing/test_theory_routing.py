"""The best tour, the least cost of a small episode, and the bound that is never above it."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from tests.environments.truck_routing.theory_cases import (
    best_by_hand,
    drawn_episode,
    one_bin_episode,
)
from twin_gym.environments.truck_routing.theory import episode_bound
from twin_gym.environments.truck_routing.theory.episode_bound import least_cost_bound
from twin_gym.environments.truck_routing.theory.linear_programme import LinearProgramme, RowList
from twin_gym.environments.truck_routing.theory.prize_collecting import best_tour
from twin_gym.environments.truck_routing.theory.small_episodes import least_cost
from twin_gym.environments.truck_routing.theory.subtours import overloaded_sets, subtour_sets
from twin_gym.environments.truck_routing.theory.visit_arcs import visit_arcs
from twin_gym.errors import ConfigError, TooLargeError

SMALL = [
    *({"seed": seed} for seed in range(6)),
    *({"seed": seed, "bins": 4, "truck_capacity_l": math.inf} for seed in range(6, 9)),
    *({"seed": seed, "days": 3, "shift_length_s": 6_000.0} for seed in range(9, 12)),
    *({"seed": seed, "num_trucks": 2, "service_s": 4_000.0} for seed in range(12, 15)),
    {"seed": 15, "bins": 2, "truck_capacity_l": 250.0, "service_s": 600.0, "unload_s": 600.0},
]


@pytest.mark.parametrize("seed", range(8))
def test_best_tour_is_the_best_of_all_orders(seed):
    """Five bins, with and without limits on length and load."""
    draw = np.random.default_rng(seed)
    lengths, prizes = draw.uniform(0.0, 5.0, (6, 6)), draw.uniform(0.0, 8.0, 5)
    loads = draw.uniform(0.0, 1.0, 5)
    for longest, capacity in ((math.inf, math.inf), (9.0, math.inf), (math.inf, 1.2)):
        tour = best_tour(lengths, prizes, longest=longest, loads=loads, capacity=capacity)
        assert tour.value == pytest.approx(best_by_hand(lengths, prizes, longest, loads, capacity))
        stops = [5, *tour.bins, 5]
        length = sum(lengths[a, b] for a, b in itertools.pairwise(stops))
        assert tour.length == pytest.approx(length * bool(tour.bins))
        assert tour.value == pytest.approx(prizes[list(tour.bins)].sum() - tour.length)


def test_best_tour_refuses_what_it_cannot_do():
    """Too many bins, or shapes that do not fit."""
    with pytest.raises(TooLargeError, match="at most 14 bins, got 15"):
        best_tour(np.zeros((16, 16)), np.zeros(15))
    with pytest.raises(ConfigError, match=r"the lengths have the shape \(3, 3\)"):
        best_tour(np.zeros((2, 2)), np.zeros(2))


def test_least_cost_of_one_bin_by_hand():
    """Full at first, 10 l an hour; a trip costs 2 km and a stop, 5, and so much as 10 l lost.

    Emptied at 0.5 h of both days: 5 l are lost before the first visit, and none later, for the bin
    is full after 24 h at the second. With the first visit alone, 23.5 h of 10 l are lost.
    """
    found = least_cost(one_bin_episode())
    assert [stop[:2] for stop in found.stops] == [(0, 0), (0, 0)]
    assert [stop[2] for stop in found.stops] == [1_800.0, 88_200.0]
    assert found.cost == pytest.approx(2 * 5.0 + 0.5 * 5.0)


def test_staying_at_the_depot_costs_nothing_where_nothing_overflows():
    """The relaxation forces no truck out."""
    calm = one_bin_episode(initial_l=[0.0], thrown_in_l=np.ones((49, 1)) * np.arange(49)[:, None])
    assert least_cost(calm).cost == 0.0
    assert least_cost_bound(calm).cost == 0.0


@pytest.mark.parametrize("parts", [1, 3])
def test_bound_of_one_bin_is_its_least_cost(parts):
    """Each visit is at the earliest time of its part, where the relaxation has it too."""
    episode = one_bin_episode()
    bound = least_cost_bound(episode, parts_per_shift=parts)
    assert bound.cost == pytest.approx(least_cost(episode).cost, rel=1e-6)
    assert (bound.km, bound.stops, bound.trips) == pytest.approx((4.0, 2.0, 2.0))
    assert bound.overflow_l == pytest.approx(5.0)


@pytest.mark.parametrize("changes", SMALL, ids=str)
def test_bound_is_never_above_the_least_cost(changes):
    """With one truck or two, small trucks, bins emptied in part, and parts of shifts."""
    episode = drawn_episode(**changes)
    exact = least_cost(episode).cost
    for parts in (1, 2, 4):
        bound = least_cost_bound(episode, parts_per_shift=parts).cost
        assert 0.3 * exact < bound <= exact * (1.0 + 1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_bound_is_near_the_least_cost_where_all_bins_can_be_visited(seed):
    """Within 6 %, and nearer with parts: what is left is that bins are visited one by one."""
    drawn = drawn_episode(
        seed, truck_capacity_l=math.inf, service_s=200.0, unload_s=1_200.0, shift_length_s=2_800.0
    )
    near = replace(drawn, distance_m=drawn.distance_m / 4.0, travel_s=drawn.travel_s / 8.0)
    exact = least_cost(near).cost
    whole, parted = (least_cost_bound(near, parts_per_shift=parts).cost for parts in (1, 4))
    assert 0.94 * exact < whole < parted < exact


@pytest.mark.parametrize("seed", range(6))
def test_bound_of_a_shift_is_its_least_cost_where_time_does_not_bind(seed):
    """Nothing is thrown in meanwhile, and there is time for all bins: cuts leave no gap."""
    drawn = drawn_episode(seed, bins=4, days=1)
    hourly = np.diff(np.asarray(drawn.thrown_in_l), axis=0)
    hourly[:2] = 0.0
    episode = drawn_episode(
        seed, bins=4, days=1, truck_capacity_l=math.inf, travel_s=drawn.distance_m / 5e4,
        service_s=600.0, unload_s=1.0, shift_length_s=3_000.0,
        thrown_in_l=np.vstack([np.zeros(4), np.cumsum(hourly, axis=0)]),
    )  # fmt: skip
    exact = least_cost(episode).cost
    assert least_cost_bound(episode, relative_gain=1e-6).cost == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("load_l", [60.0, 100.0, 130.0, 239.0])
def test_bound_knows_that_a_bin_may_be_emptied_in_part(load_l):
    """One trip a shift, and less room than the bin holds: the rest overflows later, or not."""
    episode = one_bin_episode(
        truck_capacity_l=load_l, shift_length_s=3_700.0, thrown_in_l=5.0 * np.arange(49.0)[:, None]
    )
    exact = least_cost(episode).cost
    assert 0.85 * exact < least_cost_bound(episode).cost <= exact * (1.0 + 1e-9)


def test_prices_of_few_columns_bound_the_cost_of_all():
    """Minimise -x - 3 y with x, y in [0, 1] and x + y <= 1: -1 with x alone, and -3 in all."""
    limited, equal = RowList(), RowList()
    limited.add(1.0, (0, [0, 1], 1.0))
    equal.add(0.0, (0, [2], 1.0))
    programme = LinearProgramme(np.array([-1.0, -3.0, 0.0]), np.ones(3), equal, limited)
    few = programme.solve(np.array([True, False, True]), [])
    assert few.optimum == pytest.approx(-1.0)
    assert -4.0 <= few.bound <= -3.0
    assert few.reduced_costs[1] <= -2.0
    whole = programme.solve(np.ones(3, bool), [])
    assert (whole.optimum, whole.bound) == pytest.approx((-3.0, -3.0))


def test_bound_holds_when_it_ends_early(monkeypatch):
    """After one round, with columns missing and cuts violated, it is lower and still one."""
    episode = drawn_episode(3, bins=12)
    whole = least_cost_bound(episode)
    monkeypatch.setattr(episode_bound, "_LAST_ROUND", 1)
    monkeypatch.setattr(episode_bound, "_NEAREST", 1)
    early = least_cost_bound(episode)
    assert early.rounds == 1 < whole.rounds
    assert early.cost < whole.cost


def test_bound_refuses_what_it_is_not_for():
    """No parts, or stops without time."""
    with pytest.raises(ConfigError, match="`parts_per_shift` must be at least 1, got 0"):
        least_cost_bound(one_bin_episode(), parts_per_shift=0)
    with pytest.raises(ConfigError, match="stops that take time, got `service_s` = 0"):
        least_cost_bound(one_bin_episode(service_s=0.0))


def test_search_gives_up_after_too_many_states():
    """With what to do."""
    with pytest.raises(TooLargeError, match="more than 10 states"):
        least_cost(drawn_episode(0), max_states=10)


def test_arcs_hold_what_must_overflow():
    """Of one bin: from the latest time of a visit to the earliest one of the next."""
    arcs = visit_arcs(one_bin_episode())
    ends = list(zip(arcs.first.tolist(), arcs.second.tolist(), strict=True))
    assert ends == [(-1, 0), (-1, 1), (-1, 2), (0, 1), (0, 2), (1, 2)]
    # Visits are at 0.5 h to 2.5 h of each day: 22 h of 10 l between two at least.
    assert arcs.least_overflow_l == pytest.approx([5.0, 245.0, 480.0, 0.0, 215.0, 0.0], abs=1e-3)
    assert arcs.least_content_l == pytest.approx([240.0, 240.0, 240.0, 220.0, 240.0, 215.0], 1e-3)


def test_tour_apart_from_the_depot_is_cut_off():
    """Bins 0 and 1 with each other alone, bin 2 with the depot."""
    weights = np.zeros((4, 4))
    weights[0, 1] = weights[1, 0] = weights[2, 3] = weights[3, 2] = 2.0
    found = [members.tolist() for members in subtour_sets(weights, np.ones(3), 1e-3)]
    assert found == [[True, True, False]]
    weights[0, 3] = weights[3, 0] = 1.5
    found = [members.tolist() for members in subtour_sets(weights, np.ones(3), 1e-3)]
    assert found == [[True, True, False]]
    assert not list(subtour_sets(weights, np.array([0.75, 0.75, 1.0]), 1e-3))


def test_sets_with_too_much_for_the_trips_into_them_are_found_one_by_one():
    """Two trips with 1.5 loads each, and one that holds half a load."""
    weights = np.zeros((4, 4))
    weights[:3, 3] = weights[3, :3] = 2.0
    found = [one.tolist() for one in overloaded_sets(weights, np.array([1.5, 0.5, 1.5]), 1e-3)]
    assert found == [[True, False, False], [False, False, True]]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"initial_l": [1.0, 2.0]}, r"`initial_l` must have the shape \(1,\), got \(2,\)"),
        ({"capacity_l": [math.nan]}, "`capacity_l` must be finite"),
        ({"distance_m": [[0.0, 1.0], [2.0, 0.0]]}, "`distance_m` must be symmetric"),
        ({"thrown_in_l": -np.arange(49.0)[:, None] + 48.0}, "must not decrease"),
        ({"shift_starts_s": (0.0, 100.0)}, "without overlap"),
        ({"shift_starts_s": (0.0, 172_000.0)}, "end within the 172800 s"),
        ({"num_trucks": 0}, "`num_trucks` must be positive, got 0"),
        ({"penalty_per_l": -1.0}, "`penalty_per_l` must be finite and >= 0, got -1.0"),
    ],
)
def test_episode_that_cannot_be_is_refused(changes, sentence):
    """With the value and what is allowed."""
    with pytest.raises(ConfigError, match=sentence):
        one_bin_episode(**changes)
