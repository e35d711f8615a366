"""Atomic writes: each file is written aside under a unique name, then renamed."""

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
def replacing(path: Path, *, makes_folder: bool = False) -> Iterator[BufferedWriter]:
    """A file to write to, which takes its place at the end, or leaves no trace where that fails.

    A reader finds the former file or the new one, whole. The new one has the permissions of the
    former one, or those of any new file. A link at the place is replaced, and not followed; a
    device, a pipe or a socket stays.

    Args:
        path: where the file goes; its folder exists.
        makes_folder: whether the folder is made where it does not exist.

    Yields:
        The file, opened for bytes, under a name of its own in the same folder.

    Raises:
        OSError: if it cannot be written, brought to the disk or renamed.
        ConfigError: if there is something that is neither a file nor a link.
    """
    if makes_folder:
        path.parent.mkdir(parents=True, exist_ok=True)
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


def write_bytes(path: Path, content: bytes, *, makes_folder: bool = False) -> None:
    """Puts a file in place at once (see `replacing`).

    Args:
        path: where it goes; its folder exists.
        content: all of it.
        makes_folder: whether the folder is made where it does not exist.
    """
    with replacing(path, makes_folder=makes_folder) as file:
        file.write(content)


def write_text(path: Path, text: str, *, makes_folder: bool = False) -> None:
    """Puts a file in UTF-8 in place at once (see `replacing`).

    Args:
        path: where it goes; its folder exists.
        text: all of it.
        makes_folder: whether the folder is made where it does not exist.
    """
    write_bytes(path, text.encode("utf-8"), makes_folder=makes_folder)


def write_new(path: Path, content: bytes) -> None:
    """Puts a file in place at once, where there is nothing yet.

    Where the system has no files without a name (Linux has), a process that is killed just then may
    leave a hidden one, `.aside-` and random digits, beside it, which nobody needs.

    Args:
        path: where it goes; its folder exists.
        content: all of it.

    Raises:
        FileExistsError: if there is something of this name, which stays.
        OSError: if it cannot be written.
    """
    if _put_nameless(content, path):
        return
    aside, handle = new_file_beside(path)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        give_name(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def give_name(fresh: Path, path: Path) -> None:
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
