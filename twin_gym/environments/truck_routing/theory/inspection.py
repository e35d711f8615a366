"""One bin that is inspected every day and emptied above a threshold: renewal-reward theory."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.truck_routing.theory.poisson_gamma import Deposits
from twin_gym.errors import ConfigError

Floats = NDArray[np.float64]

_NODES, _PARTS = 24, 8
_NEGLIGIBLE = 1e-12
_MOST_DAYS = 10_000
_DAY_H = 24


@dataclass(frozen=True)
class ThresholdCycle:
    """Means of a cycle from one emptying to the next.

    Attributes:
        days: days from an emptying to the next.
        overflow_l: litres that overflow within a cycle.
    """

    days: float
    overflow_l: float

    def cost_per_day(self, emptying: float, penalty_per_l: float) -> float:
        """Mean cost of a day in the long run (renewal-reward theorem).

        Args:
            emptying: cost of an emptying: the way there and back, and the stop.
            penalty_per_l: cost of a litre that overflows.
        """
        return (emptying + penalty_per_l * self.overflow_l) / self.days


def threshold_cycle(
    inflow_l_per_h: float,
    capacity_l: float,
    threshold_l: float,
    *,
    deposit_mean_l: float,
    deposit_shape: float = 1.0,
    lag_h: int = 1,
) -> ThresholdCycle:
    """Means of a cycle of a bin that is inspected daily, and emptied if it holds the threshold.

    Let X_n be what was thrown in from an emptying to the n-th inspection after it (the first is
    24 h minus the lag later, the others 24 h apart), τ the first n with X_n >= s, and Z what is
    thrown in during the lag. Since X does not decrease,
    E[τ] = Σ_{n >= 0} P(X_n < s), and the events X_τ-1 < s <= X_τ are differences of events on one
    X each:

        E[(X_τ + Z - c)^+] = Σ_{n >= 0} E[g_Y+Z(X_n); X_n < s] - E[g_Z(X_n+1); X_n+1 < s],

    with g_L(x) = E[(x + L - c)^+] and Y what is thrown in between inspections n and n + 1. Each
    expectation is one integral over the law of X_n. Emptyings are renewals.

    Args:
        inflow_l_per_h: mean litres an hour, the same all day.
        capacity_l: of the bin, c.
        threshold_l: content from which on it is emptied, s, in (0, capacity_l].
        deposit_mean_l: mean litres of a deposit.
        deposit_shape: shape of the Gamma law of a deposit.
        lag_h: hours from an inspection to the end of the service, 0 to 23.

    Returns:
        The means of the cycle, to about ten digits.

    Raises:
        ConfigError: if a number is out of its range, or a cycle has thousands of days.

    Example:
        >>> cycle = threshold_cycle(4.0, 200.0, 140.0, deposit_mean_l=5.0)
        >>> round(cycle.days, 3), round(cycle.overflow_l, 3)
        (2.063, 13.62)
    """
    _check(inflow_l_per_h, capacity_l, threshold_l, lag_h)

    points, weights = _quadrature(threshold_l)

    def law(hours: int) -> Deposits:
        return Deposits(inflow_l_per_h * hours, deposit_mean_l, deposit_shape)

    def excess(hours: int) -> Floats:
        """g_L at 0 and at the points, with L what is thrown in within these hours."""
        return law(hours).mean_above(np.concatenate([[capacity_l], capacity_l - points]))

    gained = excess(_DAY_H + lag_h) - excess(lag_h)
    days, overflow = 1.0, float(excess(_DAY_H)[0])
    for n in range(1, _MOST_DAYS):
        until = law(_DAY_H * n - lag_h)
        below = float(until.probability_below(threshold_l))
        if below < _NEGLIGIBLE:
            return ThresholdCycle(days, float(overflow))
        nothing = math.exp(-until.mean_l / deposit_mean_l)
        days += below
        overflow += nothing * gained[0] + float((until.density(points) * weights) @ gained[1:])
    raise ConfigError(
        f"the bin is emptied less than once in {_MOST_DAYS} days: raise `inflow_l_per_h`, got "
        f"{inflow_l_per_h!r}"
    )


def _quadrature(end: float) -> tuple[Floats, Floats]:
    """Points and weights of Gauss-Legendre's rule on equal parts of [0, end]."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    width = end / _PARTS
    starts = width * np.arange(_PARTS)[:, None]
    points: Floats = (starts + 0.5 * width * (1.0 + nodes)).ravel()
    return points, np.tile(0.5 * width * weights, _PARTS)


def _check(inflow_l_per_h: float, capacity_l: float, threshold_l: float, lag_h: int) -> None:
    if not 0.0 < inflow_l_per_h < math.inf:
        raise ConfigError(f"`inflow_l_per_h` must be finite and positive, got {inflow_l_per_h!r}")
    if not 0.0 < threshold_l <= capacity_l < math.inf:
        raise ConfigError(
            f"`threshold_l` must be positive and at most `capacity_l`, got {threshold_l!r} and "
            f"{capacity_l!r}"
        )
    if lag_h not in range(_DAY_H):
        raise ConfigError(f"`lag_h` must be a whole number from 0 to 23, got {lag_h!r}")
