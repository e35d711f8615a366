"""Is one agent better than another? A paired difference, a test, and a verdict in one word."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks.statistics.aggregates import mean_score
from benchmarks.statistics.basics import CONFIDENCE, RESAMPLES, Interval
from benchmarks.statistics.permutation import SignFlip, sign_flip_test
from benchmarks.statistics.scores import Scores, as_pair
from twin_gym.errors import ConfigError

Verdict: TypeAlias = Literal["better", "worse", "equivalent", "inconclusive"]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Comparison:
    """One agent against another on the same worlds.

    Attributes:
        difference: mean score of the one less that of the other, with its 95 % interval; the
            interval is not corrected for many comparisons.
        test: the sign-flip test as it stands alone.
        corrected_p: its p-value after Holm's correction over all comparisons made together.
        verdict: what may be said of the first agent; see `verdict`.
    """

    difference: Interval
    test: SignFlip
    corrected_p: float
    verdict: Verdict


def paired_difference(
    x: Scores,
    y: Scores,
    *,
    seed: int | np.random.Generator = 0,
    resamples: int = RESAMPLES,
    widened: bool = True,
) -> Interval:
    """Mean score of x less that of y on common worlds, with its interval.

    `mean_score` of the entries x[k, j] - y[k, j]: in each resample and track, seeds are drawn with
    replacement and then worlds within each drawn seed, both agents' entries always together. What
    a world does to both agents cancels, which makes the interval narrower than that of agents on
    worlds of their own.

    Args:
        x: scores of the one agent, by track, shape (seeds, worlds) each with at least two seeds, or
            one such array.
        y: scores of the other, the same tracks and shapes, on the same worlds.
        seed: of the resampling: the same number gives the same interval.
        resamples: how many, >= 100.
        widened: corrected for few seeds; False gives the plain percentiles, which claim too much.

    Returns:
        The difference and its 95 % interval, in points of the score; exactly 0 with an interval of
        no width for agents that score alike in every world.

    Raises:
        ConfigError: scores that are not of this shape or not finite; fewer than two seeds; tracks
            or shapes that differ.
    """
    pairs = as_pair(x, y, same_shape=True)
    # Any names will do: the tracks come in their order, and the strata's draws go by it.
    apart = {f"{index:06d}": ours - theirs for index, (ours, theirs) in enumerate(pairs)}
    return mean_score(apart, seed=seed, resamples=resamples, widened=widened)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """P-values corrected for being many, such that one false alarm among all stays as rare as one.

    With p_(1) <= ... <= p_(m): corrected p_(i) = min(1, max over j <= i of (m - j + 1) p_(j)).
    Valid however the tests hang together. Source: Holm, A Simple Sequentially Rejective Multiple
    Test Procedure, 1979.

    Args:
        p_values: in [0, 1], shape (comparisons,), at least one.

    Returns:
        Corrected p-values in the order given, each at least as large as it was.

    Raises:
        ConfigError: values outside [0, 1], no value, or not a list of them.
    """
    raw = np.asarray(p_values, np.float64)
    if raw.ndim != 1 or raw.size == 0 or not ((raw >= 0.0) & (raw <= 1.0)).all():
        raise ConfigError(f"`p_values` must be a list of numbers in [0, 1], got {p_values!r}")
    order = np.argsort(raw, kind="stable")
    stepped = raw[order] * np.arange(raw.size, 0, -1)
    corrected = np.empty_like(raw)
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return corrected


def verdict(
    difference: Interval, corrected_p: float, *, smallest_difference: float = 0.0
) -> Verdict:
    """The verdict on the first agent of a comparison.

    Asked in this order:

    1. "equivalent": the whole interval lies within `smallest_difference` of zero. This comes first,
       as a difference known to be of no interest is none, however certain its sign.
    2. "better" or "worse": the corrected p-value is at most 0.05 and the interval lies on one side
       of zero. Both are asked, as the one is corrected for many comparisons and the other shows how
       much; neither says that the difference is as large as `smallest_difference`.
    3. "inconclusive": neither. It does not say that the agents are alike.

    The degenerate case: agents that score alike in every world have difference 0 and an interval of
    no width, which lies within [-0, 0], and are "equivalent" without a smallest difference. That is
    said of these worlds only, which is all that can be; for deterministic rules it is the rule.

    Args:
        difference: of the mean scores, with its 95 % interval, in points of the score.
        corrected_p: two-sided, in [0, 1], after Holm's correction.
        smallest_difference: of interest, in points of the score, >= 0.

    Returns:
        The verdict.

    Raises:
        ConfigError: a smallest difference below 0 or a p-value outside [0, 1].
    """
    if not 0.0 <= smallest_difference < np.inf:
        raise ConfigError(
            f"`smallest_difference` must be >= 0 and finite, got {smallest_difference}"
        )
    if not 0.0 <= corrected_p <= 1.0:
        raise ConfigError(f"`corrected_p` must be in [0, 1], got {corrected_p}")
    if -smallest_difference <= difference.low and difference.high <= smallest_difference:
        return "equivalent"
    if corrected_p <= 1.0 - CONFIDENCE:
        if difference.low > 0.0:
            return "better"
        if difference.high < 0.0:
            return "worse"
    return "inconclusive"


def compare(
    pairs: Mapping[Key, tuple[Scores, Scores]],
    *,
    smallest_difference: float = 0.0,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[Key, Comparison]:
    """Pairs of agents against each other, corrected for their number.

    Args:
        pairs: scores of the one and of the other, by track, shape (seeds, worlds) each, the same
            tracks and shapes in a pair, on the same worlds.
        smallest_difference: of interest, in points of the score, >= 0; see `verdict`.
        seed: of the resampling: the same number gives the same comparisons.
        resamples: how many, >= 100.

    Returns:
        In the order given: the first agent less the second.

    Raises:
        ConfigError: as `paired_difference` and `verdict`.
    """
    tests = {
        key: (
            paired_difference(x, y, seed=seed, resamples=resamples),
            sign_flip_test(x, y, seed=seed, resamples=resamples),
        )
        for key, (x, y) in pairs.items()
    }
    corrected = holm([test.p_value for _, test in tests.values()]) if tests else ()
    return {
        key: Comparison(
            difference,
            test,
            float(p_value),
            verdict(difference, float(p_value), smallest_difference=smallest_difference),
        )
        for (key, (difference, test)), p_value in zip(tests.items(), corrected, strict=True)
    }
