"""When a knowledge graph takes over what has changed: before each question, at once, or later.

    policy = Batched(store)
    policy.note(1.0, events)        # what changed up to 1 s
    graph = policy.graph(1.0)       # what a question of that time is answered from
    policy.up_to_s                  # up to when it has all changes

All but `AsOf` and `Trigger` answer from all that was noted. These two answer sooner, from older
knowledge: `up_to_s` says how old.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from fractions import Fraction

import numpy as np

from twin_gym.twins.knowledge.graph import KnowledgeGraph
from twin_gym.twins.knowledge.pooling import PoolingSettings, Topology, pool, update_trigger
from twin_gym.twins.knowledge.stores.base import GraphStore
from twin_gym.twins.knowledge.topology import presence_of
from twin_gym.twins.plain import number
from twin_gym.twins.realtime.events import Event


class Refresh(ABC):
    """Takes changes into a store.

    Args:
        store: that questions are answered from.

    Attributes:
        up_to_s: the store has all changes up to this time.
        num_writes: calls that wrote to a store.
    """

    def __init__(self, store: GraphStore) -> None:
        self._store = store
        self._waiting: list[Event] = []
        self.up_to_s = store.now_s
        self.num_writes = 0

    def note(self, now_s: float, events: Iterable[Event]) -> None:
        """Takes note of what has changed.

        Args:
            now_s: the time; it must not decrease.
            events: changes up to now, which were not noted before.
        """
        self._waiting.extend(events)
        self._after_note(now_s)

    def graph(self, now_s: float) -> KnowledgeGraph:
        """The graph that a question is answered from; its ages count up to now.

        Args:
            now_s: the time of the question.

        Returns:
            A graph, which is not written to until the next call of this object.
        """
        self._before_answer(now_s)
        self._store.advance(now_s)
        return self._store

    def _write_waiting(self, now_s: float) -> None:
        self._store.advance(now_s)
        if self._waiting:
            self._store.take(self._waiting)
            self._waiting = []
            self.num_writes += 1
        self.up_to_s = now_s

    @abstractmethod
    def _after_note(self, now_s: float) -> None:
        """What is done as soon as something changed."""

    @abstractmethod
    def _before_answer(self, now_s: float) -> None:
        """What is done when a question arrives."""


class WriteThrough(Refresh):
    """Writes each change by itself, at once."""

    def _after_note(self, now_s: float) -> None:
        self._store.advance(now_s)
        for event in self._waiting:
            self._store.take([event])
        self.num_writes += len(self._waiting)
        self._waiting = []
        self.up_to_s = now_s

    def _before_answer(self, now_s: float) -> None:
        pass


class Batched(Refresh):
    """Writes all that has changed in one call, when a question arrives."""

    def _after_note(self, now_s: float) -> None:
        pass

    def _before_answer(self, now_s: float) -> None:
        self._write_waiting(now_s)


class AsOf(Refresh):
    """Writes all in one call at whole multiples of a period; answers are as of the last one.

    Args:
        store: that questions are answered from.
        period_s: seconds from write to write.
    """

    def __init__(self, store: GraphStore, period_s: float) -> None:
        super().__init__(store)
        self._period_s = number(period_s, "`period_s` of answers as of a time", 1e-6)

    def _after_note(self, now_s: float) -> None:
        if now_s // self._period_s > self.up_to_s // self._period_s:
            self._write_waiting(now_s)

    def _before_answer(self, now_s: float) -> None:
        pass


class Trigger(Refresh):
    """Writes when alpha of a priority pool, (7) of the GenTwin paper, has grown large enough.

    Alpha is between the pools of the last write and those of now: a change of presence moves it, a
    new reading does not, however wrong the old one is. Where all sensors lie on the bound of two
    pools, as in a city of five sensors a gateway, the first one to leave moves all the others into
    another pool, and alpha by their whole weight.

    Args:
        store: that questions are answered from.
        topology: nodes and connections, see `topology_of`.
        alpha: written at this change of the weight of any pool, or a larger one.
        settings: readings of the equations; None: the default ones.
    """

    def __init__(
        self,
        store: GraphStore,
        topology: Topology,
        alpha: float | Fraction,
        settings: PoolingSettings | None = None,
    ) -> None:
        super().__init__(store)
        number(float(alpha), "`alpha` of a trigger", 0.0)
        self._least = Fraction(alpha)
        self._topology, self._settings = topology, settings
        self._place = {name: i for i, name in enumerate(topology.names)}
        self._present = presence_of(store, topology)
        self._written = pool(topology, self._present, settings)
        self._known = self._present.copy()

    def _after_note(self, now_s: float) -> None:
        for event in self._waiting:
            if event.property == "presence" and event.twin in self._place:
                self._present[self._place[event.twin]] = bool(event.value)
        if self._least > 0 and np.array_equal(self._present, self._known):
            return
        pools = pool(self._topology, self._present, self._settings)
        if max(update_trigger(self._written, pools).values()) >= self._least:
            self._write_waiting(now_s)
            self._written, self._known = pools, self._present.copy()

    def _before_answer(self, now_s: float) -> None:
        pass


class Rebuild(Refresh):
    """Makes a store anew for each question, from all that is known.

    Args:
        make: gives a store with all that was there at the beginning.
    """

    def __init__(self, make: Callable[[], GraphStore]) -> None:
        super().__init__(make())
        self._make = make
        self._latest: dict[tuple[str, str], Event] = {}

    def _after_note(self, now_s: float) -> None:
        for event in self._waiting:
            before = self._latest.get((event.twin, event.property))
            if before is None or before.time_s <= event.time_s:
                self._latest[event.twin, event.property] = event
        self._waiting = []

    def _before_answer(self, now_s: float) -> None:
        self._store = self._make()
        self._waiting = list(self._latest.values())
        self._write_waiting(now_s)
