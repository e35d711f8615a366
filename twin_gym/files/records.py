"""Finished work by name: a file of sealed JSON lines, read first, that grows by a line a result."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from twin_gym.errors import ConfigError
from twin_gym.files.locks import adding_to
from twin_gym.files.sealed import append_sealed, read_sealed

Record = Mapping[str, Any]
Check = Callable[[Record], object]
"""Raises an error of Python's, such as a KeyError, from a record that is none of its kind."""


class Records:
    """Results that are kept, each under a name; a later one of the same name takes its place.

    Args:
        path: of the file, which need not exist; None: the results are kept in memory only.
        name: the members of a record that name it, together.
        what: a record is, for errors.
        check: see `Check`; asked of each record that is read.

    Raises:
        ConfigError: naming file and line, if a line is damaged or is no such record.

    Example:
        >>> done = Records(None, "agent", "seed")
        >>> done.add({"agent": "a2c", "seed": 3, "score": 1.5})
        >>> done.get("a2c", 3)["score"], done.get("a2c", 4)
        (1.5, None)
    """

    def __init__(
        self, path: Path | None, *name: str, what: str = "result", check: Check = bool
    ) -> None:
        self._path = path
        self._name = name
        self._by_name: dict[str, Record] = {}
        for number, record in () if path is None else _numbered(path):
            try:
                check(record)
                self._enter(record)
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                raise ConfigError(
                    f"{path}, line {number}, is no {what} ({error!r:.200}): remove the line, or "
                    "name another file"
                ) from None

    def __len__(self) -> int:
        return len(self._by_name)

    def __getitem__(self, name: str) -> Record:
        """The result of a name of one member, which is there."""
        return self._by_name[json.dumps([name])]

    def get(self, *name: object) -> Record | None:
        """The result of a name, or None where there is none yet."""
        return self._by_name.get(json.dumps(name))

    def add(self, record: Record) -> None:
        """Keeps a result: it is on the disk when this returns.

        Args:
            record: what JSON can say, the members that name it included.
        """
        if self._path is not None:
            append_sealed(self._path, json.dumps(record))
        self._enter(record)

    def _enter(self, record: Record) -> None:
        self._by_name[json.dumps([record[member] for member in self._name])] = record


@contextmanager
def recording(
    path: Path | None, *name: str, what: str = "result", check: Check = bool
) -> Iterator[Records]:
    """The records of a file, and the right to add to it, which one process has at a time.

    Args:
        path: see `Records`.
        name: likewise.
        what: likewise.
        check: likewise.

    Yields:
        The records.

    Raises:
        ConfigError: if another process adds to the file; see `Records`.
    """
    with nullcontext() if path is None else adding_to(path):
        yield Records(path, *name, what=what, check=check)


def read_records(path: Path) -> list[dict[str, Any]]:
    """All records of a file, in its order; a last line that a kill cut short is left out.

    Args:
        path: of the file; it need not exist.

    Raises:
        ConfigError: naming file and line, if a line is damaged (see `twin_gym.files.sealed`).
    """
    return [record for _, record in _numbered(path)]


def _numbered(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in read_sealed(path):
        try:
            yield number, json.loads(line)
        except ValueError as error:
            raise ConfigError(f"{path}, line {number}, is no JSON: {error}") from None
