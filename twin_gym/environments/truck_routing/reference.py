"""Truck routing as a SimPy story: bins fill and report, trucks drive, empty, unload and rest."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import simpy
from numpy.typing import NDArray

from twin_gym.core.prioritised_timeout import PrioritisedTimeout
from twin_gym.environments.truck_routing import layout
from twin_gym.environments.truck_routing.world import World

Process = Generator[simpy.Event, None, None]

_REPORT, _TRUCK = 1, 2  # ranks at one time: reports first, then trucks by number

_COUNTERS = ("disallowed", "stops", "served", "wasted", "unloads", "reports", "looks", "step_stops")
_SUMS = (
    "distance_m", "fill_sum", "collected_l", "found_l", "overflow_l", "deposited_l", "duty",
    "error_sum", "age_sum", "elapsed", "step_distance_m", "step_overflow_l", "step_deposited_l",
)  # fmt: skip
_OF_STEP = ("elapsed", "step_distance_m", "step_overflow_l", "step_deposited_l")


@dataclass(eq=False)
class BinTwin:
    """A bin, and what the twin knows of it (see `layout.STATE_FIELDS`)."""

    number: int
    capacity: float
    inverse_capacity: float
    sensor_limit: float
    base: float
    reading: float
    rate: float
    counted: float = 0.0
    emptied_at: float = 0.0
    read_at: float = 0.0
    is_read: bool = False
    stamp: float = 0.0
    predicted: float = 0.0
    reserved: bool = False
    offset: float = 0.0


@dataclass(eq=False)
class Truck:
    """A truck: where it is, what it is about to do, and when it is free."""

    number: int
    place: int
    goal: int = layout.RESTING
    free_at: float = 0.0
    load: float = 0.0


class TruckNetwork:
    """Bins and trucks, standing still at their decisions; the clock counts milliseconds.

    Args:
        world: what is thrown in and reported.
    """

    def __init__(self, world: World) -> None:
        self._world, self._network = world, world.network
        self.depot = world.num_bins
        self._predictor = layout.PREDICTORS[int(world.network["predictor"])]
        self.clock = simpy.Environment(0)
        self.slot = 0
        self.now = 0.0
        self.is_over = False
        self.counters = dict.fromkeys(_COUNTERS, 0)
        self.sums = dict.fromkeys(_SUMS, 0.0)
        self.bins = [self._first_bin(i) for i in range(self.depot)]
        trucks = int(world.network["num_trucks"])
        self.trucks = [Truck(j, self.depot) for j in range(trucks)]
        self.deciding: Truck | None = None
        self.last_decider = self.trucks[0]
        for one in self.bins:
            if world.network["period"]:
                one.offset = world.offset_ms(one.number)
                self.clock.process(self._reports(one))
        for truck in self.trucks[1:]:
            self.clock.process(self._trip(truck, 0.0))
        self._ask(self.trucks[0])

    def _first_bin(self, i: int) -> BinTwin:
        world = self._world
        capacity, inverse, inflow, limit, *_ = world.bins[:, i].tolist()
        guess = 0.5 * float(self._network["initial_fill_max"]) * capacity
        rate = inflow if self._predictor == "fitted" else 0.0
        return BinTwin(i, capacity, inverse, limit, -world.initial_l(i), guess, rate)

    # === What bins hold and report ===

    def content(self, one: BinTwin) -> float:
        """The true content of a bin, in litres."""
        return min(self._world.volume_l(one.number, self.clock.now) - one.base, one.capacity)

    def _reports(self, one: BinTwin) -> Process:
        """A bin measures itself every period."""
        yield PrioritisedTimeout(self.clock, int(one.offset), _REPORT)
        report = 0
        while True:
            litres = min(self.content(one), one.sensor_limit)
            self.clock.process(self._carry(one, report, litres))
            yield PrioritisedTimeout(self.clock, int(self._network["period"]), _REPORT)
            report += 1

    def _carry(self, one: BinTwin, report: int, litres: float) -> Process:
        """A report on its way to the twin."""
        sent = self.clock.now
        yield PrioritisedTimeout(self.clock, int(self._network["delay"]), _REPORT)
        self.counters["reports"] += 1
        if self._world.is_delivered(one.number, report) and sent > one.read_at:
            if self._predictor == "trend" and one.is_read:
                one.rate = max((litres - one.reading) / (sent - one.read_at), 0.0)
            self._learn(one, litres, float(sent))

    def _learn(self, one: BinTwin, litres: float, time: float) -> None:
        one.reading, one.read_at, one.is_read = litres, time, True
        one.stamp = self._counted_time(time)

    def _counted_time(self, time: float) -> float:
        """What a prediction grows with: time, or the hours of the profile."""
        return self._world.profile_hours(time) if self._predictor == "fitted" else time

    # === What trucks do ===

    def decide(self, goal: int) -> None:
        """The deciding truck goes to a bin, or to the depot (N), or rests there."""
        truck = self.deciding
        if truck is None:
            raise RuntimeError("no truck decides")
        before = self.now
        for name in _OF_STEP:
            self.sums[name] = 0.0
        self.counters["step_stops"] = 0
        if goal != self.depot and goal not in self.allowed(truck):
            self.counters["disallowed"] += 1
            goal = self.depot
        self.deciding = None
        if goal == truck.place == self.depot:
            self._rest(truck)
        else:
            self._set_out(truck, goal)
        self._run_to_decision()
        self.sums["elapsed"] = self.now - before
        self._compare()
        self.slot += 1

    def _set_out(self, truck: Truck, goal: int) -> None:
        if truck.place != self.depot:
            self.bins[truck.place].reserved = False
        metres = float(self._world.distance_m[truck.place, goal])
        is_stop = goal != self.depot
        duty = float(self._world.travel_ms[truck.place, goal])
        duty += float(self._network["service" if is_stop else "unload"])
        if is_stop:
            self.bins[goal].reserved = True
            self.counters["stops"] += 1
            self.counters["step_stops"] += 1
        self.sums["distance_m"] += metres
        self.sums["step_distance_m"] += metres
        self.sums["duty"] += duty
        truck.goal = goal
        self.clock.process(self._trip(truck, duty))

    def _rest(self, truck: Truck) -> None:
        tomorrow = (math.floor(self.now / layout.DAY_MS) + 1.0) * layout.DAY_MS
        truck.goal = layout.RESTING
        self.clock.process(self._trip(truck, tomorrow - self.now))

    def _trip(self, truck: Truck, duration: float) -> Process:
        """A truck is under way, and then decides."""
        truck.free_at = self.now + duration
        yield PrioritisedTimeout(self.clock, int(duration), _TRUCK + truck.number)
        self._pass_time()
        if self.now >= self._network["horizon"]:
            self.is_over = True
            self.last_decider = truck
            self._predict()
            return
        self._arrive(truck)
        self._ask(truck)

    def _arrive(self, truck: Truck) -> None:
        if truck.goal == layout.RESTING:
            return
        truck.place = truck.goal
        if truck.goal == self.depot:
            truck.load = 0.0
            self.counters["unloads"] += 1
        else:
            self._empty(truck, self.bins[truck.goal])

    def _empty(self, truck: Truck, one: BinTwin) -> None:
        content = self.content(one)
        taken = min(content, float(self._network["truck_capacity"]) - truck.load)
        truck.load += taken
        self.sums["collected_l"] += taken
        self.sums["found_l"] = content
        self.counters["served"] += 1
        fill = content * one.inverse_capacity
        self.sums["fill_sum"] += fill
        self.counters["wasted"] += fill < 0.5  # noqa: PLR2004 - half full
        one.base = self._world.volume_l(one.number, self.now) - (content - taken)
        one.counted, one.emptied_at = 0.0, self.now
        self._learn(one, content - taken, self.now)
        if self._predictor == "trend":
            one.rate = 0.0

    def _ask(self, truck: Truck) -> None:
        """The truck decides, or rests if it is at the depot and may go nowhere."""
        self._predict()
        self.last_decider = truck
        if truck.place == self.depot and not self.allowed(truck):
            self._rest(truck)
        else:
            self.deciding = truck

    def allowed(self, truck: Truck) -> list[int]:
        """The bins that a truck may go to."""
        room = float(self._network["truck_capacity"]) - truck.load
        left, travel = self.left_of_shift(), self._world.travel_ms
        rest = self._world.bins[layout.ROUND_TRIP]
        return [
            one.number
            for one in self.bins
            if travel[truck.place, one.number] + rest[one.number] <= left
            and one.predicted <= room
            and not one.reserved
        ]

    def left_of_shift(self) -> float:
        """Milliseconds until the end of the shift; below 0 at night, 0 at the horizon."""
        if self.now >= self._network["horizon"]:
            return 0.0
        begun = math.floor(self.now / layout.DAY_MS) * layout.DAY_MS
        return float(begun + self._network["shift"] - self.now)

    def _run_to_decision(self) -> None:
        while self.deciding is None and not self.is_over:
            self.clock.step()

    # === What is counted ===

    def _pass_time(self) -> None:
        self.now = float(self.clock.now)
        amounts = []
        for one in self.bins:
            beyond = self._world.volume_l(one.number, self.now) - one.base - one.capacity
            amounts.append(max(beyond - one.counted, 0.0))
            one.counted += amounts[-1]
        overflow = _sum_of(amounts)
        deposited = self._world.volume_l(self.depot, self.now)
        self.sums["step_overflow_l"] += overflow
        self.sums["overflow_l"] += overflow
        self.sums["step_deposited_l"] += deposited - self.sums["deposited_l"]
        self.sums["deposited_l"] = deposited

    def _predict(self) -> None:
        clock = self._counted_time(self.now)
        for one in self.bins:
            one.predicted = min(one.reading + one.rate * (clock - one.stamp), one.capacity)

    def _compare(self) -> None:
        one = self.bins[self.counters["looks"] % len(self.bins)]
        wrong = abs(one.predicted - self.content(one))
        self.sums["error_sum"] += wrong * one.inverse_capacity
        self.sums["age_sum"] += self.now - one.read_at
        self.counters["looks"] += 1

    def write(self, row: np.void, state: NDArray[np.float64], allowed: NDArray[np.int8]) -> None:
        """Converts the network to the compiled kernel's state.

        Args:
            row: the record to fill.
            state: of the bins; shape (fields, bins).
            allowed: bins that the deciding truck may go to.
        """
        for name, value in (self.counters | self.sums).items():
            row[name] = value
        row["now"], row["left"], row["start"] = self.now, self.left_of_shift(), self._world.start
        row["truck"] = self.last_decider.number
        row["goal"], row["place"] = layout.RESTING, self.depot
        row["free_at"] = row["load"] = 0.0
        for j, truck in enumerate(self.trucks):
            for name in ("goal", "place", "free_at", "load"):
                row[name][j] = getattr(truck, name)
        state[:] = 0.0
        for field, name in enumerate(layout.STATE_FIELDS):
            state[field, : self.depot] = [getattr(one, name) for one in self.bins]
        allowed[:] = 0
        allowed[self.allowed(self.last_decider)] = 1


def _sum_of(values: list[float]) -> float:
    """The sum, added up in the order of the kernel."""
    sums, rest = [0.0] * 8, 0.0
    whole = len(values) - len(values) % 8
    for i, value in enumerate(values):
        if i < whole:
            sums[i % 8] += value
        else:
            rest += value
    first, second = ((s[0] + s[1]) + (s[2] + s[3]) for s in (sums[:4], sums[4:]))
    return (first + second) + rest
