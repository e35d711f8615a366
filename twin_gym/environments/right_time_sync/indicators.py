"""The four indicators of right-time synchronisation, from what the twin holds.

Of a step, which is a slot. An entity is **off** while its error is beyond the tolerance (expected or
realised, as the environment's `error` says); the **period** is how often each entity should be heard
of, in whole slots (`planned_period_s`, or one turn through all).

| indicator | formula | why |
|---|---|---|
| density | 1 - share of the entities that are off | entities that the twin carries |
| deadline | 1 - share that is off and older than the period | off, and overdue by the plan |
| latency | 1 - mean over all entities of min(age / period, 1) of those that are off, others 0 | how long the twin has been without what it needs |
| buffer | 1 - updates sent / places of a slot (one, or a round's) | the share of the channel that is left to others |

An entity that has not been heard of for long and is within the tolerance is not late: an update has
its right time. So a network in which nothing changes has all four at 1 as long as nothing is sent.
"""  # noqa: E501 - a table

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.indicators import Counts, IndicatorReader, Values, in_order
from twin_gym.environments.right_time_sync import layout
from twin_gym.environments.right_time_sync.scenario import SyncScenario

_NETWORK, _OFF, _OVERDUE, _AGES, _SENT = range(5)
_ROUNDING = 1e-9  # of a slot


class SyncIndicatorReader(IndicatorReader):
    """Reads a batch's twins.

    Args:
        scenarios: of the rows.
        networks: their records.
        heads: of the rows.
        rows: their counters.
        twins: what they hold; shape (rows, fields, entities).
        is_by_round: whether a round of entities may send in a slot, or one.
    """

    def __init__(
        self,
        scenarios: Sequence[SyncScenario],
        networks: NDArray[np.void],
        heads: NDArray[np.void],
        rows: NDArray[np.void],
        twins: NDArray[np.float64],
        is_by_round: bool,
    ) -> None:
        self._heads, self._rows, self._twins = heads, rows, twins
        self._limits = networks["tolerance"] * networks["tolerance"]
        periods = [one.num_entities / rate for one, rate in zip(
            scenarios, networks["planned_rate"], strict=True
        )]  # fmt: skip
        self._periods = np.array([max(math.ceil(one - _ROUNDING), 1) for one in periods])
        places = [one.round_size if is_by_round else 1 for one in scenarios]
        self._places = np.array(places)
        self._count = scenarios[0].num_entities

    def counts(self, first: int, last: int) -> Counts:
        """How many entities are off and overdue, their ages, and the updates of the last slot."""
        network, slots = self._heads["network"][first:last], self._heads["slot"][first:last]
        rows: Any = self._rows[first:last]
        ages = slots[:, None] - self._twins[first:last, layout.BORN]
        is_off = self._twins[first:last, layout.ERROR] > self._limits[network][:, None]
        periods = self._periods[network][:, None]
        counts = np.zeros((last - first, 5), np.int64)
        counts[:, _NETWORK] = network
        counts[:, _OFF] = is_off.sum(axis=1)
        counts[:, _OVERDUE] = (is_off & (ages > periods)).sum(axis=1)
        counts[:, _AGES] = (np.minimum(ages, periods) * is_off).sum(axis=1)
        counts[:, _SENT] = rows["step_updates"]
        return counts

    def values(self, before: Counts, after: Counts) -> Values:
        """The indicators of the last slot (see the module); shape (rows, 4)."""
        network = after[:, _NETWORK]
        return in_order(
            density=1.0 - after[:, _OFF] / self._count,
            deadline=1.0 - after[:, _OVERDUE] / self._count,
            latency=1.0 - after[:, _AGES] / (float(self._count) * self._periods[network]),
            buffer=1.0 - after[:, _SENT] / self._places[network],
        )
