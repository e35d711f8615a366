"""Rows of a CSV file that came from outside: every value checked, every refusal with its line."""

from __future__ import annotations

import csv
import difflib
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from twin_gym.errors import TraceError, bad_trace

MAX_TRACE_BYTES = 64_000_000
"""Largest trace file that is read."""

MAX_TRACE_ROWS = 1_000_000
"""Most rows that are read from one trace file."""

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)


class Row(NamedTuple):
    """One row of a table and the line that it stands on.

    Attributes:
        path: the file.
        line: number of the line, the header being line 1.
        cells: the text of each asked-for column, by column name.
    """

    path: Path
    line: int
    cells: dict[str, str]

    def text(self, column: str) -> str:
        """The cell without surrounding blanks.

        Raises:
            TraceError: if it is empty.
        """
        text = self.cells[column].strip()
        if not text:
            raise self.error(f"`{column}` is empty: fill it in or remove the row")
        return text

    def number(self, column: str, *, low: float, high: float) -> float:
        """The cell as a finite number.

        Args:
            column: name of the column.
            low: smallest allowed value.
            high: largest allowed value.

        Returns:
            The number.

        Raises:
            TraceError: if it is no decimal number, not finite, or out of its range.
        """
        text = self.text(column)
        if not _NUMBER.fullmatch(text):
            raise self.error(f"`{column}` must be a decimal number, got {text!r:.40}")
        value = float(text)
        if not math.isfinite(value):
            raise self.error(f"`{column}` must be finite, got {text!r:.40}")
        if not low <= value <= high:
            raise self.error(f"`{column}` must be between {low:g} and {high:g}, got {text!r:.40}")
        return value

    def error(self, problem: str) -> TraceError:
        """The error for something wrong on this line."""
        return bad_trace(self.path, self.line, problem)


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    """Rows of a CSV file with a header; blank lines and further columns are passed over.

    Args:
        path: the file, UTF-8, comma-separated.
        columns: the columns that are needed, in any order in the file.

    Yields:
        One `Row` a data line.

    Raises:
        TraceError: if the file is missing, too large, no UTF-8 text or no CSV, or lacks a column.
    """
    _check_size(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _rows(path, file, columns)
    except UnicodeDecodeError as error:
        raise TraceError(
            f"{path} is not UTF-8 text ({error.reason} at byte {error.start}): "
            "export it as UTF-8, uncompressed"
        ) from None
    except OSError as error:
        raise TraceError(
            f"{path} cannot be read ({error.strerror}): check its permissions"
        ) from None


def _check_size(path: Path) -> None:
    if not path.is_file():
        raise TraceError(f"there is no trace file {str(path)!r}: check the path")
    size = path.stat().st_size
    if size > MAX_TRACE_BYTES:
        raise TraceError(
            f"{path} has {size:,} bytes and at most {MAX_TRACE_BYTES:,} are read: cut out the part "
            "that is to be replayed"
        )


def _rows(path: Path, file: Iterable[str], columns: Sequence[str]) -> Iterator[Row]:
    header: list[str] | None = None
    positions: dict[str, int] = {}
    count = 0
    for line, cells in _numbered(path, file):
        if header is None:
            header = [name.strip() for name in cells]
            positions = _positions(path, line, header, columns)
            continue
        if len(cells) != len(header):
            raise bad_trace(
                path,
                line,
                f"a row must have {len(header)} cells as the header has, got {len(cells)}",
            )
        count += 1
        if count > MAX_TRACE_ROWS:
            raise bad_trace(
                path,
                line,
                f"at most {MAX_TRACE_ROWS:,} rows are read: cut out the part to be replayed",
            )
        yield Row(path, line, {column: cells[at] for column, at in positions.items()})
    if header is None:
        raise bad_trace(path, 1, f"the file is empty: its header must name {', '.join(columns)}")


def _numbered(path: Path, file: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Non-blank rows, each with the number of the line on which it ends."""
    reader = csv.reader(file, strict=True)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, cells
    except csv.Error as error:
        raise bad_trace(path, reader.line_num, f"this is no CSV: {error}") from None


def _positions(path: Path, line: int, header: list[str], columns: Sequence[str]) -> dict[str, int]:
    for column in columns:
        if header.count(column) > 1:
            raise bad_trace(path, line, f"the header names `{column}` twice: remove one")
        if column not in header:
            near = difflib.get_close_matches(column, header, n=1)
            hint = f"is {near[0]!r} meant? " if near else ""
            raise bad_trace(
                path,
                line,
                f"the header lacks the column `{column}`: {hint}needed are {', '.join(columns)}; "
                f"got {', '.join(header)!r:.120}",
            )
    return {column: header.index(column) for column in columns}
