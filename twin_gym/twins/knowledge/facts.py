"""Facts of a knowledge graph as plain values: a value or a relation, each with its age."""

from __future__ import annotations

import math
from typing import NamedTuple

from twin_gym.twins.realtime.model import Value

_NANOSECONDS, _MICROSECONDS = 9, 6
"""Decimals of seconds; floats of a million seconds and more have no nanoseconds."""

_LONG_S = 1e6


class Fact(NamedTuple):
    """The value of a property of an entity.

    Attributes:
        entity: id of the entity.
        property: name of the property.
        value: the last known value; None: none is known.
        age_s: seconds since it was true; infinite if none is known.
    """

    entity: str
    property: str
    value: Value | None
    age_s: float


class Relation(NamedTuple):
    """A relation between two entities.

    Attributes:
        source: id of the entity that has it.
        name: name of the relationship.
        target: id of the other entity.
        age_s: seconds since it was last known to hold.
        properties: values of the relation itself by name, sorted.
    """

    source: str
    name: str
    target: str
    age_s: float
    properties: tuple[tuple[str, Value], ...] = ()


class Kind(NamedTuple):
    """What an entity is.

    Attributes:
        entity: id of the entity.
        kind: name of its interface.
        age_s: seconds since it was added.
    """

    entity: str
    kind: str
    age_s: float


class Unknown(NamedTuple):
    """What the graph does not say.

    Attributes:
        entity: id of the entity; nothing is known of it if `relation` is empty.
        relation: name of the relationship that it has with no known entity.
        incoming: whether the relationship would lead to the entity.
    """

    entity: str
    relation: str = ""
    incoming: bool = False


Statement = Fact | Relation | Kind | Unknown


def age_between(time_s: float, now_s: float) -> float:
    """The age of what was true at a time, in whole nanoseconds, or microseconds.

    Args:
        time_s: when it was true, in seconds.
        now_s: now, in seconds.

    Returns:
        Seconds, 0 or more.

    Example:
        >>> age_between(0.47, 0.48)
        0.01
    """
    decimals = _NANOSECONDS if now_s < _LONG_S else _MICROSECONDS
    return max(round(now_s - time_s, decimals), 0.0)


def is_known(statement: Statement) -> bool:
    """Whether a statement says something about the world, and not what is missing.

    Example:
        >>> is_known(Unknown("sensor/9")), is_known(Fact("sensor/9", "x_m", 3.0, 0.0))
        (False, True)
    """
    if isinstance(statement, Fact):
        return statement.value is not None
    return not isinstance(statement, Unknown)


def oldest_s(statements: tuple[Statement, ...]) -> float:
    """The age of the oldest of some statements; 0 if there are none, infinite if one is unknown."""
    ages = [math.inf if isinstance(one, Unknown) else one.age_s for one in statements]
    return max(ages, default=0.0)
