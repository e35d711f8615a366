"""What a store is asked: values, graphs and decisions, as of a time or over a stretch of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError, unknown_name
from twin_gym.twins.history.decisions import Decisions, from_row
from twin_gym.twins.history.kept import Episode, Series, unpacked
from twin_gym.twins.history.opening import plain_error, said_plainly
from twin_gym.twins.history.sums import check_sum
from twin_gym.twins.realtime.snapshot import Snapshot

VALUE_AS_OF = (
    "SELECT value FROM telemetry WHERE channel = ? AND time_s <= ? "
    "ORDER BY time_s DESC, number DESC LIMIT 1"
)
_MANY_AS_OF = (
    "SELECT (SELECT value FROM telemetry WHERE channel = question.channel AND "
    "time_s <= question.time_s ORDER BY time_s DESC, number DESC LIMIT 1) "
    "FROM temp.question AS question ORDER BY question.rowid"
)
_QUESTIONS = "CREATE TEMP TABLE IF NOT EXISTS question (channel INTEGER, time_s REAL)"
_STATE = (
    "SELECT twin, property, kind, (SELECT value FROM telemetry WHERE channel = channel.id "
    "AND time_s <= ? ORDER BY time_s DESC, number DESC LIMIT 1) FROM channel WHERE episode = ?"
)
_EPISODES = (
    "SELECT id, kind, scenario, digest, toml, seed, policy, action, num_rows, check_sum "
    "FROM episode ORDER BY id"
)

Number = float | int | bool
_OF_KIND: dict[str, Any] = {"double": float, "long": int, "boolean": bool}
_DTYPES: dict[str, Any] = {"double": np.float64, "long": np.int64, "boolean": np.bool_}


class HistoryReader:
    """A store that is only read; another process may write to it meanwhile.

    Use it as a context, or close it.

    Args:
        database: a connection to a store.
        path: of it.

    Attributes:
        path: of the file.
        episode: the one that questions are about unless they name another: the last one when the
            store was opened, or None if there was none. May be set.
    """

    def __init__(self, database: sqlite3.Connection, path: Path) -> None:
        self.path = path
        self._database = database
        self._channels: dict[tuple[int | None, str, str], tuple[int, str]] = {}
        with said_plainly(path):
            self.episode: int | None = database.execute("SELECT max(id) FROM episode").fetchone()[0]

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
        """Lets go of the file; doing it again changes nothing."""
        self._database.close()

    def episodes(self) -> tuple[Episode, ...]:
        """All that are kept, the oldest first.

        Raises:
            ConfigError: if one was damaged.
        """
        with said_plainly(self.path):
            rows = self._database.execute(_EPISODES).fetchall()
        for *told, total in rows:
            if check_sum(told[:-1]) != total:
                raise ConfigError(f"store {str(self.path)!r}: episode {told[0]} is damaged")
        return tuple(Episode(*told) for *told, _ in rows)

    def properties(self, episode: int | None = None) -> tuple[tuple[str, str], ...]:
        """Twin and property of everything that is told of in an episode, sorted."""
        with said_plainly(self.path):
            return tuple(
                self._database.execute(
                    "SELECT twin, property FROM channel WHERE episode = ? ORDER BY 1, 2",
                    (self._of(episode),),
                )
            )

    def channel(self, twin: str, name: str, episode: int | None = None) -> int:
        """The number of a property of a twin, for `many_as_of`.

        Raises:
            UnknownNameError: if nothing was ever told of it.
        """
        return self._channel(twin, name, episode)[0]

    def value_as_of(
        self, twin: str, name: str, time_s: float, episode: int | None = None
    ) -> Number | None:
        """The value that was true last, at or before a time.

        Args:
            twin: whose.
            name: of the property.
            time_s: simulated seconds since the start of the episode.
            episode: of the store; None: see `episode`.

        Returns:
            The value; None if none of that time or before is kept. Of two of one time, the one that
            was appended last.

        Raises:
            UnknownNameError: if nothing was ever told of the property.
            ConfigError: if the store is damaged.
        """
        chosen = self.episode if episode is None else episode
        found = self._channels.get((chosen, twin, name))
        number, kind = self._channel(twin, name, episode) if found is None else found
        try:
            row = self._database.execute(VALUE_AS_OF, (number, time_s)).fetchone()
        except sqlite3.Error as error:
            raise plain_error(self.path, error) from None
        if row is None:
            return None
        value: Number = row[0] if kind == "double" else _OF_KIND[kind](row[0])
        return value

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
            ConfigError: if the shapes differ, a time is not a number, or the store is damaged.
        """
        of, at = np.asarray(channels, np.int64), np.asarray(times_s, np.float64)
        if of.shape != at.shape or of.ndim != 1 or np.isnan(at).any():
            raise ConfigError(
                f"each question has a channel and a time; got shapes {of.shape} and {at.shape}"
            )
        order = np.lexsort((at, of))  # neighbours lie on one page
        asked = zip(of[order].tolist(), at[order].tolist(), strict=True)
        database = self._database
        found = np.full(len(of), np.nan)
        with said_plainly(self.path):
            database.execute(_QUESTIONS)
            database.execute("BEGIN")
            try:
                database.executemany("INSERT INTO temp.question VALUES (?, ?)", asked)
                rows = database.execute(_MANY_AS_OF).fetchall()
            finally:
                database.execute("ROLLBACK")  # nothing was to be kept
        found[order] = np.array(rows, np.float64).reshape(-1)
        return found

    def state_as_of(
        self, time_s: float, episode: int | None = None
    ) -> dict[tuple[str, str], Number]:
        """All values that were true last, at or before a time.

        Args:
            time_s: simulated seconds since the start of the episode.
            episode: of the store; None: see `episode`.

        Returns:
            By twin and property, those of which one is kept.
        """
        with said_plainly(self.path):
            rows = self._database.execute(_STATE, (time_s, self._of(episode))).fetchall()
        return {
            (twin, name): _OF_KIND[kind](value)
            for twin, name, kind, value in rows
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
            twin: whose.
            name: of the property.
            start_s: simulated seconds since the start of the episode.
            end_s: likewise.
            episode: of the store; None: see `episode`.

        Returns:
            Times and values; of one time, in the order in which they were appended.

        Raises:
            UnknownNameError: if nothing was ever told of the property.
        """
        number, kind = self._channel(twin, name, episode)
        with said_plainly(self.path):
            rows = self._database.execute(
                "SELECT time_s, value FROM telemetry WHERE channel = ? AND time_s BETWEEN ? AND ? "
                "ORDER BY time_s, number",
                (number, start_s, end_s),
            ).fetchall()
        table = np.array(rows, np.float64).reshape(-1, 2)
        return Series(table[:, 0].copy(), table[:, 1].astype(_DTYPES[kind]))

    def snapshot_as_of(self, time_s: float, episode: int | None = None) -> Snapshot | None:
        """The graph as it was known last, at or before a time.

        Args:
            time_s: simulated seconds since the start of the episode.
            episode: of the store; None: see `episode`.

        Returns:
            The last snapshot that was taken by then; None if none is kept.

        Raises:
            ConfigError: if it was damaged.
        """
        with said_plainly(self.path):
            row = self._database.execute(
                "SELECT episode, time_s, check_sum, content FROM snapshot "
                "WHERE episode = ? AND time_s <= ? ORDER BY time_s DESC, id DESC LIMIT 1",
                (self._of(episode), time_s),
            ).fetchone()
        return None if row is None else unpacked(*row)

    def last_snapshots(self, count: int) -> tuple[Snapshot, ...]:
        """The history of a twin: the last graphs that were appended, of whichever episode.

        Args:
            count: at most so many.

        Returns:
            Snapshots, the oldest first.

        Raises:
            ConfigError: if one was damaged.
        """
        with said_plainly(self.path):
            rows = self._database.execute(
                "SELECT episode, time_s, check_sum, content FROM snapshot ORDER BY id DESC LIMIT ?",
                (max(count, 0),),
            ).fetchall()
        return tuple(unpacked(*row) for row in reversed(rows))

    def decisions(self, episode: int | None = None) -> Iterator[Decisions]:
        """The logs of an episode, in the order in which they were appended.

        Args:
            episode: of the store; None: see `episode`.

        Yields:
            Decisions that follow one another.

        Raises:
            ConfigError: if one was damaged.
        """
        with said_plainly(self.path):
            rows = self._database.execute(
                "SELECT episode, num_steps, is_end, check_sum, times_s, observations, masks, "
                "actions, rewards, elapsed_s, fields, choices, amounts FROM decisions "
                "WHERE episode = ? ORDER BY id",
                (self._of(episode),),
            )
            for row in rows:
                yield from_row(row)

    def telemetry(self) -> Iterator[tuple[int, str, str, float, float]]:
        """Everything that is kept, event by event.

        Yields:
            Episode, twin, property, seconds, value as a number; by channel, then by time.
        """
        with said_plainly(self.path):
            yield from self._database.execute(
                "SELECT episode, twin, property, time_s, value FROM telemetry "
                "JOIN channel ON channel.id = telemetry.channel "
                "ORDER BY telemetry.channel, time_s, number"
            )

    def _of(self, episode: int | None) -> int:
        chosen = self.episode if episode is None else episode
        if chosen is None:
            raise ConfigError(f"store {str(self.path)!r} has no episode yet: record one")
        return chosen

    def _channel(self, twin: str, name: str, episode: int | None) -> tuple[int, str]:
        """Number and kind of a property, from memory or from the store."""
        chosen = self._of(episode)
        key = chosen, twin, name
        found = self._channels.get(key)
        if found is None:
            with said_plainly(self.path):
                row = self._database.execute(
                    "SELECT id, kind FROM channel WHERE episode = ? AND twin = ? AND property = ?",
                    key,
                ).fetchone()
            if row is None:
                known = [f"{twin} {name}" for twin, name in self.properties(chosen)[:50]]
                raise unknown_name(f"property of episode {chosen}", f"{twin} {name}", known)
            found = self._channels[key] = row[0], row[1]
        return found
