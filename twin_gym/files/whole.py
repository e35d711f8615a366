"""Files that are whole or not there: written aside under a name that nobody has, then renamed."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedWriter
from pathlib import Path

from twin_gym.errors import ConfigError

_NEW_FILE = 0o666
"""Permissions of a new file before the process's umask takes some off, as `open` has them."""


@contextmanager
def replacing(path: Path) -> Iterator[BufferedWriter]:
    """A file to write to, which takes its place at the end, or leaves no trace where that fails.

    A reader finds the former file or the new one, whole. The new one has the permissions of the
    former one, or those of any new file. A link at the place is replaced, and not followed; a
    device, a pipe or a socket stays.

    Args:
        path: where the file goes; its folder exists.

    Yields:
        The file, opened for bytes, under a name of its own in the same folder.

    Raises:
        OSError: if it cannot be written, brought to the disk or renamed.
        ConfigError: if there is something that is neither a file nor a link.
    """
    _check_is_replaceable(path)
    aside, handle = new_file_beside(path)
    try:
        with os.fdopen(handle, "wb") as file:
            with suppress(FileNotFoundError):
                former = path.lstat()
                if stat.S_ISREG(former.st_mode):
                    aside.chmod(stat.S_IMODE(former.st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def _check_is_replaceable(path: Path) -> None:
    """Refuses what a rename would silently take the place of, or could not."""
    with suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            raise ConfigError(f"{str(path)!r} is a folder: give the name of a file")
        if not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
            raise ConfigError(f"{str(path)!r} is no ordinary file: give another path")


def write_bytes(path: Path, content: bytes) -> None:
    """Puts a file in place at once (see `replacing`).

    Args:
        path: where it goes; its folder exists.
        content: all of it.
    """
    with replacing(path) as file:
        file.write(content)


def write_text(path: Path, text: str) -> None:
    """Puts a file in UTF-8 in place at once (see `replacing`).

    Args:
        path: where it goes; its folder exists.
        text: all of it.
    """
    write_bytes(path, text.encode("utf-8"))


def new_file_beside(path: Path) -> tuple[Path, int]:
    """A file that did not exist before, and its descriptor.

    The name begins with a dot and does not grow with that of the file, which may be as long as a
    name can be.

    Args:
        path: of the file beside which it is made; its folder exists.

    Returns:
        The new file, empty, and its descriptor, open for writing.

    Raises:
        OSError: if it cannot be made.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        aside = path.with_name(f".aside-{secrets.token_hex(8)}")
        try:
            return aside, os.open(aside, flags, _NEW_FILE)
        except FileExistsError:
            continue
