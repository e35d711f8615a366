"""The historical store, opened for writing: appends are atomic and durable."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError
from twin_gym.scenario import to_toml
from twin_gym.scenario.base import MAX_TIME_S, Scenario
from twin_gym.twins.history.checking import Check, check_store
from twin_gym.twins.history.checksums import check_sum, row_sum, signed
from twin_gym.twins.history.connection import connect, create, damaged, is_within, said_plainly
from twin_gym.twins.history.decisions import Decisions, to_row
from twin_gym.twins.history.linked import check_is_own
from twin_gym.twins.history.reading import HistoryReader
from twin_gym.twins.history.records import KIND_OF_TYPE, MAX_TEXT, event_columns, packed
from twin_gym.twins.history.retention import Retention, drop_old
from twin_gym.twins.plain import (
    file_path,
    listed,
    number,
    numbers_of,
    plain,
    shown,
    text,
    whole,
    wholes_of,
)
from twin_gym.twins.realtime.events import Event
from twin_gym.twins.realtime.model import MAX_LONG
from twin_gym.twins.realtime.snapshot import Snapshot

MAX_BYTES = 64 * 2**30
MAX_EVENTS = 10_000_000
MAX_NUMBER = 2**62
"""Most events that an episode ever had."""

_INSERT_SNAPSHOT = "INSERT INTO snapshot (episode, time_s, check_sum, content) VALUES (?, ?, ?, ?)"
_INSERT_DECISIONS = (
    "INSERT INTO decisions (episode, num_steps, is_end, check_sum, times_s, observations, masks, "
    "actions, rewards, elapsed_s, fields, choices, amounts) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class HistoryStore(HistoryReader):
    """A store that is open for writing, by one process at a time (see `open_store`).

    Every writing method is a transaction. When it returns, its data are durable, even if the
    process is killed or the power fails; if it raises, nothing is written.

    Args:
        database: a connection to a store.
        path: path of the store.
        retention: limits of the store.
    """

    def __init__(self, database: sqlite3.Connection, path: Path, retention: Retention) -> None:
        super().__init__(database, path)
        self.retention = retention
        self._ids: dict[tuple[str, str, type], int] = {}  # of the channels of an episode
        self._ids_of = self._version = -1

    def begin_episode(
        self, scenario: Scenario, seed: int, *, policy: str = "", action: str = ""
    ) -> int:
        """Begins an episode, which becomes the default of all methods.

        Args:
            scenario: the running scenario.
            seed: seed of its world.
            policy: name of the policy.
            action: form of the actions.

        Returns:
            Number of the episode.

        Raises:
            ConfigError: if a text is too long, or the store cannot be written to.
        """
        if not isinstance(scenario, Scenario):
            raise ConfigError(f"what runs is a scenario (see `load`), got {shown(scenario)}")
        told = (
            scenario.kind, scenario.name, scenario.digest, to_toml(scenario),
            whole(seed, "the seed of a world"), text(policy, "the name of a policy", 0, MAX_TEXT),
            text(action, "the form of actions", 0, MAX_TEXT),
        )  # fmt: skip
        with self._transaction() as database:
            episode = database.execute(
                "INSERT INTO episode (kind, scenario, digest, toml, seed, policy, action, "
                "check_sum, next_number, num_rows, row_sum) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0)",
                told,
            ).lastrowid
            database.execute(
                "UPDATE episode SET check_sum = ? WHERE id = ?",
                (check_sum([episode, *told]), episode),
            )
        self.episode = episode
        return int(episode or 0)

    def append(
        self,
        events: Iterable[Event] = (),
        *,
        snapshots: Iterable[Snapshot] = (),
        decisions: Iterable[Decisions] = (),
    ) -> None:
        """Appends a batch to the episode atomically.

        Args:
            events: events with numbers and booleans, late ones included, in any order.
            snapshots: snapshots, in the order in which they were taken.
            decisions: decision logs, in order.

        Raises:
            ConfigError: if no episode has begun, a value is invalid, or the store cannot be written
                to.
        """
        episode = self._of(None)
        several = event_columns(listed(events, "events"))
        taken = [packed(one, episode) for one in listed(snapshots, "snapshots", Snapshot)]
        logs = [to_row(one, episode) for one in listed(decisions, "decisions", Decisions)]
        with self._transaction() as database:
            if several:
                times_s, twins, names, values = several
                self._insert(
                    episode,
                    np.array(self._channels_of(episode, twins, names, values), np.int64),
                    np.array(times_s, np.float64),
                    np.array(values, np.float64),
                )
            self._check_is_kept(episode)
            database.executemany(_INSERT_SNAPSHOT, taken)
            database.executemany(_INSERT_DECISIONS, logs)

    def add_channel(self, twin: str, name: str, kind: str = "double") -> int:
        """The channel number of a property of the episode; creates the channel if necessary.

        Args:
            twin: id of the twin.
            name: name of the property.
            kind: `double`, `long` or `boolean`.

        Returns:
            The channel, for `append_columns` and `many_as_of`.

        Raises:
            ConfigError: if it has another kind, or the store cannot be written to.
        """
        told = plain(kind)
        if not isinstance(told, str) or told not in KIND_OF_TYPE.values():
            raise ConfigError(
                f"the kind of a channel is double, long or boolean; got {shown(kind)}"
            )
        key = self._key(twin, name, None)
        with self._transaction():
            self._check_is_kept(key[0])
            number, found = self._made(*key, told)
        if found != told:
            raise ConfigError(f"{twin!r} {name!r} is a {found}, not a {told}")
        return number

    def append_columns(
        self,
        channels: NDArray[np.int64],
        times_s: NDArray[np.float64],
        values: NDArray[np.float64],
    ) -> None:
        """Like `append`, for events given as columns.

        Args:
            channels: channels of this episode, see `add_channel`; shape (events,).
            times_s: times, 0 or more; shape (events,).
            values: finite values; shape (events,).

        Raises:
            ConfigError: if the shapes differ, a number is out of range, or a channel is not of this
                episode.
        """
        episode = self._of(None)
        of, at = wholes_of(channels, "channels"), numbers_of(times_s, "times of events")
        found = numbers_of(values, "values of events")
        if not of.shape == at.shape == found.shape:
            raise ConfigError("channels, times and values are columns of one length")
        _check_rows(at, found)
        with self._transaction() as database:
            own = dict(
                database.execute("SELECT id, kind FROM channel WHERE episode = ?", (episode,))
            )
            strange = set(np.unique(of).tolist()) - own.keys()
            if strange:
                raise ConfigError(
                    f"{sorted(strange)[:5]} are no channels of episode {episode}: see `add_channel`"
                )
            whole_ones = [number for number, kind in own.items() if kind != "double"]
            told = found[np.isin(of, whole_ones)]
            if (told % 1.0 != 0.0).any() or (np.abs(told) > MAX_LONG).any():
                raise ConfigError(
                    "a channel of the kind long or boolean was given a fraction, or more than 2^53"
                )
            is_boolean = np.isin(of, [number for number, kind in own.items() if kind == "boolean"])
            if (is_boolean & (found != 0.0) & (found != 1.0)).any():
                raise ConfigError("a channel of the kind boolean was given more than 0 and 1")
            self._insert(episode, of, at, found)

    def _insert(
        self,
        episode: int,
        channels: NDArray[np.int64],
        times_s: NDArray[np.float64],
        values: NDArray[np.float64],
    ) -> None:
        """Rows in the order of the table, which spares its pages; counts and sum with them."""
        count = len(channels)
        _check_rows(times_s, values)
        database = self._database
        first, before = self._check_is_kept(episode)
        numbers = np.arange(first, first + count, dtype=np.int64)
        order = np.lexsort((numbers, times_s, channels))
        columns = (channels[order], times_s[order], numbers[order], values[order])
        database.executemany(
            "INSERT INTO telemetry VALUES (?, ?, ?, ?)",
            zip(*(column.tolist() for column in columns), strict=True),
        )
        database.execute(
            "UPDATE episode SET next_number = ?, num_rows = num_rows + ?, row_sum = ? WHERE id = ?",
            (first + count, count, signed(before + row_sum(*columns)), episode),
        )

    def _check_is_kept(self, episode: int) -> tuple[int, int]:
        """Number of the next event and sum of an episode that is still there."""
        row = self._database.execute(
            "SELECT next_number, row_sum FROM episode WHERE id = ?", (episode,)
        ).fetchone()
        if row is None:
            raise ConfigError(f"episode {episode} is not kept any more: begin another")
        if tuple(map(type, row)) != (int, int) or not 0 <= row[0] < MAX_NUMBER:
            raise damaged(self.path, f"the counts of episode {episode}, {shown(row)}")
        return row[0], row[1]

    def _channels_of(
        self, episode: int, twins: Sequence[str], names: Sequence[str], values: Sequence[Any]
    ) -> list[int]:
        """The channel of each event; new ones are made."""
        if self._ids_of != episode:
            self._ids, self._ids_of = {}, episode
        known = self._ids
        kinds = list(map(type, values))
        if int in kinds and any(type(one) is int and abs(one) > MAX_LONG for one in values):
            raise ConfigError("a store keeps whole numbers up to 2^53, and was given a larger one")
        keys = list(zip(twins, names, kinds, strict=True))
        found = [known.get(key) for key in keys]
        if None not in found:
            return cast("list[int]", found)
        # In the order in which they came: the same events make the same store in every process.
        for twin, name, kind in [key for key in dict.fromkeys(keys) if key not in known]:
            if kind not in KIND_OF_TYPE:
                raise ConfigError(
                    f"a store keeps floats, whole numbers and booleans; {twin!r} {name!r} is a "
                    f"{kind.__name__}"
                )
            known[twin, name, kind] = self._made(episode, twin, name, KIND_OF_TYPE[kind])[0]
        return [known[key] for key in keys]

    def _made(self, episode: int, twin: str, name: str, kind: str) -> tuple[int, str]:
        """Number and kind of a channel; whole numbers become floats where a float comes."""
        database, key = self._database, (episode, twin, name)
        row = database.execute(
            "SELECT id, kind FROM channel WHERE episode = ? AND twin = ? AND property = ?", key
        ).fetchone()
        if row is None:
            text(twin, "the id of a twin", 1, MAX_TEXT)
            text(name, "the name of a property", 1, MAX_TEXT)
            number = database.execute(
                "INSERT INTO channel (episode, twin, property, kind) VALUES (?, ?, ?, ?)",
                (*key, kind),
            ).lastrowid
            found = int(number or 0), kind
        else:
            found = int(row[0]), str(row[1])
        if (found[1], kind) == ("long", "double"):
            database.execute("UPDATE channel SET kind = 'double' WHERE id = ?", (found[0],))
            found = found[0], kind
        if found[1] != kind and (found[1], kind) != ("double", "long"):
            raise ConfigError(f"{twin!r} {name!r} is a {found[1]}; a {kind} came")
        return found

    def _drop_old(self) -> bool:
        try:
            return drop_old(self._database, self.retention)
        except ConfigError as error:
            raise damaged(self.path, error) from None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Committed with what is old dropped, or rolled back; what is remembered goes with it."""
        database = self._database
        with said_plainly(self.path):
            if is_within(database):
                raise ConfigError(
                    f"store {str(self.path)!r} is being read as of one moment (see `one_moment`): "
                    "append when that is over"
                )
            check_is_own(database, self.path)
            try:
                database.execute("BEGIN IMMEDIATE")
                (version,) = database.execute("PRAGMA data_version").fetchone()
                if version != self._version:  # another process has written
                    self._ids, self._version = {}, version
                yield database
                if self._drop_old():
                    self._ids.clear()
                database.execute("COMMIT")
            except BaseException:
                self._ids.clear()
                if is_within(database):
                    database.execute("ROLLBACK")
                raise


def _check_rows(times_s: NDArray[np.float64], values: NDArray[np.float64]) -> None:
    count = len(times_s)
    if count > MAX_EVENTS:
        raise ConfigError(f"a batch has at most {MAX_EVENTS:,} events, got {count:,}: cut it")
    if not ((times_s >= 0.0) & (times_s <= MAX_TIME_S) & np.isfinite(values)).all():
        raise ConfigError(f"events have times of 0 to {MAX_TIME_S:g} s and finite values")


def open_store(
    path: str | Path,
    *,
    retention: Retention | None = None,
    max_bytes: int = MAX_BYTES,
    check: Check = "pages",
) -> HistoryStore:
    """Opens a store for writing; creates it if it does not exist.

    Args:
        path: path of the file; two more files (`-wal`, `-shm`) belong to it while it is open.
        retention: limits of the store; None: no limits.
        max_bytes: maximum size of the file; appending more raises an error.
        check: extent of the integrity check; see `check_store`.

    Returns:
        The store; use it as a context manager, or close it.

    Raises:
        ConfigError: if the file is not a store, of another version, or damaged.
    """
    most = number(max_bytes, "`max_bytes` of a store, in bytes,", 1.0, 2.0**62)
    if retention is not None and not isinstance(retention, Retention):
        raise ConfigError(f"`retention` is a `Retention` or None, got {shown(retention)}")
    found = file_path(path, "the path of a store")
    if not found.exists():
        create(found)
    database = _opened(found, read_only=False, max_bytes=int(most), check=check)
    return HistoryStore(database, found, retention or Retention())


def read_store(path: str | Path, *, check: Check = "pages") -> HistoryReader:
    """Opens a store for reading; another process may write to it meanwhile.

    Args:
        path: path of the file.
        check: extent of the integrity check; see `check_store`.

    Returns:
        The store; use it as a context manager, or close it.

    Raises:
        ConfigError: if the file does not exist, is not a store, of another version, or damaged.
    """
    found = file_path(path, "the path of a store")
    if not found.is_file():
        raise ConfigError(f"there is no store {str(found)!r}: `open_store` makes one")
    return HistoryReader(_opened(found, read_only=True, max_bytes=1, check=check), found)


def _opened(path: Path, **arguments: Any) -> sqlite3.Connection:
    if not path.is_file():
        raise ConfigError(f"{str(path)!r} is no file: give another path")
    check = arguments.pop("check")
    database = connect(path, **arguments)
    try:
        check_store(database, path, check)
    except BaseException:
        database.close()
        raise
    return database
