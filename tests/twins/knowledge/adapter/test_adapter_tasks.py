"""Tasks of adapters: what is asked, held out, shuffled, and told in words."""

import numpy as np
import pytest

from twin_gym.errors import ConfigError
from twin_gym.twins.knowledge.adapter import (
    PLACED,
    PLAIN,
    describe,
    split_facts,
    task_of,
    task_of_graph,
    with_shuffled_tails,
)
from twin_gym.twins.knowledge.cities import SMALL, generate_city

NAMES = ("a", "b", "c", "d")
TRIPLES = [("a", "likes", "c"), ("a", "likes", "d"), ("b", "likes", "d"), ("a", "in", "d")]


@pytest.fixture(scope="module")
def graph():
    """A generated city."""
    return generate_city(SMALL).graph()


@pytest.fixture(scope="module")
def task(graph):
    """What is asked of it."""
    return task_of_graph(graph)


def test_relation_to_one_entity_alone_is_no_question():
    """`in` leads to d only, and so is left out."""
    made = task_of(NAMES, NAMES, TRIPLES)
    assert made.relations == ("likes",)
    assert made.facts.tolist() == [[0, 0, 2], [0, 0, 3], [1, 0, 3]]
    assert made.candidates[0].tolist() == [2, 3]
    assert made.places.tolist() == [0, 1, 1]


def test_what_is_true_as_well_is_known():
    """a likes c and d: neither is a wrong answer where the other one is asked for."""
    made = task_of(NAMES, NAMES, TRIPLES)
    assert made.others(np.arange(3), 0).tolist() == [[False, True], [True, False], [False, False]]


@pytest.mark.parametrize(
    ("texts", "triples", "told"),
    [
        (NAMES[:3], TRIPLES, "one text for each entity"),
        (NAMES, TRIPLES[3:], "none to choose"),
    ],
)
def test_task_without_texts_or_choice_is_refused(texts, triples, told):
    """An error says what is missing."""
    with pytest.raises(ConfigError, match=told):
        task_of(NAMES, texts, triples)


def test_held_out_heads_have_no_fact_that_is_learned_from(task):
    """Entities are held out whole; facts are held out one by one."""
    split = split_facts(task, 0.2, np.random.default_rng(0))
    assert not np.intersect1d(task.facts[split.train, 0], task.facts[split.held_out, 0]).size
    assert len(np.unique(task.facts[split.held_out, 0])) == 7  # of 36
    assert sorted([*split.train, *split.held_out]) == list(range(len(task.facts)))
    by_fact = split_facts(task, 0.2, np.random.default_rng(0), "facts")
    assert len(by_fact.held_out) == 13  # of 66
    assert np.intersect1d(task.facts[by_fact.train, 0], task.facts[by_fact.held_out, 0]).size


@pytest.mark.parametrize(("share", "by"), [(0.0, "heads"), (1.0, "facts"), (0.2, "tails")])
def test_split_that_leaves_nothing_is_refused(task, share, by):
    """So is one by what there is not."""
    with pytest.raises(ConfigError):
        split_facts(task, share, np.random.default_rng(0), by)


def test_shuffling_keeps_how_often_each_tail_is_there(task):
    """Held-out facts stay as they are."""
    split = split_facts(task, 0.2, np.random.default_rng(0))
    made = with_shuffled_tails(task, split.train, np.random.default_rng(1))
    assert (made.facts[:, :2] == task.facts[:, :2]).all()
    assert (made.facts[split.held_out] == task.facts[split.held_out]).all()
    assert (made.facts != task.facts).any()
    for relation in (0, 1):
        of_it = task.of_relation(split.train, relation)
        assert sorted(made.facts[of_it, 2]) == sorted(task.facts[of_it, 2])


def test_texts_tell_no_ids_and_no_relations(graph):
    """A place is told where it is asked for; without places all gateways are alike."""
    assert describe(graph, "gateway/0", PLAIN) == describe(graph, "gateway/3", PLAIN) == "gateway"
    told = describe(graph, "sensor/3", PLACED)
    assert told.startswith(graph.model.interface(graph.kind("sensor/3").kind).display_name + ", x ")
    assert "sensor/3" not in told
    assert "%" not in describe(graph, "sensor/3", ["presence"])
    assert describe(graph, "service/waste", PLAIN) == "service, name waste"


def test_digest_of_a_task_tells_tasks_apart(task, graph):
    """Other texts, or other facts, are another task."""
    others = [task_of_graph(graph, PLAIN), with_shuffled_tails(
        task, np.arange(len(task.facts)), np.random.default_rng(0)
    )]  # fmt: skip
    assert task_of_graph(graph).digest == task.digest
    assert len({task.digest, *(one.digest for one in others)}) == 3
