"""The four indicators of truck routing, from the true contents of the bins.

| indicator | formula | why |
|---|---|---|
| density | 1 - litres that overflowed / litres thrown in | what was carried of what was asked |
| deadline | share of the bins that are not full at the end | a full bin is too late |
| latency | 1 - mean of min(time since emptying / mean time to fill, 1) | 1: all just emptied |
| buffer | 1 - mean fill of the bins at the end | 1: all empty |

A ratio of nothing to nothing is 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.indicators import Counts, IndicatorReader, Values, in_order, share
from twin_gym.environments.truck_routing import layout

_COUNT, _OVERFLOW, _DEPOSITED, _FULL, _WAITED, _FILLED = range(6)
_PARTS = 10.0**6  # of a litre or a share: whole numbers have exact sums


class TruckIndicatorReader(IndicatorReader):
    """Reads a batch's bins.

    Args:
        networks: records of the scenarios.
        bins: their `layout.BIN_FIELDS`; shape (scenarios, fields, bins).
        heads: of the rows.
        rows: their counters.
        states: of their bins; shape (rows, fields, bins).
        volumes: thrown in until each hour; shape (rows, hours + 1, bins + 1).
    """

    def __init__(
        self,
        networks: NDArray[np.void],
        bins: NDArray[np.float64],
        heads: NDArray[np.void],
        rows: NDArray[np.void],
        states: NDArray[np.float64],
        volumes: NDArray[np.float64],
    ) -> None:
        self._networks, self._bins = networks, bins
        self._heads, self._rows, self._states, self._volumes = heads, rows, states, volumes

    def counts(self, first: int, last: int) -> Counts:
        """Sums of litres so far; full bins, times since emptyings and fills as they are."""
        rows: Any = self._rows[first:last]
        fills, waits = self._fills_and_waits(first, last)
        counts = np.zeros((last - first, 6), np.int64)
        counts[:, _COUNT] = self._networks["num_bins"][self._heads["network"][first:last]]
        counts[:, _OVERFLOW] = np.rint(rows["overflow_l"] * _PARTS)
        counts[:, _DEPOSITED] = np.rint(rows["deposited_l"] * _PARTS)
        counts[:, _FULL] = (fills >= 1.0).sum(axis=1)
        counts[:, _WAITED] = np.rint(waits * _PARTS).astype(np.int64).sum(axis=1)
        counts[:, _FILLED] = np.rint(fills * _PARTS).astype(np.int64).sum(axis=1)
        return counts

    def values(self, before: Counts, after: Counts) -> Values:
        """The indicators between two looks (see the module); shape (rows, 4)."""
        count = after[:, _COUNT]
        deposited = after[:, _DEPOSITED] - before[:, _DEPOSITED]
        kept = np.maximum(deposited - (after[:, _OVERFLOW] - before[:, _OVERFLOW]), 0)
        whole = count * _PARTS
        return in_order(
            density=share(kept, deposited),
            deadline=share(count - after[:, _FULL], count),
            latency=share(whole - after[:, _WAITED], whole),
            buffer=share(whole - after[:, _FILLED], whole),
        )

    def _fills_and_waits(self, first: int, last: int) -> tuple[Values, Values]:
        """By bin, the true fill and the time since the last emptying over that to fill, at most 1.

        Bins for which there is room and that a scenario has not have 0.
        """
        numbers, now = self._heads["network"][first:last], self._rows["now"][first:last]
        bins, states = self._bins[numbers], self._states[first:last]
        hours = now / layout.HOUR_MS
        hour = np.minimum(hours.astype(np.int64), self._networks["num_hours"][numbers] - 1)
        at = np.arange(first, last)
        before, after = self._volumes[at, hour, :-1], self._volumes[at, hour + 1, :-1]
        volumes = before + (hours - hour)[:, None] * (after - before)
        is_there = bins[:, layout.CAPACITY] > 0.0
        contents = np.minimum(volumes - states[:, layout.BASE], bins[:, layout.CAPACITY])
        fills = np.where(is_there, contents * bins[:, layout.INVERSE_CAPACITY], 0.0)
        spent = (now[:, None] - states[:, layout.EMPTIED_AT]) * is_there
        waits = np.minimum(spent / np.where(is_there, bins[:, layout.FILL_TIME], 1.0), 1.0)
        return fills, waits
