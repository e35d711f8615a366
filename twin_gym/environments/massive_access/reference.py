"""Massive access as a SimPy story: devices ask, are barred, send, collide, back off and give up."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import simpy
from numpy.typing import NDArray

from twin_gym.core.prioritised_timeout import PrioritisedTimeout
from twin_gym.environments.massive_access import layout
from twin_gym.environments.massive_access.world import World

Process = Generator[simpy.Event, bool, None]

_DEVICES, _BASE_STATION = 1, 2  # ranks within an opportunity: first all send, then all are answered


@dataclass(eq=False)
class Device:
    """One that asks: its number, its first opportunity, its next one, its collisions so far."""

    number: int
    joined: int
    ready: int
    tries: int = 0


class Cell:
    """A base station and its devices; the clock counts opportunities.

    Args:
        world: what the devices draw.
    """

    def __init__(self, world: World) -> None:
        network = world.network
        self._world = world
        self._max_tries = int(network["max_tries"])
        self._horizon = int(network["num_opportunities"])
        self.clock = simpy.Environment(0)
        self.waiting: list[Device] = []
        self.later: list[Device] = []
        self.delays = np.zeros(self._horizon, np.int32)
        self.counters = dict.fromkeys(("lost", "attempts", "used", "collided"), 0)
        self.last_success = -1
        self.barring = 1.0
        self.barred = 0.0
        self.slot = 0
        self.step_successes = self.step_lost = 0
        self.history: list[tuple[int, int]] = []  # successes and collisions of each opportunity
        self._sent: dict[int, list[simpy.Event]] = {}
        for number in range(int(network["num_devices"])):
            joins = world.joins(number)
            device = Device(number, joins, joins)
            self.later.append(device)
            self.clock.process(self._live(device))
        self.clock.process(self._listen())

    def step(self, barring: float) -> None:
        """One opportunity under a barring probability."""
        self.barring = barring
        self.barred += barring
        self.step_successes = self.step_lost = 0
        while self.clock.peek() <= self.slot:
            self.clock.step()
        self.slot += 1

    @property
    def is_over(self) -> bool:
        """Whether the horizon is reached."""
        return self.slot >= self._horizon

    def _live(self, device: Device) -> Process:
        yield PrioritisedTimeout(self.clock, device.joined, _DEVICES)
        self.later.remove(device)
        self.waiting.append(device)
        while True:
            if self._world.barring_draw(device.number, self._now) > self.barring:
                yield PrioritisedTimeout(self.clock, 1, _DEVICES)
                continue
            is_alone = yield self._send(self._world.preamble(device.number, device.tries))
            if is_alone:
                self._succeed(device)
                return
            device.tries += 1
            if device.tries == self._max_tries:
                self._give_up(device)
                return
            backoff = self._world.backoff(device.number, device.tries)
            device.ready = self._now + backoff
            yield PrioritisedTimeout(self.clock, backoff, _DEVICES)

    def _send(self, preamble: int) -> simpy.Event:
        answer = self.clock.event()
        self._sent.setdefault(preamble, []).append(answer)
        self.counters["attempts"] += 1
        return answer

    def _listen(self) -> Process:
        yield PrioritisedTimeout(self.clock, 0, _BASE_STATION)
        while True:
            collisions = 0
            for answers in self._sent.values():
                is_alone = len(answers) == 1
                collisions += not is_alone
                for answer in answers:
                    answer.succeed(is_alone)
            self.counters["used"] += len(self._sent)
            self.counters["collided"] += collisions
            self.history.append((len(self._sent) - collisions, collisions))
            self._sent = {}
            yield PrioritisedTimeout(self.clock, 1, _BASE_STATION)

    def _succeed(self, device: Device) -> None:
        self.waiting.remove(device)
        self.delays[self._now - device.joined] += 1
        self.last_success = self._now
        self.step_successes += 1

    def _give_up(self, device: Device) -> None:
        self.waiting.remove(device)
        self.counters["lost"] += 1
        self.step_lost += 1

    @property
    def _now(self) -> int:
        return int(self.clock.now)

    def write(self, row: np.void, devices: NDArray[np.void], delays: NDArray[np.int32]) -> None:
        """Converts the network to the compiled kernel's state.

        Args:
            row: the record to fill.
            devices: the row's devices to fill.
            delays: how many succeeded after having waited so many opportunities.
        """
        for name, count in self.counters.items():
            row[name] = count
        row["num_waiting"] = len(self.waiting)
        row["num_arrived"] = len(devices) - len(self.later)
        row["succeeded"] = self.delays.sum()
        row["waited"] = self.delays @ np.arange(self._horizon)
        for name in ("last_success", "barring", "barred", "step_successes", "step_lost"):
            row[name] = getattr(self, name)
        row["success_history"] = row["collision_history"] = 0
        for opportunity, (successes, collisions) in enumerate(self.history):
            row["success_history"][opportunity % layout.HISTORY] = successes
            row["collision_history"][opportunity % layout.HISTORY] = collisions
        delays[: self._horizon] = self.delays
        for place, device in enumerate(self.waiting):
            devices[place] = (device.number, device.joined, device.ready, device.tries)
        asking = sorted(self.later, key=lambda device: (device.joined, device.number))
        for place, device in enumerate(asking, len(devices) - len(asking)):
            devices[place] = (device.number, device.joined, device.ready, device.tries)
