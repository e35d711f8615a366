"""The heads of the pages of a Parquet file: what they unpack to, before anything is unpacked.

The footer of a file may say that a column is small and its pages may say otherwise; the reader of
pyarrow believes the pages. Their heads are structures of Thrift's compact protocol (apache/parquet-
format, parquet.thrift, PageHeader); of them the sizes and the encoding are read here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

MAX_PAGES = 100_000
"""Most pages of a column in a row group."""

FRONT_COMPRESSED = 7
"""The encoding (DELTA_BYTE_ARRAY) in which a page of text may unpack to the square of its size."""

_UNPACKED, _PACKED, _DATA, _DATA_2 = 2, 3, 5, 8  # fields of PageHeader
_ENCODING_OF = {_DATA: 2, _DATA_2: 4}  # the field of the inner structure that has the encoding
_WHOLE, _DOUBLE, _BINARY, _STRUCT = (3, 4, 5, 6), 7, 8, 12  # types of fields
_BOOLEANS = (1, 2)
_LONGEST_NUMBER = 10
_DEEPEST = 4
_MORE = 128  # the bit that says that another byte follows


class Page(NamedTuple):
    """The head of a page.

    Attributes:
        packed_bytes: that follow the head.
        unpacked_bytes: that they become.
        encoding: of the values, by its number; 0 where the head has none.
    """

    packed_bytes: int
    unpacked_bytes: int
    encoding: int


def pages(content: bytes, first: int, size: int) -> Iterator[Page]:
    """The heads of the pages of a column chunk.

    Args:
        content: of the file.
        first: where the first page begins.
        size: of all pages with their heads, in bytes.

    Yields:
        One `Page` a page.

    Raises:
        ValueError: if the heads are damaged, or there are more than `MAX_PAGES`.
    """
    place, end = first, first + size
    if not 0 <= first <= end <= len(content):
        raise ValueError(f"a column from byte {first} to byte {end} lies outside of the file")
    for _ in range(MAX_PAGES):
        if place >= end:
            return
        head = _Head(content, place)
        numbers = head.numbers()
        packed, unpacked = numbers.get((_PACKED,), -1), numbers.get((_UNPACKED,), -1)
        if packed < 0 or unpacked < 0 or head.place + packed > end:
            raise ValueError(f"the page at byte {place} has a damaged head")
        encodings = [numbers.get((outer, inner), 0) for outer, inner in _ENCODING_OF.items()]
        yield Page(packed, unpacked, max(encodings))
        place = head.place + packed
    raise ValueError(f"a column has more than {MAX_PAGES:,} pages")


class _Head:
    """Reads one structure of the compact protocol.

    Attributes:
        place: of the next byte.
    """

    def __init__(self, content: bytes, place: int) -> None:
        self._content = content
        self.place = place

    def numbers(self) -> dict[tuple[int, ...], int]:
        """Whole numbers by the path of their fields; all else is passed over."""
        found: dict[tuple[int, ...], int] = {}
        self._read(found, ())
        return found

    def _read(self, found: dict[tuple[int, ...], int], path: tuple[int, ...]) -> None:
        if len(path) > _DEEPEST:
            raise ValueError("a head of a page is nested too deeply")
        field = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            field = field + step if step else self._signed()
            if kind in _WHOLE:
                found[*path, field] = self._byte() if kind == _WHOLE[0] else self._signed()
            elif kind == _STRUCT:
                self._read(found, (*path, field))
            elif kind == _BINARY:
                length = self._varint()
                self.place += length
            elif kind == _DOUBLE:
                self.place += 8
            elif kind not in _BOOLEANS:  # their value is their type
                raise ValueError(f"a head of a page holds a value of the unknown type {kind}")

    def _byte(self) -> int:
        if self.place >= len(self._content):
            raise ValueError("a head of a page is cut")
        self.place += 1
        return self._content[self.place - 1]

    def _varint(self) -> int:
        value = 0
        for k in range(_LONGEST_NUMBER):
            byte = self._byte()
            value |= (byte & ~_MORE) << 7 * k
            if not byte & _MORE:
                return value
        raise ValueError("a head of a page has a number that is too long")

    def _signed(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)
