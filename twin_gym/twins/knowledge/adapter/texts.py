"""Entities in words: what a text model is told of a sensor, a gateway or a service."""

from __future__ import annotations

from collections.abc import Collection

from twin_gym.twins.knowledge.graph import KnowledgeGraph
from twin_gym.twins.knowledge.sentences import UNITS, words_of

PLAIN = ("name",)
"""Properties by which entities of a kind that have no name are told alike."""

PLACED = ("name", "x_m", "y_m")
"""Properties that also say where an entity stands."""

_SYMBOLS = dict(UNITS)


def describe(graph: KnowledgeGraph, entity: str, properties: Collection[str] | None = None) -> str:
    """An entity in words, without its id and without its relations.

    Args:
        graph: that has it.
        entity: its id.
        properties: that are told, where they are known; None: all of them.

    Returns:
        Its kind, then its values.

    Raises:
        UnknownNameError: if the graph has no such entity.

    Example:
        >>> from twin_gym.twins.knowledge.cities import SMALL, generate_city
        >>> graph = generate_city(SMALL).graph()
        >>> describe(graph, "gateway/0", PLACED)
        'gateway, x 4715.1 m, y 917.8 m'
    """
    told = []
    for fact in graph.facts(entity):
        if properties is None or fact.property in properties:
            unit = next(
                (f" {_SYMBOLS[end]}" for end in _SYMBOLS if fact.property.endswith(end)), ""
            )
            told.append(f"{words_of(fact.property)} {fact.value}{unit}")
    kind = graph.kind(entity)
    interface = graph.model.interface(kind.kind) if kind is not None else None
    called = (interface.display_name or interface.name) if interface is not None else entity
    return ", ".join([called, *told])
