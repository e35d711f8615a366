"""Queries of a store: values, snapshots and decisions, as of a time or in a time range."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError, UnknownNameError, unknown_name
from twin_gym.twins.history import queries
from twin_gym.twins.history.connection import (
    damaged,
    one_moment,
    plain_error,
    said_plainly,
)
from twin_gym.twins.history.decisions import Decisions, from_row
from twin_gym.twins.history.linked import check_is_own, check_is_still
from twin_gym.twins.history.records import Episode, Series, to_episode, unpacked
from twin_gym.twins.plain import MAX_WHOLE, number, numbers_of, shown, text, whole, wholes_of
from twin_gym.twins.realtime.snapshot import Known, Snapshot

_TIME = "a time, in simulated seconds (infinite: the end),"

Number = float | int | bool
Found = TypeVar("Found")
_OF_KIND: dict[object, Any] = {"double": float, "long": int, "boolean": bool}
_DTYPES: dict[str, Any] = {"double": np.float64, "long": np.int64, "boolean": np.bool_}


class HistoryReader:
    """A store that is only read; another process may write to it meanwhile.

    Use it as a context, or close it.

    Args:
        database: a connection to a store.
        path: path of the store.

    Attributes:
        path: path of the file.
        episode: the one that questions are about unless they name another: the last one when the
            store was opened, or None if there was none. May be set.
    """

    def __init__(self, database: sqlite3.Connection, path: Path) -> None:
        self.path = path
        self._database = database
        with said_plainly(path):
            (last,) = database.execute("SELECT max(id) FROM episode").fetchone()
        self.episode = last

    @property
    def episode(self) -> int | None:
        """The default episode of queries."""
        return self._episode

    @episode.setter
    def episode(self, number: int | None) -> None:
        self._episode = None if number is None else whole(number, "the number of an episode", 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file; repeated calls have no effect."""
        with said_plainly(self.path):
            self._database.close()

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """Makes all queries within the context consistent with one another.

        A single query is always consistent in itself. This store cannot append anything within the
        context.

        Raises:
            ConfigError: if the store cannot be read.
        """
        with said_plainly(self.path):
            check_is_own(self._database, self.path)
            with one_moment(self._database):
                yield
            check_is_still(self._database, self.path)

    def episodes(self) -> tuple[Episode, ...]:
        """All stored episodes, the oldest first.

        Raises:
            ConfigError: if one was damaged.
        """
        return tuple(self._intact(to_episode, row) for row in self._rows(queries.EPISODES))

    def properties(self, episode: int | None = None) -> tuple[tuple[str, str], ...]:
        """Twins and properties with values in an episode, sorted.

        Raises:
            ConfigError: if the store is damaged.
        """
        rows = self._rows(queries.PROPERTIES, self._of(episode))
        if any(type(twin) is not str or type(name) is not str for twin, name in rows):
            raise damaged(self.path, "a name of a twin or a property is no text")
        return tuple(rows)

    def channel(self, twin: str, name: str, episode: int | None = None) -> int:
        """The number of a property of a twin, for `many_as_of`.

        Raises:
            UnknownNameError: if the property has no values.
        """
        return self._channel(self._key(twin, name, episode))[0]

    def value_as_of(
        self, twin: str, name: str, time_s: float, episode: int | None = None
    ) -> Number | None:
        """The value that was true last, at or before a time.

        Args:
            twin: id of the twin.
            name: name of the property.
            time_s: simulated seconds since the start of the episode.
            episode: number of the episode; None: the default one, see `episode`.

        Returns:
            The value; None if none of that time or before is kept. Of two of one time, the one that
            was appended last.

        Raises:
            UnknownNameError: if the property has no values.
            ConfigError: if the store is damaged.
        """
        at = number(time_s, _TIME)
        key = self._key(twin, name, episode)
        rows = self._rows(queries.VALUE_AS_OF, at, *key)
        if not rows:
            raise self._unknown(key)
        (kind, value), *_ = rows
        return None if value is None else self._value(value, kind, key)

    def known_as_of(
        self, twin: str, name: str, time_s: float, episode: int | None = None
    ) -> Known | None:
        """As `value_as_of`, with the time at which the value was true.

        Returns:
            Value and time; None if none of that time or before is kept.
        """
        key, until = self._key(twin, name, episode), number(time_s, _TIME)
        rows = self._rows(queries.KNOWN_AS_OF, *key, until)
        if not rows:
            return None
        kind, true_s, value = rows[0]
        self._check_finite([true_s], self._place(key))
        return Known(true_s, self._value(value, kind, key))

    def many_as_of(
        self, channels: Sequence[int] | NDArray[np.int64], times_s: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Values of many properties, each as of a time of its own, in one sweep over the table.

        Args:
            channels: see `channel`; shape (questions,).
            times_s: shape (questions,).

        Returns:
            As `value_as_of` would answer, as numbers; not a number where it says None.

        Raises:
            UnknownNameError: if a channel is none of this store.
            ConfigError: if the shapes differ, a time is not a number, or the store is damaged.
        """
        of, at = wholes_of(channels, "channels"), numbers_of(times_s, "times of questions")
        if of.shape != at.shape:
            raise ConfigError(
                f"each question has a channel and a time; got shapes {of.shape} and {at.shape}"
            )
        order = np.lexsort((at, of))  # neighbours lie on one page
        asked = zip(of[order].tolist(), at[order].tolist(), strict=True)
        found = np.full(len(of), np.nan)
        with self.one_moment():
            database = self._database
            database.execute(queries.QUESTIONS)
            database.execute("SAVEPOINT questions")
            try:
                database.executemany("INSERT INTO temp.question VALUES (?, ?)", asked)
                strange = database.execute(queries.STRANGE).fetchone()
                rows = database.execute(queries.MANY_AS_OF).fetchall()
            finally:
                database.execute("ROLLBACK TO questions")  # nothing was to be kept
                database.execute("RELEASE questions")
        if strange:
            raise UnknownNameError(
                f"store {str(self.path)!r} has no channel {strange[0]}: see `channel`"
            )
        self._check_finite([value for (value,) in rows if value is not None], "telemetry")
        found[order] = np.array(rows, np.float64).reshape(-1)
        return found

    def state_as_of(
        self, time_s: float, episode: int | None = None
    ) -> dict[tuple[str, str], Number]:
        """All values that were true last, at or before a time.

        Args:
            time_s: simulated seconds since the start of the episode.
            episode: number of the episode; None: the default one, see `episode`.

        Returns:
            By twin and property, those of which one is kept.

        Raises:
            ConfigError: if the store is damaged.
        """
        of = self._of(episode)
        return {
            (twin, name): self._value(value, kind, (of, twin, name))
            for twin, name, kind, value in self._rows(queries.STATE, number(time_s, _TIME), of)
            if value is not None
        }

    def series(
        self,
        twin: str,
        name: str,
        start_s: float = 0.0,
        end_s: float = float("inf"),
        episode: int | None = None,
    ) -> Series:
        """All values of a property from one time to another, both included.

        Args:
            twin: id of the twin.
            name: name of the property.
            start_s: simulated seconds since the start of the episode.
            end_s: likewise.
            episode: number of the episode; None: the default one, see `episode`.

        Returns:
            Times and values; of one time, in the order in which they were appended.

        Raises:
            UnknownNameError: if the property has no values.
            ConfigError: if the store is damaged.
        """
        key = self._key(twin, name, episode)
        span = number(start_s, _TIME), number(end_s, _TIME)
        with self.one_moment():
            channel, kind = self._channel(key)
            rows = self._rows(queries.SERIES, channel, *span)
        self._check_finite([one for row in rows for one in row], self._place(key))
        table = np.array(rows, np.float64).reshape(-1, 2)
        if kind != "double" and (table[:, 1] % 1.0).any():
            raise damaged(self.path, f"{self._place(key)} is a {kind} and has a fraction")
        return Series(table[:, 0].copy(), table[:, 1].astype(_DTYPES[kind]))

    def snapshot_as_of(self, time_s: float, episode: int | None = None) -> Snapshot | None:
        """The last snapshot at or before a time.

        Args:
            time_s: simulated seconds since the start of the episode.
            episode: number of the episode; None: the default one, see `episode`.

        Returns:
            The last snapshot that was taken by then; None if none is kept.

        Raises:
            ConfigError: if it was damaged.
        """
        rows = self._rows(queries.SNAPSHOT, self._of(episode), number(time_s, _TIME))
        return self._intact(unpacked, rows[0]) if rows else None

    def last_snapshots(self, count: int) -> tuple[Snapshot, ...]:
        """The history of a twin: the last graphs that were appended, of whichever episode.

        Args:
            count: at most so many.

        Returns:
            Snapshots, the oldest first.

        Raises:
            ConfigError: if one was damaged.
        """
        most = max(whole(count, "a number of snapshots", -MAX_WHOLE), 0)
        rows = self._rows(queries.LAST_SNAPSHOTS, most)
        return tuple(self._intact(unpacked, row) for row in reversed(rows))

    def decisions(self, episode: int | None = None) -> Iterator[Decisions]:
        """The logs of an episode, in the order in which they were appended.

        Args:
            episode: number of the episode; None: the default one, see `episode`.

        Yields:
            Decisions that follow one another.

        Raises:
            ConfigError: if one was damaged.
        """
        for row in self._walk(queries.DECISIONS, self._of(episode)):
            yield self._intact(from_row, row)

    def telemetry(self) -> Iterator[tuple[int, str, str, float, float]]:
        """All stored events.

        Yields:
            Episode, twin, property, seconds, value as a number; by channel, then by time.

        Raises:
            ConfigError: if the store is damaged.
        """
        wanted = (int, str, str, float, float)
        for row in self._walk(queries.TELEMETRY):
            if tuple(map(type, row)) != wanted or not math.isfinite(row[3] + row[4]):
                raise damaged(self.path, f"a row of telemetry, {shown(row)}")
            yield row

    def _walk(self, statement: str, *given: object) -> Iterator[tuple[Any, ...]]:
        """Rows one by one: one statement, and so of one moment."""
        with said_plainly(self.path):
            check_is_own(self._database, self.path)
            yield from self._database.execute(statement, given)
            check_is_still(self._database, self.path)

    def _rows(self, statement: str, *given: object) -> list[tuple[Any, ...]]:
        """All rows of one statement, which are of one moment; `given` are plain values."""
        database = self._database
        try:
            check_is_own(self._database, self.path)
            rows = database.execute(statement, given).fetchall()
            check_is_still(self._database, self.path)
        except (sqlite3.Error, UnicodeError, MemoryError) as error:
            raise plain_error(self.path, error) from None
        return rows

    def _of(self, episode: int | None) -> int:
        if episode is not None:
            return whole(episode, "the number of an episode")
        if self._episode is None:
            raise ConfigError(f"store {str(self.path)!r} has no episode yet: record one")
        return self._episode

    def _key(self, twin: str, name: str, episode: int | None) -> tuple[int, str, str]:
        told = text(twin, "the id of a twin"), text(name, "the name of a property")
        return self._of(episode), *told

    def _channel(self, key: tuple[int, str, str]) -> tuple[int, str]:
        """Number and kind of a property; read anew each time, for others may change the kind."""
        rows = self._rows(queries.CHANNEL, *key)
        if not rows:
            raise self._unknown(key)
        channel, kind = rows[0]
        if type(channel) is not int or kind not in _OF_KIND:
            raise damaged(self.path, f"{self._place(key)} is of the kind {shown(kind)}")
        return channel, kind

    def _unknown(self, key: tuple[int, str, str]) -> UnknownNameError:
        episode, twin, name = key
        known = [f"{one} {other}" for one, other in self.properties(episode)[:50]]
        return unknown_name(f"property of episode {episode}", f"{twin} {name}", known)

    def _value(self, value: object, kind: object, key: tuple[int, str, str]) -> Number:
        """A value as one of its kind, if it can be one."""
        if type(value) is float and kind in _OF_KIND and math.isfinite(value):
            found: Number = _OF_KIND[kind](value)
            if found == value:
                return found
        said = f"{self._place(key)} is of the kind {shown(kind)} and has the value {shown(value)}"
        raise damaged(self.path, said)

    def _check_finite(self, values: list[Any], where: str) -> None:
        if not set(map(type, values)) <= {float} or not np.isfinite(values).all():
            raise damaged(self.path, f"{where} has a value or a time that is no number")

    def _intact(self, made: Callable[..., Found], row: tuple[Any, ...]) -> Found:
        """A row, validated; errors name the damaged place."""
        try:
            return made(row)
        except ConfigError as error:
            raise damaged(self.path, error) from None

    @staticmethod
    def _place(key: tuple[int, str, str]) -> str:
        episode, twin, name = key
        return f"{shown(twin)} {shown(name)} of episode {episode}"
