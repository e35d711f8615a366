"""PFCP messages (TS 29.244) from bytes and to bytes: a header, and elements of type and length.

What is read and written again is equal byte for byte, the message priority too. Source: TS 29.244
clauses 7.2.2 (header) and 8.1 (elements).

Example:
    >>> heartbeat = PfcpMessage(1, 7, (Element(96, bytes(4)),))
    >>> encode_pfcp(heartbeat).hex()
    '2001000c000007000060000400000000'
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from twin_gym.twins.signalling.wire.ipv4 import UnreadableError

GROUPED = frozenset({
    *range(1, 19), 51, 54, 58, 59, 68, 77, 78, 79, 80, 83, 85, 86, 87, 99, 102, 105, 118, 127, 128,
    129, 130, 132, 143, 147, 165, 166, 167, 168, 169, 175, 176, 183, 187, 188, 189, 190, 195, 199,
    200, 201, 203, 205, 211, 212, 213, 214, 216, 218, 220, 221, 225, 226, 227, 233, 238, 239, 240,
    242, 247, 252, 254, 255, 256, 261, 263, 264, 267, 270, 271, 272, 273,
})  # fmt: skip
"""Types of elements that hold elements (TS 29.244 table 8.1.2-1)."""

_VERSION = 1
_HAS_SEID, _HAS_PRIORITY, _FOLLOWS = 0x01, 0x02, 0x04
_HEAD = struct.Struct(">BBH")
_TYPE = struct.Struct(">HH")
_SEID_BYTES, _SEQUENCE_BYTES, _SPARE_BITS = 8, 4, 8
_MAX_DEPTH = 8
_PRIORITIES = 16


@dataclass(frozen=True, slots=True)
class Element:
    """An information element.

    Attributes:
        type: its number; from 32,768 on the content begins with the number of an enterprise.
        content: its bytes, or the elements that it holds.
    """

    type: int
    content: bytes | tuple[Element, ...]

    def find(self, kind: int) -> Element | None:
        """The first element of a type inside it, at any depth; None: there is none."""
        inside = self.content if isinstance(self.content, tuple) else ()
        return next(_found(inside, kind), None)


@dataclass(frozen=True, slots=True)
class PfcpMessage:
    """A message of PFCP.

    Attributes:
        type: its number, such as 50 for a session establishment request.
        sequence: number that request and response share, in [0, 2**24).
        elements: in the order of the message.
        seid: session endpoint identifier of the receiver; None: it is about a node.
        priority: of the message, 0 the highest; None: it has none.
        spare: the bits after the sequence number that mean nothing.
        header_spare: the two bits of the first octet that mean nothing.
    """

    type: int
    sequence: int
    elements: tuple[Element, ...]
    seid: int | None = None
    priority: int | None = None
    spare: int = 0
    header_spare: int = 0

    def find(self, kind: int) -> Element | None:
        """The first element of a type, at any depth; None: there is none."""
        return next(_found(self.elements, kind), None)


def _found(elements: tuple[Element, ...], kind: int) -> Iterator[Element]:
    for one in elements:
        if one.type == kind:
            yield one
        if isinstance(one.content, tuple):
            yield from _found(one.content, kind)


def decode_pfcp(content: bytes) -> PfcpMessage:
    """Reads a message.

    Args:
        content: one message of PFCP.

    Returns:
        Its header and elements.

    Raises:
        UnreadableError: if it is not PFCP of version 1, or damaged.
    """
    messages = split_pfcp(content)
    if len(messages) != 1:
        raise UnreadableError("PFCP messages bundled")
    return _decode(messages[0])


def split_pfcp(content: bytes) -> tuple[bytes, ...]:
    """The messages in a packet: one, or several that are bundled.

    Args:
        content: of the packet.

    Returns:
        Each message.

    Raises:
        UnreadableError: if the lengths do not fit.
    """
    messages, position = [], 0
    while True:
        if position + _HEAD.size > len(content):
            raise UnreadableError("PFCP header cut off")
        flags, _, length = _HEAD.unpack_from(content, position)
        end = position + _HEAD.size + length
        if end > len(content):
            raise UnreadableError("PFCP message cut off")
        messages.append(content[position:end])
        position = end
        if not flags & _FOLLOWS:
            break
    if position != len(content):
        raise UnreadableError("PFCP message followed by something")
    return tuple(messages)


def _decode(content: bytes) -> PfcpMessage:
    flags, kind, _ = _HEAD.unpack_from(content)
    if flags >> 5 != _VERSION:
        raise UnreadableError("PFCP of another version")
    has_seid = bool(flags & _HAS_SEID)
    start = _HEAD.size + _SEID_BYTES * has_seid
    if start + _SEQUENCE_BYTES > len(content):
        raise UnreadableError("PFCP header cut off")
    seid = int.from_bytes(content[_HEAD.size : start]) if has_seid else None
    sequence, spare = divmod(
        int.from_bytes(content[start : start + _SEQUENCE_BYTES]), 1 << _SPARE_BITS
    )
    priority = None
    if flags & _HAS_PRIORITY:
        priority, spare = divmod(spare, _PRIORITIES)
    elements = _elements(content[start + _SEQUENCE_BYTES :], 0)
    if elements is None:
        raise UnreadableError("PFCP element cut off")
    header_spare = flags >> 3 & 0b11
    return PfcpMessage(kind, sequence, elements, seid, priority, spare, header_spare)


def _elements(content: bytes, depth: int) -> tuple[Element, ...] | None:
    """The elements in some bytes; None: the lengths do not fit."""
    found, position = [], 0
    while position < len(content):
        if position + _TYPE.size > len(content):
            return None
        kind, length = _TYPE.unpack_from(content, position)
        position += _TYPE.size
        if position + length > len(content):
            return None
        inside = content[position : position + length]
        position += length
        held = _elements(inside, depth + 1) if kind in GROUPED and depth < _MAX_DEPTH else None
        found.append(Element(kind, inside if held is None else held))
    return tuple(found)


def encode_pfcp(message: PfcpMessage) -> bytes:
    """Builds a message.

    Args:
        message: header and elements.

    Returns:
        The message in bytes.

    Raises:
        ValueError: if the sequence number, the priority or a length does not fit its field.
    """
    flags = _VERSION << 5 | message.header_spare << 3
    head = b""
    if message.seid is not None:
        flags |= _HAS_SEID
        head = message.seid.to_bytes(_SEID_BYTES)
    low = message.spare
    if message.priority is not None:
        flags |= _HAS_PRIORITY
        low |= message.priority << 4
    try:
        numbers = message.sequence.to_bytes(3) + low.to_bytes(1)
        body = head + numbers + b"".join(map(_encode, message.elements))
        return _HEAD.pack(flags, message.type, len(body)) + body
    except (OverflowError, struct.error) as error:
        raise ValueError(f"a field of PFCP message {message.type} is too large: {error}") from None


def _encode(element: Element) -> bytes:
    content = element.content
    inside = content if isinstance(content, bytes) else b"".join(map(_encode, content))
    return _TYPE.pack(element.type, len(inside)) + inside
