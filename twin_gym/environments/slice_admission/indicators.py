"""The four indicators of slice admission, from the counters of a row.

Of a step, which runs from one decision to the next (several decisions of one instant take no time
and are looked at together). A request that arrives at the very end of a step, and of which the next
decision will be made, is of the next step.

| indicator | formula | why |
|---|---|---|
| density | most of the resources' shares in use at the end / min(1, most of the shares that all who are in service, wait or were lost would use) | the dominant resource carries what it could carry of what was asked |
| deadline | admitted / (admitted + expired + blocked + declined) | admitted before patience ended |
| latency | 1 - mean of min(wait / mean patience, 1), by slice; lost ones counting 1 | 1: all at their arrival |
| buffer | 1 - requests that wait at the end / places of all queues | 1 where there are no places |

A ratio of nothing to nothing is 1. The time before the first decision earns nothing.
"""  # noqa: E501 - a table

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.clock import SECONDS_PER_TICK
from twin_gym.core.indicators import Counts, IndicatorReader, Values, in_order, share
from twin_gym.environments.slice_admission.tables import NetworkTables

_NETWORK, _ADMITTED, _LOST, _WAITED, _IN_SERVICE, _WAITING = range(6)


class AdmissionIndicatorReader(IndicatorReader):
    """Reads a batch's counters.

    Args:
        tables: the scenarios.
        rows: records of the rows.
        queues: places of their waiting requests.
        final_rows: records of the rows as their episodes ended.
    """

    def __init__(
        self,
        tables: NetworkTables,
        rows: NDArray[np.void],
        queues: NDArray[np.void],
        final_rows: NDArray[np.void],
    ) -> None:
        self._rows, self._queues, self._final_rows = rows, queues, final_rows
        scenario, networks = tables.scenarios[0], tables.networks
        self._slices = slices = len(scenario.slices)
        resources = len(scenario.resource_names)
        capacity = networks["capacity"][:, None, :resources]
        self._shares = networks["demand"][:, :slices, :resources] / capacity
        self._patience_s = networks["mean_patience_s"][:, :slices]
        self._places = networks["queue_limit"][:, :slices].sum(axis=1)
        self._starts = networks["queue_start"][:, :slices]
        self._masks = networks["queue_mask"][:, :slices]

    def counts(self, first: int, last: int) -> Counts:
        """Counters of rows; who is in service, and who waits and has done so for a while."""
        rows = self._rows[first:last]
        counts = self._counted(rows)
        network, lengths = rows["network"], rows["queue_length"][:, : self._slices]
        newest = (rows["queue_head"][:, : self._slices] + lengths - 1) & self._masks[network]
        places = self._starts[network] + newest
        arrivals = np.take_along_axis(self._queues["arrival"][first:last], places, axis=1)
        counts[:, _WAITING] -= (lengths > 0) & (arrivals == rows["now"][:, None])
        return counts

    def final_counts(self, at: NDArray[np.int64]) -> Counts:
        """The same of episodes that ended in the last step, in which nobody arrives at the end.

        Args:
            at: the rows.
        """
        return self._counted(self._final_rows[at])

    def values(self, before: Counts, after: Counts) -> Values:
        """The indicators between two looks (see the module); shape (rows, 4)."""
        network, gained = after[:, _NETWORK, 0], after - before
        admitted = gained[:, _ADMITTED].sum(axis=1)
        lost = gained[:, _LOST].sum(axis=1)
        waited = np.zeros(len(after))
        for s in range(self._slices):  # one by one: the order of a sum decides its rounding
            patience = self._patience_s[network, s]
            spent = gained[:, _WAITED, s] * SECONDS_PER_TICK / patience
            waited += np.minimum(spent, gained[:, _ADMITTED, s])
        used = self._largest_share(after[:, _IN_SERVICE], network)
        asked = after[:, _IN_SERVICE] + after[:, _WAITING] + gained[:, _LOST]
        requested = self._largest_share(asked, network)
        places = self._places[network]
        return in_order(
            density=share(used, np.minimum(requested, 1.0)),
            deadline=share(admitted, admitted + lost),
            latency=share(np.maximum(admitted - waited, 0.0), admitted + lost),
            buffer=share(places - after[:, _WAITING].sum(axis=1), places),
        )

    def _counted(self, rows: Any) -> Counts:  # noqa: ANN401 - records
        kept = slice(0, self._slices)
        counts = np.zeros((len(rows), 6, self._slices), np.int64)
        counts[:, _NETWORK] = rows["network"][:, None]
        counts[:, _ADMITTED] = rows["admitted"][:, kept]
        for name in ("blocked", "expired", "declined"):
            counts[:, _LOST] += rows[name][:, kept]
        counts[:, _WAITED] = rows["waited"][:, kept]
        counts[:, _IN_SERVICE] = rows["in_service"][:, kept]
        counts[:, _WAITING] = rows["queue_length"][:, kept]
        return counts

    def _largest_share(self, requests: Counts, network: NDArray[np.int64]) -> Values:
        """Of all resources, the largest share of its capacity that so many requests use."""
        largest: Values = (requests[:, :, None] * self._shares[network]).sum(axis=1).max(axis=1)
        return largest
