"""Upper bounds: known values, never below an exact optimum, and the parts of their proof."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.environments.slice_admission.theory_cases import (
    KNOWN_OPTIMA,
    small_scenarios,
    two_queues,
)
from twin_gym.environments.slice_admission.scenario import Slice
from twin_gym.environments.slice_admission.theory.bounds import fluid_bound, utilisation_bound
from twin_gym.environments.slice_admission.theory.evaluation import evaluate_policy, first_fit
from twin_gym.environments.slice_admission.theory.optimal import optimal_policy
from twin_gym.environments.slice_admission.theory.residual_service import longest_mean_residual_s
from twin_gym.errors import ConfigError
from twin_gym.scenario import Daily, Deterministic, Empirical, Exponential, Lognormal, Pareto, Trace
from twin_gym.scenario.loading import load


def calls(**fields) -> Slice:
    """A slice on one resource."""
    values = {"demand": {"units": 1.0}, "arrival_rate_hz": 1.0, "mean_holding_time_s": 2.0}
    return Slice(name="calls", **(values | fields))


def test_contention_is_bounded_by_its_linear_programme():
    """All of the dear slices, and ubiquitous on what radio is left: 29.06 a second."""
    bound = fluid_bound(load("contention"))
    radio_left = 100 - 20 * 2.4 - 5 * 2.4 - 1 * 3.0
    ubiquitous = radio_left / (12 * 3.0)
    expected = 1.2 * 8 + 2.4 * 6 + 6 * 0.5 + ubiquitous * 2
    assert bound.revenue_rate_per_s == pytest.approx(expected, rel=1e-12)
    assert bound.revenue_rate_per_s == pytest.approx(29.06, abs=0.005)
    assert bound.admitted_rate_hz["ubiquitous"] == pytest.approx(ubiquitous, rel=1e-9)
    assert bound.price == pytest.approx({"radio": 2 / 36, "computing": 0.0, "storage": 0.0})


def test_price_is_the_worth_of_one_more_unit():
    """Raise the capacity by one and see."""
    scenario = load("contention")
    for horizon_s in (None, 50.0):
        base = fluid_bound(scenario, horizon_s=horizon_s)
        more = scenario.replace(capacity={**scenario.capacity, "radio": 101.0})
        rise = fluid_bound(more, horizon_s=horizon_s).revenue_rate_per_s - base.revenue_rate_per_s
        assert rise == pytest.approx(base.price["radio"], rel=1e-9)


@pytest.mark.parametrize("preset", KNOWN_OPTIMA)
def test_bound_is_above_the_known_optima(preset):
    """By 8 to 26 per cent on these small systems."""
    assert fluid_bound(load(preset)).revenue_rate_per_s > KNOWN_OPTIMA[preset][0]


@settings(max_examples=60)
@given(scenario=small_scenarios())
def test_no_optimum_exceeds_the_bounds(scenario):
    """Random laws of load, penalties, queues: the exact optimum stays below."""
    optimum = optimal_policy(scenario)
    assert fluid_bound(scenario).revenue_rate_per_s >= optimum.bounds[0] - 1e-9
    served = evaluate_policy(scenario, first_fit(scenario))
    utilisation = np.mean(list(served.utilisation.values()))
    assert utilisation_bound(scenario) >= utilisation - 1e-9


@settings(max_examples=60)
@given(scenario=small_scenarios(), horizon_s=st.floats(0.5, 100.0))
def test_bound_of_episodes_is_above_that_of_the_long_run(scenario, horizon_s):
    """Episodes may end with requests in service and waiting; a long one is the long run."""
    long_run = fluid_bound(scenario).revenue_rate_per_s
    assert fluid_bound(scenario, horizon_s=horizon_s).revenue_rate_per_s >= long_run - 1e-9
    endless = fluid_bound(scenario, horizon_s=1e9).revenue_rate_per_s
    assert endless == pytest.approx(long_run, abs=1e-6)


def mean_revenue_of_episodes(scenario, horizon_s, episodes, rng):
    """Admit-all on one unit, one class, no queue: revenue a second, simulated plainly."""
    (one,) = scenario.slices
    admitted = 0
    for _ in range(episodes):
        now, free_at = rng.exponential(1 / one.arrival_rate_hz), 0.0
        while now < horizon_s:
            if now >= free_at:
                admitted += 1
                free_at = now + one.mean_holding_time_s
            now += rng.exponential(1 / one.arrival_rate_hz)
    return admitted * one.revenue / (episodes * horizon_s)


def test_short_episodes_need_their_correction():
    """Long deterministic service, short episodes: the first admission is worth more than its share.

    One unit, T = 1, service of 10 s, 20 arrivals a second: nearly one admission an episode, ten
    times the long-run bound. The chance of no arrival at all is 2e-9.
    """
    one = calls(arrival_rate_hz=20.0, mean_holding_time_s=10.0, holding=Deterministic())
    scenario = load("teletraffic-erlang-a").replace(capacity={"units": 1.0}, slices=(one,))
    earned = mean_revenue_of_episodes(scenario, 1.0, 200, np.random.default_rng(1))
    assert earned > 5 * fluid_bound(scenario).revenue_rate_per_s
    assert earned <= fluid_bound(scenario, horizon_s=1.0).revenue_rate_per_s
    # Here the bound is (1 + 10 / 1) / 10 = 1.1 against 1.0 earned.
    assert fluid_bound(scenario, horizon_s=1.0).revenue_rate_per_s == pytest.approx(1.1)


def test_requests_still_waiting_at_the_end_are_not_lost():
    """Nothing need be paid for up to ten of them."""
    scenario = two_queues(10).replace(capacity={"radio": 3.0, "computing": 2.0})
    slices = tuple(one.replace(revenue=0.0, lost_penalty=1.0) for one in scenario.slices)
    scenario = scenario.replace(slices=slices)
    bound = fluid_bound(scenario, horizon_s=0.5).revenue_rate_per_s
    assert bound == pytest.approx(0.0, abs=1e-12)  # at most 8 arrive on average, 20 may wait
    assert fluid_bound(scenario).revenue_rate_per_s < -10


def test_penalty_by_hand_where_not_all_can_wait():
    """20 arrive a second, 2.2 can be admitted, 10 wait at the end of ten seconds: 16.8 are lost."""
    one = calls(arrival_rate_hz=20.0, mean_holding_time_s=1.0, revenue=0.0, queue_limit=10)
    slices = (one.replace(lost_penalty=1.0),)
    scenario = load("teletraffic-erlang-a").replace(capacity={"units": 2.0}, slices=slices)
    bound = fluid_bound(scenario, horizon_s=10.0)
    assert bound.revenue_rate_per_s == pytest.approx(-16.8)
    assert fluid_bound(scenario).revenue_rate_per_s == pytest.approx(-18.0)


def test_profiles_count_what_arrives_until_the_horizon():
    """Twice the mean rate in the first half of the period, nothing in the second."""
    profile = Daily(period_s=10.0, factors=(2.0, 0.0))
    one = calls(arrival_rate_hz=3.0, mean_holding_time_s=0.01, arrival=profile)
    scenario = load("teletraffic-erlang-a").replace(slices=(one,))
    for horizon_s, arrived in ((2.5, 15.0), (5.0, 30.0), (10.0, 30.0), (12.5, 45.0)):
        bound = fluid_bound(scenario, horizon_s=horizon_s).revenue_rate_per_s
        assert bound == pytest.approx(arrived / horizon_s)
    assert fluid_bound(scenario).revenue_rate_per_s == pytest.approx(3.0)


def test_utilisation_is_bounded_by_load_and_capacity():
    """0.8 where 8 Erlang meet 10 units, 1 in overload."""
    assert utilisation_bound(load("teletraffic-erlang-8-10")) == pytest.approx(0.8)
    assert utilisation_bound(load("teletraffic-heavy")) == 1.0
    assert 0.9 < utilisation_bound(load("contention")) < 1.0
    assert utilisation_bound(load("contention"), horizon_s=200.0) < 1.0


DISTRIBUTIONS = [
    (Exponential(), stats.expon()),
    (Lognormal(sigma=0.5), stats.lognorm(0.5, scale=math.exp(-0.125))),
    (Lognormal(sigma=2.0), stats.lognorm(2.0, scale=math.exp(-2.0))),
    (Pareto(shape=1.5), stats.pareto(1.5, scale=1 / 3)),
    (Empirical(quantiles=(0.0, 1.0, 1.0, 10.0)), None),
    (Empirical(quantiles=(1.0, 1.0, 1.0, 1.5)), None),
]


def mean_remaining(law, distribution, ages):
    """E[H - a | H > a] for several ages, by summing over a fine grid, to some 1e-4."""
    if distribution is None:
        quantiles = np.array(law.relative_quantiles())
        levels = (np.arange(60_000) + 0.5) / 60_000 * (len(quantiles) - 1)
        sample = np.interp(levels, np.arange(len(quantiles)), quantiles)
        return [np.mean(sample[sample > a] - a) if sample[-1] > a else 0.0 for a in ages]
    logs = np.linspace(-20.0, 60.0, 20_001)
    beyond = np.exp(logs)
    return [
        np.trapezoid(distribution.sf(a + beyond) * beyond, logs) / distribution.sf(a) for a in ages
    ]


@pytest.mark.parametrize(("law", "distribution"), DISTRIBUTIONS)
@pytest.mark.parametrize("age", [0.0, 0.3, 1.0, 2.5, 20.0])
def test_longest_mean_remaining_time_is_the_greatest_of_all(law, distribution, age):
    """Never below E[H - a | H > a] at any age, and attained at one."""
    longest = longest_mean_residual_s(calls(mean_holding_time_s=3.0, holding=law), 3.0 * age) / 3.0
    ends = [] if distribution is not None else [q for q in law.relative_quantiles() if q <= age]
    ages = np.concatenate((np.linspace(0.0, age, 21), ends))
    greatest = max(mean_remaining(law, distribution, ages))
    assert longest == pytest.approx(max(1.0, greatest), rel=2e-4)


def test_lognormal_far_in_its_tail_is_finite():
    """Where both probabilities of the ratio are zero as floats, it still rises with the age."""
    one = calls(holding=Lognormal(sigma=0.2))
    near, far = (longest_mean_residual_s(one, age_s) for age_s in (1e4, 1e7))
    assert math.isfinite(far)
    assert 2.0 < near < far


def test_deterministic_service_never_stays_longer_than_at_first():
    """m(a) = mean - a."""
    assert longest_mean_residual_s(calls(holding=Deterministic()), 100.0) == 2.0


@pytest.mark.parametrize("horizon_s", [0.0, -1.0, math.inf, math.nan])
def test_horizons_that_are_none_are_refused(horizon_s):
    """With what is allowed."""
    for bound in (fluid_bound, utilisation_bound):
        with pytest.raises(ConfigError, match="horizon_s"):
            bound(load("contention"), horizon_s=horizon_s)


def test_replayed_scenarios_are_refused():
    """Their rates only describe the trace, and prove nothing."""
    scenario = load("teletraffic-small").replace(trace=Trace(path="requests.csv", last_s=10.0))
    for bound in (fluid_bound, utilisation_bound):
        with pytest.raises(ConfigError, match="replays the trace"):
            bound(scenario)
