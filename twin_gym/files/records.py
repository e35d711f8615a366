"""Finished work by name: a file of JSON lines that is read first and grows by one line a result."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from twin_gym.errors import ConfigError
from twin_gym.files.lines import append_line, whole_lines
from twin_gym.files.locks import adding_to

Record = Mapping[str, Any]


class Records:
    """Results that are kept, each under a name; a later one of the same name takes its place.

    Args:
        path: of the file, which need not exist; None: the results are kept in memory only.
        name: the members of a record that name it, together.

    Raises:
        ConfigError: naming file and line, if a line is no JSON object.

    Example:
        >>> done = Records(None, "agent", "seed")
        >>> done.add({"agent": "a2c", "seed": 3, "score": 1.5})
        >>> done.get("a2c", 3)["score"], done.get("a2c", 4)
        (1.5, None)
    """

    def __init__(self, path: Path | None, *name: str) -> None:
        self._path = path
        self._name = name
        self._by_name: dict[str, Record] = {}
        for record in () if path is None else read_records(path):
            self._enter(record)

    def __len__(self) -> int:
        return len(self._by_name)

    def get(self, *name: object) -> Record | None:
        """The result of a name, or None where there is none yet."""
        return self._by_name.get(_as_text(name))

    def __getitem__(self, name: str) -> Record:
        """The result of a name of one member, which is there."""
        return self._by_name[_as_text((name,))]

    def add(self, record: Record) -> None:
        """Keeps a result: it is on the disk when this returns.

        Args:
            record: what JSON can say, the members that name it included.
        """
        if self._path is not None:
            append_line(self._path, json.dumps(record))
        self._enter(record)

    def _enter(self, record: Record) -> None:
        self._by_name[_as_text(tuple(record.get(member) for member in self._name))] = record


@contextmanager
def recording(path: Path | None, *name: str) -> Iterator[Records]:
    """The records of a file, and the right to add to it, which one process has at a time.

    Args:
        path: see `Records`.
        name: likewise.

    Yields:
        The records.

    Raises:
        ConfigError: if another process adds to the file, or a line is no JSON object.
    """
    with nullcontext() if path is None else adding_to(path):
        yield Records(path, *name)


def read_records(path: Path) -> list[dict[str, Any]]:
    """All records of a file, in its order; a last line that a kill cut short is left out.

    Args:
        path: of the file; it need not exist.

    Raises:
        ConfigError: naming file and line, if a line is no JSON object.
    """
    found = []
    for number, line in enumerate(whole_lines(path), start=1):
        try:
            record = json.loads(line)
        except ValueError:  # neither JSON nor UTF-8
            record = None
        if not isinstance(record, dict):
            raise ConfigError(
                f"{str(path)!r}, line {number}: this is no JSON object, so the line is damaged: "
                "remove it, and what it was about is done again"
            )
        found.append(record)
    return found


def _as_text(name: tuple[object, ...]) -> str:
    return json.dumps(name)
