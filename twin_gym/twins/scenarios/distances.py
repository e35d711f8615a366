"""How far generated networks are from those that came, and whether a test could have seen it."""

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
    """A permutation test of whether two samples come from one law.

    Attributes:
        distance: energy distance, 0 for equal laws.
        p_value: share of random divisions of all points that are at least as far apart.
        power: probability that the test at 5 % would see a shift of `effect` in every coordinate,
            with samples of these sizes. A great p-value with little power says nothing.
        effect: in standard deviations of the second sample.
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
    """Tests whether two samples come from one law, and says how much the test could have seen.

    Coordinates are put on the scale of the second sample's standard deviations first. The power is
    the share of pairs of samples, drawn with replacement from the second one and one of them
    shifted, that the test at 5 % tells apart.

    Args:
        first: generated points; shape (points, coordinates).
        second: points of the physical network.
        rng: of permutations and draws.
        num_permutations: divisions of all points.
        effect: shift whose power is said, in standard deviations.
        num_power_draws: pairs for the power.

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
    found, p_value = _permuted(x, y, rng, num_permutations)
    seen = 0
    for _ in range(num_power_draws):
        one = y[rng.integers(len(y), size=len(x))] + effect
        other = y[rng.integers(len(y), size=len(y))]
        seen += _permuted(one, other, rng, _PERMUTATIONS_FOR_POWER)[1] <= _LEVEL
    return TwoSample(found, p_value, seen / num_power_draws, effect)


def _permuted(x: Points, y: Points, rng: np.random.Generator, count: int) -> tuple[float, float]:
    """Energy distance, and the p-value by so many permutations.

    All distances are worked out once. With signs s of the points (1/n and -1/m) the energy
    distance is - s' D s, so that all permutations are one product of matrices.
    """
    both = np.concatenate([x, y])
    distances = cdist(both, both)
    signs = np.concatenate([np.full(len(x), 1.0 / len(x)), np.full(len(y), -1.0 / len(y))])
    shuffled = rng.permuted(np.tile(signs, (count, 1)), axis=1)
    found = -float(signs @ distances @ signs)
    others = -np.einsum("ij,ij->i", shuffled @ distances, shuffled)
    rank = 1 + int((others >= found - 1e-12).sum())
    return max(found, 0.0), rank / (count + 1)


@dataclass(frozen=True)
class Copying:
    """Whether generated points are copies of the history they were learned from.

    Attributes:
        share_closer: share of generated points that lie closer to their nearest window of the
            history than a held-out window of the same network does on median.
        expected: that share for an honest generator: one half.
        p_value: probability that the distances of an honest generator's points are so much less
            than those of held-out windows (one-sided test of Mann and Whitney, Annals of
            Mathematical Statistics 18(1), 1947).
        exact_copies: points at distance 0 of a window.
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
