"""Store files: made whole or not at all, and refused, with the reason, if they are no stores."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from twin_gym.errors import ConfigError
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
    """Errors of SQLite become errors that say what to do.

    Raises:
        ConfigError: from every error of SQLite's, and where memory is not enough.
    """
    try:
        yield
    except (sqlite3.Error, UnicodeError, MemoryError) as error:
        raise plain_error(path, error) from None


def plain_error(path: Path, error: Exception) -> ConfigError:
    """What an error of SQLite's means for a store; damaged is only what SQLite calls so.

    Args:
        path: of the store.
        error: what SQLite said.

    Returns:
        The error, to be raised by the caller.
    """
    said = str(error) or type(error).__name__
    return ConfigError(f"store {str(path)!r}: {said}; {_advice(error, said)}")


def damaged(path: Path, what: object) -> ConfigError:
    """The error for a store that is not as it was written.

    Args:
        path: of the store.
        what: is wrong, and where.

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
    """All that is read within is of one moment, whatever others write meanwhile.

    Args:
        database: a connection; within another such moment this one is the same.
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
    """Whether a transaction has begun and not ended."""
    return database.in_transaction


def create(path: Path) -> None:
    """Makes an empty store, which appears under its name when it is complete.

    Where the system has no files without a name (Linux has), a process that is killed just then may
    leave a hidden one, `.twin_gym-store-` and random digits, beside it, which nobody needs.

    Args:
        path: where there is nothing yet; if a store appears there in the meantime, it stays.

    Raises:
        ConfigError: if there is no such folder, or it cannot be written to.
    """
    if not path.parent.is_dir():
        raise ConfigError(f"there is no folder {str(path.parent)!r}: make it first")
    try:
        content = _empty()
        with suppress(FileExistsError):  # made by another process meanwhile
            if not _put_nameless(content, path):
                _put_aside(content, path)
    except (OSError, sqlite3.Error) as error:
        raise ConfigError(f"a store cannot be made at {str(path)!r}: {error}") from None


def _empty() -> bytes:
    """The file of an empty store, made in memory."""
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


def _put_nameless(content: bytes, path: Path) -> bool:
    """Writes a file that has no name until it is whole, so that a kill leaves none; Linux can."""
    try:
        handle = os.open(path.parent, os.O_TMPFILE | os.O_RDWR, 0o644)
    except (AttributeError, OSError):
        return False
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(handle)
        try:
            own = os.open("/proc/self/fd", os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return False
        try:
            os.link(str(handle), path.absolute(), src_dir_fd=own)
        except FileExistsError:
            raise
        except OSError:
            return False
        finally:
            os.close(own)
    return True


def _put_aside(content: bytes, path: Path) -> None:
    aside = path.with_name(f".twin_gym-store-{secrets.token_hex(8)}")
    try:
        with aside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        put(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def put(fresh: Path, path: Path) -> None:
    """Gives a file its name unless something has it: a link never replaces what is there.

    Args:
        fresh: the file, complete.
        path: its name.

    Raises:
        FileExistsError: if there is something of this name.
    """
    try:
        os.link(fresh, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if path.exists():
            raise FileExistsError(path) from None
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
