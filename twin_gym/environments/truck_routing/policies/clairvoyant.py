"""Policies that see what is hidden from agents: references, not competitors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.truck_routing import layout
from twin_gym.environments.truck_routing.batch import TruckBatch
from twin_gym.environments.truck_routing.policies.decisions import Decisions
from twin_gym.environments.truck_routing.policies.planned import OverflowPlanPolicy
from twin_gym.environments.truck_routing.world import World
from twin_gym.errors import ConfigError

Floats = NDArray[np.float64]


class Truth:
    """The true contents of the bins of a batch, and all that will be thrown in.

    Args:
        batch: the rows.
    """

    def __init__(self, batch: TruckBatch) -> None:
        self._batch = batch
        self._worlds: dict[int, tuple[int, World]] = {}

    def content_l(self, row: int) -> Floats:
        """What the bins of a row hold now; shape (bins,)."""
        return self._batch.contents_l(row)

    def thrown_in_l(self, row: int, begin_s: float, end_s: float) -> Floats:
        """What is thrown into each bin of a row between two times of its episode; shape (bins,)."""
        key = int(self._batch.heads["world"][row])
        if row not in self._worlds or self._worlds[row][0] != key:
            self._worlds[row] = key, self._batch.world(row)
        volumes = self._worlds[row][1].volumes[:, :-1]
        return _at(volumes, end_s) - _at(volumes, begin_s)

    def overflow_l(self, row: int, now_s: float, end_s: float) -> Floats:
        """What overflows in each bin until a time if it is left alone; shape (bins,)."""
        capacity_l = self._batch.tables.bins[self._batch.heads["network"][row], layout.CAPACITY]
        content_l = self.content_l(row)
        room_l = capacity_l[: len(content_l)] - content_l
        overflow: Floats = np.maximum(self.thrown_in_l(row, now_s, end_s) - room_l, 0.0)
        return overflow

    def prevented_l(self, row: int, now_s: float, end_s: float) -> Floats:
        """What does not overflow until a time if a bin is emptied now; shape (bins,)."""
        capacity_l = self._batch.tables.bins[self._batch.heads["network"][row], layout.CAPACITY]
        left_alone_l = self.overflow_l(row, now_s, end_s)
        after_l = self.thrown_in_l(row, now_s, end_s) - capacity_l[: len(left_alone_l)]
        prevented: Floats = left_alone_l - np.maximum(after_l, 0.0)
        return prevented


class ClairvoyantPlanPolicy(OverflowPlanPolicy):
    """`overflow-pyvrp` with what is true: every content, and all that will be thrown in.

    It is a reference, not a competitor: `bind` gives it the rows that it decides for.
    """

    name = "clairvoyant-pyvrp"
    _truth: Truth | None = None

    def bind(self, batch: TruckBatch) -> None:
        """Looks into these rows from now on."""
        self._truth = Truth(batch)

    @property
    def truth(self) -> Truth:
        """What it sees.

        Raises:
            ConfigError: if no rows were bound.
        """
        if self._truth is None:
            raise ConfigError(f"{self.name!r} sees hidden state: call `bind(env.batch)` first")
        return self._truth

    def volumes_l(self, seen: Decisions, row: int) -> Floats:
        """What each bin holds, or what the twin predicts if that is more: the mask asks for it."""
        return np.maximum(self.truth.content_l(row), super().volumes_l(seen, row))

    def fills(self, seen: Decisions, row: int) -> Floats:
        """True shares of the capacities; shape (bins,)."""
        shares: Floats = self.truth.content_l(row) / self.tables.capacity_l
        return shares

    def prevented_l(self, seen: Decisions, row: int, visit_s: float, next_s: float) -> Floats:
        """Litres that will overflow if a bin is emptied then, and not now; shape (bins,)."""
        truth, now_s = self.truth, float(seen.now_s[row])
        capacity_l = self.tables.capacity_l
        after = np.maximum(truth.thrown_in_l(row, visit_s, next_s) - capacity_l, 0.0)
        until_next = truth.overflow_l(row, now_s, next_s)
        return np.maximum(until_next - truth.overflow_l(row, now_s, visit_s) - after, 0.0)


def _at(volumes: Floats, time_s: float) -> Floats:
    """Litres thrown in until a time, evenly within each hour."""
    hours = time_s * layout.MS_PER_S / layout.HOUR_MS
    hour = min(int(hours), len(volumes) - 2)
    litres: Floats = volumes[hour] + (hours - hour) * (volumes[hour + 1] - volumes[hour])
    return litres
