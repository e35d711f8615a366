"""Confidence interval of a mean over worlds."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_CONFIDENCE = 0.95


def half_width(values: NDArray[np.float64]) -> float:
    """Half-width of the 95 % confidence interval of a mean (Student's t); NaN for one value."""
    from scipy.stats import t as student  # takes a second to import

    count = len(values)
    if count == 1:
        return float("nan")
    quantile = float(student.ppf((1.0 + _CONFIDENCE) / 2.0, count - 1))
    return quantile * float(values.std(ddof=1)) / math.sqrt(count)
