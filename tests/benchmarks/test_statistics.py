"""Averages over seeds: against cases worked by hand, and against scipy's bootstrap."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.statistics import curve_bands, interquartile_mean, interval, mean_interval


def test_interquartile_mean_leaves_out_the_outer_quarters() -> None:
    """Of eight values the two lowest and the two highest do not count."""
    assert interquartile_mean([100, 1, 2, 3, 4, 5, 6, -50]) == pytest.approx(3.5)


def test_interquartile_mean_of_five_leaves_out_one_on_each_side() -> None:
    """A quarter of five is rounded down to one."""
    assert interquartile_mean([0, 1, 2, 3, 1000]) == pytest.approx(2.0)


def test_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    """The resampling has a generator of its own."""
    values = np.random.default_rng(3).normal(size=10)
    assert interval(values, seed=1) == interval(values, seed=1)
    assert interval(values, seed=1) != interval(values, seed=2)


def test_interval_agrees_with_scipy() -> None:
    """Percentile bootstrap of the trimmed mean, an independent implementation."""
    values = np.random.default_rng(5).normal(size=20)
    ours = interval(values)
    theirs = stats.bootstrap(
        (values,),
        lambda x, axis: stats.trim_mean(x, 0.25, axis=axis),
        method="percentile",
        n_resamples=10_000,
        rng=np.random.default_rng(0),
    ).confidence_interval
    assert ours.low == pytest.approx(theirs.low, abs=0.03)
    assert ours.high == pytest.approx(theirs.high, abs=0.03)


def test_a_single_value_has_no_interval() -> None:
    """One seed tells nothing of its spread, and claims nothing."""
    for single in (interval([2.5]), mean_interval([2.5])):
        assert single.estimate == 2.5
        assert not single.is_known
        assert f"{single:.1f}" == "2.5 (one value)"


def test_mean_interval_covers_the_mean_as_often_as_it_says() -> None:
    """2,000 samples of 8: coverage 95 %, four standard errors are 2 %."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(2_000):
        interval = mean_interval(rng.normal(1.0, 2.0, size=8))
        hits += interval.low <= 1.0 <= interval.high
    assert abs(hits / 2_000 - 0.95) < 0.02


def test_curve_bands_are_pointwise() -> None:
    """Each point of the curves has an interval of its own."""
    middle, low, high = curve_bands([[1.0, 10.0], [1.0, 20.0], [1.0, 30.0]])
    assert middle.tolist() == [1.0, 20.0]
    assert low[0] == high[0] == 1.0
    assert low[1] < 20.0 < high[1]
