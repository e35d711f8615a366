"""One writer of a folder at a time; the system takes the right from the dead."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from twin_gym.errors import ConfigError

LOCK_FILE = ".lock"
"""Name of the file that holds the number of the process that writes to its folder."""


@contextmanager
def locked(
    path: Path, what: Path, *, instead: str = "name another folder with --out"
) -> Iterator[None]:
    """The right to write, which one process has at a time.

    It ends with the block or with the process, however that ends: a lock of a dead process holds
    nobody up.

    Args:
        path: of the lock, made with its folder if it does not exist; it stays.
        what: is written to, for the message.
        instead: what the user can do other than wait.

    Raises:
        ConfigError: if another process has it; the message has its number.
    """
    import fcntl  # POSIX only: what does not write works elsewhere too

    with _opened(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise ConfigError(
                f"process {file.read().strip() or '(unknown)'} is writing to {str(what)!r}: wait "
                f"until it is done or stop it, or {instead}"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


@contextmanager
def in_turn(path: Path) -> Iterator[None]:
    """Locks for a short time, such as for appending a line: the second one waits.

    Args:
        path: of the lock, made with its folder if it does not exist; it stays.
    """
    import fcntl

    with _opened(path) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """The right to write results to a folder (see `locked`).

    Args:
        folder: of the results, made if it does not exist.

    Raises:
        ConfigError: if another process has it.
    """
    with locked(folder / LOCK_FILE, folder):
        yield


@contextmanager
def adding_to(path: Path, option: str = "--kept") -> Iterator[None]:
    """The right to add to a file of what is done (see `locked`).

    Args:
        path: of the file, whose folder is made if it does not exist.
        option: that names another file.

    Raises:
        ConfigError: if another process has it.
    """
    lock = path.with_name(f".{path.name}.lock")
    with locked(lock, path, instead=f"name another file with {option}"):
        yield


def _opened(path: Path) -> TextIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("a+", encoding="utf-8")
