"""One world of truck routing, for Python: what SimPy, bounds, privileged policies and tests read.

Nothing in it depends on what trucks do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.truck_routing import layout, workload
from twin_gym.environments.truck_routing.layout import Tables

Floats = NDArray[np.float64]


class World:
    """What is thrown into bins, how full they begin, and which of their reports arrive.

    Args:
        tables: of the scenarios.
        number: which of them.
        key: of the world.

    Attributes:
        network: record of the scenario.
        num_bins: N.
        bins: the `layout.BIN_FIELDS` of the bins; shape (fields, N).
        travel_ms: between places, the depot last; shape (N + 1, N + 1).
        distance_m: likewise.
        start: hour of the replay with which the episode begins.
        volumes: litres thrown into each bin until each hour, and into all of them in the last
            column; shape (hours + 1, N + 1).
    """

    def __init__(self, tables: Tables, number: int, key: int) -> None:
        self.network: np.void = tables.networks[number]
        self.num_bins = count = int(self.network["num_bins"])
        self.bins: Floats = tables.bins[number, :, :count]
        self.travel_ms: Floats = tables.travel[number, : count + 1, : count + 1]
        self.distance_m: Floats = tables.distance[number, : count + 1, : count + 1]
        self._profile = tables.profile[number]
        self._key = np.uint64(key)
        self.start = int(workload.start_hour(self.network, self._key))
        self.volumes: Floats = np.zeros((int(self.network["num_hours"]) + 1, count + 1))
        workload.draw_volumes(
            self.network, tables.means[number], tables.limits[number], tables.replayed[number],
            self._key, self.start, self.volumes, np.zeros(count),
        )  # fmt: skip

    def volume_l(self, number: int, time_ms: float) -> float:
        """What was thrown into a bin until a time, in litres; bin N: into all of them."""
        last = int(self.network["num_hours"]) - 1
        return float(workload.volume_l(self.volumes, last, number, float(time_ms)))

    def initial_l(self, number: int) -> float:
        """Content of a bin at the beginning, in litres."""
        capacity = float(self.bins[layout.CAPACITY, number])
        return float(workload.initial_l(self.network, capacity, self._key, number))

    def offset_ms(self, number: int) -> float:
        """Time of the first report of a bin; the next ones follow after a period each."""
        return float(workload.offset_ms(self.network, self._key, number))

    def is_delivered(self, number: int, report: int) -> bool:
        """Whether report number `report` of a bin arrives."""
        return bool(workload.is_delivered(self.network, self._key, number, report))

    def profile_hours(self, time_ms: float) -> float:
        """Hours since the beginning, weighted by the profile of the inflow."""
        last = int(self.network["num_hours"]) - 1
        return float(workload.profile_hours(self._profile, last, float(time_ms)))
