"""The schema of a property graph, made of an object model; names in Cypher.

An interface is a label, with a property for each value and one, `<name>_time_s`, for the time at
which it was true; a component's dot becomes two underscores. A relationship is a type, with
`time_s`. All names come from a checked model, and are quoted all the same; values are parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from twin_gym.twins.knowledge.stores.base import Row
from twin_gym.twins.realtime.model import Interface, Value
from twin_gym.twins.realtime.snapshot import Known

SINCE = "since_s"
"""Property of an entity: the time from which on it is there."""

TIME = "time_s"
"""Property of a relation: the time at which it last held."""

_TIME_OF = "_time_s"
_DOT = "__"


class Batch(NamedTuple):
    """Values of one property, or relations of one form, for one statement.

    Attributes:
        names: label and name of the property; or label, type, label, names of properties.
        rows: parameters of each.
    """

    names: tuple[str, ...]
    rows: list[dict[str, Any]]


def quoted(name: str) -> str:
    """A name in Cypher.

    Example:
        >>> quoted("in")
        '`in`'
    """
    return f"`{name}`"


def column(name: str) -> str:
    """The property of a value.

    Example:
        >>> column("battery.charge_j")
        'battery__charge_j'
    """
    return name.replace(".", _DOT)


def time_column(name: str) -> str:
    """The property of the time of a value.

    Example:
        >>> time_column("queue_length")
        'queue_length_time_s'
    """
    return column(name) + _TIME_OF


def known_of(interface: Interface, stored: Mapping[str, Any]) -> dict[str, Known]:
    """The values of a stored entity.

    Args:
        interface: its interface.
        stored: its properties, with those that are not set left out or None.

    Returns:
        Values and times by name.
    """
    found = {}
    for name in interface.contents:
        time_s = stored.get(time_column(name))
        if time_s is not None:
            found[name] = Known(float(time_s), stored[column(name)])
    return found


def value_batches(rows: Iterable[tuple[str, str, str, Known]]) -> Iterator[Batch]:
    """Values by interface and name.

    Args:
        rows: interface, id, name and value of each.

    Yields:
        Parameters `id`, `value`, `time_s`.
    """
    for names, group in groupby(sorted(rows, key=itemgetter(0, 2)), key=itemgetter(0, 2)):
        told = [
            {"id": entity, "value": known.value, "time_s": known.time_s}
            for _, entity, _, known in group
        ]
        yield Batch(names, told)


def relation_batches(rows: Iterable[Row], kinds: Mapping[str, str]) -> Iterator[Batch]:
    """Relations by interface, name, interface, and by the names of their properties.

    Args:
        rows: relations.
        kinds: interface of each of their ends.

    Yields:
        Names: source, relationship, target, then properties. Parameters: `source`, `target`,
        `time_s`, `told` with the properties.
    """

    def form(row: Row) -> tuple[str, ...]:
        told = (name for name, _ in row.properties)
        return kinds[row.source], row.name, kinds[row.target], *told

    for names, group in groupby(sorted(rows, key=form), key=form):
        told = [
            {
                "source": row.source,
                "target": row.target,
                TIME: row.time_s,
                "told": dict(row.properties),
            }
            for row in group
        ]
        yield Batch(names, told)


def row_of(source: str, name: str, target: str, stored: Mapping[str, Any]) -> Row:
    """A stored relation.

    Args:
        source: id of the entity that has it.
        name: its type.
        target: id of the other entity.
        stored: its properties.

    Returns:
        The row.
    """
    told: list[tuple[str, Value]] = [
        (key, value)
        for key, value in stored.items()
        if key != TIME and not key.startswith("_") and value is not None
    ]
    return Row(source, name, target, float(stored[TIME]), tuple(sorted(told)))
