"""What questions ask of a knowledge graph, wherever it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from twin_gym.twins.knowledge.facts import Fact, Kind, Relation
from twin_gym.twins.realtime.model import ObjectModel, Value

Edge = tuple[str, str, str]
"""Source, name and target of a relation."""


class KnowledgeGraph(Protocol):
    """Entities of an object model, with their values and relations, each with its age.

    Stores and views of twins have these methods. A method that is asked about an entity that is not
    there raises `UnknownNameError`, but for `kind`, which answers None.
    """

    @property
    def model(self) -> ObjectModel:
        """The object model."""

    @property
    def now_s(self) -> float:
        """The time up to which ages count, in seconds."""

    def kind(self, entity: str) -> Kind | None:
        """What an entity is; None if it is not there."""

    def entities(self, kind: str | None = None) -> tuple[str, ...]:
        """Ids of all entities, or of those of an interface, sorted."""

    def fact(self, entity: str, name: str) -> Fact:
        """The value of a property; a fact without value if none is known."""

    def facts(self, entity: str) -> tuple[Fact, ...]:
        """All known values of an entity, by name."""

    def values(self, name: str) -> dict[str, Value]:
        """The last known value of a property of all entities that have one, by id."""

    def relations(
        self, entity: str, name: str | None = None, *, incoming: bool = False
    ) -> tuple[Relation, ...]:
        """Relations that an entity has, or that lead to it, sorted."""

    def edges(self) -> Iterator[Edge]:
        """All relations, without their ages."""
