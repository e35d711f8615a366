"""Right-time synchronisation as a SimPy story: entities change, send, and their twin grows old."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import simpy
from numpy.typing import NDArray

from twin_gym.core.prioritised_timeout import PrioritisedTimeout
from twin_gym.environments.right_time_sync import layout
from twin_gym.environments.right_time_sync.world import World

Process = Generator[simpy.Event, None, None]

_ARRIVAL, _AGEING = (
    1,
    2,
)  # ranks at the end of a slot: what arrives is taken in, then all grow older


@dataclass
class EntityTwin:
    """The twin's state of one entity (see `layout.TWIN_FIELDS`)."""

    number: int
    law: int
    decay: float
    settled: float
    growth: float
    hold: float
    age: int = 0
    is_known: bool = False
    value: float = 0.0
    slope: float = 0.0
    shrunk: float = 0.0
    error: float = 0.0
    squares: float = 0.0
    spans: float = 0.0
    seen_rate: float = 0.0
    seen_change: float = 0.5

    def grow_older(self) -> None:
        """One slot passes: what is known of the value is worth less."""
        self.age += 1
        left = self.shrunk * self.decay
        self.shrunk = left if left > layout.NOTHING_LEFT else 0.0

    def expected_error(self) -> float:
        """The mean square by which the prediction is off, given all that was delivered."""
        gap = self.hold * (self.shrunk - 1.0) * self.value - self.slope * self.age
        variance = self.settled * (1.0 - self.shrunk * self.shrunk) + self.growth * self.age
        return variance + gap * gap

    @property
    def prediction(self) -> float:
        """The value that the twin predicts for now."""
        factor = 1.0 if self.hold else self.shrunk
        return self.value * factor + self.slope * self.age


class SyncNetwork:
    """Entities and their twin; the clock counts slots.

    Args:
        world: values and losses.
        is_realised: whether errors are those of the true values, or expected ones.
    """

    def __init__(self, world: World, *, is_realised: bool) -> None:
        network = world.network
        self._world, self._is_realised = world, is_realised
        self._tolerance = float(network["tolerance"])
        self._delay = int(network["delay_slots"])
        self._is_trend = bool(network["is_trend"])
        self._weights = world.laws[layout.WEIGHT]
        self.clock = simpy.Environment(0)
        self.slot = 0
        self.budget_left = int(network["budget"])
        self.counters = dict.fromkeys(
            ("updates", "delivered", "age_sum", "peak_sum", "peaks", "inspections", "accurate",
             "last_accurate", "beyond_sum", "step_beyond", "step_updates"), 0,
        )  # fmt: skip
        self.error_sum = self.step_error = 0.0
        self.on_way: dict[tuple[int, int], int] = {}  # by slot of sending and place
        self.twins = [self._first_twin(k) for k in range(int(network["num_entities"]))]
        self.clock.process(self._grow_older())

    def _first_twin(self, number: int) -> EntityTwin:
        world, laws = self._world, self._world.laws
        decay, settled, growth, hold, _ = laws[:, number].tolist()
        twin = EntityTwin(
            number, int(world.entities[number]["law"]), decay, settled, growth, hold
        )  # fmt: skip
        if world.network["is_synchronised"]:
            twin.is_known, twin.value, twin.shrunk = True, world.value(number, 0), 1.0
        return twin

    def step(self, chosen: Sequence[int]) -> None:
        """One slot in which these send, as long as the budget lasts; -1: nobody."""
        if self.clock.now < self.slot:
            self.clock.run(until=self.slot)  # to before the slot's own events
        if self.budget_left >= 0:
            sent = np.cumsum(np.array(chosen) >= 0)
            chosen = [
                one if sent[k] <= self.budget_left else -1 for k, one in enumerate(chosen)
            ]  # fmt: skip
        sharing = sum(one >= 0 for one in chosen)
        if self.budget_left >= 0:
            self.budget_left -= sharing
        self.counters["updates"] += sharing
        self.counters["step_updates"] = sharing
        for place, number in enumerate(chosen):
            if number >= 0 and self._world.is_delivered(number, self.slot, sharing):
                self.clock.process(self._carry(place, number))
        while self.clock.peek() <= self.slot:
            self.clock.step()
        self.slot += 1

    @property
    def is_over(self) -> bool:
        """Whether the horizon is reached."""
        return self.slot >= int(self._world.network["num_slots"])

    def _carry(self, place: int, number: int) -> Process:
        """An update on its way to the twin."""
        sent = self.slot
        value = self._world.value(number, sent)
        self.on_way[sent, place] = number
        yield PrioritisedTimeout(self.clock, self._delay, _ARRIVAL)
        del self.on_way[sent, place]
        self._learn(self.twins[number], value)

    def _learn(self, twin: EntityTwin, value: float) -> None:
        self.counters["delivered"] += 1
        self.counters["peaks"] += 1
        self.counters["peak_sum"] += twin.age
        span = float(twin.age - self._delay)
        if twin.is_known and span > 0.0:
            self._compare(twin, value - twin.value, span)
        twin.is_known, twin.value, twin.age = True, value, self._delay
        twin.shrunk = 1.0
        for _ in range(self._delay):
            twin.shrunk *= twin.decay

    def _compare(self, twin: EntityTwin, change: float, span: float) -> None:
        """Updates the learnt statistics by the change between two delivered values."""
        twin.squares += change * change
        twin.spans += span
        if self._is_trend and twin.law != layout.TWO_STATE:
            twin.slope = change / span
        turn = twin.squares / twin.spans * len(self.twins)
        twin.seen_rate = turn / (turn + self._tolerance * self._tolerance)
        twin.seen_change = 0.5 + 0.5 * change / (abs(change) + self._tolerance)

    def _grow_older(self) -> Process:
        """The end of every slot."""
        yield PrioritisedTimeout(self.clock, 0, _AGEING)
        while True:
            for twin in self.twins:
                twin.grow_older()
                twin.error = self._error(twin)
            self.counters["age_sum"] += sum(twin.age for twin in self.twins)
            self._measure()
            ended = self.slot + 1
            network = self._world.network
            if ended % network["inspection_slots"] == 0 or ended == network["num_slots"]:
                self._inspect(ended)
            yield PrioritisedTimeout(self.clock, 1, _AGEING)

    def _error(self, twin: EntityTwin) -> float:
        if self._is_realised or twin.law == layout.REPLAYED:
            gap = self._world.value(twin.number, self.slot + 1) - twin.prediction
            return gap * gap
        return twin.expected_error()

    def _measure(self) -> None:
        """The mean error, added up in the order of the kernel."""
        sums, rest = [0.0] * 8, 0.0
        whole = len(self.twins) - len(self.twins) % 8
        for i, twin in enumerate(self.twins):
            product = float(self._weights[i]) * twin.error
            if i < whole:
                sums[i % 8] += product
            else:
                rest += product
        first, second = ((s[0] + s[1]) + (s[2] + s[3]) for s in (sums[:4], sums[4:]))
        self.step_error = (first + second) + rest
        self.error_sum += self.step_error
        limit = self._tolerance * self._tolerance
        self.counters["step_beyond"] = sum(twin.error > limit for twin in self.twins)
        self.counters["beyond_sum"] += self.counters["step_beyond"]

    def _inspect(self, slot: int) -> None:
        accurate = sum(
            abs(self._world.value(twin.number, slot) - twin.prediction) <= self._tolerance
            for twin in self.twins
            if twin.is_known
        )
        self.counters["inspections"] += 1
        self.counters["accurate"] += accurate
        self.counters["last_accurate"] = accurate

    def write(
        self,
        row: np.void,
        twin: NDArray[np.float64],
        seen: NDArray[np.float32],
        on_way: NDArray[np.int32],
    ) -> None:
        """Converts the network to the compiled kernel's state.

        Args:
            row: the record to fill.
            twin: the row's entities, one array a field.
            seen: what is observed of them.
            on_way: what was sent in the last slots.
        """
        for name, count in self.counters.items():
            row[name] = count
        row["known"] = sum(one.is_known for one in self.twins)
        row["age_now"] = sum(one.age for one in self.twins)
        row["offset"] = self._world.offset
        for name in ("budget_left", "error_sum", "step_error"):
            row[name] = getattr(self, name)
        twin[layout.BORN] = [self.slot - one.age for one in self.twins]
        for field, name in enumerate(layout.TWIN_FIELDS[1:], 1):
            twin[field] = [getattr(one, name) for one in self.twins]
        seen[layout.RATE] = [one.seen_rate for one in self.twins]
        seen[layout.CHANGE] = [one.seen_change for one in self.twins]
        on_way[:] = -1
        for (sent, place), number in self.on_way.items():
            on_way[sent % (self._delay + 1), place] = number
