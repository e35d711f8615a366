"""Relations a round: closed forms against the reader, orders, and a quick run."""

import json
import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.experiments import knowledge_relations
from benchmarks.experiments.knowledge_cities import graph_of
from benchmarks.experiments.knowledge_reading import (
    CONNECTED,
    ORDERS,
    SERVES,
    Document,
    batches,
    derivable,
    documents_of,
    expected_coverage,
    expected_rule,
    first_gain,
    follow,
    greedy_order,
    hold_out,
    order_of,
    read,
    relations_of,
)
from twin_gym.errors import ConfigError
from twin_gym.twins.knowledge.cities import SMALL

GRAPH, TOPOLOGY = graph_of(SMALL, 3)
EDGES = relations_of(GRAPH, TOPOLOGY)
OF_EQUAL_LENGTH = [
    Document(one.node, 10, one.relations) for one in documents_of(GRAPH, TOPOLOGY, EDGES, 0)
]


def random_rounds(seed: int, held_out=frozenset(), support: int = 0):
    """A document a round in a random order."""
    kept = [
        Document(one.node, 10, tuple(edge for edge in one.relations if edge not in held_out))
        for one in OF_EQUAL_LENGTH
    ]
    order = np.random.default_rng(seed).permutation(len(kept)).tolist()
    given = batches(kept, order, 10.0, len(kept))
    return list(read(given, {*EDGES}, {*held_out}, support=support))


def test_coverage_of_a_random_order_is_the_hypergeometric_one():
    """Over 400 orders the mean is within five standard errors after 5, 12 and 30 documents."""
    shares = np.array([[one.coverage for one in random_rounds(seed)] for seed in range(400)])
    for k in (5, 12, 30):
        seen = shares[:, k - 1] * len(EDGES)
        error = seen.std() / math.sqrt(len(seen))
        assert abs(seen.mean() - expected_coverage(30, 6, k)) < 5.0 * error


def test_coverage_of_a_tiny_city_is_counted_out():
    """Two sensors at one gateway: all choices of k of the three documents."""
    told = {0: {"a", "s"}, 1: {"b", "t"}, 2: {"a", "b", "u"}}
    for k in (1, 2, 3):
        choices = list(combinations(range(3), k))
        total = sum(len(set().union(*(told[i] for i in one))) for one in choices)
        assert expected_coverage(2, 1, k) == pytest.approx(float(Fraction(total, len(choices))))


def test_held_out_services_follow_as_often_as_the_closed_form_says():
    """The rule is given; cities of 66 relations, of which 9 are held out; five standard errors."""
    found = []
    for seed in range(400):
        held_out = hold_out(EDGES, seed, 0.15)
        assert len(held_out) == 9
        rounds = random_rounds(seed, held_out)
        assert rounds[-1].held_out == len(follow({*EDGES} - held_out, 0) & held_out)
        found.append(rounds[17].held_out)
    error = np.std(found) / math.sqrt(len(found))
    expected = expected_rule(30, 6, 18, edges=66, held_out=9)
    assert abs(np.mean(found) - expected) < 5.0 * error


def test_gain_of_the_first_round_is_that_of_the_lengths():
    """A head of 1.0755 relations gives the published 19 %; without heads all orders are equal."""
    assert first_gain(1.0755) == pytest.approx(0.19, abs=1e-4)
    assert first_gain(0.0) == 0.0
    assert first_gain(1e9) == pytest.approx(1.25)


def test_rule_needs_cases_and_has_no_exception():
    """Three cases and a sensor without service; then an exception, and nothing follows."""
    known = {("gateway/0", SERVES, "service/a"), ("sensor/9", CONNECTED, "gateway/0")}
    cases = [
        edge
        for i in range(3)
        for edge in (
            (f"sensor/{i}", CONNECTED, "gateway/0"),
            (f"sensor/{i}", SERVES, "service/a"),
        )
    ]
    derived = {("sensor/9", SERVES, "service/a")}
    assert follow(known | {*cases[:4]}, 3) == set()
    assert follow(known | {*cases}, 3) == derived
    assert follow(known, 0) == derived
    exception = {("sensor/7", CONNECTED, "gateway/0"), ("sensor/7", SERVES, "service/b")}
    assert follow(known | {*cases} | exception, 3) == set()


def test_nothing_is_stated_beyond_what_can_follow():
    """At the end of a pass every order has all that follows, and no order has more."""
    held_out = hold_out(EDGES, 5, 0.15)
    told = [edge for edge in EDGES if edge not in held_out]
    documents = documents_of(GRAPH, TOPOLOGY, told, None)
    total = sum(one.tokens for one in documents)
    for name in ORDERS:
        order = order_of(name, TOPOLOGY, documents, 5)
        assert sorted(order) == list(range(36))
        rounds = list(read(batches(documents, order, total / 6, 6), {*EDGES}, held_out))
        assert rounds[-1].coverage == 1.0
        assert rounds[-1].held_out == derivable({*EDGES}, held_out)
        assert sum(one.false for one in rounds) == 0


def test_pooling_is_the_order_of_degrees_where_gateways_are_equal():
    """Gateways first, then sensors, each in the order of the topology."""
    orders = {name: order_of(name, TOPOLOGY, OF_EQUAL_LENGTH, 1) for name in ORDERS}
    assert orders["priority"] == orders["weight"] == orders["both"] == orders["degree"]
    assert orders["priority"] == [*range(30, 36), *range(30)]
    assert orders["file"] == list(range(36))
    with pytest.raises(ConfigError, match="order"):
        order_of("alphabet", TOPOLOGY, OF_EQUAL_LENGTH, 1)


def test_greedy_order_is_that_of_trying_all_documents():
    """Most unread relations a token next, ties by number."""
    rng = np.random.default_rng(4)
    documents = [
        Document(
            str(i), int(rng.integers(1, 9)),
            tuple(("s", "r", str(j)) for j in rng.choice(12, int(rng.integers(1, 6)), False)),
        )
        for i in range(12)
    ]  # fmt: skip
    seen: set = set()
    left, order = list(range(12)), []
    while left:
        best = max(
            left, key=lambda i: (len({*documents[i].relations} - seen) / documents[i].tokens, -i)
        )
        left.remove(best)
        order.append(best)
        seen |= {*documents[best].relations}
    assert greedy_order(documents) == order


def test_documents_belong_to_the_round_of_their_last_token():
    """Lengths 4, 4, 4 with 6 a round: one, two, and then from the beginning."""
    documents = [Document(str(i), 4, ()) for i in range(3)]
    given = [[one.node for one in some] for some in batches(documents, [0, 1, 2], 6.0, 4)]
    assert given == [["0"], ["1", "2"], ["0"], ["1", "2"]]


@pytest.mark.slow
def test_quick_run_writes_its_page_and_goes_on_where_it_was(tmp_path, monkeypatch):
    """The second run measures nothing and writes the same page."""
    options = ["--quick", "--out", str(tmp_path), "--kept", str(tmp_path / "kept.jsonl")]
    run = CliRunner().invoke(knowledge_relations.app, options, catch_exceptions=False)
    assert run.exit_code == 0
    page = (tmp_path / "knowledge_relations.md").read_text()
    assert "both, priority, weight, degree" in page
    assert len(json.loads((tmp_path / "knowledge_relations.json").read_text())) == len(ORDERS)

    def refuse(*_, **__):
        raise AssertionError("measured again")

    monkeypatch.setattr(knowledge_relations, "graph_of", refuse)
    run = CliRunner().invoke(knowledge_relations.app, options, catch_exceptions=False)
    assert run.exit_code == 0
    assert (tmp_path / "knowledge_relations.md").read_text() == page
