"""Aggregates over tracks with their intervals: how good, how reliably, how often better.

Source of the quantities: Agarwal et al., Deep Reinforcement Learning at the Edge of the Statistical
Precipice, 2021. A run is one seed's mean score on one track. Every function says what it resamples;
the correction for few seeds (`widened`) stands in `benchmarks.statistics.resampling`. Coverage of
the 95 % intervals as measured stands in `tests/benchmarks/test_statistics_coverage.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from benchmarks.statistics.basics import CONFIDENCE, RESAMPLES, Interval, interquartile_mean
from benchmarks.statistics.resampling import (
    bootstrap_interval,
    chunks,
    generators,
    nested_part,
    part,
    resampled_counts,
    resampled_runs,
    share_interval,
    unseen_share,
    widening,
)
from benchmarks.statistics.scores import Scores, Tracks, as_pair, as_tracks
from twin_gym.errors import ConfigError

QUARTER = 0.25


@dataclass(frozen=True)
class Profile:
    """Share of runs above each threshold, with pointwise 95 % bands.

    Attributes:
        thresholds: in points of the score, shape (thresholds,).
        share: of runs whose score is above, in [0, 1], never rising; shape (thresholds,).
        low: lower end of the band at each threshold by itself, not of the whole curve at once.
        high: upper end.
    """

    thresholds: NDArray[np.float64]
    share: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def mean_score(
    scores: Scores,
    *,
    seed: int | np.random.Generator = 0,
    resamples: int = RESAMPLES,
    widened: bool = True,
) -> Interval:
    """Mean over tracks of the mean score, with a two-stage stratified bootstrap interval.

    The estimate is 1/T sum_t 1/(n_t J_t) sum_kj score_t[k, j]: every track counts the same, however
    many seeds or worlds it has. In each resample, every track on its own: its seeds are drawn with
    replacement, then the worlds within each drawn seed.

    Args:
        scores: by track, shape (seeds, worlds) each with at least two seeds, or one such array.
        seed: of the resampling: the same number gives the same interval.
        resamples: how many, >= 100.
        widened: corrected for few seeds; False gives the plain percentiles, which claim too much.

    Returns:
        The mean and its 95 % interval, in points of the score.

    Raises:
        ConfigError: scores that are not of this shape or not finite; fewer than two seeds.
    """
    tracks = as_tracks(scores)
    draws = np.zeros(resamples)
    for runs, rng in _streams(tracks, seed, resamples):
        draws += resampled_runs(runs, resamples, rng).mean(axis=1) / len(tracks)
    estimate = float(np.mean([runs.mean(axis=1).mean() for runs in tracks.values()]))
    return bootstrap_interval(estimate, draws, _nested_widening(tracks) if widened else 1.0)


def iqm_score(
    scores: Scores,
    *,
    seed: int | np.random.Generator = 0,
    resamples: int = RESAMPLES,
    widened: bool = True,
) -> Interval:
    """Interquartile mean over the runs of all tracks, with a two-stage stratified interval.

    The runs of all tracks are put together; the lowest and the highest quarter, rounded down to
    whole runs, do not count (`scipy.stats.trim_mean` with 0.25). A track with more seeds has more
    runs, and so more weight. The resampling is that of `mean_score`; the correction for few seeds
    is that of the mean, which is an approximation here.

    Args:
        scores: by track, shape (seeds, worlds) each with at least two seeds, or one such array.
        seed: of the resampling: the same number gives the same interval.
        resamples: how many, >= 100.
        widened: corrected for few seeds; False gives the plain percentiles, which claim too much.

    Returns:
        The interquartile mean and its 95 % interval, in points of the score.

    Raises:
        ConfigError: scores that are not of this shape or not finite; fewer than two seeds.
    """
    tracks = as_tracks(scores)
    runs = [resampled_runs(one, resamples, rng) for one, rng in _streams(tracks, seed, resamples)]
    draws = np.asarray(stats.trim_mean(np.concatenate(runs, axis=1), QUARTER, axis=1), np.float64)
    estimate = interquartile_mean(np.concatenate([one.mean(axis=1) for one in tracks.values()]))
    return bootstrap_interval(estimate, draws, _nested_widening(tracks) if widened else 1.0)


def performance_profile(
    scores: Scores,
    thresholds: ArrayLike,
    *,
    seed: int | np.random.Generator = 0,
    resamples: int = RESAMPLES,
    widened: bool = True,
) -> Profile:
    """Share of runs with a score above each threshold, averaged over tracks, with bands.

    F(tau) = 1/T sum_t 1/n_t sum_k [run_t,k > tau], the run-score distribution of Agarwal et al. In
    each resample, every track on its own, whole runs are drawn with replacement; worlds are not
    drawn anew, which would smear the distribution that the profile is to show.

    Where all runs are above, or none is, no resample differs; there the band is as wide as the
    number of runs leaves open (Clopper and Pearson, see `resampling.unseen_share`).

    Args:
        scores: by track, shape (seeds, worlds) each with at least two seeds, or one such array.
        thresholds: in points of the score, finite, shape (thresholds,).
        seed: of the resampling: the same number gives the same bands.
        resamples: how many, >= 100.
        widened: corrected for few seeds, by the seeds' numbers alone, all tracks weighing the same.

    Returns:
        The profile, thresholds in the order given.

    Raises:
        ConfigError: scores or thresholds that are not of this shape or not finite; fewer than two
            seeds.
    """
    tracks, levels = as_tracks(scores), _checked_thresholds(thresholds)
    above = [runs.mean(axis=1)[:, None] > levels for runs in tracks.values()]
    counts = [
        resampled_counts(len(runs), resamples, rng) / (len(runs) * len(tracks))
        for runs, rng in _streams(tracks, seed, resamples)
    ]
    share = np.mean([one.mean(axis=0) for one in above], axis=0)
    ends = np.empty((2, len(levels)))
    tail = (1.0 - CONFIDENCE) / 2.0
    for some in chunks(len(levels), resamples):
        draws = sum(drawn @ one[:, some] for drawn, one in zip(counts, above, strict=True))
        ends[:, some] = np.quantile(draws, [tail, 1.0 - tail], axis=0)
    factor = _equal_widening(tracks) if widened else 1.0
    low, high = np.clip(share + factor * (ends - share), 0.0, 1.0)
    unseen = unseen_share([len(runs) for runs in tracks.values()])
    low = np.where(share == 1.0, 1.0 - unseen, low)
    high = np.where(share == 0.0, unseen, high)
    # Sums of shares are rounded: an end may pass the estimate by the last digit.
    return Profile(levels, share, np.minimum(low, share), np.maximum(high, share))


def probability_of_improvement(
    x: Scores,
    y: Scores,
    *,
    common_worlds: bool = True,
    seed: int | np.random.Generator = 0,
    resamples: int = RESAMPLES,
    widened: bool = True,
) -> Interval:
    """How likely a run of x beats a run of y on a track drawn at random.

    1/T sum_t U_t / (m_t n_t), with U = sum_ij ([x_i > y_j] + [x_i = y_j] / 2) the statistic of Mann
    and Whitney (1947) over all pairs of runs of one track (Agarwal et al.). How much x is better
    does not matter. In each resample, every track on its own, whole runs are drawn with
    replacement; worlds are not drawn anew. Where x wins every pair, or none, no resample differs,
    and the interval is what the number of runs leaves open (see `resampling.unseen_share`).

    Args:
        x: scores of the one agent, by track, shape (seeds, worlds) each, or one such array.
        y: scores of the other on the same tracks.
        common_worlds: whether seed k of both met the same worlds. Then the k-th runs of both are
            drawn together, which keeps what they have in common, and the shapes must be alike;
            otherwise each is drawn on its own, and the numbers of seeds may differ.
        seed: of the resampling: the same number gives the same interval.
        resamples: how many, >= 100.
        widened: corrected for few seeds, from the variance of the runs' placements (DeLong et al.,
            Comparing the Areas under Correlated ROC Curves, 1988).

    Returns:
        The probability and its 95 % interval, in [0, 1]; 0.5 says neither is better.

    Raises:
        ConfigError: scores that are not of this shape or not finite; fewer than two seeds; other
            tracks, or other shapes where worlds are common.
    """
    pairs = as_pair(x, y, same_shape=common_worlds)
    weight, parts, draws, shares = 1.0 / len(pairs), [], np.zeros(resamples), []
    rngs = generators(seed, len(pairs), resamples=resamples)
    for (ours, theirs), rng in zip(pairs, rngs, strict=True):
        won = _wins(ours.mean(axis=1)[:, None], theirs.mean(axis=1))
        of_ours, of_theirs = won.mean(axis=1), won.mean(axis=0)
        first = resampled_counts(len(ours), resamples, rng)
        if common_worlds:
            second = first
            parts.append(part(of_ours + of_theirs, weight))
        else:
            second = resampled_counts(len(theirs), resamples, rng)
            parts += [part(of_ours, weight), part(of_theirs, weight)]
        draws += weight * ((first @ won) * second).sum(axis=1) / won.size
        shares.append(won.mean())
    factor = widening(parts) if widened else 1.0
    interval = bootstrap_interval(float(np.mean(shares)), draws, factor)
    return share_interval(interval, [min(len(ours), len(theirs)) for ours, theirs in pairs])


def _streams(
    tracks: Tracks, seed: int | np.random.Generator, resamples: int
) -> list[tuple[NDArray[np.float64], np.random.Generator]]:
    rngs = generators(seed, len(tracks), resamples=resamples)
    return list(zip(tracks.values(), rngs, strict=True))


def _nested_widening(tracks: Tracks) -> float:
    return widening([nested_part(runs, 1.0 / len(tracks)) for runs in tracks.values()])


def _equal_widening(tracks: Tracks) -> float:
    """Of runs alike in all tracks: any values with one variance do, and ranks are such values."""
    units = [np.linspace(-1.0, 1.0, len(runs)) for runs in tracks.values()]
    return widening([part(one / one.std(ddof=1), 1.0 / len(tracks)) for one in units])


def _wins(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 where x is above y, 1/2 where they are equal, 0 where it is below."""
    return np.asarray(x > y, np.float64) + np.asarray(x == y, np.float64) / 2.0


def _checked_thresholds(thresholds: ArrayLike) -> NDArray[np.float64]:
    levels = np.asarray(thresholds, np.float64)
    if levels.ndim != 1 or levels.size == 0 or not np.isfinite(levels).all():
        raise ConfigError(
            f"`thresholds` must be finite numbers, shape (thresholds,), got {thresholds!r}"
        )
    return levels
