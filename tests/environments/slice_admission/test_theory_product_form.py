"""Kaufman-Roberts, the product form in both of its sums, and the exact chain: all the same."""

import numpy as np
import pytest
from hypothesis import given, settings

from tests.environments.slice_admission.theory_cases import KNOWN_OPTIMA, small_scenarios
from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.environments.slice_admission.theory.erlang import erlang_b
from twin_gym.environments.slice_admission.theory.evaluation import evaluate_policy, first_fit
from twin_gym.environments.slice_admission.theory.product_form import kaufman_roberts, product_form
from twin_gym.errors import ConfigError, TooLargeError
from twin_gym.scenario import MMPP, Deterministic, Pareto, Trace
from twin_gym.scenario.loading import load


def without_queues(scenario: AdmissionScenario) -> AdmissionScenario:
    """The same network as a loss system."""
    slices = tuple(one.replace(queue_limit=0) for one in scenario.slices)
    return scenario.replace(slices=slices)


def one_resource(demands: dict[str, float], capacity: float) -> AdmissionScenario:
    """Slices with loads 1, 2, ... on one resource."""
    slices = tuple(
        Slice(
            name=name,
            demand={"radio": demand},
            arrival_rate_hz=2.0 * (index + 1),
            mean_holding_time_s=0.5,
        )
        for index, (name, demand) in enumerate(demands.items())
    )
    return AdmissionScenario(
        name="one-resource", capacity={"radio": capacity}, slices=slices, horizon_s=10.0
    )


@pytest.mark.parametrize("preset", KNOWN_OPTIMA)
def test_admit_all_earns_the_known_gain(preset):
    """To the digits of the specification."""
    assert product_form(load(preset)).revenue_rate_per_s == pytest.approx(
        KNOWN_OPTIMA[preset][2], abs=1e-11
    )


@pytest.mark.parametrize("load_erlang", [5.0, 8.0, 10.0])
def test_one_class_is_erlang_b(load_erlang):
    """Both formulas reduce to it."""
    loss_system = product_form(load(f"teletraffic-erlang-{load_erlang:g}-10"))
    expected = erlang_b(load_erlang, 10)
    assert loss_system.blocking_probability["calls"] == pytest.approx(expected, rel=1e-13)
    blocking = kaufman_roberts(10, [1], [load_erlang]).blocking_probability
    assert blocking[0] == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("method", ["occupancies", "units"])
def test_kaufman_roberts_equals_the_product_form(method):
    """Three classes on one resource; demands are scaled to whole units."""
    scenario = one_resource({"a": 1.5, "b": 3.0, "c": 7.5}, 31.0)
    form = product_form(scenario, method=method)
    loss_system = kaufman_roberts(20, [1, 2, 5], [1.0, 2.0, 3.0])
    assert list(form.blocking_probability.values()) == pytest.approx(
        loss_system.blocking_probability, rel=1e-12
    )
    assert loss_system.occupancy.sum() == pytest.approx(1.0)
    used = loss_system.occupancy @ np.arange(21) * 1.5
    assert form.utilisation["radio"] == pytest.approx(used / 31.0, rel=1e-12)


def test_kaufman_roberts_against_a_sum_by_hand():
    """Capacity 2, demands 1 and 2: weights 1, a, a²/2 + b."""
    a, b = 0.7, 0.4
    weights = np.array([1.0, a, a**2 / 2 + b])
    loss_system = kaufman_roberts(2, [1, 2], [a, b])
    assert loss_system.occupancy == pytest.approx(weights / weights.sum(), rel=1e-14)
    assert loss_system.blocking_probability == pytest.approx(
        [weights[2] / weights.sum(), weights[1:].sum() / weights.sum()], rel=1e-14
    )


def test_kaufman_roberts_in_heavy_overload_does_not_overflow():
    """A million Erlang on a thousand units."""
    loss_system = kaufman_roberts(1000, [1, 7], [1e6, 1e6])
    assert np.isfinite(loss_system.occupancy).all()
    assert loss_system.blocking_probability[0] == pytest.approx(1.0, abs=1e-2)


def test_unoffered_class_is_blocked_like_one_request_of_it():
    """A class with no load sees the occupancy of the others."""
    loss_system = kaufman_roberts(10, [1, 10], [5.0, 0.0])
    assert loss_system.blocking_probability[0] == pytest.approx(erlang_b(5.0, 10), rel=1e-13)
    assert loss_system.blocking_probability[1] == pytest.approx(
        1 - loss_system.occupancy[0], rel=1e-13
    )


def test_small_blocking_probabilities_keep_their_digits():
    """Far below the resolution of one minus the rest."""
    blocking = kaufman_roberts(40, [1], [1.0]).blocking_probability[0]
    assert blocking == pytest.approx(erlang_b(1.0, 40), rel=1e-10)


def test_both_sums_agree_on_three_resources():
    """Four slices, three resources, 1,650 vectors of requests or 262,701 of units."""
    scenario = without_queues(load("contention"))
    by_requests = product_form(scenario, method="occupancies")
    by_units = product_form(scenario, method="units")
    assert (by_requests.num_states, by_units.num_states) == (1_650, 262_701)
    assert by_requests.blocking_probability == pytest.approx(by_units.blocking_probability)
    assert by_requests.revenue_rate_per_s == pytest.approx(by_units.revenue_rate_per_s, rel=1e-12)
    assert product_form(scenario).num_states == 1_650


@settings(max_examples=40)
@given(scenario=small_scenarios())
def test_product_form_equals_the_chain_under_admit_all(scenario):
    """Blocking, utilisation and gain, from π ∝ Π a^n / n! and from π Q = 0."""
    scenario = without_queues(scenario)
    chain = evaluate_policy(scenario, first_fit(scenario))
    for method in ("occupancies", "units"):
        form = product_form(scenario, method=method)
        assert form.blocking_probability == pytest.approx(chain.blocked, abs=1e-12)
        assert form.utilisation == pytest.approx(chain.utilisation, abs=1e-12)
        assert form.revenue_rate_per_s == pytest.approx(chain.gain_per_s, abs=1e-9)
        assert form.carried_load_erlang == pytest.approx(chain.mean_in_service, abs=1e-11)


def test_holding_law_does_not_matter():
    """Insensitivity: only the mean stands in the formula."""
    base = one_resource({"a": 1.0, "b": 4.0}, 10.0)
    laws = (Deterministic(), Pareto(shape=1.5))
    other = base.replace(
        slices=tuple(one.replace(holding=law) for one, law in zip(base.slices, laws, strict=True))
    )
    assert product_form(other) == product_form(base)


def test_too_many_states_are_refused_with_their_count():
    """Counted exactly where that is possible, in either sum."""
    scenario = without_queues(load("contention"))
    with pytest.raises(TooLargeError, match=r"1,650 states and at most 1,000"):
        product_form(scenario, max_states=1_000)
    with pytest.raises(TooLargeError, match="262,701"):
        product_form(scenario, max_states=1_000, method="units")
    with pytest.raises(TooLargeError, match="10,000,001"):
        kaufman_roberts(10_000_000, [1], [1.0])


def test_enormous_networks_are_refused_at_once():
    """Sixteen slices and amounts to six decimals: no attempt to list the states."""
    demands = {f"slice_{index}": 0.000003 + index for index in range(16)}
    with pytest.raises(TooLargeError, match="states"):
        product_form(one_resource(demands, 1e9))
    with pytest.raises(TooLargeError, match="needs more than"):
        product_form(one_resource(demands, 1e9), method="occupancies")


def test_other_than_loss_systems_are_refused():
    """The message names the slice and what to set."""
    base = one_resource({"a": 1.0, "b": 4.0}, 10.0)
    first, second = base.slices
    bursts = MMPP(factors=(0.1, 2.0), mean_sojourn_s=(1.0, 1.0))
    with pytest.raises(ConfigError, match=r"'b' lets up to 3 requests wait: set its `queue_limit`"):
        product_form(base.replace(slices=(first, second.replace(queue_limit=3))))
    with pytest.raises(ConfigError, match=r"'a' has the law 'mmpp': set its `arrival`"):
        product_form(base.replace(slices=(first.replace(arrival=bursts), second)))
    with pytest.raises(ConfigError, match="trace=None"):
        product_form(base.replace(trace=Trace(path="requests.csv", last_s=10.0)))
    with pytest.raises(ConfigError, match="method"):
        product_form(base, method="guess")


@pytest.mark.parametrize(
    ("capacity", "demands", "loads"),
    [
        (10.5, [1], [1.0]),  # not whole
        (10, [0], [1.0]),  # needs nothing
        (10, [], []),  # no class
        (10, [1, 2], [1.0]),  # one load missing
        (10, [1], [-1.0]),  # negative load
        (-1, [1], [1.0]),  # negative capacity
    ],
)
def test_kaufman_roberts_refuses_bad_values(capacity, demands, loads):
    """At the call, with what is allowed."""
    with pytest.raises(ConfigError, match=r"must be|needs one"):
        kaufman_roberts(capacity, demands, loads)
