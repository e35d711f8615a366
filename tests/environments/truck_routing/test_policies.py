"""Policies of truck routing: what they read, where they go, and what they remember."""

import sys

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from twin_gym.environments.factory import vector_env
from twin_gym.environments.truck_routing.bins import Bin, ListedBins
from twin_gym.environments.truck_routing.policies import POLICIES
from twin_gym.environments.truck_routing.policies.clairvoyant import ClairvoyantPlanPolicy, Truth
from twin_gym.environments.truck_routing.policies.decisions import (
    Decisions,
    Episodes,
    day_of,
    policy_tables,
)
from twin_gym.environments.truck_routing.policies.planned import OverflowPlanPolicy
from twin_gym.environments.truck_routing.policies.rules import SchedulePolicy
from twin_gym.environments.truck_routing.roads import StraightRoads
from twin_gym.environments.truck_routing.scenario import DAY_S, Depot, TruckScenario
from twin_gym.errors import ConfigError, MissingExtraError
from twin_gym.policies import PrivilegedPolicy, evaluate, make_policy, policies_for, world_seeds
from twin_gym.scenario.loading import load

PICK_ONLY = (
    "schedule", "threshold-pyvrp", "probability-pyvrp", "overflow-pyvrp", "clairvoyant-pyvrp"
)  # fmt: skip
NEAR, MIDDLE, FAR, DEPOT = range(4)


def street(**changes):
    """Three bins along a street, the depot at its end; each takes two days to fill."""
    bins = tuple(
        Bin(name=name, x_m=x_m, y_m=0.0, capacity_l=240.0, inflow_l_per_h=5.0)
        for name, x_m in (("near", 500.0), ("middle", 1000.0), ("far", 2000.0))
    )
    scenario = TruckScenario(
        name="street", horizon_s=3 * DAY_S, bins=ListedBins(bins=bins),
        roads=StraightRoads(detour=1.0), depot=Depot(x_m=0.0, y_m=0.0), speed_m_per_s=5.0,
    )  # fmt: skip
    return scenario.replace(**changes)


def seen(*predicted, allowed=(1, 1, 1), now_s=0.0, left_s=28_800.0, age_s=0.0):
    """What a truck at the depot of the street sees."""
    fills = np.array([predicted])
    return Decisions(
        allowed=np.array([allowed]) == 1, predicted=fills, reading=fills,
        age_s=np.full((1, 3), age_s), is_read=np.full((1, 3), True),
        daily_fill=np.full((1, 3), 0.5), travel_s=np.array([[100.0, 200.0, 400.0]]),
        return_s=np.array([[100.0, 200.0, 400.0]]), shift_left_s=np.array([left_s]),
        now_s=np.array([now_s]), load=np.zeros(1), at_depot=np.array([True]),
    )  # fmt: skip


def fresh(name, action="pick", **changes):
    """A policy for the street, reset."""
    policy = POLICIES[name](street(**changes), action)
    policy.reset(0)
    return policy


def run(policy, scenario, seeds, action="pick", *, reset=True):
    """Yields batch, observations, masks and actions, until the first episodes are over."""
    env = vector_env(scenario, len(seeds), action=action, autoreset_mode=AutoresetMode.SAME_STEP)
    if isinstance(policy, PrivilegedPolicy):
        policy.bind(env.batch)
    observations, infos = env.reset(seed=list(seeds))
    if reset:
        policy.reset(0)
    over = np.zeros(len(seeds), np.bool_)
    while not over.all():
        masks = infos["action_mask"]
        chosen = policy.actions(observations, masks)
        yield env.batch, observations.copy(), masks.copy(), chosen
        observations, _, _, truncated, infos = env.step(chosen)
        over |= truncated


@pytest.mark.parametrize(
    ("rule", "fills", "allowed", "expected"),
    [
        ("nearest-full", (0.4, 0.45, 0.49), (1, 1, 1), DEPOT),
        ("nearest-full", (0.5, 0.8, 0.9), (1, 1, 1), MIDDLE),  # 1.8, 2.1, 1.6 per 1,000 s
        ("nearest-full", (0.5, 0.8, 0.9), (1, 0, 1), NEAR),
        ("threshold", (0.69, 0.7, 0.9), (1, 1, 1), MIDDLE),
        ("threshold", (0.69, 0.6, 0.5), (1, 1, 1), DEPOT),
        ("threshold", (0.9, 0.9, 0.9), (0, 0, 1), FAR),
        ("threshold-pyvrp", (0.1, 0.2, 0.3), (1, 1, 1), DEPOT),
        ("threshold-pyvrp", (0.1, 0.2, 0.8), (1, 1, 1), FAR),
        ("probability-pyvrp", (0.0, 0.0, 0.0), (1, 1, 1), DEPOT),
        ("probability-pyvrp", (0.0, 0.0, 0.95), (1, 1, 1), FAR),
        ("overflow-pyvrp", (0.0, 0.0, 0.0), (1, 1, 1), DEPOT),
        ("overflow-pyvrp", (0.0, 0.0, 0.95), (1, 1, 1), FAR),
    ],
)
def test_rules_go_where_they_say(rule, fills, allowed, expected):
    """By hand, for a truck at the depot."""
    assert fresh(rule).choose(seen(*fills, allowed=allowed))[0] == expected


@pytest.mark.parametrize("action", ["pick", "nearest"])
@pytest.mark.parametrize("name", POLICIES)
def test_policies_obey_the_mask(name, action):
    """On three rows of a fleet: nothing disallowed is ever chosen."""
    scenario = load("truck-grid-20").replace(num_trucks=2, horizon_s=2 * DAY_S)
    if action == "nearest" and name in PICK_ONLY:
        with pytest.raises(ConfigError, match="take `pick`"):
            POLICIES[name](scenario, action)
        return
    policy = POLICIES[name](scenario, action)
    steps = 0
    for _, _, masks, chosen in run(policy, scenario, [3, 1, 4], action):
        assert (masks[np.arange(3), chosen] == 1).all()
        steps += 1
    assert steps > 5


def test_masks_are_obeyed_even_if_a_rule_does_not():
    """What a rule chooses and may not becomes the depot."""
    policy = fresh("threshold")
    policy.choose = lambda seen: np.full(len(seen.now_s), FAR)
    env = vector_env(street(), 2)
    observations, infos = env.reset(seed=[1, 2])
    masks = infos["action_mask"].copy()
    masks[1, FAR] = 0
    assert policy.actions(observations, masks).tolist() == [FAR, DEPOT]


@pytest.mark.parametrize("days", [7, 10, 90, 366])
def test_days_are_told_apart_in_long_episodes(days):
    """Though a share of the episode, as a float32, may lie just before the beginning of a day."""
    shares = (np.arange(days) / days).astype(np.float32)
    times_s = shares.astype(np.float64) * days * DAY_S
    assert day_of(times_s).tolist() == list(range(days))
    policy = fresh("overflow-pyvrp", horizon_s=days * DAY_S)
    for day, now_s in enumerate(times_s):
        visit_s, next_s = policy.visits_s(seen(0.5, 0.5, 0.5, now_s=now_s), 0)
        assert visit_s == day * DAY_S + 14_400.0
        assert next_s == min((day + 1) * DAY_S + 14_400.0, days * DAY_S)


def test_a_schedule_goes_out_every_day_of_a_long_episode():
    """Three bins on each of 90 days."""
    scenario = street(horizon_s=90 * DAY_S)
    policy = SchedulePolicy(scenario, period_days=1)
    policy.reset(0)
    stops = np.zeros(90, np.int64)
    for batch, _, _, chosen in run(policy, scenario, [2]):
        stops[int(batch.believed(0).time_s // DAY_S)] += chosen[0] != DEPOT
    assert (stops == 3).all()


def test_a_guess_stays_a_guess_for_a_year():
    """Rounded ages of what was never read make no readings of it."""
    scenario = street(horizon_s=366 * DAY_S, report_period_s="never")
    policy = POLICIES["threshold"](scenario, "pick")
    policy.choose = lambda seen: np.full(len(seen.now_s), DEPOT)
    for _, observations, masks, _ in run(policy, scenario, [2]):
        assert not policy.read(observations, masks).is_read.any()


@pytest.mark.parametrize("name", ["overflow-pyvrp", "clairvoyant-pyvrp"])
@pytest.mark.parametrize("costs", [(1.0, 1e9), (1e9, 1e9), (1e-9, 1e-7)])
def test_plans_hold_for_costs_of_every_size(name, costs):
    """Bins that run over are worth a way whatever the unit of money."""
    per_km, per_l = costs
    scenario = street(cost_per_km=per_km, penalty_per_l=per_l, cost_per_stop=0.0, horizon_s=DAY_S,
                      initial_fill_max=1.0, inflow_factor=10.0)  # fmt: skip
    policy = POLICIES[name](scenario, "pick")
    bins = {int(chosen[0]) for *_, chosen in run(policy, scenario, [2])}
    assert bins >= {NEAR, MIDDLE, FAR}


def test_numbers_that_make_no_plan_are_refused():
    """When the policy is made, with the value."""
    with pytest.raises(ConfigError, match="`max_iterations` must be 1 or more, got 0"):
        POLICIES["threshold-pyvrp"](street(), "pick", max_iterations=0)
    with pytest.raises(ConfigError, match="`fill_prize` must be 0 or more and finite, got nan"):
        OverflowPlanPolicy(street(), fill_prize=float("nan"))
    with pytest.raises(ConfigError, match="`prize` must be 0 or more and finite, got -1"):
        POLICIES["probability-pyvrp"](street(), "pick", prize=-1.0)


@pytest.mark.parametrize("name", PICK_ONLY[1:])
def test_plans_without_pyvrp_are_refused_at_once(name, monkeypatch):
    """When the policy is made, with the command that installs it."""
    monkeypatch.setitem(sys.modules, "pyvrp", None)
    with pytest.raises(MissingExtraError, match=r"twin-gym\[routing\]"):
        POLICIES[name](street(), "pick")


@pytest.mark.parametrize("action", ["pick", "nearest"])
def test_what_is_read_is_what_the_twin_knows(action):
    """Litres, seconds and places of the batch, out of shares."""
    scenario = load("truck-grid-20").replace(num_trucks=2, report_period_s=7200.0)
    policy = POLICIES["random"](scenario, action)
    for batch, observations, masks, _ in run(policy, scenario, [5, 6], action):
        read = policy.read(observations, masks)
        for row in range(2):
            known, bins = batch.believed(row), batch.candidates(row)
            there = np.flatnonzero(bins >= 0)
            bins = bins[there]
            capacity_l, tables = policy.tables.capacity_l[bins], policy.tables
            np.testing.assert_allclose(
                read.predicted[row, there] * capacity_l, known.predicted_l[bins], atol=1e-3
            )
            np.testing.assert_allclose(
                read.reading[row, there] * capacity_l, known.reading_l[bins], atol=1e-3
            )
            ages_s = known.time_s - known.read_at_s[bins]
            np.testing.assert_allclose(read.age_s[row, there], ages_s, atol=0.5)
            np.testing.assert_allclose(
                read.travel_s[row, there], tables.travel_s[known.place, bins], atol=0.01
            )
            np.testing.assert_allclose(
                read.return_s[row, there], tables.travel_s[bins, -1], atol=0.01
            )
            inflows = tables.forecast.inflow_l_per_h[bins]
            np.testing.assert_allclose(
                read.daily_fill[row, there], 24.0 * inflows / capacity_l, rtol=1e-4
            )
            assert read.now_s[row] == pytest.approx(known.time_s, abs=0.1)
            assert read.shift_left_s[row] == pytest.approx(max(known.left_s, 0.0), abs=0.1)
            assert read.load[row] * scenario.truck_capacity_l == pytest.approx(
                known.load_l, abs=1e-2
            )
            assert read.at_depot[row] == (known.place == scenario.num_bins)


@pytest.mark.parametrize("days", [7, 18])
def test_shift_that_begins_is_not_read_as_the_day_before(days):
    """Of 18 days, 11 are less in 32 bits than they are: the planner would stay at home that day."""
    scenario = street(horizon_s=days * DAY_S)
    policy = OverflowPlanPolicy(scenario)
    env = vector_env(scenario, 1, autoreset_mode=AutoresetMode.NEXT_STEP)
    observations, infos = env.reset(seed=1)
    begun, truncated = [], [False]
    while not truncated[0]:
        seen = policy.read(observations, infos["action_mask"])
        begun.append(int(day_of(seen.now_s)[0]))
        assert policy.visits_s(seen, 0)[0] == pytest.approx(
            begun[-1] * DAY_S + scenario.shift_length_s / 2.0
        )
        observations, _, _, truncated, infos = env.step([scenario.num_bins])
    assert begun == list(range(days))


def test_observations_of_another_scenario_are_refused():
    """With both shapes."""
    with pytest.raises(ConfigError, match="that scenario alone"):
        fresh("threshold").actions(np.zeros((1, 5), np.float32), np.ones((1, 4), np.int8))


def test_schedule_visits_each_bin_on_its_days():
    """Once on each of its days, never on others, also with two trucks; periods are shares full."""
    scenario = street(num_trucks=2, horizon_s=6 * DAY_S)
    policy = SchedulePolicy(scenario)
    assert policy.periods.tolist() == [1, 1, 1]  # 0.75 of 240 l at 120 l a day
    policy = SchedulePolicy(scenario, period_days=3)
    days = []
    for batch, _, _, chosen in run(policy, scenario, [1]):
        if chosen[0] < 3:
            days.append((int(chosen[0]), int(batch.believed(0).time_s // DAY_S)))
    first = policy.first_days
    assert sorted(first.tolist()) == [0, 1, 2]
    assert sorted(days) == sorted((i, first[i] + d) for i in range(3) for d in (0, 3))


@pytest.mark.parametrize(("fill", "days"), [(0.1, 1), (1.0, 2), (1.5, 3), (9.0, 7)])
def test_fill_at_a_visit_gives_the_days_between_visits(fill, days):
    """Bins of 240 l at 120 l a day; a day at least and a week at most."""
    policy = SchedulePolicy(street(), fill_at_visit=fill)
    assert policy.periods.tolist() == [days] * 3
    with pytest.raises(ConfigError, match="above 0, got 0"):
        SchedulePolicy(street(), fill_at_visit=0.0)


def test_new_episodes_are_noticed():
    """Time that goes back, and more decisions at the beginning than there are trucks."""
    episodes = Episodes(2)
    assert episodes.begun(np.array([0.0, 0.0])).all()
    assert not episodes.begun(np.array([0.0, 50.0])).any()
    assert episodes.begun(np.array([0.0, 0.0])).tolist() == [True, True]
    assert not episodes.begun(np.array([10.0, 0.0])).any()
    assert episodes.begun(np.zeros(3)).all()


@pytest.mark.parametrize("name", PICK_ONLY)
def test_memory_ends_with_the_episode(name):
    """The second episode of a row is decided as by a policy that has seen no other."""
    scenario = load("truck-grid-20").replace(horizon_s=DAY_S, num_trucks=2)
    used, new = POLICIES[name](scenario, "pick"), POLICIES[name](scenario, "pick")
    before = [chosen for *_, chosen in run(used, scenario, [7])]
    after = [chosen for *_, chosen in run(used, scenario, [9], reset=False)]
    alone = [chosen for *_, chosen in run(new, scenario, [9])]
    assert len(before) >= 2
    np.testing.assert_array_equal(after, alone)


@pytest.mark.parametrize("num_trucks", [1, 3])
def test_plans_of_a_fleet_do_not_overlap(num_trucks):
    """What is left of all plans names each bin once, and trucks are sent where they say."""
    scenario = load("truck-grid-20").replace(num_trucks=num_trucks, horizon_s=DAY_S)
    policy = OverflowPlanPolicy(scenario)
    for _, _, _, chosen in run(policy, scenario, [2]):
        plans = policy._plans[0]
        left = [b for place, rest in plans.rest.items() for b in (place, *rest)]
        left += [b for trip in plans.departures for b in trip]
        assert len(left) == len(set(left))
        assert chosen[0] == 20 or chosen[0] in plans.rest
        assert len(plans.rest) <= num_trucks


def test_replays_are_not_taken_for_certain(data_dir):
    """No law says how much they vary; without a doubt, planners would come too late."""
    forecast = policy_tables(load("truck-edinburgh-replay")).forecast
    assert forecast.dispersion_l > 10.0
    assert policy_tables(street()).forecast.dispersion_l == 10.0  # 5 l, exponential


def test_bins_of_other_trucks_are_not_planned_again():
    """A truck drives to the near bin and then to the middle one: the third is left."""
    policy = fresh("overflow-pyvrp", num_trucks=2)
    full = seen(0.95, 0.95, 0.95, now_s=10_000.0, left_s=18_800.0)
    assert policy.choose(full)[0] != DEPOT
    policy._plans[0].rest = {NEAR: (MIDDLE,)}
    problem = policy._problem(full, 0, 1)
    assert np.flatnonzero(problem.prize > 0.0).tolist() == [FAR]


def test_overflow_that_is_prevented_grows_with_the_fill_and_its_age():
    """A fuller bin, and one whose reading is older, are more urgent; one just emptied is not."""
    policy = fresh("overflow-pyvrp")
    visit_s, next_s = policy.visits_s(seen(0.5, 0.5, 0.5), 0)
    assert (visit_s, next_s) == (14_400.0, DAY_S + 14_400.0)
    fills = policy.prevented_l(seen(0.1, 0.6, 0.9), 0, visit_s, next_s)
    assert fills[0] < 1.0 < 10.0 < fills[1] < fills[2] < 120.0
    late = seen(0.1, 0.6, 0.9, now_s=DAY_S, age_s=DAY_S / 2)
    older = policy.prevented_l(late, 0, *policy.visits_s(late, 0))
    assert (older > fills).all()
    last = seen(0.5, 0.5, 0.5, now_s=2 * DAY_S)
    assert policy.visits_s(last, 0)[1] == 3 * DAY_S  # nothing is paid for beyond the horizon
    assert policy.worth(last, 0)[0][0] == pytest.approx(
        0.5 * policy.prevented_l(last, 0, *policy.visits_s(last, 0))[0]
    )


def test_prize_is_the_chance_of_an_overflow_before_the_next_shift():
    """In proportion to the forecast; a bin that is believed to be full is due."""
    policy = fresh("probability-pyvrp")
    full = seen(0.1, 0.6, 1.0)
    worth, due = policy.worth(full, 0)
    forecast, capacity_l = policy.tables.forecast, policy.tables.capacity_l
    room_l = capacity_l * np.array([0.9, 0.4, 0.0])
    _, next_s = policy.visits_s(full, 0)
    chances = forecast.overflow_probability(room_l, forecast.expected_l(0.0, next_s))
    assert 0.0 < chances[0] < chances[1] < chances[2]
    np.testing.assert_allclose(worth / worth[2], chances / chances[2], rtol=1e-6)
    assert due.tolist() == [False, False, True]


def test_truth_is_what_overflows():
    """Nobody is sent out: the forecast of hidden state is the indicator at the end."""
    scenario = load("truck-grid-20")
    env = vector_env(scenario, 2, autoreset_mode=AutoresetMode.NEXT_STEP)
    env.reset(seed=[1, 2])
    truth = Truth(env.batch)
    told = [truth.overflow_l(row, 0.0, scenario.horizon_s).sum() for row in range(2)]
    over, infos = np.zeros(2, np.bool_), {}
    while not over.all():
        _, _, _, over, infos = env.step(np.full(2, 20))
    np.testing.assert_allclose(infos["kpi"]["overflow_l"], told, rtol=1e-9)
    assert min(told) > 100.0


def test_order_of_policies_on_the_same_worlds():
    """Who plans with forecasts beats thresholds; who sees the truth beats all; random is last."""
    scenario = street(horizon_s=5 * DAY_S)
    seeds = world_seeds("validation", 4)
    names = ("random", "threshold-pyvrp", "overflow-pyvrp", "clairvoyant-pyvrp")
    returns = [
        evaluate(make_policy(name, scenario), scenario, seeds).returns.mean() for name in names
    ]
    assert returns == sorted(returns)


def test_clairvoyance_needs_rows_and_has_no_rank():
    """It says what to call; tables of competitors leave it out."""
    policy = ClairvoyantPlanPolicy(street())
    policy.reset(0)
    with pytest.raises(ConfigError, match="bind"):
        policy.choose(seen(0.5, 0.5, 0.9))
    assert policy.name not in [one.name for one in policies_for(street())]


@pytest.mark.parametrize(
    ("name", "changes"),
    [("threshold", {"threshold": 1.5}), ("threshold-pyvrp", {"threshold": -0.1}),
     ("schedule", {"period_days": 0})],
)  # fmt: skip
def test_faulty_settings_are_refused(name, changes):
    """With the value."""
    with pytest.raises(ConfigError, match=str(next(iter(changes.values())))):
        POLICIES[name](street(), **changes)
