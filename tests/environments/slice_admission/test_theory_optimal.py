"""The exact optimum: known gains and thresholds, the rules told literally, and refusals."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.environments.slice_admission.literal_chain import LiteralChain
from tests.environments.slice_admission.theory_cases import (
    KNOWN_OPTIMA,
    small_scenarios,
    two_queues,
)
from twin_gym.environments.slice_admission.theory.evaluation import evaluate_policy, first_fit
from twin_gym.environments.slice_admission.theory.optimal import optimal_policy
from twin_gym.environments.slice_admission.theory.product_form import product_form
from twin_gym.errors import ConfigError, TooLargeError
from twin_gym.scenario import Deterministic, Schedule, Trace
from twin_gym.scenario.loading import load


def busy_pairs(capacity):
    """All (class 1, class 2) in service, as an array."""
    pairs = itertools.product(range(capacity + 1), repeat=2)
    return np.array([pair for pair in pairs if sum(pair) <= capacity])


@pytest.mark.parametrize("preset", KNOWN_OPTIMA)
def test_known_gains_are_met(preset):
    """The specification's twelve decimals within 1e-9, and within the reported bounds' width."""
    optimum = optimal_policy(load(preset))
    assert optimum.gain_per_s == pytest.approx(KNOWN_OPTIMA[preset][0], abs=1e-9)
    assert optimum.bounds[0] <= optimum.gain_per_s <= optimum.bounds[1]
    assert optimum.bounds[1] - optimum.bounds[0] < 1e-9


@pytest.mark.parametrize("preset", KNOWN_OPTIMA)
def test_known_thresholds_are_found(preset):
    """The cheap class is admitted iff fewer are busy than the threshold, the dear one always."""
    capacity = int(load(preset).capacity["units"])
    optimum = optimal_policy(load(preset))
    busy = busy_pairs(capacity)
    total = busy.sum(axis=1)
    cheap_comes = np.broadcast_to([1, 0], busy.shape)
    dear_comes = np.broadcast_to([0, 1], busy.shape)
    is_admitted = optimum.actions(busy, cheap_comes) == 0
    np.testing.assert_array_equal(is_admitted, total < KNOWN_OPTIMA[preset][1])
    np.testing.assert_array_equal(optimum.actions(busy, dear_comes) == 1, total < capacity)


@pytest.mark.parametrize("preset", KNOWN_OPTIMA)
def test_policy_table_earns_the_gain(preset):
    """Its stationary distribution gives what value iteration promised."""
    scenario = load(preset)
    optimum = optimal_policy(scenario)
    value = evaluate_policy(scenario, optimum.actions).gain_per_s
    assert value == pytest.approx(optimum.gain_per_s, abs=1e-9)
    assert evaluate_policy(scenario, first_fit(scenario)).gain_per_s == pytest.approx(
        KNOWN_OPTIMA[preset][2], abs=1e-11
    )


@pytest.mark.parametrize("preset", ["teletraffic-erlang-8-10", "teletraffic-erlang-a"])
def test_alone_a_slice_is_always_admitted(preset):
    """One class, nothing to wait for: the optimum is to admit all."""
    scenario = load(preset)
    optimum = optimal_policy(scenario)
    admit_all = evaluate_policy(scenario, first_fit(scenario))
    assert optimum.gain_per_s == pytest.approx(admit_all.gain_per_s, abs=1e-9)
    assert optimum.actions([[0], [9], [10]], [[1], [1], [1]]).tolist() == [0, 0, 1]


def test_two_slices_with_queues_of_ten_take_seconds():
    """Seven thousand states; what is promised is what the table earns."""
    scenario = two_queues()
    optimum = optimal_policy(scenario)
    assert optimum.num_states == 58 * 121
    earned = evaluate_policy(scenario, optimum.actions).gain_per_s
    assert earned == pytest.approx(optimum.gain_per_s, abs=1e-8)
    assert earned > evaluate_policy(scenario, first_fit(scenario)).gain_per_s + 0.1


@settings(max_examples=12)
@given(scenario=small_scenarios(max_slices=2))
def test_optimum_equals_the_rules_told_literally(scenario):
    """Pending arrivals, full queues, several admissions at one instant, penalties."""
    optimum = optimal_policy(scenario)
    assert optimum.gain_per_s == pytest.approx(LiteralChain(scenario).gain_per_s(), abs=1e-6)


@settings(max_examples=60)
@given(scenario=small_scenarios(), seed=st.integers(0, 2**32 - 1))
def test_no_policy_earns_more(scenario, seed):
    """Neither admitting all nor a table drawn at random; the optimum's own table earns it."""
    optimum = optimal_policy(scenario)
    earned = evaluate_policy(scenario, optimum.actions).gain_per_s
    assert earned == pytest.approx(optimum.gain_per_s, abs=1e-6)
    rng = np.random.default_rng(seed)
    num_slices = len(scenario.slices)

    def drawn(in_service, waiting):
        return rng.integers(0, num_slices + 1, len(in_service))

    for policy in (first_fit(scenario), drawn):
        assert evaluate_policy(scenario, policy).gain_per_s <= optimum.bounds[1] + 1e-8


def test_waiting_room_is_worth_something():
    """The same network earns more the more may wait."""
    gains = [optimal_policy(two_queues(limit)).gain_per_s for limit in (0, 1, 3)]
    assert gains[0] < gains[1] < gains[2]


def test_contention_as_a_loss_system_has_a_known_optimum():
    """Four slices, three resources: far above admitting all, far below the fluid bound of 29.06."""
    base = load("contention")
    scenario = base.replace(slices=tuple(one.replace(queue_limit=0) for one in base.slices))
    optimum = optimal_policy(scenario)
    assert optimum.gain_per_s == pytest.approx(23.6638225, abs=1e-6)
    assert product_form(scenario).revenue_rate_per_s == pytest.approx(18.8912180, abs=1e-6)


def test_large_scenarios_are_refused_with_their_count():
    """1,650 vectors in service times 17 to the fourth queues."""
    scenario = load("contention").replace(patience_law="exponential")
    with pytest.raises(TooLargeError, match="137,809,650 states and at most 200,000"):
        optimal_policy(scenario)


def test_laws_with_a_memory_are_refused():
    """The message says whose law it is and what to set."""
    base = load("teletraffic-erlang-a")
    (calls,) = base.slices
    with pytest.raises(
        ConfigError, match=r"'calls' has the law 'deterministic': set its `holding`"
    ):
        optimal_policy(base.replace(slices=(calls.replace(holding=Deterministic()),)))
    schedule = Schedule(period_s=10.0, factors=(1.0, 2.0))
    with pytest.raises(ConfigError, match=r"'calls' has the law 'schedule': set its `arrival`"):
        optimal_policy(base.replace(slices=(calls.replace(arrival=schedule),)))
    with pytest.raises(ConfigError, match=r"'calls' has a queue .* set the scenario's `patience_l"):
        optimal_policy(base.replace(patience_law="deterministic"))
    with pytest.raises(ConfigError, match="replays the trace"):
        optimal_policy(base.replace(trace=Trace(path="requests.csv", last_s=10.0)))


def test_patience_law_does_not_matter_where_nobody_waits():
    """With queue limit 0 everywhere, either law is accepted, with the same answer."""
    scenario = load("teletraffic-small")
    other = scenario.replace(patience_law="deterministic")
    assert optimal_policy(other).gain_per_s == optimal_policy(scenario).gain_per_s


def test_giving_up_says_what_is_known():
    """Too few sweeps: the bounds so far, and what to change."""
    with pytest.raises(ConfigError, match=r"lie between .* after 3 sweeps"):
        optimal_policy(load("teletraffic-small"), max_iterations=3)
    with pytest.raises(ConfigError, match="tolerance"):
        optimal_policy(load("teletraffic-small"), tolerance=0.0)


@pytest.mark.parametrize(
    ("in_service", "waiting", "message"),
    [
        ([[6, 0]], [[0, 0]], "no state"),  # does not fit
        ([[3, 3]], [[0, 0]], "no state"),  # does not fit together
        ([[-1, 0]], [[0, 0]], "no state"),  # negative
        ([[0, 0]], [[2, 0]], "no state"),  # two pending
        ([[0, 0]], [[1, 1]], "no state"),  # two pending of two slices
        ([[0, 0]], [[0, -1]], "no state"),  # negative
        ([0, 0], [0, 0], "shape"),  # one row, not a table
        ([[0.0, 0.0]], [[0, 0]], "whole numbers"),  # no counts
        ([[0, 2**40]], [[0, 0]], "no state"),  # enormous
        ([[0, 0, 0]], [[0, 0, 0]], "shape"),  # one slice too many
        ([[0, 0]], [[0, 0], [0, 1]], "one row a state"),  # different lengths
    ],
)
def test_states_that_do_not_exist_are_refused(in_service, waiting, message):
    """With the row at fault."""
    with pytest.raises(ConfigError, match=message):
        optimal_policy(load("teletraffic-small")).actions(in_service, waiting)
