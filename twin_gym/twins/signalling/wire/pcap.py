r"""Classic pcap files: packets with their times, read from bytes and written to them.

A file is a header of 24 bytes and, for each packet, a header of 16 bytes and what was captured.
Both byte orders are read, with times in microseconds and in nanoseconds; nanoseconds in little
endian are written. Source of the format: draft-ietf-opsawg-pcap.

Example:
    >>> capture = decode_pcap(encode_pcap([Packet(1, 1_500, b"\x45")], link=RAW))
    >>> capture.link, capture.packets[0].time_ns, capture.packets[0].data
    (101, 1500, b'E')
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from twin_gym.errors import TraceError
from twin_gym.files.reading import read_bytes
from twin_gym.files.whole import write_bytes

ETHERNET, RAW, LINUX_COOKED, IPV4, LINUX_COOKED_2 = 1, 101, 113, 228, 276
"""Link types that `ipv4.py` reads."""

MAX_FILE_BYTES = 256 * 2**20
MAX_PACKET_BYTES = 262_144
"""Longest packet that capture tools write (libpcap's largest snapshot)."""

_MICROSECONDS, _NANOSECONDS, _NEXT_GENERATION = 0xA1B2C3D4, 0xA1B23C4D, 0x0A0D0D0A
_HEADER, _RECORD = "HHiIII", "IIII"
_HEADER_BYTES, _RECORD_BYTES = 24, 16
_MAJOR, _MINOR = 2, 4
_LINK_MASK = 0xFFFF  # above stands how long the frame check sequence is
_NS_PER_S, _NS_PER_MICROSECOND = 10**9, 10**3
_MAX_SECONDS = 2**32


@dataclass(frozen=True, slots=True)
class Packet:
    """A captured packet.

    Attributes:
        number: position in the file; the first packet is 1, as in other tools.
        time_ns: time of the capture, ns since 1970.
        data: captured bytes, link header first.
        original_bytes: length on the wire; None: all of it was captured.
    """

    number: int
    time_ns: int
    data: bytes
    original_bytes: int | None = None


@dataclass
class Remarks:
    """What was not read, or read with doubt: by reason, how often and where first.

    Attributes:
        counts: number of packets or messages, by reason.
        first: number of the first packet, by reason.

    Example:
        >>> remarks = Remarks()
        >>> remarks.add("IPv4 fragment", 7)
        >>> remarks.add("IPv4 fragment", 9)
        >>> remarks.counts, remarks.first
        ({'IPv4 fragment': 2}, {'IPv4 fragment': 7})
    """

    counts: dict[str, int] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)

    def add(self, reason: str, packet: int) -> None:
        """Counts one more packet or message.

        Args:
            reason: one of a few sentences; no value of the packet is in it.
            packet: number of the packet.
        """
        self.counts[reason] = self.counts.get(reason, 0) + 1
        self.first.setdefault(reason, packet)


@dataclass(frozen=True)
class Capture:
    """The content of a pcap file.

    Attributes:
        link: link type, such as `ETHERNET`.
        packets: in the order of the file.
        remarks: a last packet that was cut off.
    """

    link: int
    packets: tuple[Packet, ...]
    remarks: Remarks


def bad_packet(name: str, packet: int, problem: str) -> TraceError:
    """The error for a capture that breaks its format.

    Args:
        name: of the file.
        packet: number of the packet at fault; 0: the header of the file.
        problem: what is wrong with the value, and what is allowed.

    Returns:
        The error, to be raised by the caller.

    Example:
        >>> print(bad_packet("core.pcap", 3, "it has 70,000 bytes"))
        core.pcap, packet 3: it has 70,000 bytes
    """
    place = f"packet {packet}" if packet else "header"
    return TraceError(f"{name}, {place}: {problem}")


def read_capture(path: Path) -> Capture:
    """Reads a pcap file.

    Args:
        path: a regular file of at most 256 MiB.

    Returns:
        Its packets.

    Raises:
        TraceError: if it cannot be read, is no pcap file, or breaks the format.
    """
    return decode_pcap(read_bytes(path, MAX_FILE_BYTES, "capture", TraceError), str(path))


def write_capture(path: Path, packets: Iterable[Packet], *, link: int = ETHERNET) -> None:
    """Writes a pcap file, atomically.

    Args:
        path: of the file; its folder exists.
        packets: in the order of the file; their numbers are not written.
        link: link type of all packets.

    Raises:
        OSError: if it cannot be written.
    """
    write_bytes(path, encode_pcap(packets, link=link))


def encode_pcap(packets: Iterable[Packet], *, link: int = ETHERNET) -> bytes:
    """The bytes of a pcap file: little endian, nanoseconds.

    Args:
        packets: in the order of the file; their numbers are not written.
        link: link type of all packets.

    Returns:
        The whole file.

    Raises:
        ValueError: if a time is not in [0, 2**32) s or a packet is longer than 262,144 bytes.
    """
    header = struct.pack(f"<I{_HEADER}", _NANOSECONDS, _MAJOR, _MINOR, 0, 0, MAX_PACKET_BYTES, link)
    return header + b"".join(_record(packet) for packet in packets)


def _record(packet: Packet) -> bytes:
    seconds, fraction = divmod(packet.time_ns, _NS_PER_S)
    if not 0 <= seconds < _MAX_SECONDS:
        raise ValueError(f"a pcap file has times in [0, 2**32) s, got {seconds} s")
    if len(packet.data) > MAX_PACKET_BYTES:
        raise ValueError(f"a packet has at most {MAX_PACKET_BYTES} bytes, got {len(packet.data)}")
    captured = len(packet.data)
    original = captured if packet.original_bytes is None else packet.original_bytes
    return struct.pack(f"<{_RECORD}", seconds, fraction, captured, original) + packet.data


def decode_pcap(content: bytes, name: str = "capture") -> Capture:
    """Reads the bytes of a pcap file.

    A last packet that was cut off, as by a capture that was killed, is counted; a length that no
    packet has is refused, because what follows cannot be found.

    Args:
        content: the whole file.
        name: how errors call it.

    Returns:
        Its packets.

    Raises:
        TraceError: if it is no pcap file or breaks the format.
    """
    order, ns_per_tick, link = _read_header(content, name)
    remarks = Remarks()
    packets = tuple(_read_records(content, order, ns_per_tick, name, remarks))
    return Capture(link, packets, remarks)


def _read_header(content: bytes, name: str) -> tuple[str, int, int]:
    """Byte order, nanoseconds in a tick and link type."""
    if len(content) < _HEADER_BYTES:
        raise bad_packet(name, 0, f"a pcap file has 24 bytes or more, got {len(content)}")
    per_tick = {_MICROSECONDS: _NS_PER_MICROSECOND, _NANOSECONDS: 1}
    for order in "<>":
        (magic,) = struct.unpack_from(f"{order}I", content)
        if magic in per_tick:
            break
    else:
        raise bad_packet(name, 0, _no_pcap(magic))
    major, _, _, _, _, link = struct.unpack_from(f"{order}{_HEADER}", content, 4)
    if major != _MAJOR:
        raise bad_packet(name, 0, f"version 2 of the format is read, got {major}")
    return order, per_tick[magic], link & _LINK_MASK


def _no_pcap(magic: int) -> str:
    if magic == _NEXT_GENERATION:
        return "it is a pcapng file: convert it to pcap first (editcap -F pcap)"
    return f"it begins with {magic:#010x}, which no pcap file does: name a capture"


def _read_records(
    content: bytes, order: str, ns_per_tick: int, name: str, remarks: Remarks
) -> Iterator[Packet]:
    position, number = _HEADER_BYTES, 0
    while position < len(content):
        number += 1
        if position + _RECORD_BYTES > len(content):
            remarks.add("last packet cut off", number)
            return
        fields = struct.unpack_from(f"{order}{_RECORD}", content, position)
        seconds, fraction, captured, original = fields
        if captured > MAX_PACKET_BYTES:
            problem = f"a packet has at most {MAX_PACKET_BYTES:,} bytes, got {captured:,}"
            raise bad_packet(name, number, f"{problem}: the file is damaged from here on")
        position += _RECORD_BYTES
        if position + captured > len(content):
            remarks.add("last packet cut off", number)
            return
        data = content[position : position + captured]
        position += captured
        yield Packet(number, seconds * _NS_PER_S + fraction * ns_per_tick, data, original)
