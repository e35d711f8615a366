"""IPv4 and UDP packets: found behind the link header, and built with their checksums.

Source of the formats: RFC 791, RFC 768, RFC 1071 (checksum), and the pages of the link types.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address

from twin_gym.twins.signalling.wire.pcap import (
    ETHERNET,
    IPV4,
    LINUX_COOKED,
    LINUX_COOKED_2,
    RAW,
)

UDP, SCTP = 17, 132
"""Protocol numbers that are read."""

_TYPE_IPV4, _TYPE_VLAN, _TYPE_QINQ = 0x0800, 0x8100, 0x88A8
_LINKS = {ETHERNET: (14, 12), LINUX_COOKED: (16, 14), LINUX_COOKED_2: (20, 0)}
"""Length of a link header, and where its protocol type is, by link type."""

_VLAN_BYTES, _MAX_VLANS = 4, 2
_HEADER = struct.Struct(">BBHHHBBH4s4s")
_VERSION, _WORD_BYTES = 4, 4
_MORE_FRAGMENTS, _OFFSET = 0x2000, 0x1FFF
_DO_NOT_FRAGMENT, _TIME_TO_LIVE = 0x4000, 64
_UDP = struct.Struct(">HHHH")
_MAX_DATAGRAM = 0xFFFF
_LOCAL = b"\x02\x00"  # begins a locally administered address of a station
_ADDRESSES = (12, 16)  # places of the two addresses in the header of IPv4
_SENT_TO_US, _TYPE_ETHERNET = 0, 1


class UnreadableError(Exception):
    """A packet that is not read; the text is the reason, without values of the packet."""


@dataclass(frozen=True, slots=True)
class Datagram:
    """An IPv4 datagram.

    Attributes:
        source: address of the sender.
        target: address of the receiver.
        protocol: number of the protocol above, such as `SCTP`.
        payload: what the protocol above sent.
        has_checksum_error: whether the checksum of the header is wrong.
    """

    source: IPv4Address
    target: IPv4Address
    protocol: int
    payload: bytes
    has_checksum_error: bool = False


def internet_checksum(data: bytes) -> int:
    """The checksum of IPv4 and UDP: the complement of the sum of the words, in ones' complement.

    Args:
        data: any bytes; an odd one at the end is followed by a zero.

    Returns:
        A value in [0, 65535]; 0 over data that hold their own right checksum.

    Example:
        >>> hex(internet_checksum(bytes.fromhex("0001f203f4f5f6f7")))  # RFC 1071, section 3
        '0x220d'
    """
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total > _MAX_DATAGRAM:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def network_payload(data: bytes, link: int) -> bytes:
    """What follows the link header of a packet, if it is IPv4.

    Args:
        data: captured bytes.
        link: link type of the capture.

    Returns:
        Bytes that begin with the header of IPv4.

    Raises:
        UnreadableError: if it is something else.
    """
    if link in (RAW, IPV4):
        return data
    if link not in _LINKS:
        raise UnreadableError("link type not read")
    header, place = _LINKS[link]
    if len(data) < header:
        raise UnreadableError("link header cut off")
    (kind,) = struct.unpack_from(">H", data, place)
    for _ in range(_MAX_VLANS):
        if kind not in (_TYPE_VLAN, _TYPE_QINQ) or len(data) < header + _VLAN_BYTES:
            break
        (kind,) = struct.unpack_from(">H", data, header + 2)
        header += _VLAN_BYTES
    if kind != _TYPE_IPV4:
        raise UnreadableError("not IPv4")
    return data[header:]


def decode_ipv4(data: bytes) -> Datagram:
    """Reads an IPv4 datagram.

    Args:
        data: from the header of IPv4 on; padding of the link may follow.

    Returns:
        The datagram.

    Raises:
        UnreadableError: if it is not IPv4, is cut off, or is a fragment.
    """
    if len(data) < _HEADER.size or data[0] >> 4 != _VERSION:
        raise UnreadableError("not IPv4")
    first, _, length, _, fragment, _, protocol, _, source, target = _HEADER.unpack_from(data)
    header = (first & 0xF) * _WORD_BYTES
    if header < _HEADER.size or length < header:
        raise UnreadableError("IPv4 header damaged")
    if length > len(data):
        raise UnreadableError("IPv4 datagram cut off")
    if fragment & (_MORE_FRAGMENTS | _OFFSET):
        raise UnreadableError("IPv4 fragment")
    has_checksum_error = internet_checksum(data[:header]) != 0
    payload = data[header:length]
    return Datagram(IPv4Address(source), IPv4Address(target), protocol, payload, has_checksum_error)


def encode_ipv4(datagram: Datagram) -> bytes:
    """Builds an IPv4 datagram, with its checksum.

    Args:
        datagram: of at most 65,515 bytes of payload.

    Returns:
        Header and payload.

    Raises:
        ValueError: if the payload is longer.
    """
    length = _HEADER.size + len(datagram.payload)
    if length > _MAX_DATAGRAM:
        raise ValueError(f"a datagram has at most {_MAX_DATAGRAM} bytes, got {length}")
    source, target = datagram.source.packed, datagram.target.packed
    parts = (0x45, 0, length, 0, _DO_NOT_FRAGMENT, _TIME_TO_LIVE, datagram.protocol)
    checksum = internet_checksum(_HEADER.pack(*parts, 0, source, target))
    return _HEADER.pack(*parts, checksum, source, target) + datagram.payload


def encode_link(datagram: bytes, link: int) -> bytes:
    """Puts the header of a link before an IPv4 datagram.

    Args:
        datagram: from the header of IPv4 on; its addresses make those of the stations.
        link: `ETHERNET`, `LINUX_COOKED` or `RAW`.

    Returns:
        The bytes of a packet.

    Raises:
        ValueError: if the link type cannot be written.
    """
    sender, receiver = (_LOCAL + datagram[start : start + 4] for start in _ADDRESSES)
    if link == RAW:
        return datagram
    if link == ETHERNET:
        return receiver + sender + struct.pack(">H", _TYPE_IPV4) + datagram
    if link == LINUX_COOKED:
        cooked = struct.pack(">HHH", _SENT_TO_US, _TYPE_ETHERNET, len(sender)) + sender + b"\0\0"
        return cooked + struct.pack(">H", _TYPE_IPV4) + datagram
    raise ValueError(f"link types 1, 101 and 113 are written, got {link}")


def _pseudo_header(datagram: Datagram, length: int) -> bytes:
    addresses = datagram.source.packed + datagram.target.packed
    return addresses + struct.pack(">BBH", 0, UDP, length)


@dataclass(frozen=True, slots=True)
class UdpPacket:
    """A UDP packet.

    Attributes:
        source_port: of the sender.
        target_port: of the receiver.
        payload: what was sent.
        has_checksum_error: whether there is a checksum and it is wrong.
    """

    source_port: int
    target_port: int
    payload: bytes
    has_checksum_error: bool = False


def decode_udp(datagram: Datagram) -> UdpPacket:
    """Reads the UDP packet in a datagram.

    Args:
        datagram: of protocol `UDP`.

    Returns:
        The packet.

    Raises:
        UnreadableError: if it is cut off.
    """
    data = datagram.payload
    if len(data) < _UDP.size:
        raise UnreadableError("UDP header cut off")
    source, target, length, checksum = _UDP.unpack_from(data)
    if not _UDP.size <= length <= len(data):
        raise UnreadableError("UDP packet cut off")
    data = data[:length]
    is_wrong = checksum != 0 and internet_checksum(_pseudo_header(datagram, length) + data) != 0
    return UdpPacket(source, target, data[_UDP.size :], is_wrong)


def encode_udp(source: IPv4Address, target: IPv4Address, packet: UdpPacket) -> Datagram:
    """Builds a datagram with a UDP packet, with both checksums.

    Args:
        source: address of the sender.
        target: address of the receiver.
        packet: ports and payload.

    Returns:
        The datagram.
    """
    length = _UDP.size + len(packet.payload)
    empty = Datagram(source, target, UDP, b"")
    head = _UDP.pack(packet.source_port, packet.target_port, length, 0)
    checksum = internet_checksum(_pseudo_header(empty, length) + head + packet.payload)
    head = _UDP.pack(packet.source_port, packet.target_port, length, checksum or 0xFFFF)
    return Datagram(source, target, UDP, head + packet.payload)
