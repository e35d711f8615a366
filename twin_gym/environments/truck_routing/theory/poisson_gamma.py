"""Litres thrown into a bin: the compound Poisson-Gamma law, and what finds no room.

N deposits, N by Poisson's law with mean n, each by a Gamma law with shape k and mean m, so that
their sum X has the law of a Gamma variable with shape N k and scale m / k.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainc, gammaincc, gammaln
from scipy.stats import poisson

from twin_gym.errors import ConfigError

Floats = NDArray[np.float64]

_TAIL = 1e-15
"""Probability of the numbers of deposits that sums leave out."""


@dataclass(frozen=True)
class Deposits:
    """The law of the litres that are thrown in within some time.

    Attributes:
        mean_l: mean litres within that time, >= 0.
        deposit_mean_l: mean litres of one deposit, > 0.
        deposit_shape: shape of the Gamma law of one deposit, > 0; 1 is the exponential law.

    Raises:
        ConfigError: if a number is not finite or out of its range.
    """

    mean_l: float
    deposit_mean_l: float
    deposit_shape: float = 1.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (0.0 <= value < math.inf and (value > 0.0 or name == "mean_l")):
                raise ConfigError(f"`{name}` must be finite and positive, got {value!r}")

    @property
    def variance_l2(self) -> float:
        """Variance of the litres, mean_l * deposit_mean_l * (1 + 1 / shape)."""
        return self.mean_l * self.deposit_mean_l * (1.0 + 1.0 / self.deposit_shape)

    def probability_below(self, litres: ArrayLike) -> Floats:
        """Probability that at most so many litres are thrown in.

        Args:
            litres: any shape; below 0 the probability is 0.

        Returns:
            Shape as given.
        """
        asked = np.asarray(litres, np.float64)
        chances, shapes, scale = self._mixture()
        x = np.maximum(asked[..., None], 0.0) / scale
        below: Floats = np.where(asked >= 0.0, chances[0] + gammainc(shapes, x) @ chances[1:], 0.0)
        return below

    def density(self, litres: ArrayLike) -> Floats:
        """Density of the litres, without the probability that none are thrown in.

        Args:
            litres: positive; any shape.

        Returns:
            Shape as given, per litre.
        """
        chances, shapes, scale = self._mixture()
        x = np.asarray(litres, np.float64)[..., None] / scale
        logs = (shapes - 1.0) * np.log(x) - x - gammaln(shapes)
        found: Floats = np.exp(logs) @ chances[1:] / scale
        return found

    def mean_above(self, room_l: ArrayLike) -> Floats:
        """Mean litres beyond a room, E[(X - room)^+].

        A Gamma variable with shape a and scale b exceeds c by a b Q(a + 1, c / b) - c Q(a, c / b)
        on average, with Q the regularised upper incomplete gamma function; this is averaged over
        Poisson's law. Below a room of 0 the mean is the mean of X plus what is missing.

        Args:
            room_l: any shape.

        Returns:
            Shape as given, litres.

        Example:
            >>> float(Deposits(mean_l=100.0, deposit_mean_l=5.0).mean_above(120.0).round(3))
            5.524
        """
        room = np.asarray(room_l, np.float64)
        chances, shapes, scale = self._mixture()
        x = np.maximum(room[..., None], 0.0) / scale
        beyond = shapes * gammaincc(shapes + 1.0, x) - x * gammaincc(shapes, x)
        above: Floats = scale * (beyond @ chances[1:]) + np.maximum(-room, 0.0)
        return above

    def _mixture(self) -> tuple[Floats, Floats, float]:
        """Probabilities of 0, 1, 2, ... deposits, shapes of the sums of 1, 2, ..., their scale."""
        deposits = self.mean_l / self.deposit_mean_l
        most = int(poisson.isf(_TAIL, deposits)) + 1 if deposits else 1
        counts = np.arange(most + 1)
        chances: Floats = poisson.pmf(counts, deposits)
        shapes: Floats = self.deposit_shape * counts[1:].astype(np.float64)
        return chances, shapes, self.deposit_mean_l / self.deposit_shape


def periodic_overflow_l(period: Deposits, capacity_l: float, left_l: float = 0.0) -> float:
    """Mean litres that overflow in a period at whose end a bin is emptied.

    What is thrown in within an hour arrives evenly, so this holds exactly where the bin is emptied
    at whole hours, whatever the profile of the day.

    Args:
        period: law of the litres between two emptyings.
        capacity_l: of the bin, > 0.
        left_l: content after an emptying, or at the beginning of the episode.

    Returns:
        Litres a period.

    Raises:
        ConfigError: if the capacity is not positive or the rest does not fit.
    """
    if not 0.0 <= left_l <= capacity_l or not 0.0 < capacity_l < math.inf:
        raise ConfigError(
            f"a bin has a positive capacity and at most that inside, got {capacity_l!r} l and "
            f"{left_l!r} l"
        )
    return float(period.mean_above(capacity_l - left_l))
