"""The four indicators of massive access, from the counters of a row.

Of a step, which is an opportunity. The protocol has a limit of tries and no deadline in seconds;
its **deadline** here is the longest that a device tries if nobody ever bars it: each of its tries
but the last one with the longest backoff after it, (tries - 1) x backoff, 0.18 s with ten tries and
20 ms.

| indicator | formula | why |
|---|---|---|
| density | answered / min(devices that ask, most answered on average), at most 1 | 20.05 an opportunity is all that 54 preambles carry, however many ask |
| deadline | answered within the deadline / (answered + lost) | who was barred for longer is late |
| latency | 1 - mean of min(wait / deadline, 1), lost ones counting 1 | 1: all at their first opportunity |
| buffer | 1 - devices that wait at the end / all devices | the backlog that the next opportunity meets |

A ratio of nothing to nothing is 1. Devices ask if they waited before or have joined in the step.
"""  # noqa: E501 - a table

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.indicators import Counts, IndicatorReader, Values, in_order, share

_NETWORK, _ARRIVED, _SUCCEEDED, _LOST, _WAITING, _IN_TIME, _WAITED = range(7)


class AccessIndicatorReader(IndicatorReader):
    """Reads a batch's counters.

    Args:
        networks: records of the scenarios.
        heads: of the rows.
        rows: their counters.
        delays: how many succeeded after so many opportunities; shape (rows, opportunities).
    """

    def __init__(
        self,
        networks: NDArray[np.void],
        heads: NDArray[np.void],
        rows: NDArray[np.void],
        delays: NDArray[np.int32],
    ) -> None:
        self._heads, self._rows = heads, rows
        self._best, self._devices = networks["best"], networks["num_devices"]
        longest = np.maximum(np.ceil(networks["backoff"]), 1.0).astype(np.int64)
        self._deadlines = (networks["max_tries"] - 1) * longest
        looked_at = min(int(self._deadlines.max()) + 1, delays.shape[1])
        self._delays = delays
        self._waits = np.arange(looked_at)
        self._is_in_time = self._waits <= self._deadlines[:, None]

    def counts(self, first: int, last: int) -> Counts:
        """Counters of rows, and the waits of those who were answered within the deadline."""
        network = self._heads["network"][first:last]
        rows: Any = self._rows[first:last]
        in_time = self._delays[first:last, : len(self._waits)] * self._is_in_time[network]
        counts = np.zeros((last - first, 7), np.int64)
        counts[:, _NETWORK] = network
        counts[:, _ARRIVED] = rows["num_arrived"]
        counts[:, _SUCCEEDED] = rows["succeeded"]
        counts[:, _LOST] = rows["lost"]
        counts[:, _WAITING] = rows["num_waiting"]
        counts[:, _IN_TIME] = in_time.sum(axis=1)
        counts[:, _WAITED] = in_time @ self._waits
        return counts

    def values(self, before: Counts, after: Counts) -> Values:
        """The indicators between two looks (see the module); shape (rows, 4)."""
        network, gained = after[:, _NETWORK], after - before
        answered, in_time = gained[:, _SUCCEEDED], gained[:, _IN_TIME]
        ended = answered + gained[:, _LOST]
        deadlines = np.maximum(self._deadlines[network], 1)
        asking = before[:, _WAITING] + gained[:, _ARRIVED]
        return in_order(
            density=share(answered, np.minimum(asking, self._best[network])),
            deadline=share(in_time, ended),
            latency=share(in_time - gained[:, _WAITED] / deadlines, ended),
            buffer=1.0 - after[:, _WAITING] / self._devices[network],
        )
