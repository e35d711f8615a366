"""Files that a twin leaves: written aside and renamed, read with a limit, never executed."""

from __future__ import annotations

from pathlib import Path

from twin_gym.errors import ConfigError
from twin_gym.files.whole import write_bytes

__all__ = ["read_bytes", "write_bytes"]


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """The content of a file of a bounded size.

    Args:
        path: the file.
        max_bytes: the most that is read.

    Returns:
        All of it.

    Raises:
        ConfigError: if there is no such file, it cannot be read, or it is larger.
    """
    try:
        if not path.is_file():
            raise ConfigError(f"there is no file {str(path)!r}")
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except OSError as error:
        raise ConfigError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    if len(content) > max_bytes:
        raise ConfigError(f"{str(path)!r} has more than {max_bytes:,} bytes: it is not read")
    return content
