"""Hashes the files that a score depends on before a submission runs, and compares them afterwards.

Anchors, scenarios, traces and the code of the checkout are hashed; of each file it is also noted
when the system says that it was last written or renamed, which cannot be set back, so that a file
that was changed and brought back is found too. Of the installed packages this alone is noted: they
are too many to be read. Compiled caches and results are not looked at.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import protocol
from benchmarks.protocol import Track, digest_of_anchors, traces_of
from twin_gym.errors import TwinGymError

_CHECKOUT = Path(__file__).parents[2]
_CODE = ("twin_gym", "agents", "benchmarks")
_RESULTS = _CHECKOUT / "benchmarks" / "results"
_CACHES, _CACHED = "__pycache__", (".pyc", ".nbi", ".nbc")
_MOST_NAMED = 5


class ChangedError(TwinGymError):
    """Something that scores depend on changed while a submission ran; the message names it."""


@dataclass(frozen=True)
class Seen:
    """A file as it was.

    Attributes:
        written_ns: when the system last saw its content, name or mode change.
        number: of the file in its file system: another one is another file.
        size: in bytes.
        sha256: of its content; "" where it was not read.
    """

    written_ns: int
    number: int
    size: int
    sha256: str = ""


@contextmanager
def unchanged(tracks: Iterable[Track], files: Path | None = None) -> Iterator[None]:
    """Reads what scores on some tracks stand on, and compares it at the end of the context.

    Anchors are kept in memory from the beginning on: scores are taken between these.

    Args:
        tracks: on which scores are earned meanwhile.
        files: of the submission, which are the same for all of its seeds; None: there are none.

    Raises:
        ChangedError: if something is another file, is gone, or is new; also where what went on
            meanwhile failed.
        ConfigError: if a track has no anchors, or a trace is not there.
    """
    single = {protocol.ANCHORS_FILE}
    for track in tracks:
        digest_of_anchors(track)
        single.update(_files_of(track))
    before = _seen(single, files)
    try:
        yield
    finally:
        _compare(before, _seen(single, files))


def _compare(before: Mapping[Path, Seen], after: Mapping[Path, Seen]) -> None:
    changed = sorted(
        path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
    )
    if not changed:
        return
    names = [_name(path) for path in changed[:_MOST_NAMED]]
    more = f" and {len(changed) - _MOST_NAMED} more" if len(changed) > _MOST_NAMED else ""
    raise ChangedError(
        f"{', '.join(names)}{more} changed while the submission ran, and scores depend on it: "
        "nothing of this run counts. Bring it back (`git status` shows what differs from the "
        "commit, `git restore` undoes it), find out who changed it, and run again while nobody "
        "else writes there; a submission that changes it is run in a container alone"
    )


def _name(path: Path) -> str:
    """Without what is the machine's; quoted where a name has odd characters."""
    short = path.relative_to(_CHECKOUT) if path.is_relative_to(_CHECKOUT) else Path(path.name)
    return ascii(str(short))[1:-1]


def _seen(single: Iterable[Path], files: Path | None) -> dict[Path, Seen]:
    seen: dict[Path, Seen] = {}
    for path in single:
        _look(path, seen, read=True)
    folders = [_CHECKOUT / name for name in _CODE] + ([files] if files else [])
    for folder in folders:
        for path in _below(folder):
            _look(path, seen, read=True)
    for path in _below(Path(sysconfig.get_path("purelib"))):
        _look(path, seen, read=False)
    return seen


def _files_of(track: Track) -> Iterator[Path]:
    """Scenarios that are files of their own (presets are code of the checkout), and traces."""
    yield from (Path(name) for name in (*track.train, *track.test) if name.endswith(".toml"))
    for scenario in (*track.train_scenarios(), *track.test_scenarios()):
        yield from traces_of(scenario)


def _below(folder: Path) -> Iterator[Path]:
    """All files; compiled caches and results are left out."""
    for place, folders, names in os.walk(folder):
        folders[:] = [one for one in folders if one != _CACHES and Path(place, one) != _RESULTS]
        yield from (Path(place, name) for name in names if not name.endswith(_CACHED))


def _look(path: Path, seen: dict[Path, Seen], *, read: bool) -> None:
    """A file that is not there is not seen, and is missed if it was; a pipe is not waited for."""
    try:
        about = path.stat() if read else path.lstat()
        digest = ""
        if read and stat.S_ISREG(about.st_mode):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return
    seen[path] = Seen(about.st_ctime_ns, about.st_ino, about.st_size, digest)
