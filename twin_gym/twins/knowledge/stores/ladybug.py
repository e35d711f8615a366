"""The store in Ladybug, an embedded graph database that is asked in Cypher (extra `knowledge`).

Tested with ladybug 0.22.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from twin_gym.errors import ConfigError, missing_extra
from twin_gym.twins.knowledge.graph import Edge
from twin_gym.twins.knowledge.stores.base import ClosingStore, Row
from twin_gym.twins.knowledge.stores.cypher import (
    SINCE,
    TIME,
    column,
    known_of,
    quoted,
    relation_batches,
    row_of,
    time_column,
    value_batches,
)
from twin_gym.twins.plain import file_path
from twin_gym.twins.realtime.model import Interface, ObjectModel, Value
from twin_gym.twins.realtime.snapshot import Known

MEMORY = ":memory:"

_TYPES = {"double": "DOUBLE", "long": "INT64", "boolean": "BOOLEAN", "string": "STRING"}


class LadybugStore(ClosingStore):
    """A knowledge graph in an embedded database. Use it as a context, or close it.

    Every interface is a node table and every relationship a relation table, so that
    `MATCH (s)-[:connected_to]->(g:Gateway {id: "gateway/3"}) RETURN s.id` works (`query`). Each
    batch of values of one property is a statement, and all of a call are one transaction.

    Args:
        path: of the database; `:memory:` keeps nothing. An existing one is opened, with the time of
            its latest fact.
        model: the object model; None: that of a city.

    Raises:
        MissingExtraError: if ladybug is not installed.
        ConfigError: if the file is no database of this model.
    """

    def __init__(self, path: str | Path = MEMORY, model: ObjectModel | None = None) -> None:
        super().__init__(model)
        try:
            import ladybug
        except ImportError as error:
            raise missing_extra("a knowledge graph in Ladybug", "knowledge") from error
        place = MEMORY if path == MEMORY else str(file_path(path, "the path of a database"))
        try:
            self._database = ladybug.Database(place)
            self._connection = ladybug.Connection(self._database)
            self._create_tables()
        except RuntimeError as error:
            raise ConfigError(f"{place!r} is no database of this model: {error!s:.200}") from None
        self._kinds: dict[str, tuple[str, float]] = {}
        if place != MEMORY:
            self._read_entities()

    def close(self) -> None:
        """Closes the database."""
        self._connection.close()
        self._database.close()

    def query(self, statement: str, parameters: Mapping[str, Any] | None = None) -> list[list[Any]]:
        """Rows of your own Cypher query.

        Args:
            statement: one query that reads; entities that it adds are not seen by the store.
            parameters: by name, for `$name`.

        Returns:
            The rows.

        Raises:
            ConfigError: if the database refuses it.
        """
        try:
            result = self._connection.execute(statement, dict(parameters or {}))
        except RuntimeError as error:
            raise ConfigError(f"the database refuses the query: {error!s:.300}") from None
        if isinstance(result, list):
            raise ConfigError("a query is one statement: ask the others one by one")
        return [[*row] for row in result]

    def entities(self, kind: str | None = None) -> tuple[str, ...]:
        """Ids of all entities, or of those of an interface, sorted.

        Raises:
            UnknownNameError: if there is no such interface.
        """
        wanted = None if kind is None else self.model.interface(kind).name
        return tuple(
            sorted(one for one, (name, _) in self._kinds.items() if wanted in (None, name))
        )

    def values(self, name: str) -> dict[str, Value]:
        """The last known value of a property of all entities that have one, by id."""
        found: dict[str, Value] = {}
        for interface in self.model.interfaces.values():
            if name in interface.contents:
                rows = self.query(
                    f"MATCH (e:{quoted(interface.name)}) "
                    f"WHERE e.{quoted(time_column(name))} IS NOT NULL "
                    f"RETURN e.id, e.{quoted(column(name))}"
                )
                found.update({entity: value for entity, value in rows})
        return found

    def edges(self) -> Iterator[Edge]:
        """All relations, without their ages."""
        if self._relates:
            query = "MATCH (a)-[r]->(b) RETURN a.id, label(r), b.id ORDER BY a.id, b.id"
            for row in self.query(query):
                yield row[0], row[1], row[2]

    def _create_tables(self) -> None:
        for interface in self.model.interfaces.values():
            columns = "".join(f", {line}" for line in _columns(interface))
            label = quoted(interface.name)
            self._connection.execute(
                f"CREATE NODE TABLE IF NOT EXISTS {label}"
                f"(id STRING PRIMARY KEY, {SINCE} DOUBLE{columns})"
            )
        ends: dict[str, list[str]] = {}
        properties: dict[str, dict[str, str]] = {}
        for interface in self.model.interfaces.values():
            for name, schema in interface.relationships.items():
                ends.setdefault(name, []).append(
                    f"FROM {quoted(interface.name)} TO {quoted(schema.target)}"
                )
                for key, content in schema.properties.items():
                    properties.setdefault(name, {})[key] = _TYPES[content.schema]
        for name, pairs in ends.items():
            told = "".join(
                f", {quoted(key)} {kind}" for key, kind in properties.get(name, {}).items()
            )
            self._connection.execute(
                f"CREATE REL TABLE IF NOT EXISTS {quoted(name)}"
                f"({', '.join(pairs)}, {TIME} DOUBLE{told})"
            )
        self._relates = bool(ends)

    def _read_entities(self) -> None:
        """Ids and times of an existing database; a look-up by id alone would ask every table."""
        latest_s = 0.0
        for name, interface in self.model.interfaces.items():
            for entity, since_s in self.query(f"MATCH (e:{quoted(name)}) RETURN e.id, e.{SINCE}"):
                self._kinds[entity] = name, since_s
                latest_s = max(latest_s, since_s)
            for content in interface.contents:
                (told,) = self.query(
                    f"MATCH (e:{quoted(name)}) RETURN max(e.{quoted(time_column(content))})"
                )
                latest_s = max(latest_s, told[0] or 0.0)
        if self._relates:
            ((last_s,),) = self.query(f"MATCH ()-[r]->() RETURN max(r.{TIME})")
            latest_s = max(latest_s, last_s or 0.0)
        self.advance(latest_s)

    def _find(self, entity: str) -> tuple[str, float] | None:
        return self._kinds.get(entity)

    def _values(self, kind: str, entity: str) -> Mapping[str, Known]:
        ((stored,),) = self.query(f"MATCH (e:{quoted(kind)} {{id: $id}}) RETURN e", {"id": entity})
        return known_of(self.model.interfaces[kind], stored)

    def _related(self, kind: str, entity: str, *, incoming: bool) -> list[Row]:
        here = f"(e:{quoted(kind)} {{id: $id}})"
        pattern = f"{here}<-[r]-(o)" if incoming else f"{here}-[r]->(o)"
        if not self._relates:
            return []
        rows = self.query(f"MATCH {pattern} RETURN label(r), o.id, r", {"id": entity})
        ends = [(other, entity) if incoming else (entity, other) for _, other, _ in rows]
        return [
            row_of(source, name, target, stored)
            for (source, target), (name, _, stored) in zip(ends, rows, strict=True)
        ]

    def _put_entities(self, rows: list[tuple[str, str, float]]) -> None:
        by_kind: dict[str, list[dict[str, Any]]] = {}
        for entity, kind, since_s in rows:
            by_kind.setdefault(kind, []).append({"id": entity, "since": since_s})
        self._written(
            (
                f"UNWIND $rows AS row CREATE (e:{quoted(kind)} {{id: row.id, {SINCE}: row.since}})",
                told,
            )
            for kind, told in by_kind.items()
        )
        self._kinds.update({entity: (kind, since_s) for entity, kind, since_s in rows})

    def _put_values(self, rows: list[tuple[str, str, str, Known]]) -> int:
        counts = self._written(
            (_set_value(*batch.names), batch.rows) for batch in value_batches(rows)
        )
        return sum(counts)

    def _put_relations(self, rows: list[Row]) -> None:
        kinds = {end: self._kinds[end][0] for row in rows for end in (row.source, row.target)}
        self._written(
            (_set_relation(*batch.names), [_without_none(row) for row in batch.rows])
            for batch in relation_batches(rows, kinds)
        )

    def _drop_entities(self, rows: list[tuple[str, str]]) -> None:
        self._written(
            (
                f"UNWIND $rows AS row MATCH (e:{quoted(kind)}) WHERE e.id = row.id DETACH DELETE e",
                [{"id": entity}],
            )
            for kind, entity in rows
        )
        for _, entity in rows:
            del self._kinds[entity]

    def _drop_relations(self, rows: list[Edge]) -> None:
        self._written(
            (
                "UNWIND $rows AS row "
                f"MATCH (a:{quoted(self._kinds[source][0])} {{id: row.source}})"
                f"-[r:{quoted(name)}]->(b:{quoted(self._kinds[target][0])} {{id: row.target}}) "
                "DELETE r",
                [{"source": source, "target": target}],
            )
            for source, name, target in rows
        )

    def _written(self, statements: Any) -> list[int]:  # noqa: ANN401 - pairs of text and rows
        """Runs statements in one transaction; gives the number that each returns, if any."""
        counts = []
        self.query("BEGIN TRANSACTION")
        try:
            for statement, rows in statements:
                found = self.query(statement, {"rows": rows})
                counts.append(int(found[0][0]) if found and "RETURN" in statement else 0)
        except BaseException:
            self.query("ROLLBACK")
            raise
        self.query("COMMIT")
        return counts


def _columns(interface: Interface) -> Iterator[str]:
    for name, content in interface.contents.items():
        yield f"{quoted(column(name))} {_TYPES[content.schema]}"
        yield f"{quoted(time_column(name))} DOUBLE"


def _set_value(kind: str, name: str) -> str:
    """Sets values that are not late; returns how many."""
    value, time_s = f"e.{quoted(column(name))}", f"e.{quoted(time_column(name))}"
    return (
        f"UNWIND $rows AS row MATCH (e:{quoted(kind)} {{id: row.id}}) "
        f"WHERE {time_s} IS NULL OR {time_s} <= row.time_s "
        f"SET {value} = row.value, {time_s} = row.time_s RETURN count(*)"
    )


def _set_relation(source: str, name: str, target: str, *told: str) -> str:
    """Adds relations, or sets what is later; the time last, for the others look at it."""
    first = [
        f"r.{TIME} = row.{TIME}",
        *(f"r.{quoted(key)} = row.told.{quoted(key)}" for key in told),
    ]
    later = [
        f"r.{quoted(key)} = CASE WHEN r.{TIME} <= row.{TIME} THEN row.told.{quoted(key)} "
        f"ELSE r.{quoted(key)} END"
        for key in told
    ]
    later.append(f"r.{TIME} = CASE WHEN r.{TIME} <= row.{TIME} THEN row.{TIME} ELSE r.{TIME} END")
    return (
        f"UNWIND $rows AS row MATCH (a:{quoted(source)} {{id: row.source}}), "
        f"(b:{quoted(target)} {{id: row.target}}) MERGE (a)-[r:{quoted(name)}]->(b) "
        f"ON CREATE SET {', '.join(first)} ON MATCH SET {', '.join(later)}"
    )


def _without_none(row: dict[str, Any]) -> dict[str, Any]:
    """A row without an empty map, which has no type for the database."""
    return {key: value for key, value in row.items() if value != {}}
