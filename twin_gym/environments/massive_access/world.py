"""One world of massive access, for Python: what the SimPy model, the bounds and the tests read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.massive_access import workload


class World:
    """All random draws of devices, which do not depend on what is broadcast.

    Args:
        network: record of the scenario.
        key: of the world.
    """

    def __init__(self, network: np.void, key: int) -> None:
        self.network = network
        self._key = np.uint64(key)

    def joins(self, device: int) -> int:
        """The first opportunity that the device can use."""
        return int(workload.joining_opportunity(self.network, self._key, device))

    def barring_draw(self, device: int, opportunity: int) -> float:
        """The device may try if this is at most the barring probability; in (0, 1]."""
        return float(workload.barring_draw(self._key, device, opportunity))

    def preamble(self, device: int, tries: int) -> int:
        """The preamble that the device sends after so many collisions."""
        return int(workload.preamble_drawn(self.network, self._key, device, tries))

    def backoff(self, device: int, tries: int) -> int:
        """Opportunities from its collision of this number to its next try."""
        return int(workload.backoff_drawn(self.network, self._key, device, tries))

    def arrivals(self) -> NDArray[np.int64]:
        """How many devices join at each opportunity; shape (opportunities,)."""
        joined = [self.joins(device) for device in range(int(self.network["num_devices"]))]
        return np.bincount(joined, minlength=int(self.network["num_opportunities"]))
