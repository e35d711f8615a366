"""One world of tiny instant communication, for Python: SimPy, the bounds and the tests read it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from twin_gym.environments.tic_scheduling import workload


class World:
    """Arrivals of sensors and states of channels, which do not depend on the gateways.

    Args:
        network: record of the scenario.
        key: of the world.
    """

    def __init__(self, network: np.void, key: int) -> None:
        self.network = network
        self._key = np.uint64(key)

    def bursts(self) -> Iterator[tuple[int, list[int]]]:
        """The slot of each burst and the sensors that ask, without end."""
        burst = 0
        while True:
            slot = int(workload.burst_slot(self.network, self._key, burst))
            yield slot, self.burst_sensors(burst)
            burst += 1

    def burst_sensors(self, burst: int) -> list[int]:
        """The sensors that ask in a burst, in order."""
        sensors = int(self.network["num_sensors"])
        remaining, chosen = int(self.network["burst_sensors"]), []
        for sensor in range(sensors):
            if workload.asks_in_burst(self._key, burst, sensor, remaining, sensors - sensor):
                remaining -= 1
                chosen.append(sensor)
        return chosen

    def background(self) -> Iterator[tuple[int, int]]:
        """Slot and sensor of each background message, without end."""
        place, count = -1, 0
        while True:
            place += int(workload.background_gap(self.network, self._key, count))
            count += 1
            yield divmod(place, int(self.network["num_sensors"]))

    def uplinks(self, num_slots: int) -> list[tuple[int, int]]:
        """Slot and sensor of every uplink message of the first slots, in order."""
        pairs: list[tuple[int, int]] = []
        for slot, sensors in self.bursts():
            if slot >= num_slots:
                break
            messages = int(self.network["burst_messages"])
            pairs += [(slot, sensor) for sensor in sensors for _ in range(messages)]
        for slot, sensor in self.background():
            if slot >= num_slots:
                break
            pairs.append((slot, sensor))
        return sorted(pairs)

    def success_probability(self, sensor: int, slot: int) -> float:
        """Of a transmission in a slot."""
        return float(workload.success_probability(self.network, self._key, sensor, slot))

    def gets_through(self, queue: int, slot: int) -> bool:
        """Whether a transmission of a queue (2 sensor + direction) in a slot succeeds."""
        return bool(workload.gets_through(self.network, self._key, queue, slot))
