"""Exact values of policies against Erlang A, the rules told literally, and conservation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.environments.slice_admission.literal_chain import LiteralChain
from tests.environments.slice_admission.theory_cases import small_scenarios, two_queues
from twin_gym.environments.slice_admission.theory.erlang import erlang_a
from twin_gym.environments.slice_admission.theory.evaluation import evaluate_policy, first_fit
from twin_gym.errors import ConfigError, TooLargeError
from twin_gym.scenario.loading import load


def test_chain_with_queue_is_erlang_a():
    """M/M/10/20+M: 121 states, those with free units and waiting requests are never visited."""
    scenario = load("teletraffic-erlang-a")
    chain = evaluate_policy(scenario, first_fit(scenario))
    formula = erlang_a(12.0, 1.0, 0.5, 10, 10)
    assert chain.blocked["calls"] == pytest.approx(formula.blocking_probability, rel=1e-11)
    assert chain.expired["calls"] == pytest.approx(formula.abandonment_probability, rel=1e-11)
    assert chain.utilisation["units"] == pytest.approx(formula.utilisation, rel=1e-11)
    assert chain.mean_queue["calls"] == pytest.approx(formula.mean_queue, rel=1e-11)
    assert chain.declined["calls"] == 0.0
    assert chain.num_states == 121


@given(
    arrival=st.floats(0.2, 20.0),
    patience=st.floats(0.1, 10.0),
    units=st.integers(1, 6),
    places=st.integers(1, 6),
)
@settings(max_examples=40)
def test_chain_is_erlang_a_for_all_rates(arrival, patience, units, places):
    """Any load, any patience."""
    base = load("teletraffic-erlang-a")
    calls = base.slices[0].replace(
        arrival_rate_hz=arrival, mean_patience_s=patience, queue_limit=places
    )
    scenario = base.replace(capacity={"units": float(units)}, slices=(calls,))
    chain = evaluate_policy(scenario, first_fit(scenario))
    formula = erlang_a(arrival, 1.0, 1.0 / patience, units, places)
    assert chain.blocked["calls"] == pytest.approx(formula.blocking_probability, abs=1e-11)
    assert chain.expired["calls"] == pytest.approx(formula.abandonment_probability, abs=1e-11)
    assert chain.mean_queue["calls"] == pytest.approx(formula.mean_queue, abs=1e-10)


@settings(max_examples=10)
@given(scenario=small_scenarios(max_slices=2), seed=st.integers(0, 2**32 - 1))
def test_any_policy_earns_what_the_literal_rules_say(scenario, seed):
    """A policy drawn at random, with actions that cannot be carried out among them."""
    num_slices = len(scenario.slices)

    def drawn(in_service, waiting):
        key = (in_service * 5 + waiting * 11) @ (3 ** np.arange(num_slices)) + seed
        return key * 2_654_435_761 % 2**32 // 65_536 % (num_slices + 1)

    gain_per_s = evaluate_policy(scenario, drawn).gain_per_s
    assert gain_per_s == pytest.approx(LiteralChain(scenario, drawn).gain_per_s(), abs=1e-6)


def test_pending_arrival_stays_admissible_while_others_are_admitted():
    """A policy that moves only when a request without a queue arrives, and takes it last.

    Where that request does not fit it is blocked, and the decision that follows does not see it.
    """
    base = two_queues(2)
    patient, hasty = base.slices
    hasty = hasty.replace(queue_limit=0)
    scenario = base.replace(capacity={"radio": 5.0, "computing": 5.0}, slices=(patient, hasty))

    def moved_by_arrivals(in_service, waiting):
        del in_service
        return np.where(waiting[:, 1] == 0, 2, np.where(waiting[:, 0] > 0, 0, 1))

    evaluation = evaluate_policy(scenario, moved_by_arrivals)
    literal = LiteralChain(scenario, moved_by_arrivals).gain_per_s()
    assert evaluation.gain_per_s == pytest.approx(literal, abs=1e-6)
    assert all(share > 0.01 for share in evaluation.admitted.values())


@settings(max_examples=60)
@given(scenario=small_scenarios())
def test_requests_are_conserved(scenario):
    """Offered = admitted + blocked + declined + expired; admit-all declines nothing."""
    evaluation = evaluate_policy(scenario, first_fit(scenario))
    for one in scenario.slices:
        parts = (evaluation.admitted, evaluation.blocked, evaluation.declined, evaluation.expired)
        assert sum(part[one.name] for part in parts) == pytest.approx(1.0, abs=1e-10)
        assert all(-1e-12 <= part[one.name] <= 1 + 1e-12 for part in parts)
        if len(scenario.slices) == 1:
            assert evaluation.declined[one.name] == pytest.approx(0.0, abs=1e-12)
    assert all(0 <= value <= 1 + 1e-12 for value in evaluation.utilisation.values())


def test_refusing_everything_loses_everything():
    """All is declined, each at its penalty."""
    base = load("teletraffic-small")
    slices = tuple(one.replace(lost_penalty=2.0) for one in base.slices)
    scenario = base.replace(slices=slices)
    evaluation = evaluate_policy(scenario, lambda n, q: np.full(len(n), 2))
    assert evaluation.gain_per_s == pytest.approx(-2.0 * (4.0 + 2.0), rel=1e-12)
    assert evaluation.declined == pytest.approx({"cheap": 1.0, "dear": 1.0})


def test_policy_is_asked_only_where_something_fits():
    """And sees counts that a simulator would show it."""
    asked = []

    def policy(in_service, waiting):
        asked.append(np.concatenate((in_service, waiting), axis=1))
        return np.zeros(len(in_service), np.int64)

    scenario = load("teletraffic-small")
    evaluate_policy(scenario, policy)
    rows = np.concatenate(asked)
    assert (rows[:, :2].sum(axis=1) < 5).all()
    assert (rows[:, 2:].sum(axis=1) == 1).all()


@pytest.mark.parametrize(
    "answer",
    [
        lambda n: np.zeros(len(n)),  # no whole numbers
        lambda n: np.zeros(len(n) + 1, np.int64),  # one too many
        lambda n: np.full(len(n), 3),  # no such slice
        lambda n: np.full(len(n), -1),  # negative
    ],
)
def test_answers_that_are_no_actions_are_refused(answer):
    """With the range that is allowed."""
    with pytest.raises(ConfigError, match="the policy"):
        evaluate_policy(load("teletraffic-small"), lambda n, q: answer(n))


def test_too_many_states_are_refused():
    """With their count."""
    scenario = load("teletraffic-erlang-a")
    with pytest.raises(TooLargeError, match="the exact value of a policy needs 121 states"):
        evaluate_policy(scenario, first_fit(scenario), max_states=100)
