"""Tells the change of a network from the noise of its estimates: twins differ by the former."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LEAST_PAIRS = 4


def without_noise(points: Floats, first: Floats, second: Floats) -> Floats:
    """Windows whose spread is that of the network, not that of the estimates.

    The two halves of a window differ by noise alone, or nearly so; each half has twice the noise
    variance of the whole, so that a quarter of the mean squared difference is the noise variance v
    of a window. What is left of the variance s^2 of the windows is change: every window is moved
    towards the mean of all by sqrt((s^2 - v) / s^2), which gives the windows together the variance
    of the change (constrained empirical Bayes: Louis, Journal of the American Statistical
    Association 79(386), 1984; moving each by the whole ratio, the best guess for one window, would
    leave them too close together). At least the variance of the mean, s^2 over the number of
    windows, is left: so far it is not known where a network stands that does not change at all.

    Args:
        points: coordinates of windows; shape (windows, parameters).
        first: the same of first halves; not a number where nothing was heard.
        second: of second halves.

    Returns:
        Shape (windows, parameters). A parameter with fewer than four windows of which both halves
        were heard stays as it is.
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
