"""SCTP packets: chunks of data put together to messages, and built with their CRC32c.

Source of the formats: RFC 9260. Only DATA chunks are used; what else an association sends
(handshake, acknowledgements, heartbeats) is passed over.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from twin_gym.twins.signalling.wire.ipv4 import UnreadableError

NGAP_PAYLOAD = 60
"""Payload protocol identifier of NGAP (TS 38.412)."""

MAX_MESSAGE_BYTES = 2**18
MAX_FRAGMENT_BYTES = 1_400
"""Most bytes of a message in a chunk that is written, so that a packet fits into 1,500 bytes."""

_COMMON = struct.Struct(">HHI")
_CHECKSUM = struct.Struct("<I")
_CHUNK = struct.Struct(">BBH")
_DATA = struct.Struct(">IHHI")
_COMMON_BYTES = _COMMON.size + _CHECKSUM.size
_DATA_TYPE, _IDATA_TYPE, _ALIGNMENT = 0, 64, 4
_ENDS, _BEGINS = 0x01, 0x02
_TSN_MODULUS = 2**32
_POLYNOMIAL = 0x82F63B78  # Castagnoli's, bits reversed
_MAX_OPEN_FRAGMENTS = 256


def _table() -> tuple[int, ...]:
    entries = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        entries.append(value)
    return tuple(entries)


_TABLE = _table()


def crc32c(data: bytes) -> int:
    """The cyclic redundancy check of SCTP, with Castagnoli's polynomial.

    Args:
        data: any bytes.

    Returns:
        A value in [0, 2**32).

    Example:
        >>> hex(crc32c(b"123456789"))
        '0xe3069283'
    """
    value, table = 0xFFFF_FFFF, _TABLE
    for byte in data:
        value = (value >> 8) ^ table[(value ^ byte) & 0xFF]
    return value ^ 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Chunk:
    """A DATA chunk: a message, or a fragment of one.

    Attributes:
        tsn: transmission sequence number, which counts the chunks of a direction.
        stream: number of the stream.
        sequence: number of the message in its stream.
        payload_protocol: what the message is, such as `NGAP_PAYLOAD`.
        data: bytes of the message.
        begins: whether the message begins here.
        ends: whether the message ends here.
    """

    tsn: int
    stream: int
    sequence: int
    payload_protocol: int
    data: bytes
    begins: bool = True
    ends: bool = True


@dataclass(frozen=True, slots=True)
class SctpPacket:
    """An SCTP packet.

    Attributes:
        source_port: of the sender.
        target_port: of the receiver.
        tag: verification tag, which names the association.
        chunks: the DATA chunks.
        has_checksum_error: whether the CRC32c is wrong.
        num_unread: chunks of data of a form that is not read (I-DATA).
    """

    source_port: int
    target_port: int
    tag: int
    chunks: tuple[Chunk, ...]
    has_checksum_error: bool = False
    num_unread: int = 0


def decode_sctp(data: bytes) -> SctpPacket:
    """Reads an SCTP packet.

    Args:
        data: from the common header on.

    Returns:
        The packet with its DATA chunks.

    Raises:
        UnreadableError: if it is cut off or a chunk has a length that it cannot have.
    """
    if len(data) < _COMMON_BYTES:
        raise UnreadableError("SCTP header cut off")
    source, target, tag = _COMMON.unpack_from(data)
    (checksum,) = _CHECKSUM.unpack_from(data, _COMMON.size)
    body = data[_COMMON_BYTES:]
    is_wrong = checksum != crc32c(data[: _COMMON.size] + bytes(_CHECKSUM.size) + body)
    chunks, num_unread = [], 0
    for kind, flags, content in _chunks(body):
        if kind == _IDATA_TYPE:
            num_unread += 1
        if kind == _DATA_TYPE:
            chunks.append(_data_chunk(flags, content))
    return SctpPacket(source, target, tag, tuple(chunks), is_wrong, num_unread)


def _chunks(body: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Type, flags and content of each chunk."""
    position = 0
    while position + _CHUNK.size <= len(body):
        kind, flags, length = _CHUNK.unpack_from(body, position)
        if length < _CHUNK.size or position + length > len(body):
            raise UnreadableError("SCTP chunk cut off")
        yield kind, flags, body[position + _CHUNK.size : position + length]
        position += -(-length // _ALIGNMENT) * _ALIGNMENT


def _data_chunk(flags: int, content: bytes) -> Chunk:
    if len(content) <= _DATA.size:
        raise UnreadableError("SCTP chunk cut off")
    tsn, stream, sequence, protocol = _DATA.unpack_from(content)
    data, begins, ends = content[_DATA.size :], bool(flags & _BEGINS), bool(flags & _ENDS)
    return Chunk(tsn, stream, sequence, protocol, data, begins, ends)


def encode_sctp(packet: SctpPacket) -> bytes:
    """Builds an SCTP packet, with its CRC32c.

    Args:
        packet: ports, tag and chunks.

    Returns:
        Common header and chunks.
    """
    head = _COMMON.pack(packet.source_port, packet.target_port, packet.tag)
    body = b"".join(_encode_chunk(chunk) for chunk in packet.chunks)
    checksum = crc32c(head + bytes(_CHECKSUM.size) + body)
    return head + _CHECKSUM.pack(checksum) + body


def _encode_chunk(chunk: Chunk) -> bytes:
    flags = _BEGINS * chunk.begins | _ENDS * chunk.ends
    length = _CHUNK.size + _DATA.size + len(chunk.data)
    numbers = chunk.tsn, chunk.stream, chunk.sequence, chunk.payload_protocol
    coded = _CHUNK.pack(_DATA_TYPE, flags, length) + _DATA.pack(*numbers) + chunk.data
    return coded + bytes(-length % _ALIGNMENT)


def fragments(chunk: Chunk, most_bytes: int = MAX_FRAGMENT_BYTES) -> Iterator[Chunk]:
    """Divides a message into chunks that fit into packets.

    Args:
        chunk: the whole message; its `tsn` is that of the first fragment.
        most_bytes: of the message in a chunk.

    Yields:
        The chunks, with successive transmission sequence numbers.

    Example:
        >>> whole = Chunk(7, 1, 0, NGAP_PAYLOAD, b"abcde")
        >>> [(one.tsn, one.data, one.begins, one.ends) for one in fragments(whole, 2)]
        [(7, b'ab', True, False), (8, b'cd', False, False), (9, b'e', False, True)]
    """
    for place, start in enumerate(range(0, len(chunk.data), most_bytes)):
        end = start + most_bytes
        yield Chunk(
            (chunk.tsn + place) % _TSN_MODULUS, chunk.stream, chunk.sequence,
            chunk.payload_protocol, chunk.data[start:end],
            begins=start == 0, ends=end >= len(chunk.data),
        )  # fmt: skip


@dataclass
class Reassembly:
    """Puts the fragments of one direction of an association together.

    Attributes:
        seen: transmission sequence numbers that have arrived.
        waiting: fragments of messages that are not whole, by transmission sequence number.
        num_dropped: fragments given up: too many waited, or their message was too long.
    """

    seen: set[int] = field(default_factory=set)
    waiting: dict[int, Chunk] = field(default_factory=dict)
    num_dropped: int = 0

    def add(self, chunk: Chunk) -> tuple[bytes | None, bool]:
        """Takes a chunk.

        Args:
            chunk: in any order, repeated ones too.

        Returns:
            The message that it completes, if any, and whether the chunk is a repetition. A whole
            message that is repeated is given again.
        """
        is_repeated = chunk.tsn in self.seen
        self.seen.add(chunk.tsn)
        if chunk.begins and chunk.ends:
            return chunk.data, is_repeated
        if is_repeated:
            return None, True
        if len(self.waiting) >= _MAX_OPEN_FRAGMENTS:
            self.num_dropped += len(self.waiting)
            self.waiting.clear()
        self.waiting[chunk.tsn] = chunk
        return self._completed(chunk), False

    def _completed(self, chunk: Chunk) -> bytes | None:
        """The message of a fragment, if all its fragments are there."""
        before = self._run(chunk, -1)
        after = self._run(chunk, +1)
        run = [*reversed(before), chunk, *after]
        if not (run[0].begins and run[-1].ends):
            return None
        for one in run:
            del self.waiting[one.tsn]
        data = b"".join(one.data for one in run)
        if len(data) > MAX_MESSAGE_BYTES:
            self.num_dropped += len(run)
            return None
        return data

    def _run(self, chunk: Chunk, step: int) -> list[Chunk]:
        """Fragments of the same message before a fragment, or after it, nearest first."""
        run: list[Chunk] = []
        last = chunk
        while not (last.begins if step < 0 else last.ends):
            following = self.waiting.get((last.tsn + step) % _TSN_MODULUS)
            if following is None or following.stream != chunk.stream:
                break
            run.append(following)
            last = following
        return run
