"""Files that grow a line at a time and outlive a kill: at most the last line is lost."""

from __future__ import annotations

import os
from io import FileIO
from pathlib import Path

_BLOCK_BYTES = 65_536


def append_line(path: Path, line: str) -> None:
    """Appends a line and syncs it to the disk; an incomplete last line is removed before.

    Args:
        path: a file of lines, made with its folder if it does not exist. One process at a time
            writes to it (see `twin_gym.files.locks`).
        line: without a newline.

    Raises:
        OSError: if it cannot be written; the file is then as long as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b", buffering=0) as file:
        end = _end_of_whole_lines(file)
        file.truncate(end)
        _add(file, end, line.encode("utf-8") + b"\n")


def append_text(path: Path, text: str) -> None:
    """Appends a text to a file, and syncs it to the disk.

    Args:
        path: made if it does not exist; its folder exists.
        text: what comes after all that is there.

    Raises:
        OSError: if it cannot be written; the file is then as long as it was.
    """
    with path.open("ab", buffering=0) as file:
        _add(file, file.seek(0, os.SEEK_END), text.encode("utf-8"))


def _add(file: FileIO, end: int, content: bytes) -> None:
    """Writes past a buffer, which would try again when the file is closed."""
    left = memoryview(content)
    try:
        while left:
            left = left[file.write(left) :]
        os.fsync(file.fileno())
    except BaseException:
        os.ftruncate(file.fileno(), end)
        raise


def _end_of_whole_lines(file: FileIO) -> int:
    """Bytes up to the last newline, that included."""
    end = file.seek(0, os.SEEK_END)
    while end > 0:
        begin = max(0, end - _BLOCK_BYTES)
        file.seek(begin)
        place = file.read(end - begin).rfind(b"\n")
        if place >= 0:
            return begin + place + 1
        end = begin
    return 0
