"""Columns of a Parquet file that came from outside, bounded before they are unpacked.

A file of a few kilobytes may unpack to gigabytes. Rows and unpacked bytes are therefore read from
its footer first; and since a footer may lie, the heads of the pages are looked at too (see
`twin_gym.scenario.pages`), and what comes out is counted while it comes, batch by batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import TraceError, missing_extra, unknown_name
from twin_gym.files.reading import read_bytes
from twin_gym.scenario.pages import FRONT_COMPRESSED, Chunk, pages, read_footer
from twin_gym.scenario.tables import MAX_CELL_LETTERS, MAX_TRACE_BYTES, MAX_TRACE_ROWS

MAX_UNPACKED_BYTES = 256_000_000
"""Most bytes that the columns that are read may unpack to."""

MAX_COLUMNS = 4_096
MAX_ROW_GROUPS = 4_096

_BATCH_ROWS = 65_536


def read_columns(path: Path, columns: Sequence[str], feature: str) -> dict[str, NDArray[Any]]:
    """Some columns of a Parquet file.

    Args:
        path: of the file.
        columns: their names.
        feature: what needs pyarrow, for the error where it is not installed.

    Returns:
        By name, numbers, moments or text; shape (rows,).

    Raises:
        TraceError: if the file is not there, is no Parquet, is damaged, lacks a column, holds
            lists in it, or is too large, as it is or unpacked.
        MissingExtraError: if pyarrow is not installed.
    """
    try:
        import pyarrow
    except ImportError as error:
        raise missing_extra(feature, "traces") from error
    content = read_bytes(path, MAX_TRACE_BYTES, "trace file", TraceError)
    parts: list[dict[str, NDArray[Any]]] = []
    try:
        _read(path, content, tuple(columns), parts)
    except TraceError:
        raise
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        num_rows = sum(len(part[columns[0]]) for part in parts)
        raise TraceError(
            f"{path} is no Parquet file that can be read: after row {num_rows:,}: "
            f"{' '.join(str(error).split())[:200]}; get a whole copy of it"
        ) from None
    return {name: np.concatenate([part[name] for part in parts]) for name in columns}


def _read(
    path: Path, content: bytes, columns: tuple[str, ...], parts: list[dict[str, NDArray[Any]]]
) -> None:
    """Adds the columns batch by batch; an empty part is the first, so that types are known."""
    import pyarrow
    from pyarrow import parquet

    _check_footer(path, content, columns)
    source = pyarrow.BufferReader(content)
    schema = parquet.ParquetFile(source).schema_arrow
    texts = [name for name in columns if _is_text(path, schema, name)]
    file = parquet.ParquetFile(source, read_dictionary=texts, page_checksum_verification=True)
    empty = file.schema_arrow.empty_table()
    parts.append({name: _values(path, name, empty[name]) for name in columns})
    num_rows = unpacked = 0
    for batch in file.iter_batches(_BATCH_ROWS, columns=list(columns), use_threads=False):
        batch.validate(full=True)
        parts.append({name: _values(path, name, batch[name]) for name in columns})
        num_rows += batch.num_rows
        unpacked += sum(values.nbytes for values in parts[-1].values())
        _check_amounts(path, num_rows, unpacked)


def _is_text(path: Path, schema: Any, name: str) -> bool:  # noqa: ANN401 - no types in pyarrow
    """Whether a column holds text, once it is found to hold single values."""
    from pyarrow import types

    if name not in schema.names:
        raise TraceError(f"{path}: {unknown_name('column', name, schema.names)}")
    if schema.names.count(name) > 1:
        raise TraceError(f"{path} has the column `{name}` twice: remove one")
    kind = schema.field(name).type
    if types.is_nested(kind) or isinstance(kind, types.lib.BaseExtensionType):
        raise TraceError(f"{path}: `{name}` must hold single values, got {str(kind)[:80]}")
    inner = kind.value_type if types.is_dictionary(kind) else kind
    return any(is_kind(inner) for is_kind in (types.is_string, types.is_large_string))


def _check_footer(path: Path, content: bytes, columns: tuple[str, ...]) -> None:
    """Refuses files over a limit, by the footer and by the pages."""
    footer = read_footer(content)
    num_columns = len(footer.chunks) // max(footer.num_groups, 1)
    for what, count, most in (
        ("columns", num_columns, MAX_COLUMNS),
        ("groups of rows", footer.num_groups, MAX_ROW_GROUPS),
    ):
        if count > most:
            raise TraceError(f"{path} has {count:,} {what} and at most {most:,} are read")
    unpacked = by_pages = 0
    for chunk in footer.chunks:
        if chunk.name in columns and chunk.num_values:
            unpacked += chunk.unpacked_bytes
            num_rows = max(footer.num_rows, chunk.num_values)
            _check_amounts(path, num_rows, unpacked)
            by_pages += _unpacked_by_pages(path, content, chunk)
            _check_amounts(path, num_rows, by_pages)


def _unpacked_by_pages(path: Path, content: bytes, chunk: Chunk) -> int:
    total = 0
    for page in pages(content, chunk.first, chunk.packed_bytes):
        total += page.unpacked_bytes
        if page.encoding == FRONT_COMPRESSED:
            raise TraceError(
                f"{path}: `{chunk.name}` is encoded as DELTA_BYTE_ARRAY, which may unpack to "
                "anything: write it with dictionaries"
            )
    return total


def _check_amounts(path: Path, num_rows: int, unpacked: int) -> None:
    for what, count, most in (
        ("rows", num_rows, MAX_TRACE_ROWS),
        ("unpacked bytes", unpacked, MAX_UNPACKED_BYTES),
    ):
        if count > most:
            raise TraceError(
                f"{path} has {count:,} {what} or more and at most {most:,} are read: cut out the "
                "part that is to be replayed"
            )


def _values(path: Path, name: str, column: Any) -> NDArray[Any]:  # noqa: ANN401
    """A column of a batch as NumPy has it; text as text, however it is stored."""
    import pyarrow

    if isinstance(column, pyarrow.ChunkedArray):
        column = column.combine_chunks()
    if not isinstance(column, pyarrow.DictionaryArray):
        values: NDArray[Any] = column.to_numpy(zero_copy_only=False)
        return values
    known = [str(one) for one in column.dictionary.to_pylist()]
    if max(map(len, known), default=0) > MAX_CELL_LETTERS:
        raise TraceError(f"{path}: `{name}` has a text of more than {MAX_CELL_LETTERS} letters")
    if column.null_count:
        raise TraceError(f"{path}: `{name}` is missing in some rows: remove them")
    names: NDArray[np.str_] = np.array(known, np.str_)[column.indices.to_numpy()]
    return names
