"""The folder of a submission: looked at without following a link, read once, and copied.

Every file is opened without following links, judged by what was opened, read up to a limit,
checked, and written to a folder of ours. What is used afterwards is the copy: a folder that changes
while it is checked gains nothing.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.contestants import contestants
from benchmarks.submissions.contents import check_content, check_kind
from benchmarks.submissions.manifest import (
    MANIFEST_FILE,
    MAX_MANIFEST_BYTES,
    Manifest,
    read_manifest,
)
from twin_gym.errors import ConfigError

MAX_FILES, MAX_DEPTH = 512, 6
MAX_FILE_BYTES, MAX_TOTAL_BYTES = 2**26, 2**28

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", re.ASCII)
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe would wait for a writer


@dataclass(frozen=True)
class Submission:
    """A folder that was checked.

    Attributes:
        manifest: what `agent.toml` says.
        files: the copy of its files.
    """

    manifest: Manifest
    files: Path


@dataclass
class _Copied:
    """The files and bytes copied so far."""

    device: int
    files: int = 0
    total_bytes: int = 0


@contextmanager
def opened(folder: Path) -> Iterator[Submission]:
    """Checks a folder and copies it, for as long as the context lasts.

    Args:
        folder: of a submission.

    Yields:
        The submission; its files are removed at the end.

    Raises:
        ConfigError: with the reason why it is refused. Nothing of it was imported or unpacked.
    """
    with TemporaryDirectory(prefix="twin-gym-submission-") as aside:
        yield checked_copy(folder, Path(aside) / "files")


def checked_copy(folder: Path, into: Path) -> Submission:
    """Checks a folder, and copies what was checked.

    Args:
        folder: of a submission.
        into: does not exist yet.

    Returns:
        The submission with its files in `into`.

    Raises:
        ConfigError: see `opened`.
    """
    try:
        top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(f"{str(folder)!r} is no folder that can be read: {error}") from None
    try:
        _copy(top, into, "", _Copied(os.fstat(top).st_dev), MAX_DEPTH)
    finally:
        os.close(top)
    if not (into / MANIFEST_FILE).is_file():
        raise ConfigError(f"there is no {MANIFEST_FILE} in {str(folder)!r}")
    manifest = read_manifest((into / MANIFEST_FILE).read_bytes())
    if manifest.name in contestants():
        raise ConfigError(f"{manifest.name!r} is an agent of the board: give yours another name")
    _check_places(manifest, into)
    return Submission(manifest, into)


def _copy(descriptor: int, into: Path, place: str, copied: _Copied, depth: int) -> None:
    """One folder with all that is below it."""
    if depth == 0:
        raise ConfigError(f"{place!r}: folders are at most {MAX_DEPTH} deep")
    into.mkdir()
    for name in _names(descriptor, place, copied):
        where = f"{place}{name}"
        about = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        _check_sort(where, about, copied)
        try:
            if stat.S_ISDIR(about.st_mode):
                below = os.open(name, _DIRECTORY, dir_fd=descriptor)
                try:
                    _copy(below, into / name, f"{where}/", copied, depth - 1)
                finally:
                    os.close(below)
            else:
                check_kind(name)
                (into / name).write_bytes(_read(descriptor, name, where, copied))
        except OSError as error:
            raise ConfigError(f"{where!r} cannot be read: {error.strerror}") from None


def _names(descriptor: int, place: str, copied: _Copied) -> list[str]:
    """The sorted names in a folder; refuses too many or odd names before a file is opened."""
    names = []
    with os.scandir(descriptor) as entries:
        for entry in entries:
            copied.files += 1
            if copied.files > MAX_FILES:
                raise ConfigError(f"a submission has at most {MAX_FILES} files and folders")
            if not _NAME.fullmatch(entry.name):
                raise ConfigError(
                    f"{place}{entry.name!a}: names are of letters, digits, `_`, `.` and `-`, "
                    "do not begin with `.` or `-`, and have at most 100 characters"
                )
            names.append(entry.name)
    return sorted(names)


def _check_sort(where: str, about: os.stat_result, copied: _Copied) -> None:
    """Plain files and folders of this file system, each under one name."""
    if stat.S_ISLNK(about.st_mode):
        raise ConfigError(f"{where!r} is a link: put the file itself there")
    if not (stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode)):
        raise ConfigError(f"{where!r} is neither a file nor a folder (a device, pipe or socket)")
    if stat.S_ISREG(about.st_mode) and about.st_nlink > 1:
        raise ConfigError(f"{where!r} is a hard link, the same file as another one: copy it")
    if about.st_dev != copied.device:
        raise ConfigError(f"{where!r} lies on another file system than its folder: copy it")


def _read(descriptor: int, name: str, where: str, copied: _Copied) -> bytes:
    """The checked content of a file; what was opened is judged, whatever the name meant before."""
    with os.fdopen(os.open(name, _FILE, dir_fd=descriptor), "rb") as file:
        about = os.fstat(file.fileno())
        _check_sort(where, about, copied)
        limit = MAX_MANIFEST_BYTES if where == MANIFEST_FILE else MAX_FILE_BYTES
        content = b"" if about.st_size > limit else file.read(limit + 1)
    size = max(about.st_size, len(content))
    copied.total_bytes += size
    if size > limit:
        raise ConfigError(f"{where!r} has {size:,} bytes, and at most {limit:,} are read")
    if copied.total_bytes > MAX_TOTAL_BYTES:
        raise ConfigError(f"a submission has at most {MAX_TOTAL_BYTES:,} bytes in all")
    try:
        check_content(name, content)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    return content


def _check_places(manifest: Manifest, files: Path) -> None:
    """Refuses a manifest that names a file which is not there."""
    if manifest.kind == "code":
        module = str(manifest.entry).partition(":")[0].replace(".", "/")
        if not ((files / f"{module}.py").is_file() or (files / module / "__init__.py").is_file()):
            raise ConfigError(f"`entry` names the file {module}.py, which is not in the folder")
        return
    for track in manifest.tracks:
        place = place_of(manifest, track, 0)
        if not (files / place).is_dir():
            raise ConfigError(f"`policy` names the folder {place!r}, which is not there")


def place_of(manifest: Manifest, track: str, seed: int) -> str:
    """The folder of the policy for a track and a seed."""
    return str(manifest.policy).replace("{track}", track).replace("{seed}", str(seed))
