"""Limits of a store: old data are dropped in the transaction that adds new data."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from twin_gym.errors import ConfigError
from twin_gym.twins.history.checksums import row_sum, signed
from twin_gym.twins.history.records import to_columns
from twin_gym.twins.plain import whole

_MOST = 2**62
_AT_ONCE = 10  # a part of `max_rows` that is dropped at once, so that it is not dropped every time


@dataclass(frozen=True)
class Retention:
    """Limits on the content of a store; None: no limit.

    Attributes:
        max_snapshots: maximum number of snapshots, over all episodes.
        max_episodes: maximum number of episodes, with all their data.
        max_rows: maximum number of telemetry rows. The oldest are dropped first, by episode, then
            by time, and at least a tenth of the limit at once.

    Raises:
        ConfigError: if a limit is not a positive integer.
    """

    max_snapshots: int | None = None
    max_episodes: int | None = None
    max_rows: int | None = None

    def __post_init__(self) -> None:
        """Checks the limits."""
        for name in ("max_snapshots", "max_episodes", "max_rows"):
            limit = getattr(self, name)
            if limit is not None:
                object.__setattr__(
                    self, name, whole(limit, f"`{name}` (or None: everything)", 1, _MOST)
                )


def drop_old(database: sqlite3.Connection, kept: Retention) -> bool:
    """Drops data beyond the limits, within the running transaction.

    Args:
        database: connection to the store.
        kept: the limits.

    Returns:
        Whether episodes were dropped.

    Raises:
        ConfigError: if data to be dropped are damaged.
    """
    if kept.max_snapshots is not None:
        database.execute(
            "DELETE FROM snapshot WHERE id <= "
            "(SELECT id FROM snapshot ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (kept.max_snapshots,),
        )
    dropped = []
    if kept.max_episodes is not None:
        dropped = database.execute(
            "SELECT id FROM episode ORDER BY id DESC LIMIT -1 OFFSET ?", (kept.max_episodes,)
        ).fetchall()
        for (episode,) in dropped:
            _drop_episode(database, episode)
    if kept.max_rows is not None:
        _drop_rows(database, kept.max_rows)
    return bool(dropped)


def _drop_episode(database: sqlite3.Connection, episode: int) -> None:
    _drop_telemetry(database, episode)
    for statement in (
        "DELETE FROM channel WHERE episode = ?",
        "DELETE FROM snapshot WHERE episode = ?",
        "DELETE FROM decisions WHERE episode = ?",
        "DELETE FROM episode WHERE id = ?",
    ):
        database.execute(statement, (episode,))


def _drop_telemetry(database: sqlite3.Connection, episode: int) -> None:
    database.execute(
        "DELETE FROM telemetry WHERE channel IN (SELECT id FROM channel WHERE episode = ?)",
        (episode,),
    )
    database.execute("UPDATE episode SET num_rows = 0, row_sum = 0 WHERE id = ?", (episode,))


def _drop_rows(database: sqlite3.Connection, max_rows: int) -> None:
    episodes = database.execute(
        "SELECT id, num_rows FROM episode WHERE num_rows > 0 ORDER BY id"
    ).fetchall()
    if any(type(count) is not int for _, count in episodes):
        raise ConfigError("the rows of an episode are counted by something that is no number")
    total = sum(count for _, count in episodes)
    if total <= max_rows:
        return
    excess = total - (max_rows - max_rows // _AT_ONCE)
    for episode, count in episodes:
        if count > excess:
            _drop_first_rows(database, episode, excess)
            return
        _drop_telemetry(database, episode)
        excess -= count
        if excess == 0:
            return


def _drop_first_rows(database: sqlite3.Connection, episode: int, count: int) -> None:
    """The first rows of an episode by time; of one time, those that were sent first."""
    rows = database.execute(
        "SELECT channel, time_s, number, value FROM telemetry "
        "WHERE channel IN (SELECT id FROM channel WHERE episode = ?) "
        "ORDER BY time_s, number LIMIT ?",
        (episode, count),
    ).fetchall()
    (before,) = database.execute("SELECT row_sum FROM episode WHERE id = ?", (episode,)).fetchone()
    if len(rows) != count or type(before) is not int:
        raise ConfigError(f"the counts of episode {episode} are not those of its rows")
    gone = row_sum(*to_columns(rows))
    database.executemany(
        "DELETE FROM telemetry WHERE channel = ? AND time_s = ? AND number = ?",
        [row[:3] for row in rows],
    )
    database.execute(
        "UPDATE episode SET num_rows = num_rows - ?, row_sum = ? WHERE id = ?",
        (len(rows), signed(before - gone), episode),
    )
