"""Checks of the integrity of a store."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError, unknown_name
from twin_gym.twins.history.checksums import row_sum, signed
from twin_gym.twins.history.connection import damaged, one_moment, said_plainly
from twin_gym.twins.history.decisions import from_row
from twin_gym.twins.history.reading import HistoryReader
from twin_gym.twins.history.records import to_columns, unpacked
from twin_gym.twins.plain import shown

Check = Literal["head", "pages", "all"]
_ROWS_AT_ONCE = 200_000
_AHEAD = (
    "SELECT 1 FROM telemetry JOIN channel ON channel.id = telemetry.channel "
    "JOIN episode ON episode.id = channel.episode WHERE number >= next_number LIMIT 1"
)


def check_store(database: sqlite3.Connection, path: Path, check: Check = "all") -> None:
    """Checks that a store is not damaged.

    Args:
        database: a connection to the store.
        path: path of the store.
        check: `head` checks only the header. `pages` also checks the structure of every page, which
            finds truncated and overwritten files, in about a second per gigabyte. `all` also checks
            that indices agree with tables, and every value by its checksum, in about a second per
            million rows.

    Raises:
        ConfigError: if it is damaged; the message says how.
    """
    if not isinstance(check, str) or check not in get_args(Check):
        raise unknown_name(
            "check of a store",
            str(check)[:80] if isinstance(check, str) else shown(check),
            get_args(Check),
        )
    if check == "head":
        return
    with said_plainly(path), one_moment(database):
        kind = "PRAGMA integrity_check" if check == "all" else "PRAGMA quick_check"
        said, *_ = database.execute(kind).fetchone()
        if said != "ok":
            raise damaged(path, said)
        try:
            _channels(database)  # of a file that is only read, SQLite checks no kinds
            if check == "all":
                _check_values(database, path)
        except _DamageError as error:
            raise damaged(path, error) from None


class _DamageError(Exception):
    """A part of a store is not as it was written."""


def _check_values(database: sqlite3.Connection, path: Path) -> None:
    HistoryReader(database, path).episodes()
    for made, statement in (
        (unpacked, "SELECT episode, time_s, check_sum, content FROM snapshot"),
        (
            from_row,
            "SELECT episode, num_steps, is_end, check_sum, times_s, observations, masks, actions, "
            "rewards, elapsed_s, fields, choices, amounts FROM decisions",
        ),
    ):
        for row in database.execute(statement):
            try:
                made(row)
            except ConfigError as error:
                raise _DamageError(str(error)) from None
    wanted = {
        episode: (count, total)
        for episode, count, total in database.execute("SELECT id, num_rows, row_sum FROM episode")
    }
    found = _counted(database, set(wanted))
    for episode in [*wanted, *(found.keys() - wanted.keys())]:
        if found.get(episode) != wanted.get(episode):
            of = "no episode" if episode is None else f"episode {episode}"
            raise _DamageError(f"the telemetry of {of} is not what was written")
    if database.execute(_AHEAD).fetchone():
        raise _DamageError("the numbers of its telemetry are not what was written")


def _counted(database: sqlite3.Connection, episodes: set[int]) -> dict[int | None, tuple[int, int]]:
    """Number of rows and their checksum by episode; None for rows without an episode."""
    found: dict[int | None, tuple[int, int]] = dict.fromkeys(episodes, (0, 0))
    owners, kinds = _channels(database)
    cursor = database.execute("SELECT channel, time_s, number, value FROM telemetry")
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        try:
            of, times_s, numbers, values = to_columns(rows)
        except ConfigError as error:
            raise _DamageError(str(error)) from None
        _check_kinds(kinds, of, values)
        known = np.array([owners.get(one, -1) for one in of.tolist()], np.int64)
        for episode in np.unique(known).tolist():
            here = known == episode
            total = row_sum(of[here], times_s[here], numbers[here], values[here])
            key = episode if episode >= 0 else None
            count, before = found.get(key, (0, 0))
            found[key] = count + int(here.sum()), signed(before + total)
    return found


def _channels(database: sqlite3.Connection) -> tuple[dict[int, int], dict[int, str]]:
    """Episode and kind of each channel."""
    rows = database.execute("SELECT id, episode, kind FROM channel").fetchall()
    for channel, episode, kind in rows:
        if kind not in ("double", "long", "boolean"):
            raise _DamageError(
                f"channel {shown(channel)} of episode {shown(episode)} is of the kind {shown(kind)}"
            )
    return {one[0]: one[1] for one in rows}, {one[0]: one[2] for one in rows}


def _check_kinds(kinds: dict[int, str], of: NDArray[Any], values: NDArray[Any]) -> None:
    """Checks that values match the kind of their channel, which has no checksum."""
    wrong = {"long": values % 1.0 != 0.0, "boolean": (values != 0.0) & (values != 1.0)}
    for kind, is_wrong in wrong.items():
        for channel in np.unique(of[is_wrong]).tolist():
            if kinds.get(channel) == kind:
                raise _DamageError(f"channel {channel}, of the kind {kind}, has another value")
