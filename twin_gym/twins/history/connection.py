"""Store files: creates them atomically and validates them when they are opened."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from twin_gym.errors import ConfigError
from twin_gym.files.whole import write_new
from twin_gym.twins.history.linked import Own, Still, look
from twin_gym.twins.history.schema import APPLICATION_ID, OF_SQLITE, SCHEMA, TABLES, VERSION
from twin_gym.twins.plain import shown

PAGE_BYTES = 8192
BUSY_S = 5.0
_CACHE_KIB = 64 * 1024
_MAGIC = b"SQLite format 3\x00"
_NO_FILES_BESIDE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


@contextmanager
def said_plainly(path: Path) -> Iterator[None]:
    """Converts errors of SQLite into errors that say what to do.

    Raises:
        ConfigError: for every error of SQLite, and if memory is not sufficient.
    """
    try:
        yield
    except (sqlite3.Error, UnicodeError, MemoryError) as error:
        raise plain_error(path, error) from None


def plain_error(path: Path, error: Exception) -> ConfigError:
    """The error for an error of SQLite; only what SQLite reports as corruption counts as damage.

    Args:
        path: path of the store.
        error: the error of SQLite.

    Returns:
        The error, to be raised by the caller.
    """
    said = str(error) or type(error).__name__
    return ConfigError(f"store {str(path)!r}: {said}; {_advice(error, said)}")


def damaged(path: Path, what: object) -> ConfigError:
    """The error for a damaged store.

    Args:
        path: path of the store.
        what: the damage, and its place.

    Returns:
        The error, to be raised by the caller.
    """
    return ConfigError(f"store {str(path)!r} is damaged: {what!s:.300}; {_RESTORE}")


_RESTORE = "restore it from a copy, or record the episodes anew"
_DAMAGED = f"it is damaged: {_RESTORE}"
_UNKNOWN = 'the store was not called damaged: `read_store(path, check="all")` tells whether it is'
_LATER = (
    "another process is writing to it, or another store object of this one: try again when it has "
    "done; `read_store` reads beside a writer"
)
_ADVICE = {
    sqlite3.SQLITE_BUSY: _LATER,
    sqlite3.SQLITE_LOCKED: _LATER,
    sqlite3.SQLITE_FULL: "it has reached its `max_bytes` or the disk is full: keep less (see "
    "`Retention`)",
    sqlite3.SQLITE_READONLY: "it was opened for reading alone, or its file or folder may not be "
    "written to",
    sqlite3.SQLITE_PERM: "it may not be read or written to by this user",
    sqlite3.SQLITE_CANTOPEN: "check that the file and its folder exist and may be read and written",
    sqlite3.SQLITE_IOERR: "the system did not read or write it: look at the disk, at limits on the "
    "size of files (`ulimit -f`), and whether the file still lies there",
    sqlite3.SQLITE_INTERRUPT: "it was interrupted: ask again",
    sqlite3.SQLITE_ABORT: "it was broken off: ask again",
    sqlite3.SQLITE_NOMEM: "memory is not enough: ask for less at once",
    sqlite3.SQLITE_TOOBIG: "a text or a log is larger than SQLite takes: cut it",
    sqlite3.SQLITE_CONSTRAINT: f"a value is not of the type of its column; {_UNKNOWN}",
    sqlite3.SQLITE_MISMATCH: f"a value is not of the type of its column; {_UNKNOWN}",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_FORMAT: _DAMAGED,
}
"""By SQLite's primary result code (https://www.sqlite.org/rescode.html)."""


_BY_WORDS = {
    "locked": sqlite3.SQLITE_BUSY,
    "is full": sqlite3.SQLITE_FULL,
    "readonly": sqlite3.SQLITE_READONLY,
    "unable to open": sqlite3.SQLITE_CANTOPEN,
    "disk I/O": sqlite3.SQLITE_IOERR,
    "interrupted": sqlite3.SQLITE_INTERRUPT,
    "out of memory": sqlite3.SQLITE_NOMEM,
    "too big": sqlite3.SQLITE_TOOBIG,
    "malformed": sqlite3.SQLITE_CORRUPT,
    "not a database": sqlite3.SQLITE_NOTADB,
}
"""Of errors that carry no code."""


def _advice(error: Exception, said: str) -> str:
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_BUSY_SNAPSHOT:
        return "another process wrote while this one was reading: end the reading, then write"
    if code is not None:
        return _ADVICE.get(code & 0xFF, _UNKNOWN)
    if isinstance(error, UnicodeDecodeError) or "decode to UTF-8" in said:
        return _DAMAGED
    if isinstance(error, UnicodeEncodeError):
        return "a text cannot be written as UTF-8"
    if isinstance(error, MemoryError):
        return _ADVICE[sqlite3.SQLITE_NOMEM]
    for words, of in _BY_WORDS.items():
        if words in said:
            return _ADVICE[of]
    if "thread" in said:
        return "it belongs to the thread that opened it: open it again in the other one"
    if "closed" in said:
        return "it was closed: open it again"
    return _UNKNOWN


@contextmanager
def one_moment(database: sqlite3.Connection) -> Iterator[None]:
    """Makes all reads within the context consistent, whatever other processes write meanwhile.

    Args:
        database: a connection; nested contexts share the outermost one.
    """
    if is_within(database):
        yield
        return
    database.execute("BEGIN")
    try:
        database.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # the moment is now
        yield
    finally:
        with suppress(sqlite3.ProgrammingError):  # closed within
            if is_within(database):
                database.execute("COMMIT")


def is_within(database: sqlite3.Connection) -> bool:
    """Whether a transaction is open."""
    return database.in_transaction


def create(path: Path) -> None:
    """Creates an empty store atomically.

    Args:
        path: path of the new store; a store that another process creates meanwhile is kept.

    Raises:
        ConfigError: if the folder does not exist or cannot be written to.
    """
    if not path.parent.is_dir():
        raise ConfigError(f"there is no folder {str(path.parent)!r}: make it first")
    try:
        content = _empty()
        with suppress(FileExistsError):  # made by another process meanwhile
            write_new(path, content)
    except (OSError, sqlite3.Error) as error:
        raise ConfigError(f"a store cannot be made at {str(path)!r}: {error}") from None


def _empty() -> bytes:
    """The content of an empty store, created in memory."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        database.execute("BEGIN")
        for statement in TABLES.values():
            database.execute(statement)
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {VERSION}")
        database.execute("COMMIT")
        content = bytearray(database.serialize())
    content[18:20] = b"\x02\x02"  # write-ahead logging (https://www.sqlite.org/fileformat2.html)
    return bytes(content)


def connect(path: Path, *, read_only: bool, max_bytes: int) -> sqlite3.Connection:
    """Opens a connection to a store and validates its header.

    Args:
        path: an existing file.
        read_only: whether to open it for reading only.
        max_bytes: maximum size of the file; a larger file keeps its size.

    Returns:
        The connection; the caller begins and ends transactions.

    Raises:
        ConfigError: if the file is not a store, of another version, or visibly damaged.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except OSError as error:
        raise ConfigError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    if start != _MAGIC:
        raise ConfigError(f"{str(path)!r} is no SQLite file: give another path, or remove it")
    with said_plainly(path):
        database = _linked(path, read_only=read_only)
        database.belong_to(path)
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


def _linked(path: Path, *, read_only: bool) -> Own:
    """SQLite keeps two files beside a store; where it cannot, a store that is still can be read."""
    uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rw'}"
    given: dict[str, Any] = {
        "uri": True, "isolation_level": None, "timeout": BUSY_S, "cached_statements": 64
    }  # fmt: skip
    database: Own = sqlite3.connect(uri, factory=Own, **given)
    try:
        database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError as error:
        database.close()
        seen = look(path)
        code = error.sqlite_errorcode & 0xFF
        if not read_only or seen is None or code not in _NO_FILES_BESIDE:
            raise
        still: Still = sqlite3.connect(f"{uri}&immutable=1", factory=Still, **given)
        still.at, still.seen = path.absolute(), seen
        return still
    except BaseException:
        database.close()
        raise
    return database


def _check_identity(database: sqlite3.Connection, path: Path) -> None:
    with one_moment(database):
        (application,) = database.execute("PRAGMA application_id").fetchone()
        (version,) = database.execute("PRAGMA user_version").fetchone()
        schema = database.execute("SELECT type, name, sql FROM sqlite_schema").fetchall()
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
    found = {(kind, name): sql for kind, name, sql in schema}
    differing = {key for key in {*found, *SCHEMA} if found.get(key, "") != SCHEMA.get(key, "")}
    differing -= {key for key in OF_SQLITE if found.get(key, "") == OF_SQLITE[key]}
    if differing:
        said = ", ".join(sorted(shown(name) for _, name in differing))
        raise ConfigError(
            f"{str(path)!r} is damaged: its tables {said} are not those of a store; restore it "
            "from a copy"
        )
