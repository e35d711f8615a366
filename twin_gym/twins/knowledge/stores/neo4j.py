"""The store in Neo4j, through its driver (extra `neo4j`).

No server was at hand where this was written: the statements are tested with a session that records
them, and not against a database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from twin_gym.errors import missing_extra
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
from twin_gym.twins.realtime.model import ObjectModel, Value
from twin_gym.twins.realtime.snapshot import Known

ENTITY = "Entity"
"""Label that all entities of the store have, with a unique id."""

Statement = tuple[str, dict[str, Any]]


class Session(Protocol):
    """What the store needs of a session of the driver."""

    def execute_read(self, work: Any, *given: Any) -> Any:  # noqa: ANN401 - the driver's own
        """Calls work(transaction, ...) in a transaction that reads."""

    def execute_write(self, work: Any, *given: Any) -> Any:  # noqa: ANN401
        """Calls work(transaction, ...) in a transaction that writes, again if it has to."""

    def close(self) -> None:
        """Ends the session."""


def connect(
    uri: str,
    *,
    user: str,
    password: str,
    database: str | None = None,
    model: ObjectModel | None = None,
) -> Neo4jStore:
    """Opens a store in a Neo4j database; closing the store closes the driver.

    Args:
        uri: such as `neo4j://localhost:7687`.
        user: name of the user.
        password: of the user; it is kept nowhere else.
        database: name of the database; None: the user's own.
        model: the object model; None: that of a city.

    Returns:
        The store.

    Raises:
        MissingExtraError: if the driver is not installed.
    """
    try:
        from neo4j import GraphDatabase
    except ImportError as error:
        raise missing_extra("a knowledge graph in Neo4j", "neo4j") from error
    driver: Any = GraphDatabase.driver(uri, auth=(user, password))
    try:
        return Neo4jStore(driver.session(database=database), model, close=driver.close)
    except BaseException:
        driver.close()
        raise


class Neo4jStore(ClosingStore):
    """A knowledge graph in a Neo4j database. Use it as a context, or close it.

    Entities have the label `Entity` and that of their interface. Each call is one transaction, each
    batch of values of one property a statement in it.

    Args:
        session: an open session of the driver; see `connect`.
        model: the object model; None: that of a city.
        close: called when the store is closed, after the session.
    """

    def __init__(
        self,
        session: Session,
        model: ObjectModel | None = None,
        close: Any = None,  # noqa: ANN401
    ) -> None:
        super().__init__(model)
        self._session, self._close = session, close
        self._write(
            [
                (
                    f"CREATE CONSTRAINT entity_id IF NOT EXISTS "
                    f"FOR (e:{ENTITY}) REQUIRE e.id IS UNIQUE",
                    {},
                )
            ]
        )
        (row,) = self._read(f"MATCH (e:{ENTITY}) RETURN max(e.latest_s) AS latest_s", {})
        self.advance(row["latest_s"] or 0.0)

    def close(self) -> None:
        """Ends the session, and closes the driver if the store opened it."""
        self._session.close()
        if self._close is not None:
            self._close()

    def entities(self, kind: str | None = None) -> tuple[str, ...]:
        """Ids of all entities, or of those of an interface, sorted.

        Raises:
            UnknownNameError: if there is no such interface.
        """
        label = ENTITY if kind is None else self.model.interface(kind).name
        rows = self._read(f"MATCH (e:{ENTITY}:{quoted(label)}) RETURN e.id AS id ORDER BY id", {})
        return tuple(row["id"] for row in rows)

    def values(self, name: str) -> dict[str, Value]:
        """The last known value of a property of all entities that have one, by id."""
        if not any(name in one.contents for one in self.model.interfaces.values()):
            return {}
        rows = self._read(
            f"MATCH (e:{ENTITY}) WHERE e.{quoted(time_column(name))} IS NOT NULL "
            f"RETURN e.id AS id, e.{quoted(column(name))} AS value",
            {},
        )
        return {row["id"]: row["value"] for row in rows}

    def edges(self) -> Iterator[Edge]:
        """All relations, without their ages."""
        rows = self._read(
            f"MATCH (a:{ENTITY})-[r]->(b:{ENTITY}) "
            "RETURN a.id AS source, type(r) AS name, b.id AS target ORDER BY source, target, name",
            {},
        )
        for row in rows:
            yield row["source"], row["name"], row["target"]

    def _find(self, entity: str) -> tuple[str, float] | None:
        rows = self._read(
            f"MATCH (e:{ENTITY} {{id: $id}}) RETURN labels(e) AS labels, e.{SINCE} AS since_s",
            {"id": entity},
        )
        for row in rows:
            for label in row["labels"]:
                if label in self.model.interfaces:
                    return label, row["since_s"]
        return None

    def _values(self, kind: str, entity: str) -> Mapping[str, Known]:
        (row,) = self._read(
            f"MATCH (e:{ENTITY} {{id: $id}}) RETURN properties(e) AS stored", {"id": entity}
        )
        return known_of(self.model.interfaces[kind], row["stored"])

    def _related(self, kind: str, entity: str, *, incoming: bool) -> list[Row]:
        here = f"(e:{ENTITY} {{id: $id}})"
        pattern = f"{here}<-[r]-(o:{ENTITY})" if incoming else f"{here}-[r]->(o:{ENTITY})"
        rows = self._read(
            f"MATCH {pattern} RETURN type(r) AS name, o.id AS other, properties(r) AS stored",
            {"id": entity},
        )
        found = []
        for row in rows:
            ends = (row["other"], entity) if incoming else (entity, row["other"])
            found.append(row_of(ends[0], row["name"], ends[1], row["stored"]))
        return found

    def _put_entities(self, rows: list[tuple[str, str, float]]) -> None:
        by_kind: dict[str, list[dict[str, Any]]] = {}
        for entity, kind, since_s in rows:
            by_kind.setdefault(kind, []).append({"id": entity, "since_s": since_s})
        self._write(
            [
                (
                    f"UNWIND $rows AS row CREATE (e:{ENTITY}:{quoted(kind)} {{id: row.id, "
                    f"{SINCE}: row.since_s, latest_s: row.since_s}})",
                    {"rows": told},
                )
                for kind, told in by_kind.items()
            ]
        )

    def _put_values(self, rows: list[tuple[str, str, str, Known]]) -> int:
        statements = []
        for batch in value_batches(rows):
            _, name = batch.names
            value, time_s = f"e.{quoted(column(name))}", f"e.{quoted(time_column(name))}"
            text = (
                f"UNWIND $rows AS row MATCH (e:{ENTITY} {{id: row.id}}) "
                f"WHERE {time_s} IS NULL OR {time_s} <= row.time_s "
                f"SET {value} = row.value, {time_s} = row.time_s, "
                "e.latest_s = CASE WHEN e.latest_s < row.time_s THEN row.time_s "
                "ELSE e.latest_s END RETURN count(*) AS taken"
            )
            statements.append((text, {"rows": batch.rows}))
        return sum(row["taken"] for rows in self._write(statements) for row in rows)

    def _put_relations(self, rows: list[Row]) -> None:
        kinds = dict.fromkeys((end for row in rows for end in (row.source, row.target)), ENTITY)
        statements: list[Statement] = []
        for batch in relation_batches(rows, kinds):
            text = (
                f"UNWIND $rows AS row MATCH (a:{ENTITY} {{id: row.source}}), "
                f"(b:{ENTITY} {{id: row.target}}) MERGE (a)-[r:{quoted(batch.names[1])}]->(b) "
                f"WITH a, r, row WHERE r.{TIME} IS NULL OR r.{TIME} <= row.{TIME} "
                f"SET r += row.told, r.{TIME} = row.{TIME}, "
                f"a.latest_s = CASE WHEN a.latest_s < row.{TIME} THEN row.{TIME} "
                "ELSE a.latest_s END"
            )
            statements.append((text, {"rows": batch.rows}))
        self._write(statements)

    def _drop_entities(self, rows: list[tuple[str, str]]) -> None:
        text = f"MATCH (e:{ENTITY}) WHERE e.id IN $ids DETACH DELETE e"
        self._write([(text, {"ids": [entity for _, entity in rows]})])

    def _drop_relations(self, rows: list[Edge]) -> None:
        self._write(
            [
                (
                    f"MATCH (a:{ENTITY} {{id: $source}})-[r:{quoted(name)}]->"
                    f"(b:{ENTITY} {{id: $target}}) DELETE r",
                    {"source": source, "target": target},
                )
                for source, name, target in rows
            ]
        )

    def _read(self, text: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[list[dict[str, Any]]] = self._session.execute_read(
            _run_all, [(text, parameters)]
        )
        return found[0]

    def _write(self, statements: Iterable[Statement]) -> list[list[dict[str, Any]]]:
        found: list[list[dict[str, Any]]] = self._session.execute_write(_run_all, [*statements])
        return found


def _run_all(transaction: Any, statements: list[Statement]) -> list[list[dict[str, Any]]]:  # noqa: ANN401
    """Runs statements in one transaction; their rows as plain values."""
    return [[row.data() for row in transaction.run(text, told)] for text, told in statements]
