"""Whether a store is as it was written."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from twin_gym.errors import ConfigError, unknown_name
from twin_gym.twins.history.decisions import from_row
from twin_gym.twins.history.kept import unpacked
from twin_gym.twins.history.opening import said_plainly
from twin_gym.twins.history.reading import HistoryReader
from twin_gym.twins.history.sums import row_sum, signed

Check = Literal["head", "pages", "all"]
_ROWS_AT_ONCE = 200_000
_AHEAD = (
    "SELECT 1 FROM telemetry JOIN channel ON channel.id = telemetry.channel "
    "JOIN episode ON episode.id = channel.episode WHERE number >= next_number LIMIT 1"
)


def check_store(database: sqlite3.Connection, path: Path, check: Check = "all") -> None:
    """Refuses a store that is damaged.

    Args:
        database: a connection to it.
        path: of it.
        check: `head`: what makes it a store, and no more. `pages`: the form of every page, so that
            a truncated or overwritten file is found; takes about a second a gigabyte. `all`: that,
            and that indices agree with tables and every value is the one that was written, by its
            check sums; takes about a second a million rows.

    Raises:
        ConfigError: with what is wrong.
    """
    if check not in get_args(Check):
        raise unknown_name("check of a store", str(check), get_args(Check))
    if check == "head":
        return
    with said_plainly(path):
        kind = "PRAGMA integrity_check(1)" if check == "all" else "PRAGMA quick_check(1)"
        (said,) = database.execute(kind).fetchone()
        if said != "ok":
            raise ConfigError(
                f"store {str(path)!r} is damaged: {said!s:.200}; restore it from a copy, or record "
                "the episodes anew"
            )
        if check == "all":
            _check_values(database, path)


def _check_values(database: sqlite3.Connection, path: Path) -> None:
    try:
        HistoryReader(database, path).episodes()
        for row in database.execute("SELECT episode, time_s, check_sum, content FROM snapshot"):
            unpacked(*row)
        for row in database.execute(
            "SELECT episode, num_steps, is_end, check_sum, times_s, observations, masks, actions, "
            "rewards, elapsed_s, fields, choices, amounts FROM decisions"
        ):
            from_row(row)
        wanted = {
            episode: (count, total)
            for episode, count, total in database.execute(
                "SELECT id, num_rows, row_sum FROM episode"
            )
        }
        if _counted(database, set(wanted)) != wanted or database.execute(_AHEAD).fetchone():
            raise ConfigError("its telemetry is not what was written")
    except ConfigError as error:
        raise ConfigError(
            f"store {str(path)!r} is damaged: {error}; restore it from a copy, or record the "
            "episodes anew"
        ) from None


def _counted(database: sqlite3.Connection, episodes: set[int]) -> dict[int | None, tuple[int, int]]:
    """Rows and their sum by episode; rows of no episode are of None."""
    found: dict[int | None, tuple[int, int]] = dict.fromkeys(episodes, (0, 0))
    owners = dict(database.execute("SELECT id, episode FROM channel"))
    cursor = database.execute("SELECT channel, time_s, number, value FROM telemetry")
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        of, times_s, numbers, values = zip(*rows, strict=True)
        channels = np.array(of, np.int64)
        known = np.array([owners.get(one, -1) for one in of], np.int64)
        for episode in np.unique(known).tolist():
            here = known == episode
            total = row_sum(
                channels[here], np.array(times_s)[here], np.array(numbers, np.int64)[here],
                np.array(values)[here],
            )  # fmt: skip
            key = episode if episode >= 0 else None
            count, before = found.get(key, (0, 0))
            found[key] = count + int(here.sum()), signed(before + total)
    return found
