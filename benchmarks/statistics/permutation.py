"""A test that needs no law of the scores: would chance signs give as large a difference?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.basics import RESAMPLES
from benchmarks.statistics.resampling import MIN_RESAMPLES, chunks
from benchmarks.statistics.scores import Scores, as_pair
from twin_gym.errors import ConfigError

MAX_EXACT_UNITS = 14
# Sums of the same numbers in another order differ in the last digits and are ties all the same.
ROUNDING = 1e-12


@dataclass(frozen=True)
class SignFlip:
    """Result of a sign-flip test.

    Attributes:
        p_value: two-sided, in (0, 1].
        smallest_p: the smallest p-value that so many units and resamples can give at all.
        num_units: seeds, added up over tracks.
        exact: whether every choice of signs was counted, not a sample of them.
    """

    p_value: float
    smallest_p: float
    num_units: int
    exact: bool


def sign_flip_test(
    x: Scores, y: Scores, *, seed: int | np.random.Generator = 0, resamples: int = RESAMPLES
) -> SignFlip:
    """Paired test of the hypothesis that neither agent is better, on seed-level differences.

    The units are the seeds of all tracks, d_k = mean over worlds of x[k] - y[k]. If both agents are
    alike, +d_k and -d_k are equally likely, each by itself. The statistic is the absolute mean over
    tracks of the mean of d; the p-value is the share of all 2^N choices of signs that give at least
    as much. Worlds are no units: those of one seed share a training. Source: Fisher, The Design of
    Experiments, 1935, section 21.

    With N <= 14 all choices are counted, and p >= 2 / 2^N: 0.0625 for 5 units, 0.031 for 6, 0.002
    for 10. So at least 6 units are needed to get below 0.05, and more where p-values are corrected
    for many comparisons. With more units, M choices are drawn and p = (1 + count) / (1 + M), which
    never says 0 (Phipson and Smyth, Permutation P-values Should Never Be Zero, 2010).

    Args:
        x: scores of the one agent, by track, shape (seeds, worlds) each, or one such array; a
            single seed is allowed and tells nothing (p = 1).
        y: scores of the other, the same tracks and shapes, on the same worlds.
        seed: of the drawn signs; without effect where all are counted.
        resamples: how many choices of signs are drawn where not all are counted, >= 100.

    Returns:
        The p-value and how it came about; 1 for agents that do not differ in any seed.

    Raises:
        ConfigError: scores that are not of this shape or not finite; tracks or shapes that differ;
            too few resamples.
    """
    if resamples < MIN_RESAMPLES:
        raise ConfigError(f"`resamples` must be >= {MIN_RESAMPLES}, got {resamples}")
    pairs = as_pair(x, y, same_shape=True, min_seeds=1)
    # Weighted so that their sum is the mean over tracks of the mean over seeds.
    units = np.concatenate(
        [(ours - theirs).mean(axis=1) / (len(ours) * len(pairs)) for ours, theirs in pairs]
    )
    reached = abs(units.sum()) - ROUNDING * np.abs(units).sum()
    exact = len(units) <= MAX_EXACT_UNITS
    signs = _all_signs(len(units)) if exact else _some_signs(len(units), resamples, seed)
    count = sum(int((np.abs(some @ units) >= reached).sum()) for some in signs)
    smallest = 2.0 / 2.0 ** len(units)
    if exact:
        return SignFlip(count / 2.0 ** len(units), smallest, len(units), exact)
    smallest = max(smallest, 1.0 / (1 + resamples))
    return SignFlip((1 + count) / (1 + resamples), smallest, len(units), exact)


def _all_signs(num_units: int) -> Iterator[NDArray[np.float64]]:
    """Every choice of signs once, as bits of a counter."""
    bits = np.arange(2**num_units)[:, None] >> np.arange(num_units) & 1
    yield np.asarray(bits * 2 - 1, np.float64)


def _some_signs(
    num_units: int, resamples: int, seed: int | np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """Choices of signs drawn at random, a stretch at a time."""
    rng = np.random.default_rng(seed)
    for rows in chunks(resamples, num_units):
        bits = rng.integers(2, size=(rows.stop - rows.start, num_units))
        yield np.asarray(bits * 2 - 1, np.float64)
