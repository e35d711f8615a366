"""Completeness in an outage: what predictors assume, and what is counted."""

import math

import numpy as np
import pytest

from twin_gym.errors import ConfigError
from twin_gym.twins.knowledge import PREDICTORS, completeness, predict_outage


def test_predictors_of_a_line():
    """Nothing, the last report, and the line through the last two, which is also the fitted one."""
    reports = np.array([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])
    assert np.isnan(predict_outage("none", reports, 3)).all()
    assert predict_outage("hold", reports, 3).tolist() == [[3.0, 5.0]] * 3
    line = [[4.0, 5.0], [5.0, 5.0], [6.0, 5.0]]
    assert predict_outage("trend", reports, 3).tolist() == line
    assert np.allclose(predict_outage("fitted", reports, 3), line)


def test_fitted_process_is_the_one_that_was_reported():
    """X(t + 1) = 3 + x(t) / 2 without noise: the deviation from 6 halves with each period."""
    reports = 6.0 + 8.0 * 0.5 ** np.arange(6)[:, None]
    expected = 6.0 + (reports[-1] - 6.0) * 0.5 ** np.arange(1, 5)[:, None]
    assert np.allclose(predict_outage("fitted", reports, 4), expected)


def test_fitted_factor_is_bounded():
    """Of values that double, and of values that alternate, the factor is 1 and 0."""
    doubling, turning = 2.0 ** np.arange(5), np.array([1.0, -1.0, 1.0, -1.0, 1.0])
    reports = np.column_stack([doubling, turning])
    assumed = predict_outage("fitted", reports, 2)
    assert np.allclose(assumed[:, 0], [16.0 + 3.75, 16.0 + 7.5])
    assert np.allclose(assumed[:, 1], [0.0, 0.0])


def test_states_and_names_are_held_by_all_that_assume_anything():
    """There is no line between two names."""
    reports = np.array([[1.0], [2.0], [7.0]])
    for name in PREDICTORS[1:]:
        assert predict_outage(name, reports, 2, is_state=True).tolist() == [[7.0], [7.0]]


def test_counts_are_those_of_the_example():
    """Four entities, two periods: complete, wrong, joined in the second, left in the second."""
    assumed = np.array([[1.0, 1.0, np.nan, 1.0]] * 2)
    truth = np.array([[1.0, 2.0, 3.0, 1.0]] * 2)
    there = np.array([[True, True, False, True], [True, True, True, False]])
    known = np.array([True, True, False, True])
    counts = completeness(assumed, truth, 0.0, is_there=there, is_known=known)
    assert (counts.expected, counts.complete, counts.joined, counts.left) == (5, 3, 1, 1)
    assert counts.share == pytest.approx(0.6)
    assert counts.share_of_all == pytest.approx(0.5)


def test_tolerance_counts_its_bound():
    """A value at exactly the tolerance is complete, one beyond is not; nothing known is not."""
    assumed = np.array([[0.5, 0.75, np.nan]])
    counts = completeness(assumed, np.zeros((1, 3)), 0.5)
    assert (counts.complete, counts.expected) == (1, 3)


def test_an_outage_of_no_length_is_complete():
    """There is nothing to be missed."""
    counts = completeness(predict_outage("none", np.ones((1, 4)), 0), np.ones((0, 4)), 0.1)
    assert counts.share == counts.share_of_all == 1.0


def test_hold_on_a_walk_is_as_complete_as_the_normal_law_says():
    """2,000 walks of deviation 0.02 a period; at each age within five standard errors."""
    rng = np.random.default_rng(3)
    walk = rng.normal(0.0, 0.02, (40, 2_000)).cumsum(axis=0)
    assumed = predict_outage("hold", walk[:10], 30)
    for age in (1, 5, 30):
        counts = completeness(assumed[age - 1 : age], walk[9 + age : 10 + age], 0.05)
        exact = math.erf(0.05 / (0.02 * math.sqrt(2.0 * age)))
        error = math.sqrt(exact * (1.0 - exact) / 2_000)
        assert abs(counts.share - exact) < 5.0 * error


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: predict_outage("magic", np.ones((3, 1)), 1), "predictor"),
        (lambda: predict_outage("trend", np.ones((1, 1)), 1), "2 reports"),
        (lambda: predict_outage("hold", np.ones(3), 1), "shape"),
        (lambda: completeness(np.ones((1, 2)), np.ones((1, 3)), 0.1), "one shape"),
        (lambda: completeness(np.ones((1, 2)), np.ones((1, 2)), -0.1), "tolerance"),
        (
            lambda: completeness(np.ones((1, 2)), np.ones((1, 2)), 0.1, is_known=np.ones(2)),
            "is_known",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    """In a sentence that names it."""
    with pytest.raises(ConfigError, match=words):
        call()
