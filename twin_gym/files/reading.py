"""The one door through which files that users name are read: regular files, within a size."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twin_gym.errors import ConfigError, shown

_OPEN = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def found_file(
    path: Path,
    what: str = "file",
    refused: type[ConfigError] = ConfigError,
    advice: str = "check the path",
) -> os.stat_result:
    """The status of a regular file.

    Args:
        path: of the file; links are followed.
        what: how errors call it, such as "trace file".
        refused: the class of error.
        advice: what to do where it is not there.

    Returns:
        Its size, time of change and the other fields of `os.stat`.

    Raises:
        ConfigError: if it is not there, cannot be reached, or is no regular file.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise refused(f"there is no {what} {shown(str(path), 200)}: {advice}") from None
    except (OSError, ValueError) as error:  # ValueError: NUL bytes, letters that no system has
        raise refused(_unreachable(path, error)) from None
    _check_regular(path, status.st_mode, what, refused)
    return status


def read_bytes(
    path: Path,
    max_bytes: int,
    what: str = "file",
    refused: type[ConfigError] = ConfigError,
) -> bytes:
    """The content of a regular file of a bounded size; never waits for anybody.

    Files that say they are empty (as those of /proc do, whatever comes out of them) are empty.

    Args:
        path: the file.
        max_bytes: the most that is read.
        what: how errors call it.
        refused: the class of error.

    Returns:
        All of it.

    Raises:
        ConfigError: if there is no such file, it is a folder, a pipe or a device, it is larger, or
            it cannot be read.
    """
    found_file(path, what, refused)  # devices are not even opened
    try:
        with os.fdopen(os.open(path, _OPEN), "rb") as file:
            state = os.fstat(file.fileno())
            _check_regular(path, state.st_mode, what, refused)
            content = file.read(max_bytes + 1) if state.st_size else b""
    except (OSError, ValueError) as error:
        if isinstance(error, ConfigError):
            raise
        raise refused(_unreachable(path, error)) from None
    if content is None:  # nothing there yet
        raise refused(f"{shown(str(path), 200)} cannot be read at once: name a file that is whole")
    if len(content) > max_bytes:
        raise refused(
            f"{shown(str(path), 200)} has {max(state.st_size, len(content))} bytes; at most "
            f"{max_bytes} are read: cut out the part that is needed"
        )
    return content


def read_text(
    path: Path,
    max_bytes: int,
    what: str = "file",
    refused: type[ConfigError] = ConfigError,
) -> str:
    """The content of a regular file of a bounded size, as text.

    Args:
        path: the file, UTF-8, with or without a byte order mark.
        max_bytes: the most that is read.
        what: how errors call it.
        refused: the class of error.

    Returns:
        All of it, without the mark.

    Raises:
        ConfigError: as for `read_bytes`, or if it is no UTF-8 text.
    """
    try:
        return read_bytes(path, max_bytes, what, refused).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refused(
            f"{shown(str(path), 200)} is not UTF-8 text ({error.reason} at byte {error.start}): "
            "save it as UTF-8, uncompressed"
        ) from None


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Has what a damaged file makes of its reading told with its name.

    Args:
        path: of the file.
        what: it should hold, such as "bounds".

    Raises:
        ConfigError: if it holds something else.
    """
    try:
        yield
    except ConfigError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(
            f"{str(path)!r} holds no {what} ({type(error).__name__}: {error!s:.200}): bring it "
            "back from a copy, remove it, or name another file"
        ) from None


def _check_regular(path: Path, mode: int, what: str, refused: type[ConfigError]) -> None:
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "something else")
        raise refused(
            f"there is no {what} {shown(str(path), 200)}: it is {kind}; name a regular file"
        )


def _unreachable(path: Path, error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else None
    return (
        f"{shown(str(path), 200)} cannot be read ({reason or 'no system has such a path'}): "
        "check the path and its permissions"
    )
