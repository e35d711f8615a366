"""A real-time twin as a knowledge graph: a view, which copies nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from twin_gym.twins.knowledge.facts import Fact, Kind, Relation, age_between
from twin_gym.twins.knowledge.graph import Edge
from twin_gym.twins.knowledge.stores.base import content_of, fact_of
from twin_gym.twins.realtime.graph import TwinGraph
from twin_gym.twins.realtime.live import LiveTwin
from twin_gym.twins.realtime.model import ObjectModel, Value
from twin_gym.twins.realtime.snapshot import Known


class TwinView(ABC):
    """Base class of views of a `TwinGraph`; twins and relations are as old as the episode."""

    @property
    @abstractmethod
    def now_s(self) -> float:
        """The time up to which ages count, in simulated seconds of the episode."""

    @property
    @abstractmethod
    def _graph(self) -> TwinGraph:
        """Twins and relations."""

    @abstractmethod
    def _known(self, entity: str, name: str) -> Known | None:
        """The value of a property of a twin that is there."""

    @property
    def model(self) -> ObjectModel:
        """The object model."""
        return self._graph.model

    def kind(self, entity: str) -> Kind | None:
        """What an entity is; None if it is not there."""
        graph = self._graph
        if entity not in graph:
            return None
        return Kind(entity, graph.interface(entity).name, age_between(0.0, self.now_s))

    def entities(self, kind: str | None = None) -> tuple[str, ...]:
        """Ids of all entities, or of those of an interface, sorted."""
        return tuple(sorted(self._graph.twins(kind)))

    def fact(self, entity: str, name: str) -> Fact:
        """The value of a property; a fact without value if none is known."""
        content_of(self._graph.interface(entity), entity, name)
        return fact_of(entity, name, self._known(entity, name), self.now_s)

    def facts(self, entity: str) -> tuple[Fact, ...]:
        """All known values of an entity, by name."""
        names = sorted(self._graph.interface(entity).contents)
        facts = (self.fact(entity, name) for name in names)
        return tuple(one for one in facts if one.value is not None)

    def values(self, name: str) -> dict[str, Value]:
        """The last known value of a property of all entities that have one, by id."""
        graph = self._graph
        having = (one for one in graph.twins() if name in graph.interface(one).contents)
        known = ((one, self._known(one, name)) for one in having)
        return {one: found.value for one, found in known if found is not None}

    def relations(
        self, entity: str, name: str | None = None, *, incoming: bool = False
    ) -> tuple[Relation, ...]:
        """Relations that an entity has, or that lead to it, sorted."""
        age_s = age_between(0.0, self.now_s)
        several = self._graph.relationships(entity, incoming=incoming)
        return tuple(
            sorted(
                Relation(source, relation, target, age_s, tuple(sorted(properties.items())))
                for source, relation, target, properties in several
                if name in (None, relation)
            )
        )

    def edges(self) -> Iterator[Edge]:
        """All relations, without their ages."""
        graph = self._graph
        for twin in graph.twins():
            for source, name, target, _ in graph.relationships(twin):
                yield source, name, target


class LiveGraph(TwinView):
    """What a running network's twin knows now: values that arrived, with their ages.

    Args:
        twin: a `LiveTwin`, whose graph of the present episode is read each time; or a graph.
    """

    def __init__(self, twin: LiveTwin | TwinGraph) -> None:
        self._twin = twin

    @property
    def now_s(self) -> float:
        """Simulated seconds since the start of the episode."""
        return self._graph.now_s

    @property
    def _graph(self) -> TwinGraph:
        return self._twin.graph if isinstance(self._twin, LiveTwin) else self._twin

    def _known(self, entity: str, name: str) -> Known | None:
        return self._graph.known(entity).get(name)
