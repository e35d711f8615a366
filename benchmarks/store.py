"""Results of cells: a file that grows a line at a time, outlives a kill, and has one writer.

`results.jsonl` holds one `Result` a line with its check sum (see `twin_gym.files.sealed`): a line
that was damaged or changed by hand is refused with its number. A kill costs the line that was being
written and no other. Below `cells/` lies what learners keep of a training.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.cell import Cell, Result
from benchmarks.tracks import tracks
from twin_gym.errors import ConfigError
from twin_gym.files.locks import locked
from twin_gym.files.sealed import append_sealed, read_sealed, sealed
from twin_gym.files.whole import write_text

BOARD_FOLDER = Path(__file__).with_name("results") / "board"
RESULTS_FILE, CELLS_FOLDER, LOCK_FILE = "results.jsonl", "cells", "lock"

DigestOf = Callable[[str], str | None]
"""The digest that a track has now, by its name; None: there is no such track."""


def digest_now(track: str) -> str | None:
    """The current digest of a track; None if there is no track of that name."""
    known = tracks()
    return known[track].digest if track in known else None


class Store:
    """Results of one folder; anyone may read, one process at a time may write.

    Attributes:
        folder: where they lie.
    """

    def __init__(self, folder: Path, digest_of: DigestOf = digest_now) -> None:
        self.folder = folder
        self._digest_of = digest_of
        self._digests: dict[str, str | None] = {}

    @property
    def path(self) -> Path:
        """The file of results."""
        return self.folder / RESULTS_FILE

    def folder_of(self, cell: Cell) -> Path:
        """The folder of the agent of a cell, the same for all families of worlds."""
        return self.folder / CELLS_FOLDER / cell.track / cell.agent / str(cell.seed)

    def digest_of(self, track: str) -> str | None:
        """The digest that a track has now (computed once); None: there is no such track."""
        if track not in self._digests:
            self._digests[track] = self._digest_of(track)
        return self._digests[track]

    def read(self) -> dict[Cell, Result]:
        """The newest result of every cell, those of former versions of tracks included.

        Raises:
            ConfigError: naming file and line, if a line is damaged, of another protocol, or
                there twice.
        """
        results: dict[Cell, Result] = {}
        lines: dict[tuple[Cell, str], int] = {}
        for number, line in read_sealed(self.path):
            where = f"{self.path}, line {number}"
            try:
                result = Result.from_json(line)
            except ValueError as error:  # ConfigError is one
                raise ConfigError(f"{where}: {error}") from None
            first = lines.setdefault((result.cell, result.track_digest), number)
            if first != number:
                raise ConfigError(
                    f"{where}: {_name(result.cell)} has a result in line {first} already: remove "
                    "one of the two"
                )
            results[result.cell] = result
        return results

    def current(self) -> dict[Cell, Result]:
        """The results that count: those earned on the current versions of the tracks."""
        return {cell: one for cell, one in self.read().items() if self.is_current(one)}

    def is_current(self, result: Result) -> bool:
        """Whether the track is still the one that a result was earned on."""
        return result.track_digest == self.digest_of(result.cell.track)

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """The right to write, which one process has at a time; the system takes it from the dead.

        Raises:
            ConfigError: if another process has it.
        """
        with locked(self.folder / CELLS_FOLDER / LOCK_FILE, self.folder):
            yield Writer(self)


class Writer:
    """Adds results to a store, one line each."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._found = store.read()

    def append(self, result: Result) -> None:
        """Adds a line; a result of a former version of the track is replaced by it.

        Raises:
            ConfigError: if the cell is done already, or was run on another version of its track.
        """
        store, cell = self._store, result.cell
        if not store.is_current(result):
            raise ConfigError(
                f"{_name(cell)} was run on another version of the track ({result.track_digest}, "
                f"here {store.digest_of(cell.track)}): use the same checkout everywhere"
            )
        before = self._found.get(cell)
        if before is not None and store.is_current(before):
            raise ConfigError(f"{_name(cell)} has a result already: it is kept as it is")
        append_sealed(store.path, result.to_json())
        self._found[cell] = result

    def forget(self, cells: Iterable[Cell]) -> int:
        """Removes results, and what learners kept of trainings that are to be done anew.

        Args:
            cells: to be run again; those without a result are passed over.

        Returns:
            How many results are gone.
        """
        gone = set(cells) & self._found.keys()
        for cell in gone:
            del self._found[cell]
            if cell.family == "validation":  # a test takes the training that is there
                shutil.rmtree(self._store.folder_of(cell), ignore_errors=True)
        if gone:
            self.tidy()
        return len(gone)

    def tidy(self) -> None:
        """Sorts the file by track, agent, seed and family, one line a cell: diffs stay small."""
        path = self._store.path
        text = "".join(sealed(self._found[cell].to_json()) + "\n" for cell in sorted(self._found))
        if path.exists() and path.read_bytes() != text.encode():
            write_text(path, text, makes_folder=True)


def _name(cell: Cell) -> str:
    return f"{cell.agent!r} on {cell.track!r}, seed {cell.seed}, {cell.family} worlds"
