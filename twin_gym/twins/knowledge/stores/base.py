"""Graph stores: what is written is checked here, once for all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType, TracebackType
from typing import NamedTuple, Self

from twin_gym.errors import ConfigError, unknown_name
from twin_gym.twins.knowledge.facts import Fact, Kind, Relation, age_between
from twin_gym.twins.knowledge.graph import Edge
from twin_gym.twins.knowledge.model import city_model
from twin_gym.twins.plain import is_finite, listed, plain, shown, text
from twin_gym.twins.realtime.events import Event
from twin_gym.twins.realtime.graph import MAX_ID
from twin_gym.twins.realtime.model import Content, Interface, ObjectModel, Value
from twin_gym.twins.realtime.snapshot import Known

_NONE: Mapping[str, Value] = MappingProxyType({})


class Entity(NamedTuple):
    """A new entity.

    Attributes:
        id: 1 to 200 printable letters, unique.
        kind: name of its interface.
        properties: first values by name.
    """

    id: str
    kind: str
    properties: Mapping[str, Value] = _NONE


class RelationEvent(NamedTuple):
    """A relation that was seen to hold.

    Attributes:
        time_s: when it held.
        source: id of the entity that has it.
        name: name of the relationship.
        target: id of the other entity.
        properties: values of the relation itself, by name.
    """

    time_s: float
    source: str
    name: str
    target: str
    properties: Mapping[str, Value] = _NONE


class Row(NamedTuple):
    """A checked relation, for a backend.

    Attributes:
        source: id of the entity that has it.
        name: name of the relationship.
        target: id of the other entity.
        time_s: when it last held.
        properties: values of the relation itself, by name, sorted.
    """

    source: str
    name: str
    target: str
    time_s: float
    properties: tuple[tuple[str, Value], ...]


class GraphStore(ABC):
    """A knowledge graph that is written to.

    Everything written has the time at which it was true. Of a value, or a relation, the latest time
    counts; of equal times what was written last. A call checks all that it is given before it
    writes.

    Args:
        model: the object model; None: that of a city.

    Attributes:
        late: number of values that were older than what the store had, and were left out.
    """

    def __init__(self, model: ObjectModel | None = None) -> None:
        self._model = city_model() if model is None else model
        self._now_s = 0.0
        self.late = 0

    @property
    def model(self) -> ObjectModel:
        """The object model."""
        return self._model

    @property
    def now_s(self) -> float:
        """The time up to which ages count, in seconds."""
        return self._now_s

    def advance(self, now_s: float) -> None:
        """Sets the time.

        Args:
            now_s: seconds; it must not decrease.

        Raises:
            ConfigError: if it decreases or is not finite.
        """
        then = plain(now_s)
        if type(then) not in (float, int) or not self._now_s <= then or not is_finite(then):
            raise ConfigError(f"it is {self._now_s!r} s and time does not go to {shown(now_s)} s")
        self._now_s = float(then)

    def add(self, entities: Iterable[Entity]) -> None:
        """Adds entities, which are there from now on.

        Args:
            entities: new ones; their properties are true now.

        Raises:
            ConfigError: if an id exists or is malformed, or a property is unknown or of another
                type.
        """
        several = listed(entities, "entities", Entity)
        checked: dict[str, str] = {}
        values = []
        for one in several:
            kind = self._model.interface(one.kind)
            identity = plain(one.id)
            if type(identity) is not str or not 0 < len(identity) <= MAX_ID:
                raise ConfigError(f"an id has 1 to {MAX_ID} letters, got {shown(one.id)}")
            if not identity.isprintable() or identity in checked or self.kind(identity):
                raise ConfigError(f"an id is printable and new, got {identity!r}")
            checked[identity] = kind.name
            for name, value in one.properties.items():
                told = content_of(kind, identity, name).checked(value)
                values.append((identity, name, Known(self._now_s, told)))
        self._put_entities([(one, kind, self._now_s) for one, kind in checked.items()])
        self._put_values([(checked[one], one, name, known) for one, name, known in values])

    def relate(self, relations: Iterable[RelationEvent]) -> None:
        """Adds relations, or takes note that they still hold.

        Args:
            relations: relations between entities that are there, not in the future.

        Raises:
            ConfigError: if an entity, a relationship or a property is unknown, the target is of
                another interface, or the time is not in the past.
        """
        rows: dict[Edge, Row] = {}
        for one in listed(relations, "relations", RelationEvent):
            row = self._row(one)
            before = rows.get(row[:3])
            if before is None or before.time_s <= row.time_s:
                rows[row[:3]] = row
        self._put_relations(list(rows.values()))

    def take(self, events: Iterable[Event]) -> int:
        """Updates values.

        Args:
            events: measured values, not in the future.

        Returns:
            Number of values that changed or were confirmed; the others were late.

        Raises:
            ConfigError: if an entity or a property is unknown, a value is of another type, or a
                time is not in the past.
        """
        several = listed(events, "events", Event)
        latest: dict[tuple[str, str, str], Known] = {}
        for event in several:
            kind = self._kind_of(event.twin)
            told = content_of(kind, event.twin, event.property).checked(event.value)
            key = kind.name, event.twin, event.property
            known = Known(self._past(event.time_s), told)
            if key not in latest or latest[key].time_s <= known.time_s:
                latest[key] = known
        taken = self._put_values([(*key, known) for key, known in latest.items()])
        self.late += len(several) - taken
        return taken

    def remove(self, entities: Iterable[str]) -> None:
        """Removes entities with their values and relations.

        Raises:
            UnknownNameError: if one is not there.
        """
        names = [text(one, "the id of an entity") for one in listed(entities, "entities")]
        self._drop_entities([(self._kind_of(one).name, one) for one in dict.fromkeys(names)])

    def unrelate(self, relations: Iterable[Edge]) -> None:
        """Removes relations.

        Args:
            relations: source, name and target of each; those that are not there are passed over.

        Raises:
            ConfigError: if an entity or a relationship is unknown.
        """
        edges = listed(relations, "relations", tuple)
        self._drop_relations([self._row(RelationEvent(0.0, *edge))[:3] for edge in edges])

    def kind(self, entity: str) -> Kind | None:
        """What an entity is; None if it is not there."""
        found = self._find(entity) if isinstance(entity, str) else None
        return None if found is None else Kind(entity, found[0], self._age_s(found[1]))

    def fact(self, entity: str, name: str) -> Fact:
        """The value of a property; a fact without value if none is known.

        Raises:
            UnknownNameError: if the entity is not there, or has no such property.
        """
        kind = self._kind_of(entity)
        content_of(kind, entity, name)
        return fact_of(entity, name, self._value(kind.name, entity, name), self._now_s)

    def facts(self, entity: str) -> tuple[Fact, ...]:
        """All known values of an entity, by name.

        Raises:
            UnknownNameError: if it is not there.
        """
        values = self._values(self._kind_of(entity).name, entity)
        return tuple(fact_of(entity, name, values[name], self._now_s) for name in sorted(values))

    def relations(
        self, entity: str, name: str | None = None, *, incoming: bool = False
    ) -> tuple[Relation, ...]:
        """Relations that an entity has, or that lead to it.

        Args:
            entity: its id.
            name: only this relationship; None: any.
            incoming: whether to list relations that lead to it.

        Returns:
            Relations, sorted by the ids of source and target.

        Raises:
            UnknownNameError: if the entity is not there.
        """
        kind = self._kind_of(entity)
        rows = sorted(self._related(kind.name, entity, incoming=incoming))
        return tuple(
            Relation(*row[:3], self._age_s(row.time_s), row.properties)
            for row in rows
            if name in (None, row.name)
        )

    @abstractmethod
    def entities(self, kind: str | None = None) -> tuple[str, ...]:
        """Ids of all entities, or of those of an interface, sorted."""

    @abstractmethod
    def values(self, name: str) -> dict[str, Value]:
        """The last known value of a property of all entities that have one, by id."""

    @abstractmethod
    def edges(self) -> Iterator[Edge]:
        """All relations, without their ages."""

    @abstractmethod
    def _find(self, entity: str) -> tuple[str, float] | None:
        """Interface of an entity and the time since which it is there."""

    @abstractmethod
    def _values(self, kind: str, entity: str) -> Mapping[str, Known]:
        """Known values of an entity that is there."""

    def _value(self, kind: str, entity: str, name: str) -> Known | None:
        """The value of a property of an entity that is there."""
        return self._values(kind, entity).get(name)

    @abstractmethod
    def _related(self, kind: str, entity: str, *, incoming: bool) -> list[Row]:
        """Relations of an entity that is there."""

    @abstractmethod
    def _put_entities(self, rows: list[tuple[str, str, float]]) -> None:
        """Adds entities: id, interface, time."""

    @abstractmethod
    def _put_values(self, rows: list[tuple[str, str, str, Known]]) -> int:
        """Sets values that are not late: interface, id, name, value; says how many."""

    @abstractmethod
    def _put_relations(self, rows: list[Row]) -> None:
        """Adds relations, or sets what is later."""

    @abstractmethod
    def _drop_entities(self, rows: list[tuple[str, str]]) -> None:
        """Removes entities: interface, id."""

    @abstractmethod
    def _drop_relations(self, rows: list[Edge]) -> None:
        """Removes relations that may be there."""

    def _row(self, one: RelationEvent) -> Row:
        kind, other = self._kind_of(one.source), self._kind_of(one.target)
        name = text(one.name, "the name of a relationship")
        if name not in kind.relationships:
            raise unknown_name(f"relationship of a {kind.name}", name, kind.relationships)
        schema = kind.relationships[name]
        if other.name != schema.target:
            raise ConfigError(
                f"{name!r} of a {kind.name} leads to a {schema.target}; {one.target!r} is a "
                f"{other.name}"
            )
        told = {}
        for key, value in one.properties.items():
            if key not in schema.properties:
                raise unknown_name(f"property of {name!r}", key, schema.properties)
            told[key] = schema.properties[key].checked(value)
        properties = tuple(sorted(told.items()))
        return Row(one.source, name, one.target, self._past(one.time_s), properties)

    def _past(self, time_s: object) -> float:
        then = plain(time_s)
        if type(then) not in (float, int) or not 0.0 <= then <= self._now_s:
            raise ConfigError(
                f"what is known was true by now, {self._now_s!r} s; got {shown(time_s)}"
            )
        return float(then)

    def _kind_of(self, entity: object) -> Interface:
        found = self._find(entity) if isinstance(entity, str) else None
        if found is None:
            raise unknown_name("entity", entity, ())
        return self._model.interfaces[found[0]]

    def _age_s(self, time_s: float) -> float:
        return age_between(time_s, self._now_s)


def content_of(kind: Interface, entity: str, name: object) -> Content:
    """A property of an entity.

    Args:
        kind: its interface.
        entity: its id, for the error.
        name: name of the property.

    Returns:
        Its schema.

    Raises:
        UnknownNameError: if the interface has no such property.
    """
    if not isinstance(name, str) or name not in kind.contents:
        raise unknown_name(f"property of {entity!r}, a {kind.name},", name, kind.contents)
    return kind.contents[name]


def fact_of(entity: str, name: str, known: Known | None, now_s: float) -> Fact:
    """A known value as a fact.

    Args:
        entity: id of the entity.
        name: name of the property.
        known: value and time; None: it is not known.
        now_s: now.

    Returns:
        The fact, with its age.
    """
    if known is None:
        return Fact(entity, name, None, float("inf"))
    return Fact(entity, name, known.value, age_between(known.time_s, now_s))


class ClosingStore(GraphStore):
    """A store that holds a file or a connection: a `with` statement closes it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Lets go of it."""
