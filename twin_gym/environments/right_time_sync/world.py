"""One world of right-time synchronisation, for Python: what SimPy, the theory and tests read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.right_time_sync import workload
from twin_gym.environments.right_time_sync.layout import Tables


class World:
    """All values and all losses, which do not depend on the agent.

    Args:
        tables: of the scenarios.
        number: which of them.
        key: of the world.
    """

    def __init__(self, tables: Tables, number: int, key: int) -> None:
        self.tables = tables
        self.network: np.void = tables.networks[number]
        self.entities: NDArray[np.void] = tables.entities[number]
        self.laws: NDArray[np.float64] = tables.laws[number]
        self._bridge = tables.bridge[number]
        self._spared = tables.spared[number]
        self._key = np.uint64(key)
        self.offset = int(workload.offset_drawn(self.network, self._key))

    def value(self, entity: int, slot: int) -> float:
        """The true value at the beginning of a slot, in ranges around the mean."""
        return float(
            workload.entity_value(
                self.network, self.entities[entity], self._bridge[entity], self.tables.series,
                self._key, self.offset, entity, slot,
            )
        )  # fmt: skip

    def is_delivered(self, entity: int, slot: int, sharing: int) -> bool:
        """Whether an update sent in a slot arrives.

        Args:
            entity: of which.
            slot: in which it is sent.
            sharing: how many are sent in that slot, this one included.
        """
        return bool(
            workload.is_delivered(
                self.entities[entity], self.tables.lost, float(self._spared[sharing]),
                self._key, self.offset, entity, slot,
            )
        )  # fmt: skip

    def path(self, entity: int) -> NDArray[np.float64]:
        """The values of an entity at the beginnings of all slots and at the horizon."""
        slots = int(self.network["num_slots"])
        return np.array([self.value(entity, slot) for slot in range(slots + 1)])
