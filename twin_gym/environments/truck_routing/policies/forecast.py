"""What a bin is expected to hold later on, and how much of that will find no room.

What is thrown in is compound Poisson with Erlang sizes. Its law over some hours is replaced by the
Gamma law of the same mean and variance, whose tail has a formula.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

Floats = NDArray[np.float64]

_HOUR_S = 3600.0
_LEAST_L = 1e-9


@dataclass(frozen=True)
class Forecast:
    """The law of what is thrown into the bins of a scenario.

    Attributes:
        inflow_l_per_h: what is thrown in on average; shape (bins,).
        hour_factors: inflow of each hour over the mean one, from the beginning of the episode on;
            repeated where times go beyond; shape (hours,).
        dispersion_l: variance of what is thrown in over its mean.
    """

    inflow_l_per_h: Floats
    hour_factors: Floats
    dispersion_l: float

    def mean_hours(self, begin_s: Floats | float, end_s: Floats | float) -> Floats:
        """Hours of mean inflow between two times.

        Args:
            begin_s: from the beginning of the episode on; any shape.
            end_s: likewise.

        Returns:
            0 or more, in the common shape.
        """
        end_s = np.maximum(end_s, begin_s)
        return np.maximum(self._until(end_s) - self._until(np.asarray(begin_s)), 0.0)

    def expected_l(self, begin_s: Floats | float, end_s: Floats | float) -> Floats:
        """Litres thrown into each bin on average between two times.

        Args:
            begin_s: from the beginning of the episode on; shape (..., bins), or one.
            end_s: likewise.

        Returns:
            Shape (..., bins).
        """
        litres: Floats = self.inflow_l_per_h * self.mean_hours(begin_s, end_s)
        return litres

    def overflow_l(
        self, room_l: Floats, mean_l: Floats, extra_variance_l2: Floats | float = 0.0
    ) -> Floats:
        """See `expected_overflow_l`, with the variance of the scenario's deposits.

        Args:
            room_l: litres that still find room.
            mean_l: litres thrown in on average.
            extra_variance_l2: variance of what the room is not known to be.
        """
        return expected_overflow_l(room_l, mean_l, self.dispersion_l * mean_l + extra_variance_l2)

    def overflow_probability(
        self, room_l: Floats, mean_l: Floats, extra_variance_l2: Floats | float = 0.0
    ) -> Floats:
        """See `overflow_probability`, with the variance of the scenario's deposits."""
        return overflow_probability(room_l, mean_l, self.dispersion_l * mean_l + extra_variance_l2)

    def _until(self, time_s: Floats) -> Floats:
        hours = np.asarray(time_s) / _HOUR_S
        sums = np.concatenate([[0.0], np.cumsum(self.hour_factors)])
        rounds, within = np.divmod(hours, len(self.hour_factors))
        total: Floats = rounds * sums[-1] + np.interp(within, np.arange(len(sums)), sums)
        return total


def overflow_probability(room_l: Floats, mean_l: Floats, variance_l2: Floats) -> Floats:
    """Chance that more is thrown in than there is room for, by a Gamma law.

    P(X > r) = Q(m^2 / v, r m / v), Q the regularised upper incomplete gamma function.

    Args:
        room_l: r; below 0: overflows surely, if anything is thrown in.
        mean_l: m, litres thrown in on average.
        variance_l2: v of these litres, or of these and of what the room is not known to be.

    Returns:
        From 0 to 1, in the common shape.

    Example:
        Exponential with mean 10, where mean and deviation are equal: exp(-2).

        >>> round(float(overflow_probability(20.0, 10.0, 100.0)), 4)
        0.1353
    """
    shape, at, known = _gamma_of(room_l, mean_l, variance_l2)
    chance: Floats = np.where(known, gammaincc(shape, at), 0.0)
    return chance


def expected_overflow_l(room_l: Floats, mean_l: Floats, variance_l2: Floats) -> Floats:
    """Litres that are expected to find no room, by a Gamma law.

    E[(X - r)+] = m Q(a + 1, r m / v) - r Q(a, r m / v) with a = m^2 / v.

    Args:
        room_l: r; below 0 counts as 0.
        mean_l: m, litres thrown in on average.
        variance_l2: v of these litres, or of these and of what the room is not known to be.

    Returns:
        0 or more, in the common shape.

    Example:
        Exponential with mean 10: 10 exp(-2).

        >>> round(float(expected_overflow_l(20.0, 10.0, 100.0)), 4)
        1.3534
    """
    shape, at, known = _gamma_of(room_l, mean_l, variance_l2)
    room_l = np.maximum(room_l, 0.0)
    litres = mean_l * gammaincc(shape + 1.0, at) - room_l * gammaincc(shape, at)
    return np.where(known, np.maximum(litres, 0.0), 0.0)


def _gamma_of(
    room_l: Floats, mean_l: Floats, variance_l2: Floats
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Shape of the law, room over its scale, and where anything is thrown in at all."""
    mean = np.maximum(mean_l, _LEAST_L)
    variance = np.maximum(variance_l2, _LEAST_L)
    at = np.maximum(room_l, 0.0) * mean / variance
    return mean * mean / variance, at, np.asarray(mean_l) > _LEAST_L
