"""The store in memory: a networkx graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import networkx as nx

from twin_gym.twins.knowledge.graph import Edge
from twin_gym.twins.knowledge.stores.base import GraphStore, Row
from twin_gym.twins.realtime.model import ObjectModel, Value
from twin_gym.twins.realtime.snapshot import Known

_SELF = ""
"""Under this key, which no property has, a node keeps its interface and its time."""


class MemoryStore(GraphStore):
    """A knowledge graph in memory.

    Args:
        model: the object model; None: that of a city.

    Example:
        >>> from twin_gym.twins.knowledge.stores.base import Entity, RelationEvent
        >>> store = MemoryStore()
        >>> store.add([Entity("bin/3", "WasteContainer"), Entity("gateway/0", "Gateway")])
        >>> store.relate([RelationEvent(0.0, "bin/3", "connected_to", "gateway/0")])
        >>> store.advance(12.0)
        >>> store.relations("bin/3")[0].age_s
        12.0
    """

    def __init__(self, model: ObjectModel | None = None) -> None:
        super().__init__(model)
        self._graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        self._by_kind: dict[str, dict[str, None]] = {name: {} for name in self.model.interfaces}

    def entities(self, kind: str | None = None) -> tuple[str, ...]:
        """Ids of all entities, or of those of an interface, sorted.

        Raises:
            UnknownNameError: if there is no such interface.
        """
        if kind is None:
            return tuple(sorted(self._graph))
        return tuple(sorted(self._by_kind[self.model.interface(kind).name]))

    def values(self, name: str) -> dict[str, Value]:
        """The last known value of a property of all entities that have one, by id."""
        held_by = self._graph.nodes(data=True)
        return {entity: held[name].value for entity, held in held_by if name and name in held}

    def edges(self) -> Iterator[Edge]:
        """All relations, without their ages."""
        for source, targets in self._graph.adjacency():
            for target, names in targets.items():
                for name in names:
                    yield source, name, target

    def networkx(self) -> nx.MultiDiGraph[str]:
        """A copy as a networkx graph.

        Nodes have `interface` and the known values by name; edges are keyed by relationship and
        have `time_s` and their properties.
        """
        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        for entity, held in self._graph.nodes(data=True):
            values = {name: known.value for name, known in held.items() if name != _SELF}
            graph.add_node(entity, interface=held[_SELF][0], **values)
        for source, target, name, held in self._graph.edges(keys=True, data=True):
            told = dict(held["properties"]) if "properties" in held else {}
            graph.add_edge(source, target, name, time_s=held["time_s"], **told)
        return graph

    def _find(self, entity: str) -> tuple[str, float] | None:
        held: dict[str, Any] | None = self._graph.nodes.get(entity)
        return None if held is None else held[_SELF]

    def _values(self, kind: str, entity: str) -> Mapping[str, Known]:
        held: dict[str, Any] = self._graph.nodes[entity]
        return {name: known for name, known in held.items() if name != _SELF}

    def _value(self, kind: str, entity: str, name: str) -> Known | None:
        held: dict[str, Any] = self._graph.nodes[entity]
        return held.get(name)

    def _related(self, kind: str, entity: str, *, incoming: bool) -> list[Row]:
        edges = self._graph.in_edges if incoming else self._graph.out_edges
        return [
            Row(source, name, target, held["time_s"], held.get("properties", ()))
            for source, target, name, held in edges(entity, keys=True, data=True)
        ]

    def _put_entities(self, rows: list[tuple[str, str, float]]) -> None:
        for entity, kind, time_s in rows:
            self._graph.add_node(entity, **{_SELF: (kind, time_s)})
            self._by_kind[kind][entity] = None

    def _put_values(self, rows: list[tuple[str, str, str, Known]]) -> int:
        taken = 0
        nodes = self._graph.nodes
        for _, entity, name, known in rows:
            held = nodes[entity]
            before = held.get(name)
            if before is None or before.time_s <= known.time_s:
                held[name] = known
                taken += 1
        return taken

    def _put_relations(self, rows: list[Row]) -> None:
        for source, name, target, time_s, properties in rows:
            before = self._graph.get_edge_data(source, target, name)
            if before is None or before["time_s"] <= time_s:
                told = {"properties": properties} if properties else {}
                self._graph.add_edge(source, target, name, time_s=time_s, **told)

    def _drop_entities(self, rows: list[tuple[str, str]]) -> None:
        for kind, entity in rows:
            self._graph.remove_node(entity)
            del self._by_kind[kind][entity]

    def _drop_relations(self, rows: list[Edge]) -> None:
        for source, name, target in rows:
            if self._graph.has_edge(source, target, name):
                self._graph.remove_edge(source, target, name)
