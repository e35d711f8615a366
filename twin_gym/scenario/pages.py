"""The unpacked size of a Parquet file, by its footer and by the headers of its pages.

The footer of a file may say that a column is small and its pages may say otherwise; the reader of
pyarrow believes the pages, and ends the process where a damaged footer is looked into. Both are
structures of Thrift's compact protocol (apache/parquet-format, parquet.thrift: FileMetaData,
PageHeader); they are read here, and nothing is unpacked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

MAX_PAGES = 100_000
"""Most pages of a column in a row group."""

MAX_FOOTER_BYTES = 2_000_000

FRONT_COMPRESSED = 7
"""The encoding (DELTA_BYTE_ARRAY) in which a page of text may unpack to the square of its size."""

_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _STRUCT = 1, 2, 3, 7, 8, 12  # types of values
_WHOLE, _LISTS = (4, 5, 6), (9, 10)
_LONG_LIST = 15  # the size stands apart
_LONGEST_NUMBER = 10
_DEEPEST = 12
_MORE = 128  # the bit that says that another byte follows
_TAIL = 8  # bytes after the footer: its length, and what ends a file

Struct = dict[int, Any]


class Chunk(NamedTuple):
    """A column in a group of rows, by the footer.

    Attributes:
        name: path of the column.
        num_values: that it has.
        unpacked_bytes: of its pages.
        first: where its first page begins.
        packed_bytes: of its pages with their heads.
    """

    name: str
    num_values: int
    unpacked_bytes: int
    first: int
    packed_bytes: int


class Footer(NamedTuple):
    """The contents of a file's footer.

    Attributes:
        num_rows: of the file.
        num_groups: of rows.
        chunks: of all groups.
    """

    num_rows: int
    num_groups: int
    chunks: tuple[Chunk, ...]


def read_footer(content: bytes) -> Footer:
    """The footer of a file.

    Args:
        content: all of the file.

    Returns:
        What it says.

    Raises:
        ValueError: if it is damaged, or longer than `MAX_FOOTER_BYTES`.
    """
    length = int.from_bytes(content[-_TAIL:-4], "little")
    if content[-4:] != b"PAR1" or not 0 < length <= len(content) - _TAIL:
        raise ValueError("it does not end as Parquet files end")
    if length > MAX_FOOTER_BYTES:
        raise ValueError(f"its footer has {length:,} bytes, over {MAX_FOOTER_BYTES:,}")
    try:
        metadata = _Reader(content, len(content) - _TAIL - length).struct()
        groups = metadata[4]
        chunks = tuple(_chunk(one[3]) for group in groups for one in group[1])
        return Footer(int(metadata[3]), len(groups), chunks)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"its footer is damaged ({error!r})") from None


def _chunk(metadata: Struct) -> Chunk:
    first, dictionary = int(metadata[9]), int(metadata.get(11, 0))
    name = ".".join(part.decode("utf-8", "replace") for part in metadata[3])
    start = dictionary if 0 < dictionary < first else first
    return Chunk(name, int(metadata[5]), int(metadata[6]), start, int(metadata[7]))


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
        reader = _Reader(content, place)
        head = reader.struct()
        unpacked, packed = head.get(2), head.get(3)
        if not (isinstance(packed, int) and isinstance(unpacked, int)):
            raise ValueError(f"the page at byte {place} has a damaged head")
        if packed < 0 or unpacked < 0 or reader.place + packed > end:
            raise ValueError(f"the page at byte {place} has a damaged head")
        yield Page(packed, unpacked, _encoding(head))
        place = reader.place + packed
    raise ValueError(f"a column has more than {MAX_PAGES:,} pages")


def _encoding(head: Struct) -> int:
    """The encoding of a page's values: field 2 of a header of version 1, 4 of version 2."""
    for outer, inner in ((5, 2), (8, 4)):
        page = head.get(outer)
        encoding = page.get(inner) if isinstance(page, dict) else None
        if isinstance(encoding, int):
            return encoding
    return 0


class _Reader:
    """Reads structures of the compact protocol.

    Attributes:
        place: of the next byte.
    """

    def __init__(self, content: bytes, place: int) -> None:
        self._content = content
        self.place = place

    def struct(self, depth: int = 0) -> Struct:
        """The values of a structure by the numbers of their fields."""
        if depth > _DEEPEST:
            raise ValueError("a structure is nested too deeply")
        fields: Struct = {}
        field = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            field = field + step if step else self._signed()
            fields[field] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:  # noqa: ANN401 - of the kind that it says
        if kind in _WHOLE:
            return self._signed()
        if kind in (_TRUE, _FALSE, _BYTE):
            return self._byte()
        if kind == _BINARY:
            return self._bytes(self._varint())
        if kind == _DOUBLE:
            return self._bytes(8)
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind in _LISTS:
            return self._list(depth)
        raise ValueError(f"a structure holds a value of the unknown type {kind}")

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        size = head >> 4 if head >> 4 < _LONG_LIST else self._varint()
        if size > len(self._content) - self.place or depth > _DEEPEST:
            raise ValueError("a list is longer than the file, or nested too deeply")
        return [self._value(head & 15, depth + 1) for _ in range(size)]

    def _bytes(self, length: int) -> bytes:
        self.place += length
        if self.place > len(self._content):
            raise ValueError("a structure is cut")
        return self._content[self.place - length : self.place]

    def _byte(self) -> int:
        return self._bytes(1)[0]

    def _varint(self) -> int:
        value = 0
        for k in range(_LONGEST_NUMBER):
            byte = self._byte()
            value |= (byte & ~_MORE) << 7 * k
            if not byte & _MORE:
                return value
        raise ValueError("a structure has a number that is too long")

    def _signed(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)
