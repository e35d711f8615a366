"""Store files: made whole or not at all, and refused, with the reason, if they are no stores."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from twin_gym.errors import ConfigError
from twin_gym.twins.history.schema import APPLICATION_ID, TABLES, VERSION

PAGE_BYTES = 8192
BUSY_S = 5.0
_CACHE_KIB = 64 * 1024
_MAGIC = b"SQLite format 3\x00"


@contextmanager
def said_plainly(path: Path) -> Iterator[None]:
    """Errors of SQLite become errors that say what to do.

    Raises:
        ConfigError: from every error of SQLite's.
    """
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise plain_error(path, error) from None


def plain_error(path: Path, error: Exception) -> ConfigError:
    """What an error of SQLite's means for a store.

    Args:
        path: of the store.
        error: what SQLite said.

    Returns:
        The error, to be raised by the caller.
    """
    said = str(error)
    if "locked" in said or "busy" in said:
        advice = "another process is writing to it: close it there, or open it with read_only=True"
    elif "full" in said:
        advice = "it has reached its `max_bytes` or the disk is full: keep less (see `Retention`)"
    elif "readonly" in said:
        advice = "it was opened for reading alone, or may not be written to"
    elif isinstance(error, sqlite3.OperationalError) and "unable to open" in said:
        advice = "check that the folder exists and may be read and written"
    else:
        advice = "it is damaged: restore it from a copy, or record the episodes anew"
    return ConfigError(f"store {str(path)!r}: {said}; {advice}")


def create(path: Path) -> None:
    """Makes an empty store, which appears under its name when it is complete.

    Args:
        path: where there is nothing yet; if a store appears there in the meantime, it stays.

    Raises:
        ConfigError: if there is no such folder, or it cannot be written to.
    """
    if not path.parent.is_dir():
        raise ConfigError(f"there is no folder {str(path.parent)!r}: make it first")
    try:
        with tempfile.TemporaryDirectory(prefix=".aside-", dir=path.parent) as aside:
            fresh = Path(aside) / "store"
            with closing(sqlite3.connect(fresh, isolation_level=None)) as database:
                database.execute(f"PRAGMA page_size = {PAGE_BYTES}")
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("BEGIN")
                for statement in TABLES.values():
                    database.execute(statement)
                database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                database.execute(f"PRAGMA user_version = {VERSION}")
                database.execute("COMMIT")
            _put(fresh, path)
    except (OSError, sqlite3.Error) as error:
        raise ConfigError(f"a store cannot be made at {str(path)!r}: {error}") from None


def _put(fresh: Path, path: Path) -> None:
    """Under its name, unless something has it: a link never replaces what is there."""
    try:
        os.link(fresh, path)
    except FileExistsError:
        return
    except OSError:  # a file system without links
        fresh.replace(path)


def connect(path: Path, *, read_only: bool, max_bytes: int) -> sqlite3.Connection:
    """A connection to a store that is one.

    Args:
        path: an existing file.
        read_only: whether nothing can be written.
        max_bytes: the most that the file may grow to; not more than it has already: as it is.

    Returns:
        The connection; transactions are begun and ended by hand.

    Raises:
        ConfigError: if the file is no store, of another version, or visibly damaged.
    """
    with path.open("rb") as file:
        start = file.read(len(_MAGIC))
    if start != _MAGIC:
        raise ConfigError(f"{str(path)!r} is no SQLite file: give another path, or remove it")
    with said_plainly(path):
        database = sqlite3.connect(
            _uri(path, read_only), uri=True, isolation_level=None, timeout=BUSY_S,
            cached_statements=64,
        )  # fmt: skip
        try:
            _check_identity(database, path)
            database.execute("PRAGMA temp_store = MEMORY")
            database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            if not read_only:
                database.execute("PRAGMA synchronous = FULL")
                database.execute(f"PRAGMA max_page_count = {max(max_bytes // PAGE_BYTES, 1)}")
        except BaseException:
            database.close()
            raise
    return database


def _uri(path: Path, read_only: bool) -> str:
    """A file that nobody writes, in a folder that cannot be written to, is read as immutable."""
    mode = "rw"
    if read_only:
        is_quiet = not path.with_name(f"{path.name}-wal").exists()
        can_write = os.access(path.parent, os.W_OK)
        mode = "ro&immutable=1" if is_quiet and not can_write else "ro"
    return f"{path.absolute().as_uri()}?mode={mode}"


def _check_identity(database: sqlite3.Connection, path: Path) -> None:
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise ConfigError(
            f"{str(path)!r} is an SQLite file of another program (application id {application}): "
            "give another path"
        )
    if version != VERSION:
        raise ConfigError(
            f"{str(path)!r} is a store of version {version}, and this twin_gym reads {VERSION}: "
            "open it with the twin_gym that wrote it and export it, or record anew"
        )
    found = dict(
        database.execute("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%'")
    )
    if found != TABLES:
        differing = sorted(
            name for name in {*found, *TABLES} if found.get(name) != TABLES.get(name)
        )
        raise ConfigError(
            f"{str(path)!r} is damaged: its tables {', '.join(differing)} are not those of a "
            "store; restore it from a copy"
        )
