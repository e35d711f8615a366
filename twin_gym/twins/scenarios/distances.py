"""Distances between generated and observed networks, with tests and the power of the tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from twin_gym.errors import ConfigError

Points = NDArray[np.float64]

_LEAST_POINTS = 4
_MOST_POINTS = 5_000
_MOST_DRAWS = 100_000
_PERMUTATIONS_FOR_POWER = 99
_LEVEL = 0.05
_COPY_LEVEL = 0.01
_LEAST_SPREAD = 1e-9  # less is the rounding of a coordinate that never varies


@dataclass(frozen=True)
class TwoSample:
    """A permutation test of whether two samples have the same distribution.

    Attributes:
        distance: energy distance, 0 for equal distributions.
        p_value: share of random divisions of all points with at least this distance.
        power: probability that the test at 5 % detects a shift of `effect` in every coordinate,
            with samples of these sizes. A large p-value with little power is inconclusive.
        effect: shift in standard deviations of the second sample.
    """

    distance: float
    p_value: float
    power: float
    effect: float


def energy_distance(first: Points, second: Points) -> float:
    """Energy distance of two samples in several dimensions.

    2 E|X - Y| - E|X - X'| - E|Y - Y'| (Szekely and Rizzo, Journal of Statistical Planning and
    Inference 143(8), 2013), as the V-statistic, which is never negative.

    Args:
        first: shape (points, coordinates).
        second: of as many coordinates.

    Returns:
        0 or more, in the unit of the coordinates.

    Raises:
        ConfigError: if a sample has less than four or more than 5,000 points, or is not finite.

    Example:
        >>> x = np.arange(8.0)[:, None]
        >>> energy_distance(x, x), round(energy_distance(x, x + 10.0), 3)
        (0.0, 14.75)
    """
    _check(first, second)
    between = cdist(first, second).mean()
    within = cdist(first, first).mean() + cdist(second, second).mean()
    return max(float(2.0 * between - within), 0.0)


def two_sample_test(
    first: Points,
    second: Points,
    rng: np.random.Generator,
    *,
    num_permutations: int = 499,
    effect: float = 0.5,
    num_power_draws: int = 100,
) -> TwoSample:
    """Tests whether two samples have the same distribution, and estimates the test's power.

    Coordinates are first scaled by the standard deviations of the second sample. The power is the
    share of pairs of samples, drawn with replacement from the second one and one of them shifted,
    that the test at 5 % distinguishes.

    Args:
        first: generated points; shape (points, coordinates).
        second: points of the physical network.
        rng: source of randomness.
        num_permutations: number of permutations.
        effect: shift for the power, in standard deviations.
        num_power_draws: number of pairs of samples for the power.

    Returns:
        Distance, p-value and power.

    Raises:
        ConfigError: see `energy_distance`; or if a number of draws is out of range.
    """
    _check(first, second)
    if not 1 <= num_permutations <= _MOST_DRAWS or not 1 <= num_power_draws <= _MOST_DRAWS:
        raise ConfigError(
            f"1 to {_MOST_DRAWS:,} permutations and draws are made, got {num_permutations} and "
            f"{num_power_draws}"
        )
    scale = _spread(second)
    x, y = first / scale, second / scale
    distance, p_value = _permuted(x, y, rng, num_permutations)
    seen = 0
    for _ in range(num_power_draws):
        one = y[rng.integers(len(y), size=len(x))] + effect
        other = y[rng.integers(len(y), size=len(y))]
        seen += _permuted(one, other, rng, _PERMUTATIONS_FOR_POWER)[1] <= _LEVEL
    return TwoSample(distance, p_value, seen / num_power_draws, effect)


def _permuted(x: Points, y: Points, rng: np.random.Generator, count: int) -> tuple[float, float]:
    """Energy distance, and the p-value from `count` permutations.

    All distances are computed once. With signs s of the points (1/n and -1/m) the energy
    distance is - s' D s, so that all permutations are one product of matrices.
    """
    both = np.concatenate([x, y])
    distances = cdist(both, both)
    signs = np.concatenate([np.full(len(x), 1.0 / len(x)), np.full(len(y), -1.0 / len(y))])
    shuffled = rng.permuted(np.tile(signs, (count, 1)), axis=1)
    distance = -float(signs @ distances @ signs)
    others = -np.einsum("ij,ij->i", shuffled @ distances, shuffled)
    rank = 1 + int((others >= distance - 1e-12).sum())
    return max(distance, 0.0), rank / (count + 1)


@dataclass(frozen=True)
class Copying:
    """Result of a test whether generated points copy the history of their generator.

    Attributes:
        share_closer: share of generated points that are closer to their nearest window of the
            history than the median held-out window of the same network.
        expected: this share for a generator that does not copy, one half.
        p_value: probability that points of a generator that does not copy are at least this much
            closer than held-out windows (one-sided test of Mann and Whitney, Annals of
            Mathematical Statistics 18(1), 1947).
        exact_copies: number of points at distance 0 from a window.
    """

    share_closer: float
    expected: float
    p_value: float
    exact_copies: int

    @property
    def is_copy(self) -> bool:
        """Whether it is found out."""
        return self.exact_copies > 0 or self.p_value < _COPY_LEVEL


def copying(generated: Points, history: Points, held_out: Points) -> Copying:
    """Finds a generator out that repeats its history: the nearest-neighbour test.

    Distances from held-out windows to the history are what an honest generator's points have too.

    Args:
        generated: shape (points, coordinates); drawn independently, or nearly so.
        history: what the generator has learned from.
        held_out: windows of the same network that it has not seen.

    Returns:
        The share of points that are closer than they should be.

    Raises:
        ConfigError: see `energy_distance`.
    """
    from scipy.stats import mannwhitneyu  # takes a second to import

    _check(generated, history)
    _check(held_out, history)
    scale = _spread(history)
    usual = cdist(held_out / scale, history / scale).min(1)
    nearest = cdist(generated / scale, history / scale).min(1)
    closer = int((nearest < np.median(usual)).sum())
    return Copying(
        share_closer=closer / len(nearest),
        expected=0.5,
        p_value=float(mannwhitneyu(nearest, usual, alternative="less").pvalue),
        exact_copies=int((nearest == 0.0).sum()),
    )


def _spread(points: Points) -> NDArray[np.float64]:
    """Standard deviations of the coordinates, 1 for those that never vary; shape (coordinates,)."""
    found = points.std(0)
    return np.where(found > _LEAST_SPREAD, found, 1.0)


def _check(first: Points, second: Points) -> None:
    for sample in (first, second):
        if not _LEAST_POINTS <= len(sample) <= _MOST_POINTS or not np.isfinite(sample).all():
            raise ConfigError(
                f"samples have {_LEAST_POINTS} to {_MOST_POINTS:,} points with finite coordinates, "
                f"got {sample.shape}"
            )
    if first.shape[1:] != second.shape[1:]:
        raise ConfigError(f"samples of other coordinates: {first.shape} and {second.shape}")
