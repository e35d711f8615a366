"""The exact optimum of an episode: closed forms, limits, the chain told literally, refusals."""

import math

import numpy as np
import pytest
from hypothesis import given, settings

from tests.environments.slice_admission.literal_chain import LiteralChain
from tests.environments.slice_admission.theory_cases import small_scenarios
from twin_gym.environments.slice_admission.policies.optimum import OptimalPolicy
from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.environments.slice_admission.theory.finite_horizon import finite_horizon_optimum
from twin_gym.environments.slice_admission.theory.optimal import optimal_policy
from twin_gym.errors import ConfigError, TooLargeError
from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.scenario import Daily, Deterministic, Schedule
from twin_gym.scenario.loading import load

PRESETS = ("small", "medium", "heavy", "erlang-5-10", "erlang-8-10", "erlang-10-10", "erlang-a")


def one_server(revenue=1.0, penalty=0.0):
    """M/M/1/1 with rates 2 and 0.5."""
    calls = Slice(
        name="calls",
        demand={"units": 1.0},
        arrival_rate_hz=2.0,
        mean_holding_time_s=2.0,
        revenue=revenue,
        lost_penalty=penalty,
    )
    return AdmissionScenario(
        name="one-server", capacity={"units": 1.0}, slices=(calls,), horizon_s=10.0
    )


@pytest.mark.parametrize("horizon_s", [0.1, 1.0, 10.0, 300.0])
def test_one_server_from_empty_has_a_closed_form(horizon_s):
    """P(free at t) = μ/(λ+μ) + λ/(λ+μ) exp(-(λ+μ)t), integrated; lost are all the others."""
    total = 2.0 + 0.5
    free_s = 0.5 / total * horizon_s + 2.0 / total**2 * (1.0 - math.exp(-total * horizon_s))
    for revenue, penalty in ((1.0, 0.0), (3.0, 0.25)):
        optimum = finite_horizon_optimum(
            one_server(revenue, penalty), horizon_s=horizon_s, tolerance=1e-3
        )
        exact = 2.0 * ((revenue + penalty) * free_s / horizon_s - penalty)
        assert optimum.bounds[0] - 1e-9 <= exact <= optimum.bounds[1] + 1e-9
        assert optimum.bounds[1] - optimum.bounds[0] <= 1e-3 * 2.0 * (revenue + penalty) + 1e-12


def test_at_the_end_everything_is_admitted():
    """An episode too short for a second request: the first one is taken, whatever it pays."""
    scenario = load("teletraffic-small")
    offered = sum(one.arrival_rate_hz * one.revenue for one in scenario.slices)
    optimum = finite_horizon_optimum(scenario, horizon_s=1e-4)
    assert optimum.revenue_rate_per_s == pytest.approx(offered, rel=1e-3)


@pytest.mark.parametrize("preset", PRESETS)
def test_long_episodes_earn_the_long_run_optimum(preset):
    """From above, with a difference that falls with 1/T; the simple bound is above both."""
    scenario = load(f"teletraffic-{preset}")
    gain = optimal_policy(scenario).gain_per_s
    short, long = (
        finite_horizon_optimum(scenario, horizon_s=horizon_s, tolerance=tolerance)
        for horizon_s, tolerance in ((100.0, 1e-3), (10_000.0, 1e-5))
    )
    assert gain < long.bounds[1] < long.simple_bound_per_s
    assert long.revenue_rate_per_s - gain == pytest.approx(
        (short.revenue_rate_per_s - gain) / 100.0, rel=0.5
    )


def earned_literally(scenario, horizon_s, steps):
    """v_T(empty) by Runge and Kutta's method on the rules told word by word."""
    chain = LiteralChain(scenario)

    def slope(value):
        resting = dict(zip(chain.states, value, strict=True))
        return np.array(
            [
                sum(hz * (then - resting[n, q]) for hz, then in chain.events(n, q, resting))
                for n, q in chain.states
            ]
        )

    value, step = np.zeros(len(chain.states)), horizon_s / steps
    for _ in range(steps):
        first = slope(value)
        second = slope(value + step / 2 * first)
        third = slope(value + step / 2 * second)
        fourth = slope(value + step * third)
        value = value + step / 6 * (first + 2 * second + 2 * third + fourth)
    return value[0]


@pytest.mark.parametrize("law", [Daily, Schedule])
@pytest.mark.parametrize("factors", [(1.8, 0.2), (0.2, 1.8), (0.0, 2.0)])
def test_rates_that_change_have_a_closed_form_with_one_server(law, factors):
    """P(free) goes from one half to the next; with one server their order makes no difference."""
    half_s, free, earned = 1.0, 1.0, 0.0
    for rate_hz in (2.0 * factor for factor in factors):
        total, settled = rate_hz + 0.5, 0.5 / (rate_hz + 0.5)
        fallen = (free - settled) * math.exp(-total * half_s)
        earned += 3.0 * rate_hz * (settled * half_s + (free - settled - fallen) / total)
        free = settled + fallen
    base = one_server(revenue=3.0)
    changing = base.slices[0].replace(arrival=law(period_s=2.0 * half_s, factors=factors))
    scenario = base.replace(slices=(changing,))
    optimum = finite_horizon_optimum(scenario, horizon_s=2.0 * half_s, tolerance=1e-3)
    exact = earned / (2.0 * half_s)
    assert optimum.bounds[0] - 1e-9 <= exact <= optimum.bounds[1] + 1e-9
    assert optimum.bounds[1] - optimum.bounds[0] <= 1e-3 * 2.0 * 3.0 + 1e-12


@pytest.mark.parametrize("is_dear_first", [True, False])
def test_the_order_of_hours_counts(is_dear_first):
    """One server that nobody leaves: cheap requests are turned away where dear ones come later."""
    comes = 1.0 - math.exp(-2.0)
    exact = 10.0 * comes + (is_dear_first * (1.0 - comes) * comes)
    first, second = (2.0, 0.0), (0.0, 2.0)
    base = one_server().slices[0].replace(mean_holding_time_s=1e7, arrival_rate_hz=1.0)
    slices = tuple(
        base.replace(name=name, revenue=revenue, arrival=Daily(period_s=2.0, factors=factors))
        for name, revenue, factors in (
            ("dear", 10.0, first if is_dear_first else second),
            ("cheap", 1.0, second if is_dear_first else first),
        )
    )
    scenario = one_server().replace(slices=slices)
    optimum = finite_horizon_optimum(scenario, horizon_s=2.0, tolerance=1e-3)
    assert optimum.revenue_rate_per_s == pytest.approx(exact / 2.0, rel=5e-3)


def test_a_flat_day_changes_nothing():
    """The stretches of a day with one rate are one stretch."""
    scenario = load("teletraffic-small").replace(horizon_s=10.0)
    daily = scenario.replace(
        slices=tuple(
            one.replace(arrival=Daily(period_s=4.0, factors=(1.0, 1.0))) for one in scenario.slices
        )
    )
    flat, constant = (finite_horizon_optimum(one, tolerance=1e-4) for one in (daily, scenario))
    assert flat.bounds == constant.bounds


def test_no_policy_by_the_clock_earns_more():
    """The rates' own optimum, hour by hour, comes near the enclosure and does not pass it."""
    scenario = load("alternating").replace(horizon_s=100.0)
    optimum = finite_horizon_optimum(scenario, tolerance=1e-3)
    policy = make_policy("surrogate-optimum", scenario)
    earned = evaluate(policy, scenario, world_seeds("validation", 64)).returns / 100.0
    half = 3.0 * float(np.std(earned)) / math.sqrt(len(earned))
    assert 0.95 * optimum.bounds[0] - half <= earned.mean() <= optimum.bounds[1] + half


@settings(max_examples=4)
@given(scenario=small_scenarios(max_slices=2, max_queue=1))
def test_enclosure_holds_what_the_rules_told_literally_give(scenario):
    """Pending arrivals, full queues, several admissions at one instant, penalties."""
    optimum = finite_horizon_optimum(scenario, horizon_s=0.7, tolerance=1e-4)
    earned = earned_literally(scenario, 0.7, 24) / 0.7
    slack = 2e-4 * sum(
        one.arrival_rate_hz * (one.revenue + one.lost_penalty) for one in scenario.slices
    )
    assert optimum.bounds[0] - slack <= earned <= optimum.bounds[1] + slack


@pytest.mark.parametrize("preset", ["small", "erlang-a"])
def test_no_simulated_policy_earns_more(preset):
    """The long-run optimum, from empty over whole episodes, reaches it within its interval."""
    scenario = load(f"teletraffic-{preset}").replace(horizon_s=100.0)
    policy = OptimalPolicy(scenario)
    earned = evaluate(policy, scenario, world_seeds("validation", 256)).returns / 100.0
    half = 3.0 * float(np.std(earned)) / math.sqrt(len(earned))
    optimum = finite_horizon_optimum(scenario, tolerance=1e-4)
    assert earned.mean() - half <= optimum.bounds[1]
    assert earned.mean() + half >= optimal_policy(scenario).gain_per_s


def test_refusals():
    """A law with a memory, too many states, arguments out of range, too few steps."""
    base = one_server()
    held = base.slices[0].replace(holding=Deterministic())
    with pytest.raises(ConfigError, match="the exact optimum of an episode needs exponential"):
        finite_horizon_optimum(base.replace(slices=(held,)))
    with pytest.raises(TooLargeError, match="2 states and at most 1 are"):
        finite_horizon_optimum(base, max_states=1)
    for horizon_s in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ConfigError, match="`horizon_s` must be finite and > 0"):
            finite_horizon_optimum(base, horizon_s=horizon_s)
    with pytest.raises(ConfigError, match="`tolerance`"):
        finite_horizon_optimum(base, tolerance=0.0)
    with pytest.raises(ConfigError, match="after 5 steps: allow more `max_steps`"):
        finite_horizon_optimum(base, max_steps=5)
