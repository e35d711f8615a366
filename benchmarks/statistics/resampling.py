"""The bootstrap over seeds and worlds, and what it takes to keep its promise with few seeds.

*Two stages.* Within each track, seeds are drawn with replacement, as many as there are; then within
each drawn seed its worlds, with replacement, as many as there are, and anew for a seed that was
drawn twice. A track is a stratum: its draws are its own. Source: Davison and Hinkley, Bootstrap
Methods and their Application, 1997, section 3.8 (hierarchical data); Agarwal et al., Deep
Reinforcement Learning at the Edge of the Statistical Precipice, 2021 (strata).

*Why the percentiles alone are not enough.* The mean of n seeds has variance s^2 / n, s^2 the
variance of the seeds' means (divisor n - 1): it holds the noise of the worlds already. The
bootstrap variance is ((n - 1) / n s^2 + w / J) / n, with w the mean over seeds of the variance
between the J worlds (divisor J): too small by the first term, too large by the second, which counts
the noise of the worlds a second time (and, where the worlds of several scenarios lie side by side,
what the scenarios differ by, which is no noise at all). And the percentiles behave as if the
variance were known, not estimated from n seeds. So the distance from the estimate to either
percentile is multiplied by

    t / z * sqrt(variance / bootstrap variance),

both variances summed over tracks; z is the normal quantile, t Student's with the degrees of freedom
of Welch and Satterthwaite, (sum v)^2 / sum(v^2 / (n - 1)), v the variance of each track's part. For
one track with one world a seed this is sqrt(n / (n - 1)) t / z, the small-sample correction of
Hesterberg, What Teachers Should Know about the Bootstrap, 2015, applied to the distances. The
percentiles keep their say on the shape: a skewed interval stays skewed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.statistics.basics import CONFIDENCE, Interval
from twin_gym.errors import ConfigError

CHUNK_ENTRIES = 1_000_000  # drawn at a time: 8 MB of scores and as much of indices
MIN_RESAMPLES = 100
# Relative to the other part of the variance, what is left of exact equality after rounding.
NEGLIGIBLE = 1e-24


@dataclass(frozen=True)
class Part:
    """The share of one stratum in the variance of an estimate, and in its bootstrap variance.

    Attributes:
        variance: unbiased, of the stratum's part of the estimate; in the estimate's unit squared.
        bootstrap_variance: the variance that resampling gives that part.
        freedom: degrees of freedom of `variance`, at least 1.
    """

    variance: float
    bootstrap_variance: float
    freedom: int


def part(units: NDArray[np.float64], weight: float, *, within: float = 0.0) -> Part:
    """The part of a stratum whose estimate is the mean of independent units.

    Args:
        units: one value a seed, shape (seeds,), at least two.
        weight: of this stratum's mean in the estimate, such as 1 / tracks.
        within: variance that a second stage of resampling adds to each drawn unit, >= 0.

    Returns:
        Variance, bootstrap variance and degrees of freedom.
    """
    num = len(units)
    spread = float(units.var(ddof=1)) / num
    drawn = spread * (num - 1) / num + within / num
    return Part(weight**2 * spread, weight**2 * drawn, num - 1)


def nested_part(scores: NDArray[np.float64], weight: float) -> Part:
    """The part of a track whose seeds and worlds are both resampled; see the module.

    Args:
        scores: shape (seeds, worlds).
        weight: of the track's mean in the estimate.

    Returns:
        Variance, bootstrap variance and degrees of freedom.
    """
    within = float(scores.var(axis=1).mean()) / scores.shape[1]
    return part(scores.mean(axis=1), weight, within=within)


def widening(parts: Sequence[Part]) -> float:
    """By how much the distance of a percentile from the estimate is multiplied; see the module.

    Args:
        parts: one a stratum, at least one.

    Returns:
        The factor, > 0; 1 where all seeds agree, as there is nothing to tell the spread from.
    """
    variance = sum(one.variance for one in parts)
    drawn = sum(one.bootstrap_variance for one in parts)
    if variance <= NEGLIGIBLE * drawn or drawn == 0.0:
        return 1.0
    # Shares instead of variances: the square of a tiny variance would be rounded to zero.
    freedom = 1.0 / sum((one.variance / variance) ** 2 / one.freedom for one in parts)
    level = (1.0 + CONFIDENCE) / 2.0
    student = float(stats.t.ppf(level, freedom) / stats.norm.ppf(level))
    return student * float(np.sqrt(variance / drawn))


def bootstrap_interval(estimate: float, draws: NDArray[np.float64], factor: float) -> Interval:
    """Percentile interval, its distances from the estimate multiplied.

    Args:
        estimate: of the data as they are.
        draws: the same of every resample, shape (resamples,).
        factor: see `widening`; 1 gives the percentiles as they are.

    Returns:
        The 95 % interval, which always has the estimate in it.
    """
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = estimate + factor * (np.quantile(draws, [tail, 1.0 - tail]) - estimate)
    return Interval(estimate, min(float(low), estimate), max(float(high), estimate))


def unseen_share(sizes: Sequence[int]) -> float:
    """The largest share of failures that a sample without any failure cannot exclude.

    1 - 0.025^(1/N): with this share, N independent trials all succeed in one case of 40 (Clopper
    and Pearson, The Use of Confidence or Fiducial Limits, 1934). For the mean share over tracks, N
    is the number of tracks times the fewest seeds of any: the product of their probabilities is
    largest where they are equal. Resamples of a sample without failures have none either, and would
    give an interval of no width.

    Args:
        sizes: seeds of each track.

    Returns:
        The share, in (0, 1); 0.31 for 10 seeds on one track.
    """
    tail = (1.0 - CONFIDENCE) / 2.0
    return 1.0 - float(tail ** (1.0 / (len(sizes) * min(sizes))))


def share_interval(interval: Interval, sizes: Sequence[int]) -> Interval:
    """The interval of a share, within [0, 1], and of some width where all or none succeeded.

    Args:
        interval: as resampling gives it.
        sizes: seeds of each track.

    Returns:
        The same within [0, 1]; for an estimate of 1 down to what `unseen_share` leaves open, for
        an estimate of 0 up to it.
    """
    low, high = max(interval.low, 0.0), min(interval.high, 1.0)
    if interval.estimate >= 1.0:
        low = min(low, 1.0 - unseen_share(sizes))
    if interval.estimate <= 0.0:
        high = max(high, unseen_share(sizes))
    return Interval(interval.estimate, low, high)


def resampled_runs(
    scores: NDArray[np.float64], resamples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Mean scores of the seeds of every two-stage resample of one track.

    Args:
        scores: shape (seeds, worlds).
        resamples: how many.
        rng: of the draws; seeds and worlds get generators of their own, spawned from it, so that
            the result does not hang on how many resamples are held in memory at a time.

    Returns:
        Shape (resamples, seeds).
    """
    num_seeds, num_worlds = scores.shape
    of_seeds, of_worlds = rng.spawn(2)
    entries = np.ascontiguousarray(scores).ravel()
    runs = np.empty((resamples, num_seeds))
    for rows in chunks(resamples, scores.size):
        size = rows.stop - rows.start
        first = of_seeds.integers(num_seeds, size=(size, num_seeds, 1)) * num_worlds
        worlds = of_worlds.integers(num_worlds, size=(size, num_seeds, num_worlds))
        runs[rows] = entries.take(first + worlds).mean(axis=2)
    return runs


def resampled_counts(
    num_seeds: int, resamples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The count of each seed in every resample of whole seeds, which keep their worlds.

    Args:
        num_seeds: of the track.
        resamples: how many.
        rng: of the draws.

    Returns:
        Shape (resamples, seeds); each row adds up to the number of seeds.
    """
    shares = np.full(num_seeds, 1.0 / num_seeds)
    return rng.multinomial(num_seeds, shares, size=resamples).astype(np.float64)


def generators(
    seed: int | np.random.Generator, num: int, *, resamples: int
) -> list[np.random.Generator]:
    """Independent generators, one a stratum.

    Args:
        seed: the same number gives the same generators; a generator gives its next ones.
        num: how many.
        resamples: that will be drawn; checked here, where every bootstrap begins.

    Returns:
        The generators.

    Raises:
        ConfigError: fewer resamples than an interval can be read from.
    """
    if resamples < MIN_RESAMPLES:
        raise ConfigError(
            f"`resamples` must be >= {MIN_RESAMPLES}, got {resamples}; the ends of a 95 % interval "
            "are read from the outer fortieths of them"
        )
    return np.random.default_rng(seed).spawn(num)


def chunks(num: int, entries_each: int) -> Iterator[slice]:
    """Stretches of rows that fit into memory together.

    Args:
        num: how many rows there are.
        entries_each: numbers that a row takes.

    Yields:
        Slices that cover all rows in order; at least one row each.
    """
    step = max(1, CHUNK_ENTRIES // max(1, entries_each))
    for start in range(0, num, step):
        yield slice(start, min(num, start + step))
