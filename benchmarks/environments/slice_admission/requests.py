"""The requests of one world, whatever is decided: what a policy that knew the future would know."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.clock import SECONDS_PER_TICK, TICKS_PER_SECOND
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.tables import NetworkTables, build_tables
from twin_gym.environments.slice_admission.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Requests:
    """Requests that arrive before the horizon, slice after slice.

    Attributes:
        scenario: where.
        slice_index: whose; shape (requests,).
        arrival_s: when; same shape.
        patience_s: how long each waits at most, 0 without a queue; same shape.
        holding_s: how long each is served; same shape.
    """

    scenario: AdmissionScenario
    slice_index: Ints
    arrival_s: Floats
    patience_s: Floats
    holding_s: Floats

    @property
    def last_start_s(self) -> Floats:
        """The last moment at which each could be admitted within the episode."""
        return np.minimum(self.arrival_s + self.patience_s, self.scenario.horizon_s)

    @property
    def demand(self) -> Floats:
        """The share of each resource that each request holds; (requests, resources)."""
        return demand_share(self.scenario)[self.slice_index]

    def by_slice(self, values: list[float]) -> Floats:
        """A value of each slice, for each request."""
        return np.array(values, dtype=np.float64)[self.slice_index]


def demand_share(scenario: AdmissionScenario) -> Floats:
    """Demand over capacity; shape (slices, resources)."""
    return np.array(
        [
            [one.demand.get(name, 0.0) / amount for name, amount in scenario.capacity.items()]
            for one in scenario.slices
        ]
    )


def realised(tables: NetworkTables, seed: int) -> Requests:
    """The requests of a world.

    Args:
        tables: of one scenario, from `tables_of`.
        seed: of the world, never one of the test family.

    Returns:
        All that arrive before the horizon.
    """
    world = World(tables, seed)
    scenario = world.scenario
    end = round(scenario.horizon_s * TICKS_PER_SECOND)
    rows: list[tuple[int, int, int, int]] = []
    for s, one in enumerate(scenario.slices):
        arrivals = list(takewhile(lambda tick: tick < end, world.arrivals(s)))
        for request, tick in enumerate(arrivals):
            patience = world.patience_ticks(s, request) if one.queue_limit > 0 else 0
            rows.append((s, tick, patience, world.holding_ticks(s, request)))
    columns = np.array(rows, dtype=np.int64).reshape(-1, 4)
    seconds: Floats = columns[:, 1:].astype(np.float64) * SECONDS_PER_TICK
    return Requests(scenario, columns[:, 0], seconds[:, 0], seconds[:, 1], seconds[:, 2])


def tables_of(scenario: AdmissionScenario) -> NetworkTables:
    """The tables that worlds of a scenario are read from."""
    return build_tables([scenario])
