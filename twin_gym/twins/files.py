"""Files that a twin leaves: written aside and renamed, read with a limit, never executed.

They are read through the door of every file that a user names, `twin_gym.files.reading`.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from twin_gym.files.reading import read_bytes

__all__ = ["read_bytes", "write_bytes"]


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
