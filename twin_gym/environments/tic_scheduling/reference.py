"""Tiny instant communication in SimPy: sensors ask, messages wait, gateways transmit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from twin_gym.core.prioritised_timeout import PrioritisedTimeout
from twin_gym.environments.tic_scheduling import layout
from twin_gym.environments.tic_scheduling.world import World

Process = Generator[simpy.Event, None, None]
Queue = tuple[int, int]

_EXPIRY, _ARRIVAL, _SERVICE = 1, 2, 3  # ranks within a slot


@dataclass(eq=False)
class Message:
    """A waiting message: its sensor, direction, and slot of arrival."""

    sensor: int
    direction: int
    arrived: int

    @property
    def order(self) -> tuple[int, int, int]:
        """The rank among messages that are as urgent."""
        return self.arrived, self.sensor, self.direction

    @property
    def queue(self) -> Queue:
        """Its sensor and direction."""
        return self.sensor, self.direction

    @property
    def number(self) -> int:
        """The number of its queue."""
        return 2 * self.sensor + self.direction


class Network:
    """Sensors, gateways and what waits at them; the clock counts slots.

    Args:
        world: what the sensors draw.
        sensors: records of `layout.SENSOR`.
    """

    def __init__(self, world: World, sensors: NDArray[np.void]) -> None:
        self.scenario = world.network
        self.world = world
        self.horizon = int(self.scenario["num_slots"])
        self.deadlines = tuple(int(d) for d in self.scenario["deadline"])
        self.sensors = sensors
        self.waiting: list[list[Message]] = [[] for _ in range(self.scenario["num_gateways"])]
        self.fills: Counter[Queue] = Counter()
        self.counts: dict[str, list[int]] = {
            name: [0, 0] for name in ("offered", "delivered", "expired", "dropped", "waited")
        }
        self.step_counts: Counter[str] = Counter()
        self.latencies: Counter[int] = Counter()
        self.attempts = 0
        self.weights = [0.25] * layout.NUM_WEIGHTS
        self.used = 0
        self.failed: set[int] = set()
        self.windows: list[int] = []
        self.bursts = 0
        self.answers_due: list[tuple[int, int]] = []  # slot in which it is ready, sensor
        self.clock = simpy.Environment(0)
        self.clock.process(self._burst())
        self.clock.process(self._background())
        self.clock.process(self._tick())
        self.slot = 0
        self._happen()
        self.step_counts.clear()

    @property
    def is_over(self) -> bool:
        """Whether the horizon is reached."""
        return self.slot >= self.horizon

    def step_frame(self, weights: Sequence[float]) -> None:
        """A frame in which every gateway serves by these weights."""
        self.weights = list(weights)
        self.step_counts.clear()
        for _ in range(self.scenario["frame_slots"]):
            for messages in self.waiting:
                chosen = sorted(messages, key=lambda one: (-self._index(one), one.order))
                for message in chosen[: self.scenario["grants"]]:
                    self._transmit(message)
            self._next_slot()

    def step_pick(self, queue: int) -> bool:
        """One grant for a queue of the only gateway; otherwise the rest of the slot stays unused.

        Returns:
            Whether the queue had a message that may be sent in this slot, or is none.
        """
        self.step_counts.clear()
        allowed = self._pickable()
        if queue in allowed:
            message = min((one for one in self.waiting[0] if one.number == queue), key=_age)
            self.used += 1
            if not self._transmit(message):
                self.failed.add(queue)
            if self.used < self.scenario["grants"] and self._pickable():
                return True
        self.used = 0
        self.failed.clear()
        self._next_slot()
        return queue in allowed or queue == 2 * self.scenario["num_sensors"]

    def _pickable(self) -> set[int]:
        return {one.number for one in self.waiting[0]} - self.failed

    def _next_slot(self) -> None:
        period = int(self.scenario["burst_period"])
        self.slot += 1
        if self.slot % period == 0:
            self.windows.append(sum(self.counts["delivered"]))
        self._happen()

    def _happen(self) -> None:
        """Expiries and arrivals of the slot; the clock stands where gateways transmit."""
        while self.clock.peek() <= self.slot:
            self.clock.step()

    def _tick(self) -> Process:
        """Keeps the clock going where nothing else happens."""
        while True:
            yield PrioritisedTimeout(self.clock, 1, _SERVICE)

    def _index(self, message: Message) -> float:
        most = int(self.scenario["most_deadline"])
        age = self.slot - message.arrived
        remaining = self.deadlines[message.direction] - 1 - age
        terms = (
            float(self.sensors["density"][message.sensor]),
            1.0 - remaining * (1.0 / most),
            age * (1.0 / most),
            self.fills[message.queue] * (1.0 / int(self.scenario["buffer"])),
        )
        weighted = [weight * term for weight, term in zip(self.weights, terms, strict=True)]
        return weighted[0] + weighted[1] + weighted[2] + weighted[3]

    def _transmit(self, message: Message) -> bool:
        self.attempts += 1
        self.step_counts["attempts"] += 1
        if not self.world.gets_through(message.number, self.slot):
            return False
        latency = self.slot - message.arrived + 1
        self.latencies[latency] += 1
        self.counts["waited"][message.direction] += latency
        self._leave(message, "delivered")
        if message.direction == layout.UPLINK and self.scenario["answers"]:
            due = (self.slot + int(self.scenario["ring"]), message.sensor)
            self.answers_due.append(due)
            self.clock.process(self._answer(due))
        return True

    def _leave(self, message: Message, how: str) -> None:
        self.counts[how][message.direction] += 1
        self.step_counts[how] += 1
        self.fills[message.queue] -= 1
        self.waiting[self.sensors["gateway"][message.sensor]].remove(message)

    def _burst(self) -> Process:
        for slot, sensors in self.world.bursts():
            yield PrioritisedTimeout(self.clock, slot - self._now, _ARRIVAL)
            if slot >= self.horizon:
                return
            self.bursts += 1
            for sensor in sensors:
                for _ in range(self.scenario["burst_messages"]):
                    self._ask(sensor, layout.UPLINK)

    def _background(self) -> Process:
        for slot, sensor in self.world.background():
            yield PrioritisedTimeout(self.clock, slot - self._now, _ARRIVAL)
            if slot >= self.horizon:
                return
            self._ask(sensor, layout.UPLINK)

    def _answer(self, due: tuple[int, int]) -> Process:
        slot, sensor = due
        yield PrioritisedTimeout(self.clock, slot - self._now, _ARRIVAL)
        if slot < self.horizon:
            self.answers_due.remove(due)
            self._ask(sensor, layout.DOWNLINK)

    def _ask(self, sensor: int, direction: int) -> None:
        self.counts["offered"][direction] += 1
        if self.fills[sensor, direction] >= self.scenario["buffer"]:
            self.counts["dropped"][direction] += 1
            self.step_counts["dropped"] += 1
            return
        self.fills[sensor, direction] += 1
        self.clock.process(self._wait(Message(sensor, direction, self._now)))

    def _wait(self, message: Message) -> Process:
        gateway = self.sensors["gateway"][message.sensor]
        self.waiting[gateway].append(message)
        yield PrioritisedTimeout(self.clock, self.deadlines[message.direction], _EXPIRY)
        if message in self.waiting[gateway]:
            self._leave(message, "expired")

    @property
    def _now(self) -> int:
        return int(self.clock.now)

    def write(self, arrays: Mapping[str, Any], firsts: NDArray[np.int64]) -> None:
        """Converts the network to the compiled kernel's state.

        Args:
            arrays: those of the row, by the names of `layout.row_arrays`.
            firsts: where each gateway's stretch of messages begins.
        """
        row = arrays["rows"]
        for name, values in self.counts.items():
            row[name] = values
        for name in ("delivered", "expired", "dropped", "attempts"):
            row[f"step_{name}"] = self.step_counts[name]
        row["attempts"], row["used"], row["weights"] = self.attempts, self.used, self.weights
        row["queued"] = sum(map(len, self.waiting))
        row["failed"] = 0
        row["failed"][list(self.failed)] = 1
        inside = np.diff([0, *self.windows])
        row["window_start"] = self.windows[-1] if self.windows else 0
        row["windows"], row["window_sum"] = len(inside), inside.sum()
        row["window_squares"] = (inside**2).sum()
        arrays["fills"][:] = 0
        for (sensor, direction), fill in self.fills.items():
            arrays["fills"][2 * sensor + direction] = fill
        arrays["latencies"][:] = 0
        for latency, number in self.latencies.items():
            arrays["latencies"][latency] = number
        arrays["waiting"][:] = 0
        for gateway, messages in enumerate(self.waiting):
            arrays["waiting"][gateway] = len(messages)
            for place, one in enumerate(messages, int(firsts[gateway])):
                arrays["messages"][place] = (one.arrived << int(layout.QUEUE_BITS)) + one.number
        self._write_answers(arrays["answers"], arrays["answer_counts"])

    def _write_answers(self, answers: NDArray[np.int32], counts: NDArray[np.int64]) -> None:
        counts[:] = 0
        for slot, sensor in sorted(self.answers_due):
            bucket = slot % int(self.scenario["ring"])
            answers[bucket * int(self.scenario["most_answers"]) + counts[bucket]] = sensor
            counts[bucket] += 1


def _age(message: Message) -> int:
    return message.arrived
