"""Connections to stores, each of one process and to one file: others are refused, not answered.

SQLite's locks do not go through a fork, and its log goes by the name of the file: what is written
by a child whose parent closed the store, or after another file got the name, would be lost and said
to be kept, or spoil the other file (https://www.sqlite.org/howtocorrupt.html).
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from twin_gym.errors import ConfigError


class Own(sqlite3.Connection):
    """Knows the process and the file that it belongs to."""

    _process = 0
    _at = ""
    _file: tuple[int, int] | None = None

    def belong_to(self, path: Path) -> None:
        """Belongs to this process and this file from now on."""
        self._process, self._at = os.getpid(), str(path.absolute())
        self._file = _file_of(self._at)

    def check(self) -> None:
        """Refuses another process, and a file that has not its name any more.

        Raises:
            ConfigError: if this is a fork of the process that opened it, or the file was removed,
                moved or replaced.
        """
        if self._process != os.getpid():
            raise ConfigError(
                f"store {self._at!r} was opened before this process was forked, and belongs to the "
                "one that opened it: open it again in this one"
            )
        if self._file != _file_of(self._at):
            raise ConfigError(
                f"store {self._at!r} was removed, moved or replaced since it was opened: what is "
                "there now, if anything, is another file; open it again"
            )


class Still(Own):
    """To a file that nobody can be seen to write: SQLite itself would not look at it again."""

    at = Path()
    seen: tuple[int, ...] | None = None


def check_is_own(database: sqlite3.Connection, path: Path) -> None:
    """`check_is_still`, and that the connection belongs to this process and to the file there.

    Args:
        database: a connection to a store.
        path: of it.

    Raises:
        ConfigError: if it does not.
    """
    if isinstance(database, Own):
        database.check()
        check_is_still(database, path)


def check_is_still(database: sqlite3.Connection, path: Path) -> None:
    """Refuses a store that changed while it was taken to be still (see `connect`).

    Args:
        database: a connection to it.
        path: of it.

    Raises:
        ConfigError: if it has changed since it was opened.
    """
    if isinstance(database, Still) and database.seen != look(database.at):
        raise ConfigError(
            f"store {str(path)!r} was written to by another process since it was opened in a "
            "folder that may not be written to: open it again"
        )


def look(path: Path) -> tuple[int, ...] | None:
    """Inode, size and time of a file, which change with every write; None while a log exists."""
    try:
        found = path.stat()
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:
            return None
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _file_of(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
