"""Separates changes of a network from the noise of the estimates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LEAST_PAIRS = 4


def without_noise(points: Floats, first: Floats, second: Floats) -> Floats:
    """Shrinks windows so that their variance is that of the network, without estimation noise.

    The two halves of a window differ (almost) only by noise. Each half has twice the noise variance
    of the whole, so that a quarter of the mean squared difference is the noise variance v of a
    window. The rest of the variance s^2 of the windows is change: the deviation of every window
    from the mean is multiplied by sqrt((s^2 - v) / s^2), so that the windows have the variance of
    the change (constrained empirical Bayes: Louis, Journal of the American Statistical Association
    79(386), 1984; the factor (s^2 - v) / s^2, optimal for a single window, would make the variance
    too small). At least s^2 / windows, the variance of the mean, remains, because the mean of a
    network that does not change is itself uncertain.

    Args:
        points: coordinates of windows; shape (windows, parameters).
        first: coordinates of the first halves; NaN where nothing was observed.
        second: coordinates of the second halves.

    Returns:
        Shape (windows, parameters). A parameter is unchanged if fewer than four windows have
        observations in both halves.
    """
    squares = (first - second) ** 2 / 4.0
    heard = np.isfinite(squares)
    is_known = heard.sum(0) >= _LEAST_PAIRS
    sums = np.where(heard, squares, 0.0).sum(0)
    noise = np.where(is_known, sums / np.maximum(heard.sum(0), 1), 0.0)
    spread = points.var(0, ddof=1)
    change = np.maximum(spread - noise, spread / len(points))
    kept = np.sqrt(np.divide(change, spread, out=np.ones_like(spread), where=spread > 0.0))
    mean = points.mean(0)
    found: Floats = mean + kept * (points - mean)
    return found
