"""Files that a twin leaves: written aside and renamed, read with a limit, never executed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from twin_gym.errors import ConfigError


def write_bytes(path: Path, content: bytes) -> None:
    """Puts a file in place at once: a reader finds the old one or the new one, whole.

    Args:
        path: where it goes; its folder exists.
        content: all of it.
    """
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """The content of a file of a bounded size.

    Args:
        path: the file.
        max_bytes: the most that is read.

    Returns:
        All of it.

    Raises:
        ConfigError: if there is no such file, or it is larger.
    """
    if not path.is_file():
        raise ConfigError(f"there is no file {str(path)!r}")
    with path.open("rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise ConfigError(f"{str(path)!r} has more than {max_bytes:,} bytes: it is not read")
    return content
