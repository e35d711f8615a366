"""Slice admission as a SimPy story: requests arrive, wait, lose patience, are served, and leave."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import simpy
from numpy.typing import NDArray

from twin_gym.core.clock import NEVER, SECONDS_PER_TICK
from twin_gym.core.prioritised_timeout import PrioritisedTimeout
from twin_gym.environments.slice_admission import layout
from twin_gym.environments.slice_admission.kpi import COUNTERS
from twin_gym.environments.slice_admission.world import World

Process = Generator[PrioritisedTimeout, None, None]


@dataclass(eq=False)
class Request:
    """One demand for the service of slice s: its number, when it came and when it gives up."""

    s: int
    number: int
    arrival: int
    expiry: int = NEVER


class SlicedNetwork:
    """A network that stands still at its decisions.

    Args:
        world: what happens to it.
    """

    def __init__(self, world: World) -> None:
        network = world.network
        slices, resources = int(network["num_slices"]), int(network["num_resources"])
        self._world = world
        self._network = network
        self._demand = network["demand"][:slices, :resources]
        self._horizon = int(network["horizon"])
        self.clock = simpy.Environment(0)
        self.free = network["capacity"][:resources].copy()
        self.queues: list[list[Request]] = [[] for _ in range(slices)]
        self.in_service = np.zeros(slices, np.int64)
        self.counters = {name: np.zeros(slices, np.int64) for name in (*COUNTERS, "waited", "busy")}
        self.disallowed = 0
        self.now = 0
        self.is_over = False
        self._pending: Request | None = None
        self._carried_share = 0.0
        self._happened = False
        self._forget_last_step()
        for s in range(slices):
            self.clock.process(self._arrivals(s))
        self._run_to_decision()

    def fits(self, s: int) -> bool:
        """Whether what a request of slice s needs is free."""
        return bool((self.free >= self._demand[s]).all())

    def admissible(self) -> list[bool]:
        """By slice, whether a request waits and fits."""
        return [bool(queue) and self.fits(s) for s, queue in enumerate(self.queues)]

    def decide(self, s: int | None, place: int = 0) -> None:
        """Admits the request at a place of the queue of slice s, or waits for the next event."""
        self._forget_last_step()
        if s is not None and self.admissible()[s] and place < len(self.queues[s]):
            self._admit(self.queues[s][place])
            if any(self.admissible()):
                return
        elif s is not None:
            self.disallowed += 1
        self._run_to_decision()

    def tell_the_end(self) -> None:
        """One step in which nothing happens: the horizon came before the first decision."""
        self._forget_last_step()

    def _run_to_decision(self) -> None:
        if self._pending is not None:
            self._turn_away(self._pending)
        while True:
            if self.clock.peek() >= self._horizon:
                self._pass_time(self._horizon)
                self.is_over = True
                return
            self._happened = False
            self.clock.step()
            if self._happened and any(self.admissible()):
                return

    def _wait(self, ticks: int, kind: int, s: int) -> PrioritisedTimeout:
        rank = 1 + (kind << layout.KIND_SHIFT) + s
        return PrioritisedTimeout(self.clock, min(ticks, NEVER - self.now), rank)

    def _arrivals(self, s: int) -> Process:
        before = 0
        for number, tick in enumerate(self._world.arrivals(s)):
            yield self._wait(tick - before, layout.ARRIVAL, s)
            self._pass_time(tick)
            self._receive(Request(s, number, tick))
            before = tick

    def _receive(self, request: Request) -> None:
        s, queue = request.s, self.queues[request.s]
        self.counters["offered"][s] += 1
        limit = int(self._network["queue_limit"][s])
        if limit == 0 and self.fits(s):
            queue.append(request)
            self._pending = request
        elif len(queue) < limit:
            patience = self._world.patience_ticks(s, request.number)
            request.expiry = min(request.arrival + patience, NEVER)
            queue.append(request)
            self.clock.process(self._lose_patience(request))
        else:
            self._lose(request, "blocked")

    def _lose_patience(self, request: Request) -> Process:
        yield self._wait(request.expiry - request.arrival, layout.TIMEOUT, request.s)
        if request in self.queues[request.s]:
            self._pass_time(request.expiry)
            self.queues[request.s].remove(request)
            self._lose(request, "expired")

    def _turn_away(self, request: Request) -> None:
        self._pending = None
        self.queues[request.s].remove(request)
        self._lose(request, "declined")

    def _lose(self, request: Request, how: str) -> None:
        s = request.s
        self.counters[how][s] += 1
        self.penalty += float(self._network["lost_penalty"][s])
        lost = sum(int(self.counters[name][s]) for name in ("blocked", "expired", "declined"))
        if lost > self._network["agreed_loss_ratio"][s] * self.counters["offered"][s]:
            self.cost += 1.0

    def _admit(self, request: Request) -> None:
        s = request.s
        self.queues[s].remove(request)
        if self._pending is request:
            self._pending = None
        ticks = self._world.holding_ticks(s, request.number)
        self.clock.process(self._serve(s, ticks))
        self.counters["busy"][s] += min(self.now + ticks, NEVER, self._horizon) - self.now
        self.free -= self._demand[s]
        self.in_service[s] += 1
        self._carried_share += float(self._network["share"][s])
        self.counters["waited"][s] += self.now - request.arrival
        self.counters["admitted"][s] += 1
        self.revenue += float(self._network["revenue"][s])
        self.fairness += 1.0 / (len(self.queues) * int(self.counters["admitted"][s]))

    def _serve(self, s: int, ticks: int) -> Process:
        end = min(self.now + ticks, NEVER)
        yield self._wait(ticks, layout.DEPARTURE, s)
        self._pass_time(end)
        self.free += self._demand[s]
        self.in_service[s] -= 1
        self._carried_share -= float(self._network["share"][s])

    def _pass_time(self, tick: int) -> None:
        ticks = tick - self.now
        self.carried += self._carried_share * (ticks * SECONDS_PER_TICK)
        self.elapsed += ticks
        self.now = tick
        self._happened = True

    def _forget_last_step(self) -> None:
        self.elapsed = 0
        self.revenue = self.penalty = self.carried = self.fairness = self.cost = 0.0

    def write(self, row: np.void, queue: NDArray[np.void]) -> None:
        """Converts the network to the compiled kernel's state.

        Args:
            row: the record to fill; its seed and episode stay.
            queue: the record's places for waiting requests.
        """
        row["network"] = self._world.network_index
        row["trace_offset"] = self._world.trace_offset
        for name in ("now", "is_over", "disallowed", "elapsed"):
            row[name] = getattr(self, name)
        for name in ("revenue", "penalty", "carried", "fairness", "cost"):
            row[name] = getattr(self, name)
        row["carried_share"] = self._carried_share
        row["pending"] = layout.NO_SLICE if self._pending is None else self._pending.s
        row["num_in_service"] = self.in_service.sum()
        row["free"][: len(self.free)] = self.free
        row["in_service"][: len(self.in_service)] = self.in_service
        for name, values in self.counters.items():
            row[name][: len(values)] = values
        row["waiting"] = row["fitting"] = 0
        for s, waiting in enumerate(self.queues):
            row["fitting"] |= int(self.fits(s)) << s
            row["waiting"] |= int(bool(waiting)) << s
            row["queue_head"][s] = 0
            row["queue_length"][s] = len(waiting)
            row["oldest"][s] = waiting[0].arrival if waiting else 0
            start = int(self._network["queue_start"][s])
            for place, request in enumerate(waiting):
                holding = self._world.holding_ticks(s, request.number)
                queue[start + place] = (request.arrival, request.expiry, holding)
