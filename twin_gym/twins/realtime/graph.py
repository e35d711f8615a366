"""The graph of twins: current values with their age, and relationships between twins."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import networkx as nx

from twin_gym.errors import ConfigError, unknown_name
from twin_gym.twins.plain import is_finite, plain, shown, text, whole
from twin_gym.twins.realtime.events import Event
from twin_gym.twins.realtime.model import Content, Interface, ObjectModel, Value, object_model
from twin_gym.twins.realtime.snapshot import Known, Snapshot, TwinState

MAX_TWINS = 1_000_000
MAX_ID = 200


class _Held(NamedTuple):
    """The known value of a property; later values compare greater."""

    time_s: float
    number: int
    value: Value


class TwinGraph:
    """Twins of an object model, with their relationships and known values.

    `advance` sets the time. A value has the time at which it was true; its age is the time since
    then. Events older than the known value are ignored and counted.

    Args:
        model: the object model; None: the one that all environments share.

    Attributes:
        model: the object model.
        now_s: simulated seconds since the start of the episode.
        taken: number of events that changed the graph.
        late: number of events that were older than the known value and ignored.
    """

    def __init__(self, model: ObjectModel | None = None) -> None:
        self.model = object_model() if model is None else model
        self.now_s = 0.0
        self.taken = self.late = 0
        self._graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        self._held: dict[str, dict[str, _Held]] = {}
        self._kinds: dict[str, Interface] = {}

    def __len__(self) -> int:
        return len(self._kinds)

    def __contains__(self, twin: object) -> bool:
        return isinstance(twin, str) and twin in self._kinds

    def add_twin(
        self, twin: str, interface: str, properties: Mapping[str, Value] | None = None
    ) -> None:
        """Adds a twin.

        Args:
            twin: its id, unique.
            interface: name of its interface.
            properties: initial values by name, true now.

        Raises:
            ConfigError: if the id exists or is malformed, or a property is unknown or of another
                type.
        """
        twin = plain(twin)
        if type(twin) is not str or not 0 < len(twin) <= MAX_ID or not twin.isprintable():
            raise ConfigError(f"an id is 1 to {MAX_ID} printable letters, got {shown(twin)}")
        if twin in self._kinds:
            raise ConfigError(f"there is a twin {twin!r} already: give each its own id")
        if len(self._kinds) >= MAX_TWINS:
            raise ConfigError(f"a graph has at most {MAX_TWINS} twins")
        kind = self.model.interface(interface)
        known = {}
        for name, value in _items(properties):
            checked = _content(kind, twin, name).checked(value)
            known[name] = _Held(self.now_s, -1, checked)
        self._graph.add_node(twin, interface=interface)
        self._kinds[twin], self._held[twin] = kind, known

    def relate(
        self,
        source: str,
        relationship: str,
        target: str,
        properties: Mapping[str, Value] | None = None,
    ) -> None:
        """Adds a relationship between two twins.

        Args:
            source: id of the twin that has the relationship.
            relationship: name of the relationship.
            target: id of the other twin.
            properties: properties of the relationship, by name.

        Raises:
            ConfigError: if a twin, the relationship or a property is unknown, the target has
                another interface, or the relationship exists.
        """
        kind, other = self._kind(source), self._kind(target)
        relationship = text(relationship, "the name of a relationship")
        if relationship not in kind.relationships:
            raise unknown_name(f"relationship of a {kind.name}", relationship, kind.relationships)
        schema = kind.relationships[relationship]
        if other.name != schema.target:
            raise ConfigError(
                f"{relationship!r} of a {kind.name} leads to a {schema.target}; {target!r} is a "
                f"{other.name}"
            )
        if self._graph.has_edge(source, target, relationship):
            raise ConfigError(f"{source!r} {relationship} {target!r} already")
        checked = {}
        for name, value in _items(properties):
            if text(name, "the name of a property") not in schema.properties:
                raise unknown_name(f"property of {relationship!r}", name, schema.properties)
            checked[name] = schema.properties[name].checked(value)
        self._graph.add_edge(source, target, relationship, **checked)

    def advance(self, now_s: float) -> None:
        """Sets the time.

        Args:
            now_s: simulated seconds since the start of the episode; it must not decrease.

        Raises:
            ConfigError: if it decreases or is not finite.
        """
        then = plain(now_s)
        if type(then) not in (float, int) or not self.now_s <= then or not is_finite(then):
            raise ConfigError(f"it is {self.now_s!r} s and time does not go to {shown(now_s)} s")
        self.now_s = float(then)

    def take(self, event: Event, number: int = 0) -> bool:
        """Updates the graph with an event.

        Args:
            event: an event that is not in the future.
            number: order of sending; of two events of one time, the greater number is later.

        Returns:
            Whether the graph changed; False if the known value is as late or later.

        Raises:
            ConfigError: if the twin or the property is unknown, the type of the value is wrong, or
                the time is negative, after now, or not a number.
        """
        if not isinstance(event, Event):
            raise ConfigError(f"a graph learns from an `Event`, got {shown(event)}")
        content = _content(self._kind(event.twin), event.twin, event.property)
        value = content.checked(event.value)
        place, time_s = whole(number, "the number of an event", -1), plain(event.time_s)
        if type(time_s) not in (float, int) or not 0.0 <= time_s <= self.now_s:
            raise ConfigError(
                f"an event of {event.twin!r} is of {shown(event.time_s)} s; it is {self.now_s!r} s "
                "now, and events are of the past"
            )
        known = self._held[event.twin]
        before = known.get(event.property)
        if before is not None and (before.time_s, before.number) >= (time_s, place):
            self.late += 1
            return False
        known[event.property] = _Held(float(time_s), place, value)
        self.taken += 1
        return True

    def twins(self, interface: str | None = None) -> tuple[str, ...]:
        """Ids of the twins, in the order in which they were added.

        Args:
            interface: only twins of this interface; None: all.

        Raises:
            UnknownNameError: if there is no such interface.
        """
        if interface is None:
            return tuple(self._kinds)
        wanted = self.model.interface(interface)
        return tuple(twin for twin, kind in self._kinds.items() if kind.name == wanted.name)

    def interface(self, twin: str) -> Interface:
        """The interface of a twin.

        Raises:
            UnknownNameError: if there is no such twin.
        """
        return self._kind(twin)

    def known(self, twin: str) -> dict[str, Known]:
        """The known values of a twin with their times, by name.

        Raises:
            UnknownNameError: if there is no such twin.
        """
        self._kind(twin)
        return {name: Known(held.time_s, held.value) for name, held in self._held[twin].items()}

    def relationships(
        self, twin: str, *, incoming: bool = False
    ) -> tuple[tuple[str, str, str, dict[str, Value]], ...]:
        """The relationships of a twin.

        Args:
            twin: its id.
            incoming: whether to list relationships that lead to the twin, instead of its own.

        Returns:
            Source, name, target and properties of each, in the order in which they were added.

        Raises:
            UnknownNameError: if there is no such twin.
        """
        self._kind(twin)
        edges = self._graph.in_edges if incoming else self._graph.out_edges
        return tuple(
            (source, name, target, dict(properties))
            for source, target, name, properties in edges(twin, keys=True, data=True)
        )

    def value(self, twin: str, name: str) -> Value | None:
        """The last known value of a property or telemetry.

        Args:
            twin: its id.
            name: name of the property; `component.name` for components.

        Returns:
            The value; None if it was never set.

        Raises:
            UnknownNameError: if there is no such twin or property.
        """
        held = self._known(twin, name)
        return None if held is None else held.value

    def age_s(self, twin: str, name: str) -> float:
        """Seconds since the last known value was true.

        Args:
            twin: its id.
            name: name of the property; `component.name` for components.

        Returns:
            0 or more; infinite if it was never set.

        Raises:
            UnknownNameError: if there is no such twin or property.
        """
        held = self._known(twin, name)
        return math.inf if held is None else self.now_s - held.time_s

    def neighbours(
        self, twin: str, relationship: str | None = None, *, incoming: bool = False
    ) -> tuple[str, ...]:
        """Twins that are related to a twin.

        Args:
            twin: its id.
            relationship: only this relationship; None: any.
            incoming: whether to follow relationships that lead to the twin, instead of its own.

        Returns:
            Their ids, each once, in the order in which the relationships were added.

        Raises:
            UnknownNameError: if there is no such twin, or no interface has such a relationship.
        """
        self._kind(twin)
        known = {name for one in self.model.interfaces.values() for name in one.relationships}
        if relationship is not None and text(relationship, "the name of one") not in known:
            raise unknown_name("relationship", relationship, known)
        edges = self._graph.in_edges if incoming else self._graph.out_edges
        end = 0 if incoming else 1
        found = [edge[end] for edge in edges(twin, keys=True) if relationship in (None, edge[2])]
        return tuple(dict.fromkeys(found))

    def networkx(self) -> nx.MultiDiGraph[str]:
        """A copy as a networkx graph.

        Nodes have `interface` and the known values by name; edges are keyed by relationship and
        have its properties.
        """
        graph = self._graph.copy()
        for twin, known in self._held.items():
            graph.nodes[twin].update({name: held.value for name, held in known.items()})
        return graph

    def snapshot(self) -> Snapshot:
        """The current state as an immutable value."""
        states = []
        for twin, kind in self._kinds.items():
            known = self._held[twin]
            values = [
                (name, Known(known[name].time_s, known[name].value)) for name in sorted(known)
            ]
            states.append((twin, TwinState(kind.name, tuple(values))))
        edges = [
            (source, name, target, tuple(sorted(properties.items())))
            for source, target, name, properties in self._graph.edges(keys=True, data=True)
        ]
        return Snapshot(self.now_s, tuple(sorted(states)), tuple(sorted(edges)))

    def _kind(self, twin: str) -> Interface:
        if not isinstance(twin, str) or twin not in self._kinds:
            name = twin[:MAX_ID] if isinstance(twin, str) else shown(twin)
            raise unknown_name("twin", name, self._some_twins())
        return self._kinds[twin]

    def _known(self, twin: str, name: str) -> _Held | None:
        _content(self._kind(twin), twin, name)
        return self._held[twin].get(name)

    def _some_twins(self) -> list[str]:
        """A few ids, for error messages."""
        return [twin for twin, _ in zip(self._kinds, range(20), strict=False)]


def _content(kind: Interface, twin: str, name: str) -> Content:
    if not isinstance(name, str) or name not in kind.contents:
        quoted = name[:80] if isinstance(name, str) else shown(name)
        raise unknown_name(f"property of {twin!r}, a {kind.name},", quoted, kind.contents)
    return kind.contents[name]


def _items(properties: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 - whatever someone gives
    if properties is not None and not isinstance(properties, Mapping):
        raise ConfigError(f"properties are values by name, got {shown(properties)}")
    return list((properties or {}).items())


def graph_from_json(text: str | bytes, model: ObjectModel | None = None) -> TwinGraph:
    """A graph from the JSON text of a snapshot, fully validated.

    Args:
        text: JSON text from `Snapshot.to_json`.
        model: the object model; None: the one that all environments share.

    Returns:
        A graph whose `snapshot()` equals the one that was written.

    Raises:
        ConfigError: if the text is not a snapshot of this model.
    """
    parsed = Snapshot.parsed(text)
    graph = TwinGraph(model)
    graph.advance(parsed.time_s)
    for twin, state in parsed.twins:
        graph.add_twin(twin, state.interface)
        for name, known in state.known:
            graph.take(Event(known.time_s, twin, name, known.value))
    for source, name, target, properties in parsed.relationships:
        graph.relate(source, name, target, dict(properties))
    return graph
