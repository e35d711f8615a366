"""The four indicators of tiny instant communication, from the counters of a row.

Of a step, which is a frame, or with picks a slot (several grants of one slot take no time and are
looked at together):

| indicator | formula | why |
|---|---|---|
| density | delivered / sum over gateways of min(waiting at first, grants), at most 1 | share of the messages that could have been carried: one without a grant could not |
| deadline | delivered / (delivered + expired + dropped) | late messages expire, so whatever is delivered is in time |
| latency | 1 - mean of (slots taken - 1) / (deadline - 1), lost ones counting 1 | 1: all in the slot of arrival; 0: all in the last slot, or lost |
| buffer | 1 - messages that wait at the end / places of all queues | the fill that the next frame begins with |

A ratio of nothing to nothing is 1. Messages that arrive within a frame are not asked of its density
(they may be delivered in it and can only raise it to 1), for a burst in the last slot could not have
been carried. Where nothing asks for answers, downlink places are not counted.
"""  # noqa: E501 - a table

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.indicators import Counts, IndicatorReader, Values, in_order, share

_NETWORK, _UP, _DOWN, _LOST, _WAITED_UP, _WAITED_DOWN, _QUEUED, _CARRIABLE = range(8)


class TicIndicatorReader(IndicatorReader):
    """Reads a batch's counters.

    Args:
        networks: records of the scenarios.
        heads: of the rows.
        rows: their counters.
        waiting: messages of each gateway; shape (rows, gateways).
        is_by_frame: whether a step is a frame, or a grant.
    """

    def __init__(
        self,
        networks: NDArray[np.void],
        heads: NDArray[np.void],
        rows: NDArray[np.void],
        waiting: NDArray[np.int64],
        is_by_frame: bool,
    ) -> None:
        self._heads, self._rows, self._waiting = heads, rows, waiting
        slots = networks["frame_slots"] if is_by_frame else 1
        self._grants = networks["grants"] * slots
        ways = np.where(networks["answers"] != 0, 2, 1)
        self._places = ways * networks["num_sensors"] * networks["buffer"]
        self._most_slots = np.maximum(networks["deadline"] - 1, 1)

    def counts(self, first: int, last: int) -> Counts:
        """Counters of rows, what waits, and what of it the next step could carry."""
        network = self._heads["network"][first:last]
        rows: Any = self._rows[first:last]
        counts = np.zeros((last - first, 8), np.int64)
        counts[:, _NETWORK] = network
        counts[:, [_UP, _DOWN]] = rows["delivered"]
        counts[:, _LOST] = rows["expired"].sum(axis=1) + rows["dropped"].sum(axis=1)
        counts[:, [_WAITED_UP, _WAITED_DOWN]] = rows["waited"]
        counts[:, _QUEUED] = rows["queued"]
        could = np.minimum(self._waiting[first:last], self._grants[network][:, None])
        counts[:, _CARRIABLE] = could.sum(axis=1)
        return counts

    def values(self, before: Counts, after: Counts) -> Values:
        """The indicators between two looks (see the module); shape (rows, 4)."""
        network, gained = after[:, _NETWORK], after - before
        delivered = gained[:, _UP] + gained[:, _DOWN]
        ended = delivered + gained[:, _LOST]
        most = self._most_slots[network]
        taken = (
            (gained[:, _WAITED_UP] - gained[:, _UP]) / most[:, 0]
            + (gained[:, _WAITED_DOWN] - gained[:, _DOWN]) / most[:, 1]
            + gained[:, _LOST]
        )
        return in_order(
            density=share(delivered, before[:, _CARRIABLE]),
            deadline=share(delivered, ended),
            latency=share(np.maximum(ended - taken, 0.0), ended),
            buffer=1.0 - after[:, _QUEUED] / self._places[network],
        )
