"""Whether a file or a folder can be written, found out before the work is done."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from twin_gym.errors import ConfigError
from twin_gym.files.whole import new_file_beside


def check_file(
    path: Path,
    endings: Iterable[str] = (),
    *,
    apart_from: Iterable[str | Path] = (),
    makes_folder: bool = False,
) -> None:
    """Refuses a place that cannot receive a file.

    Args:
        path: where the file is to go.
        endings: that the name may have, such as `.png`; none: any.
        apart_from: files that are read or written as well and must stay what they are; what is no
            path of a file is passed over.
        makes_folder: whether the folders above are made where they do not exist.

    Raises:
        ConfigError: if the ending is another one, the folder does not exist, the place is a folder
            or a device, cannot be written to, or is one of the other files.
    """
    allowed = tuple(endings)
    if allowed and path.suffix.lower() not in allowed:
        raise ConfigError(f"the file must end in {' or '.join(allowed)}, got {str(path)!r}")
    try:
        if makes_folder:
            check_folder(path.parent)
        else:
            _check_folder_of(path)
        if path.is_dir():
            raise ConfigError(f"{str(path)!r} is a folder: give the name of a file")
        if path.exists() and not path.is_file():
            raise ConfigError(f"{str(path)!r} is no ordinary file: give another path")
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        for other in apart_from:
            if _is_same(path, Path(other)):
                raise ConfigError(
                    f"{str(path)!r} is named twice: it would overwrite {str(other)!r}, give "
                    "another path"
                )
    except (OSError, ValueError) as error:
        raise _refused(path, error) from None


def check_folder(path: Path, *, with_parents: bool = True) -> None:
    """Refuses a place that cannot be a folder of results.

    Args:
        path: a folder that files go to, made later if it does not exist.
        with_parents: whether the folders above it are made, too.

    Raises:
        ConfigError: if it is no folder, cannot be made or cannot be written to.
    """
    try:
        there = path
        while with_parents and there != there.parent and not _exists(there):
            there = there.parent
        if not with_parents and not _exists(path):
            there = path.parent
        if not _exists(there):
            raise ConfigError(f"there is no folder {str(there)!r}: make it first")
        if not there.is_dir():
            raise ConfigError(f"{str(there)!r} is no folder: give another path")
        _exists(path)  # raises where the name is too long
        _probe(there / "file")
    except (OSError, ValueError) as error:
        raise _refused(path, error) from None


def _check_folder_of(path: Path) -> None:
    folder = path.parent
    if not folder.is_dir():
        raise ConfigError(f"there is no folder {str(folder)!r}: make it first")
    _exists(path)  # raises where the name is too long
    _probe(path)


def _probe(path: Path) -> None:
    """Creates and removes a file beside a path: permissions tell less than the system does."""
    aside, handle = new_file_beside(path)
    os.close(handle)
    aside.unlink()


def _exists(path: Path) -> bool:
    """As `Path.exists`, but for places that cannot be looked at, which raise."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def _is_same(path: Path, other: Path) -> bool:
    """Whether two paths are of one file, there already or not."""
    if path.exists() and other.exists():
        return path.samefile(other)
    return os.path.realpath(path) == os.path.realpath(other)


def _refused(path: Path, error: Exception) -> ConfigError:
    if isinstance(error, ConfigError):
        return error
    reason = error.strerror if isinstance(error, OSError) else error
    return ConfigError(f"{str(path)!r} cannot be written: {reason}; give another path")
