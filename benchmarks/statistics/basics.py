"""Averages over seeds with intervals: the few functions that every result needs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

RESAMPLES = 10_000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """An estimate and its 95 % interval, whose ends are no numbers where there is none.

    A single value has no interval; a bound that is proved has its own value at both ends.
    """

    estimate: float
    low: float
    high: float

    @property
    def is_known(self) -> bool:
        """Whether there is an interval."""
        return not (math.isnan(self.low) or math.isnan(self.high))

    def __format__(self, spec: str) -> str:
        if not self.is_known:
            return f"{self.estimate:{spec}} (one value)"
        return f"{self.estimate:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"


def interquartile_mean(values: ArrayLike) -> float:
    """Mean of the middle half (Agarwal et al., Deep RL at the Edge of the Statistical Precipice).

    Args:
        values: at least one; shape (seeds,).

    Returns:
        The mean without the lowest and the highest quarter, rounded down to whole values.
    """
    return float(stats.trim_mean(np.asarray(values, np.float64), 0.25))


def interval(values: ArrayLike, *, seed: int = 0) -> Interval:
    """Interquartile mean over seeds with a percentile bootstrap interval.

    Plain percentiles of few seeds cover less than they say (the mean of 10 normal values: 90 %);
    for the leaderboard take `iqm_score`, which corrects for it.

    Args:
        values: one a seed.
        seed: of the resampling: the same gives the same interval.

    Returns:
        The estimate; of a single value without an interval.
    """
    data = np.asarray(values, np.float64)
    if len(data) == 1:
        return Interval(float(data[0]), math.nan, math.nan)
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(data), size=(RESAMPLES, len(data)))
    resampled = stats.trim_mean(data[chosen], 0.25, axis=1)
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = np.quantile(resampled, [tail, 1.0 - tail])
    return Interval(interquartile_mean(data), float(low), float(high))


def mean_interval(values: ArrayLike) -> Interval:
    """Mean over independent worlds with Student's interval.

    Args:
        values: one a world.

    Returns:
        The mean and its interval; of a single value without one.
    """
    data = np.asarray(values, np.float64)
    if len(data) == 1:
        return Interval(float(data[0]), math.nan, math.nan)
    half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, len(data) - 1) * stats.sem(data))
    mean = float(data.mean())
    return Interval(mean, mean - half, mean + half)


def curve_bands(curves: ArrayLike) -> tuple[NDArray[np.float64], ...]:
    """Interquartile mean and interval at each point of curves.

    Args:
        curves: shape (seeds, points).

    Returns:
        Estimate, low and high; shape (points,) each.
    """
    intervals = [interval(column) for column in np.asarray(curves, np.float64).T]
    return tuple(
        np.array([getattr(one, name) for one in intervals]) for name in ("estimate", "low", "high")
    )
