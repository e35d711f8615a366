"""One world of slice admission, for Python: what the SimPy model and the bounds read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from twin_gym.core.clock import NEVER
from twin_gym.environments.slice_admission import layout, workload
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.tables import NetworkTables


class World:
    """The requests that a row with a seed meets in its n-th episode, which decisions do not change.

    Args:
        tables: the scenarios; the world picks one.
        seed: of the lane.
        episode: 0 for the first one after a reset with that seed.
    """

    def __init__(self, tables: NetworkTables, seed: int, episode: int = 0) -> None:
        room = tables.networks["demand"].shape[1:]
        rows = np.zeros(1, layout.row_dtype(*room))
        rows["seed"] = np.uint64(seed % 2**64)
        rows["episode"] = episode
        self._row = rows[0]
        self._outside = workload.Outside(
            tables.curves, tables.trace_arrivals, tables.trace_holdings
        )
        workload.begin_world(self._row, tables.networks, len(tables.networks))
        self.network_index = int(self._row["network"])
        self.network = tables.networks[self.network_index]
        self.scenario: AdmissionScenario = tables.scenarios[self.network_index]
        self.trace_offset = int(self._row["trace_offset"])

    def arrivals(self, s: int) -> Iterator[int]:
        """The ticks at which the requests of slice s come, in order; iterate once a world."""
        request = 0
        tick = workload.first_arrival(self.network, self._row, s, self._outside)
        while tick < NEVER:
            yield int(tick)
            request += 1
            tick = workload.arrival_after(self.network, self._row, s, tick, request, self._outside)

    def holding_ticks(self, s: int, request: int) -> int:
        """How long request number `request` of slice s is served."""
        return int(workload.holding_ticks(self.network, self._row, s, request, self._outside))

    def patience_ticks(self, s: int, request: int) -> int:
        """How long request number `request` of slice s waits before it leaves."""
        return int(workload.patience_ticks(self.network, self._row, s, request))
