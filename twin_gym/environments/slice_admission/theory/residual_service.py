"""How much longer a request in service stays on average, at worst, given how long it has been."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtr

from twin_gym.environments.slice_admission.scenario import Slice
from twin_gym.scenario import Empirical, Lognormal, Pareto


def longest_mean_residual_s(one: Slice, age_s: float) -> float:
    """The greatest mean remaining holding time m(a) = E[H - a | H > a] over ages 0 <= a <= `age_s`.

    Exponential: m is the mean at every age. Deterministic: m(a) = mean - a. Pareto with shape k:
    m(a) = mean - a below the scale, a/(k-1) above. Lognormal: m falls and then rises, so that the
    greatest value is at an end. Empirical: within a piece of constant density the derivative of m
    has the sign of (density ∫_a^∞ P(H>t)dt - P(H>a)²), which rises with a; so m falls and then
    rises there, too, and the greatest value is at an end of a piece.

    Args:
        one: the slice.
        age_s: the greatest age, >= 0, in seconds.

    Returns:
        Seconds, no less than the mean holding time (that is the case of age 0).

    Example:
        >>> from twin_gym.environments.slice_admission.scenario import Slice
        >>> from twin_gym.scenario import Pareto
        >>> calls = dict(name="calls", demand={"units": 1.0}, arrival_rate_hz=1.0)
        >>> longest_mean_residual_s(Slice(mean_holding_time_s=2.0, **calls), 100.0)
        2.0
        >>> heavy = Slice(mean_holding_time_s=2.0, holding=Pareto(shape=3.0), **calls)
        >>> longest_mean_residual_s(heavy, 100.0)
        50.0

    References:
        F. Guess, F. Proschan (1988), Mean residual life: theory and applications; R. C. Gupta,
        H. O. Akman (1995), Mean residual life functions for certain types of non-monotonic ageing.
    """
    law, mean_s = one.holding, one.mean_holding_time_s
    age = age_s / mean_s
    if isinstance(law, Pareto):
        return mean_s * max(1.0, age / (law.shape - 1.0))
    if isinstance(law, Lognormal):
        return mean_s * max(1.0, _lognormal(law.sigma, age))
    if isinstance(law, Empirical):
        return mean_s * max(1.0, _empirical(law.relative_quantiles(), age))
    return mean_s


def _lognormal(sigma: float, age: float) -> float:
    """Mean remaining time at an age, of the law with mean 1."""
    if age <= 0.0:
        return 1.0
    place = (math.log(age) + sigma**2 / 2) / sigma
    if place < 0.0:
        return float(ndtr(sigma - place) / ndtr(-place)) - age
    # The same by Mills' ratio, where both probabilities are too small for a float.
    ratio = erfcx((place - sigma) / math.sqrt(2.0)) / erfcx(place / math.sqrt(2.0))
    return age * (float(ratio) - 1.0)


def _empirical(quantiles: tuple[float, ...], age: float) -> float:
    """Greatest mean remaining time at an end of a piece up to an age, or at the age."""
    knots = np.array(quantiles)
    middles = (knots[:-1] + knots[1:]) / 2
    survivors = np.arange(len(middles), 0, -1)
    beyond = np.cumsum(middles[::-1])[::-1] / survivors - knots[:-1]
    at_knots = float(beyond[knots[:-1] <= age].max(initial=0.0))
    return max(at_knots, _remaining(knots, age))


def _remaining(knots: NDArray[np.float64], age: float) -> float:
    """Mean remaining time at an age."""
    starts = np.maximum(knots[:-1], age)
    lengths = np.maximum(knots[1:] - starts, 0.0)
    widths = np.diff(knots)
    shares = np.where(widths > 0, lengths / np.where(widths > 0, widths, 1.0), knots[1:] > age)
    if not shares.any():
        return 0.0
    return float(shares @ (starts + lengths / 2 - age) / shares.sum())
