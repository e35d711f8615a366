"""Rows of a CSV file that came from outside: every value checked, every refusal with its line."""

from __future__ import annotations

import csv
import difflib
import io
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from twin_gym.errors import TraceError, bad_trace, shown
from twin_gym.files.reading import read_bytes

MAX_TRACE_BYTES = 64_000_000
"""Largest trace file that is read."""

MAX_TRACE_ROWS = 1_000_000
"""Most rows that are read from one trace file."""

MAX_LINE_LETTERS = 100_000
"""Longest line of a CSV file."""

MAX_CELL_LETTERS = 128
"""Longest name in a table: arrays of names are as wide as the longest one."""

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
            TraceError: if it is empty, or longer than `MAX_CELL_LETTERS`.
        """
        text = self.cells[column].strip()
        if not text:
            raise self.error(f"`{column}` is empty: fill it in or remove the row")
        if len(text) > MAX_CELL_LETTERS:
            raise self.error(
                f"`{column}` has {len(text):,} letters and at most {MAX_CELL_LETTERS} are read"
            )
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
    content = read_bytes(path, MAX_TRACE_BYTES, "trace file", TraceError)
    try:
        with io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="") as file:
            yield from _rows(path, file, columns)
    except UnicodeDecodeError as error:
        raise TraceError(
            f"{path} is not UTF-8 text ({error.reason} at byte {error.start}): "
            "export it as UTF-8, uncompressed"
        ) from None


def _rows(path: Path, file: io.TextIOWrapper, columns: Sequence[str]) -> Iterator[Row]:
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


def _numbered(path: Path, file: io.TextIOWrapper) -> Iterator[tuple[int, list[str]]]:
    """Non-blank rows, each with the number of the line on which it ends."""
    reader = csv.reader(_lines(path, file), strict=True)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, cells
    except csv.Error as error:
        raise bad_trace(path, reader.line_num, f"this is no CSV: {error}") from None


def _lines(path: Path, file: io.TextIOWrapper) -> Iterator[str]:
    """The lines of a file, none of them too long, and all of them text."""
    number = 1
    while line := file.readline(MAX_LINE_LETTERS + 1):
        if len(line) > MAX_LINE_LETTERS:
            raise bad_trace(
                path, number, f"this is no CSV: over {MAX_LINE_LETTERS:,} letters in a line"
            )
        if "\0" in line:
            raise bad_trace(path, number, "this is no text, it has NUL characters: export it anew")
        yield line
        number += 1


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
                f"got {shown(', '.join(header), 120)}",
            )
    return {column: header.index(column) for column in columns}
