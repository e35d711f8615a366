"""A city as a value: entities, relations and readings, to fill a store with."""

from __future__ import annotations

from dataclasses import dataclass

from twin_gym.twins.knowledge.stores.base import Entity, GraphStore, RelationEvent
from twin_gym.twins.knowledge.stores.memory import MemoryStore
from twin_gym.twins.realtime.events import Event

CITY = "smartcity"
"""Id of the entity that all services are in."""


@dataclass(frozen=True)
class City:
    """What is known of a city.

    Attributes:
        name: what people call it.
        entities: those of it, with static properties; they are there from time 0 on.
        relations: those between them, with the times at which they last held.
        readings: measured values.
        now_s: the time of the last of all, in seconds since the first.
    """

    name: str
    entities: tuple[Entity, ...]
    relations: tuple[RelationEvent, ...]
    readings: tuple[Event, ...]
    now_s: float

    def fill(self, store: GraphStore) -> None:
        """Writes all into an empty store, whose time is then that of the city.

        Args:
            store: any store of the city's object model.
        """
        store.add(self.entities)
        store.advance(self.now_s)
        store.relate(self.relations)
        store.take(self.readings)

    def graph(self) -> MemoryStore:
        """A store in memory with all of it."""
        store = MemoryStore()
        self.fill(store)
        return store


def service(name: str) -> str:
    """Id of a service.

    Example:
        >>> service("air-quality")
        'service/air-quality'
    """
    return f"service/{name}"
