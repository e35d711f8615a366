"""Files that are whole or not there."""

from __future__ import annotations

import os
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Writes aside, brings it to the disk, and renames.

    Args:
        path: in a folder that is made if it does not exist.
        text: the whole content.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"aside-{path.name}")
    with aside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
