"""Control messages as they travel: NGAP in SCTP, PFCP in UDP, found in captures and put into them.

`payloads_of` is the way in: it goes through the packets of a capture and gives the messages, with
what was passed over counted. `packets_of` is the way out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from twin_gym.twins.signalling.wire.ipv4 import (
    SCTP,
    UDP,
    Datagram,
    UdpPacket,
    UnreadableError,
    decode_ipv4,
    decode_udp,
    encode_ipv4,
    encode_link,
    encode_udp,
    network_payload,
)
from twin_gym.twins.signalling.wire.pcap import ETHERNET, Capture, Packet, Remarks
from twin_gym.twins.signalling.wire.sctp import (
    NGAP_PAYLOAD,
    Chunk,
    Reassembly,
    SctpPacket,
    decode_sctp,
    encode_sctp,
    fragments,
)

NGAP_PORT, PFCP_PORT = 38_412, 8_805
NGAP, PFCP = "ngap", "pfcp"

_TAG, _TSN_MODULUS, _SEQUENCE_MODULUS = 0x5457_0000, 2**32, 2**16


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Address and port of one side.

    Example:
        >>> str(Endpoint(IPv4Address("10.0.0.1"), 38412))
        '10.0.0.1:38412'
    """

    address: IPv4Address
    port: int

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Payload:
    """A control message in bytes, with where it came from.

    Attributes:
        packet: number of the packet that completed it; 0: it is not from a capture.
        time_ns: time of that packet, ns.
        protocol: `NGAP` or `PFCP`.
        source: sender.
        target: receiver.
        content: the message.
        is_repeated: whether SCTP sent it before, so that the receiver passes it over.
        stream: of SCTP; 0 is for what concerns no UE (TS 38.412).
    """

    packet: int
    time_ns: int
    protocol: str
    source: Endpoint
    target: Endpoint
    content: bytes
    is_repeated: bool = False
    stream: int = 0


def payloads_of(capture: Capture) -> tuple[tuple[Payload, ...], Remarks]:
    """Finds the messages of NGAP and PFCP in a capture.

    Messages that SCTP repeats are given and marked. A wrong checksum is counted and the message is
    given: where the network card computes checksums, captures of the sender have wrong ones.

    Args:
        capture: the packets.

    Returns:
        The messages in the order in which they were complete, and what was passed over or is
        doubtful. Packets of other protocols (such as HTTP/2 over TCP) are not counted.
    """
    reader = _Reader(Remarks(dict(capture.remarks.counts), dict(capture.remarks.first)))
    payloads = tuple(
        payload for packet in capture.packets for payload in reader.read(packet, capture.link)
    )
    waiting = sum(len(one.waiting) + one.num_dropped for one in reader.associations.values())
    last = capture.packets[-1].number if capture.packets else 0
    for _ in range(waiting):
        reader.remarks.add("SCTP fragment without the rest", last)
    return payloads, reader.remarks


_Direction = tuple[IPv4Address, int, IPv4Address, int, int]


@dataclass
class _Reader:
    remarks: Remarks
    associations: dict[_Direction, Reassembly] = field(default_factory=dict)

    def read(self, packet: Packet, link: int) -> list[Payload]:
        """Messages that a packet completes."""
        try:
            datagram = decode_ipv4(network_payload(packet.data, link))
            if datagram.has_checksum_error and datagram.protocol in (SCTP, UDP):
                self.remarks.add("IPv4 checksum wrong", packet.number)
            if datagram.protocol == SCTP:
                return list(self._from_sctp(packet, datagram))
            return list(self._from_udp(packet, datagram)) if datagram.protocol == UDP else []
        except UnreadableError as reason:
            self.remarks.add(str(reason), packet.number)
            return []

    def _from_sctp(self, packet: Packet, datagram: Datagram) -> Iterator[Payload]:
        sctp = decode_sctp(datagram.payload)
        if sctp.has_checksum_error:
            self.remarks.add("SCTP checksum wrong", packet.number)
        for _ in range(sctp.num_unread):
            self.remarks.add("SCTP chunk I-DATA", packet.number)
        source = Endpoint(datagram.source, sctp.source_port)
        target = Endpoint(datagram.target, sctp.target_port)
        direction = (source.address, source.port, target.address, target.port, sctp.tag)
        for chunk in sctp.chunks:
            if chunk.payload_protocol != NGAP_PAYLOAD:
                self.remarks.add("SCTP payload other than NGAP", packet.number)
                continue
            reassembly = self.associations.setdefault(direction, Reassembly())
            content, is_repeated = reassembly.add(chunk)
            if content is not None:
                yield Payload(
                    packet.number, packet.time_ns, NGAP, source, target, content, is_repeated,
                    chunk.stream,
                )  # fmt: skip

    def _from_udp(self, packet: Packet, datagram: Datagram) -> Iterator[Payload]:
        udp = decode_udp(datagram)
        if PFCP_PORT not in (udp.source_port, udp.target_port):
            return
        if udp.has_checksum_error:
            self.remarks.add("UDP checksum wrong", packet.number)
        source = Endpoint(datagram.source, udp.source_port)
        target = Endpoint(datagram.target, udp.target_port)
        yield Payload(packet.number, packet.time_ns, PFCP, source, target, udp.payload)


@dataclass
class _Numbers:
    """The counters of one direction of an association."""

    tag: int
    tsn: int = 1
    sequences: dict[int, int] = field(default_factory=dict)

    def chunk(self, content: bytes, stream: int) -> Chunk:
        """A message as a chunk, with the next numbers."""
        sequence = self.sequences.get(stream, 0)
        self.sequences[stream] = (sequence + 1) % _SEQUENCE_MODULUS
        return Chunk(self.tsn, stream, sequence, NGAP_PAYLOAD, content)


def packets_of(payloads: Iterable[Payload], *, link: int = ETHERNET) -> Iterator[Packet]:
    """Puts messages into packets, with the checksums of IPv4, SCTP and UDP.

    Each pair of endpoints is one association of SCTP, with a tag and counters of its own; handshake
    and acknowledgements are not written. Long messages are divided.

    Args:
        payloads: in the order of time.
        link: link type, as for `encode_link`.

    Yields:
        Packets for a capture, numbered from 1.
    """
    associations: dict[tuple[Endpoint, Endpoint], _Numbers] = {}
    number = 0
    for payload in payloads:
        for datagram in _datagrams(payload, associations):
            number += 1
            data = encode_link(encode_ipv4(datagram), link)
            yield Packet(number, payload.time_ns, data)


def _datagrams(
    payload: Payload, associations: dict[tuple[Endpoint, Endpoint], _Numbers]
) -> Iterator[Datagram]:
    source, target = payload.source, payload.target
    if payload.protocol == PFCP:
        udp = UdpPacket(source.port, target.port, payload.content)
        yield encode_udp(source.address, target.address, udp)
        return
    key = source, target
    numbers = associations.setdefault(key, _Numbers(_TAG + len(associations) + 1))
    for chunk in fragments(numbers.chunk(payload.content, payload.stream)):
        packet = SctpPacket(source.port, target.port, numbers.tag, (chunk,))
        numbers.tsn = (chunk.tsn + 1) % _TSN_MODULUS
        yield Datagram(source.address, target.address, SCTP, encode_sctp(packet))
