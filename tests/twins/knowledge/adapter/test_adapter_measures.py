"""How scores are judged, by hand."""

import numpy as np
import pytest

from twin_gym.twins.knowledge.adapter import judge, majority, nearest_neighbour, task_of

NAMES = ("a", "b", "c", "x", "y", "z")
TRIPLES = [("a", "r", "x"), ("b", "r", "y"), ("c", "r", "z"), ("c", "r", "y")]


@pytest.fixture(scope="module")
def task():
    """Three entities that lead to three others."""
    return task_of(NAMES, NAMES, TRIPLES)


def of(task, rows):
    """Judges scores by head."""
    found = np.array(rows, np.float64)
    return judge(task, np.arange(len(task.facts)), lambda heads, _: found[heads])


def test_accuracy_is_of_all_candidates_or_of_two(task):
    """a: highest; b: second of three; c: what is true as well does not count against it."""
    judged = of(task, [[2.0, 1.0, 0.0], [3.0, 2.0, 1.0], [0.0, 9.0, 5.0]])
    assert judged.facts.tolist() == [0, 1, 2, 3]
    assert judged.top.tolist() == [1.0, 0.0, 1.0, 1.0]
    assert judged.pair.tolist() == [1.0, 0.5, 1.0, 1.0]


def test_ties_share(task):
    """Of scores that are all alike a guess of three is right once, one of two half the time."""
    judged = of(task, [[1.0] * 3] * 3)
    assert judged.top[:2].tolist() == [pytest.approx(1 / 3)] * 2
    assert judged.pair.tolist() == [0.5] * 4
    assert judged.pair_l1.tolist() == [0.5] * 4
    assert judged.nats[:2] == pytest.approx(np.log(3))


def test_l1_is_equation_9_of_the_probabilities(task):
    """Mean of |r - r̂| over the candidates that are not true as well."""
    scores = [[1.0, 0.0, -1.0], [0.0, 2.0, 0.0], [0.0, 0.0, 3.0]]
    judged = of(task, scores)
    for row, wanted, kept in ((0, 0, [0, 1, 2]), (1, 1, [0, 1, 2]), (2, 1, [0, 2])):
        some = np.exp(np.array(scores[row])[kept])
        share = some / some.sum()
        assert judged.l1[row] == pytest.approx(
            np.abs(share - np.eye(3)[:3][:, kept][2 if row == 2 else wanted]).mean()
        )
    p = 1.0 / (1.0 + np.exp(-np.array([1.0, 2.0])))
    assert judged.pair_l1[0] == pytest.approx((1.0 - p).mean())


def test_means_are_of_chosen_facts(task):
    """Of none there is none."""
    judged = of(task, [[2.0, 1.0, 0.0], [3.0, 2.0, 1.0], [0.0, 9.0, 5.0]])
    assert judged.means()["top"] == 0.75
    assert judged.means(np.array([False, True, False, False]))["top"] == 0.0
    assert np.isnan(judged.means(np.zeros(4, bool))["top"])


def test_majority_says_what_is_most_common(task):
    """Two of four facts lead to y; where y is left out, x and z tie."""
    judged = judge(task, np.arange(4), majority(task, np.arange(4)))
    assert judged.top.tolist() == [0.0, 1.0, 0.5, 1.0]


def test_nearest_neighbour_takes_the_tail_of_the_likest_head(task):
    """c is like b, whose tail is y; with itself known, it takes its own."""
    features = np.array([[1, 0], [0, 1], [0.1, 1], [0, 0], [0, 0], [0, 0]], np.float32)
    known = nearest_neighbour(task, np.array([0, 1]), features)
    assert judge(task, np.array([2, 3]), known).top.tolist() == [0.0, 1.0]
    assert judge(task, np.array([2]), nearest_neighbour(task, np.arange(4), features)).top == [1.0]
