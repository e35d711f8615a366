"""Texts of entities and relations for models that learn from them: sentences without ages."""

from __future__ import annotations

import re

from twin_gym.twins.knowledge.facts import Statement
from twin_gym.twins.knowledge.graph import KnowledgeGraph
from twin_gym.twins.knowledge.sentences import sentence

_OLD = re.compile(r" \([0-9.e+-]+ s old\)\.\Z")


def timeless(statement: Statement) -> str:
    """The sentence of a statement, without its age.

    Args:
        statement: any statement.

    Returns:
        One sentence.

    Example:
        >>> from twin_gym.twins.knowledge.facts import Relation
        >>> timeless(Relation("sensor/17", "connected_to", "gateway/2", 12.0))
        'sensor/17 is connected to gateway/2.'
    """
    return _OLD.sub(".", sentence(statement))


def entity_text(graph: KnowledgeGraph, entity: str) -> str:
    """What an entity is and what its known values are, without its relations.

    Args:
        graph: any knowledge graph.
        entity: id of an entity.

    Returns:
        Sentences with a blank between them.

    Raises:
        UnknownNameError: if it is not there.

    Example:
        >>> from twin_gym.twins.knowledge.cities.generated import generate_city
        >>> entity_text(generate_city().graph(), "gateway/3")
        'gateway/3 is a Gateway. The x of gateway/3 is 2692.8 m. The y of gateway/3 is 4901.9 m.'
    """
    facts = graph.facts(entity)
    kind = graph.kind(entity)
    return " ".join(map(timeless, (*((kind,) if kind else ()), *facts)))
