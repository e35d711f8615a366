"""Folders of Minari data sets: whole or not there, and nothing written beside them.

Minari (https://minari.farama.org) keeps one group an episode in an HDF5 file, and what it is in a
JSON file beside it. Nothing in either is executed. Minari itself is imported where it is used.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twin_gym.errors import ConfigError, missing_extra
from twin_gym.files.whole import write_bytes

DATA = "data"

_DATASET_ID = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_-]*/)*[A-Za-z0-9_][A-Za-z0-9_-]*-v[0-9]+")
_NAMESPACE_FILE = "namespace_metadata.json"


def write_dataset(
    root: str | Path, dataset_id: str, usual_id: str, write: Callable[[Path], None]
) -> Path:
    """Makes a data set's folder, which appears under its name when it is complete.

    Args:
        root: folder of Minari data sets; made if it does not exist.
        dataset_id: folders, a name and a version.
        usual_id: an id that would do, for the error.
        write: writes all files of the data set into a folder that it makes.

    Returns:
        The folder, under `root`.

    Raises:
        ConfigError: if the data set exists already, or its id is malformed.
    """
    if not _DATASET_ID.fullmatch(dataset_id):
        raise ConfigError(
            "a data set's id is folders of letters, digits, - and _, a name and a version, such "
            f"as {usual_id!r}; got {dataset_id!r}"
        )
    folder = Path(root) / dataset_id
    if folder.exists():
        raise ConfigError(
            f"there is a data set {str(folder)!r} already: choose the next version of the id, or "
            "another root"
        )
    storage_class()
    _begin_namespaces(Path(root), dataset_id)
    with tempfile.TemporaryDirectory(prefix=".aside-", dir=folder.parent) as aside:
        part = Path(aside) / "set"
        part.mkdir()
        write(part / DATA)
        try:
            part.rename(folder)
        except OSError:  # made by someone else in the meantime
            raise ConfigError(f"there is a data set {str(folder)!r} already") from None
    return folder


def storage_class() -> type[Any]:
    """Minari's own reader and writer of a data set's folder, wherever that is.

    Raises:
        MissingExtraError: if Minari or HDF5 is not installed.
    """
    try:
        import h5py  # noqa: F401
        import PIL  # noqa: F401 - asked for by Minari's HDF5 files
        from minari.dataset.minari_storage import MinariStorage
    except ImportError as error:
        raise missing_extra("a Minari data set", "offline") from error
    found: type[Any] = MinariStorage
    return found


def _begin_namespaces(root: Path, dataset_id: str) -> None:
    """Minari lists a folder of data sets as a namespace by a file in it."""
    root.mkdir(parents=True, exist_ok=True)
    folder = root
    for name in dataset_id.split("/")[:-1]:
        folder /= name
        folder.mkdir(exist_ok=True)
        if not (folder / _NAMESPACE_FILE).exists():
            write_bytes(folder / _NAMESPACE_FILE, b"{}")
