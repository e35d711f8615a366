"""Matchings and the discrete-time queue, against other ways to find the same."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_gym.environments.tic_scheduling.theory import (
    mean_wait_slots,
    most_by_earliest_deadline,
    most_by_matching,
    most_with_answers,
)
from twin_gym.errors import ConfigError

windows = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 5)).map(lambda w: (w[0], w[0] + w[1])), max_size=25
)
slot_sets = st.lists(st.sets(st.integers(0, 10), max_size=5).map(sorted), max_size=14)
grants = st.integers(1, 3)


def by_flow(usable, num_grants):
    """The same number as a maximum flow, by networkx."""
    graph = nx.DiGraph()
    graph.add_nodes_from(("source", "sink"))
    for m, slots in enumerate(usable):
        graph.add_edge("source", ("message", m), capacity=1)
        for slot in slots:
            graph.add_edge(("message", m), ("slot", slot), capacity=1)
            graph.add_edge(("slot", slot), "sink", capacity=num_grants)
    return nx.maximum_flow_value(graph, "source", "sink")


@given(windows, grants)
def test_earliest_deadline_first_is_a_maximum_matching(drawn, num_grants):
    """Greedy, matching and flow agree where messages have windows."""
    usable = [list(range(first, last + 1)) for first, last in drawn]
    greedy = most_by_earliest_deadline(drawn, num_grants)
    assert greedy == most_by_matching(usable, num_grants) == by_flow(usable, num_grants)


@given(slot_sets, grants)
def test_matching_is_a_maximum_flow(usable, num_grants):
    """Any slots, not only windows."""
    assert most_by_matching(usable, num_grants) == by_flow(usable, num_grants)


@given(slot_sets, slot_sets, grants)
def test_answers_add_at_most_one_each(usable, answers, num_grants):
    """Between the messages alone and twice as many."""
    several = min(len(usable), len(answers))
    usable, answers = usable[:several], answers[:several]
    alone = most_by_matching(usable, num_grants)
    assert alone <= most_with_answers(usable, answers, num_grants) <= 2 * alone


def test_answers_by_hand():
    """Two messages at once, one grant: the second answer finds no slot."""
    assert most_with_answers([[0, 1], [0, 1]], [[2], [2]], 1) == 3
    assert most_with_answers([[]], [[5]], 1) == 0


@pytest.mark.parametrize("load", [0.2, 0.5, 0.9])
def test_mean_wait_is_that_of_the_chain(load):
    """The stationary law of the queue's own chain, cut off far out, gives the same mean."""
    sensors, probability = 8, load / 8
    arrivals = np.zeros(sensors + 1)
    for k in range(sensors + 1):
        ways = np.prod([(sensors - i) / (i + 1) for i in range(k)])
        arrivals[k] = ways * probability**k * (1 - probability) ** (sensors - k)
    size = 400
    chain = np.zeros((size, size))
    for left in range(size):
        for k, chance in enumerate(arrivals):
            chain[left, min(max(left + k - 1, 0), size - 1)] += chance
    law = np.linalg.lstsq(
        np.vstack([chain.T - np.eye(size), np.ones(size)]), np.append(np.zeros(size), 1.0)
    )[0]
    wait = law @ np.arange(size) / load
    moment = sensors * (sensors - 1) * probability**2
    assert mean_wait_slots(load, moment) == pytest.approx(wait, rel=1e-6)


@pytest.mark.parametrize("bad", [(0.0, 0.1), (1.0, 0.1), (0.5, -0.1)])
def test_queue_must_be_stable(bad):
    """A full queue has no mean wait."""
    with pytest.raises(ConfigError, match="stable"):
        mean_wait_slots(*bad)


def test_bad_arguments_are_refused():
    """No grants, and answers of other messages."""
    with pytest.raises(ConfigError, match="grant"):
        most_by_matching([[0]], 0)
    with pytest.raises(ConfigError, match="grant"):
        most_by_earliest_deadline([(0, 0)], 0)
    with pytest.raises(ConfigError, match="one answer"):
        most_with_answers([[0]], [], 1)
