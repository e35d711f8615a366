"""Ratios of counters, as the indicators of all environments have them, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.compiled import compiled


@compiled
def ratio(part: float, whole: float) -> float:
    """Part over whole; of nothing to nothing it is 0."""
    return part / whole if whole > 0 else 0.0


@compiled
def quantile(counts: NDArray[Any], total: int, share: float) -> float:
    """The least value that a share of those that were counted did not exceed.

    Args:
        counts: how many have the value of the index.
        total: of all; 0: the quantile is 0.
        share: in (0, 1].

    Returns:
        An index.
    """
    if total == 0:
        return 0.0
    target = share * total
    value, counted = 0, np.int64(counts[0])
    while counted < target:
        value += 1
        counted += counts[value]
    return np.float64(value)
