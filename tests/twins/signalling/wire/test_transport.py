"""IPv4, UDP and SCTP: checksums with known values, fragments, repetitions, links."""

from ipaddress import IPv4Address
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_gym.twins.signalling.wire.ipv4 import (
    UnreadableError,
    decode_ipv4,
    decode_udp,
    internet_checksum,
    network_payload,
)
from twin_gym.twins.signalling.wire.pcap import (
    ETHERNET,
    LINUX_COOKED,
    RAW,
    Capture,
    Packet,
    Remarks,
)
from twin_gym.twins.signalling.wire.sctp import (
    NGAP_PAYLOAD,
    Chunk,
    Reassembly,
    SctpPacket,
    crc32c,
    decode_sctp,
    encode_sctp,
    fragments,
)
from twin_gym.twins.signalling.wire.transport import (
    NGAP,
    PFCP,
    Endpoint,
    Payload,
    packets_of,
    payloads_of,
)

GNB = Endpoint(IPv4Address("10.1.0.1"), 9_487)
AMF = Endpoint(IPv4Address("10.0.0.1"), 38_412)
SMF, UPF = (Endpoint(IPv4Address(f"10.0.0.{last}"), 8_805) for last in (2, 3))


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (b"123456789", 0xE3069283),
    ],
)
def test_crc32c_of_known_data(data, value):
    """RFC 3720 B.4, and the check value of the catalogue of CRCs."""
    assert crc32c(data) == value


def test_checksum_of_ipv4_header_that_is_known():
    """A header in a common example: b1e6 with the field empty, 0 with the field filled."""
    header = bytes.fromhex("4500003c1c4640004006") + b"\0\0" + bytes.fromhex("ac100a63ac100a0c")
    assert internet_checksum(header) == 0xB1E6
    assert internet_checksum(header[:10] + b"\xb1\xe6" + header[12:]) == 0


def payload(protocol, content, *, is_up=True, time_ns=0, stream=1):
    """A message between two fixed endpoints."""
    ends = (GNB, AMF) if protocol == NGAP else (UPF, SMF)
    source, target = ends if is_up else ends[::-1]
    stream = stream if protocol == NGAP else 0
    return Payload(0, time_ns, protocol, source, target, content, stream=stream)


def read(packets, link):
    """The messages in packets."""
    return payloads_of(Capture(link, tuple(packets), Remarks()))


MESSAGES = st.lists(
    st.tuples(st.sampled_from((NGAP, PFCP)), st.binary(min_size=1, max_size=5_000), st.booleans()),
    max_size=6,
)


@given(MESSAGES, st.sampled_from((ETHERNET, LINUX_COOKED, RAW)))
def test_messages_are_found_as_they_were_sent(content, link):
    """Long ones in fragments, over each link, with right checksums."""
    sent = [
        payload(protocol, data, is_up=is_up, time_ns=place)
        for place, (protocol, data, is_up) in enumerate(content)
    ]
    packets = list(packets_of(sent, link=link))
    found, remarks = read(packets, link)
    assert not remarks.counts
    assert [(one.protocol, one.time_ns, one.source, one.target, one.content, one.stream)
            for one in found] == [
        (one.protocol, one.time_ns, one.source, one.target, one.content, one.stream)
        for one in sent
    ]  # fmt: skip
    assert all(len(one.data) <= 1_500 or one.data[-1:] for one in packets)


def test_sctp_packets_of_a_written_capture_fit_into_an_ethernet_frame():
    """A message of 5,000 bytes is divided."""
    packets = list(packets_of([payload(NGAP, bytes(5_000))]))
    assert len(packets) == 4
    assert max(len(one.data) for one in packets) <= 1_514


def test_streams_count_their_messages_apart():
    """Transmission numbers count all chunks of a direction, sequence numbers those of a stream."""
    sent = [payload(NGAP, b"x", stream=stream) for stream in (0, 1, 1, 0)]
    chunks = [
        decode_sctp(decode_ipv4(packet.data).payload).chunks[0]
        for packet in packets_of(sent, link=RAW)
    ]
    assert [one.tsn for one in chunks] == [1, 2, 3, 4]
    assert [(one.stream, one.sequence) for one in chunks] == [(0, 0), (1, 0), (1, 1), (0, 1)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_fragments_are_put_together_in_any_order(order):
    """Over the end of the numbers, too."""
    chunks = list(fragments(Chunk(2**32 - 1, 1, 0, NGAP_PAYLOAD, b"abcdef"), 2))
    reassembly = Reassembly()
    results = [reassembly.add(chunks[place]) for place in order]
    assert [content for content, _ in results if content] == [b"abcdef"]
    assert not reassembly.waiting


def test_fragments_of_two_messages_are_kept_apart():
    """Neighbours that begin or end another message do not belong together."""
    first = list(fragments(Chunk(1, 1, 0, NGAP_PAYLOAD, b"abcd"), 2))
    second = list(fragments(Chunk(3, 1, 1, NGAP_PAYLOAD, b"wxyz"), 2))
    reassembly = Reassembly()
    results = [reassembly.add(one)[0] for one in (first[1], second[0], second[1], first[0])]
    assert results == [None, None, b"wxyz", b"abcd"]


def test_fragments_of_two_streams_do_not_belong_together():
    """Numbers that follow one another are not enough."""
    begin = Chunk(1, 1, 0, NGAP_PAYLOAD, b"ab", begins=True, ends=False)
    end = Chunk(2, 2, 0, NGAP_PAYLOAD, b"cd", begins=False, ends=True)
    reassembly = Reassembly()
    assert [reassembly.add(one)[0] for one in (begin, end)] == [None, None]


def test_repeated_chunks_are_marked_and_fragments_without_the_rest_are_counted():
    """The receiver passes over what it has; a capture that begins late lacks a beginning."""
    packets = list(packets_of([payload(NGAP, b"x"), payload(NGAP, bytes(3_000))], link=RAW))
    found, remarks = read([packets[0], packets[0], *packets[2:]], RAW)
    assert [one.is_repeated for one in found] == [False, True]
    assert remarks.counts == {"SCTP fragment without the rest": 2}


def test_several_chunks_in_a_packet_are_several_messages():
    """With another payload protocol between them, which is counted."""
    chunks = tuple(
        Chunk(place, 1, place, protocol, bytes((place,)))
        for place, protocol in enumerate((NGAP_PAYLOAD, 18, NGAP_PAYLOAD))
    )
    (shell,) = packets_of([payload(NGAP, b"x")], link=RAW)
    content = encode_sctp(SctpPacket(9_487, 38_412, 5, chunks))
    data = bytearray(shell.data[:20] + content)
    data[2:4] = len(data).to_bytes(2)
    found, remarks = read([Packet(4, 0, bytes(data))], RAW)
    assert [(one.packet, one.content) for one in found] == [(4, b"\0"), (4, b"\2")]
    assert remarks.counts == {"IPv4 checksum wrong": 1, "SCTP payload other than NGAP": 1}


@pytest.mark.parametrize(
    ("protocol", "reason"), [(NGAP, "SCTP checksum wrong"), (PFCP, "UDP checksum wrong")]
)
def test_wrong_checksum_is_counted_and_the_message_is_given(protocol, reason):
    """Captures of the sender have them where the network card computes checksums."""
    (packet,) = packets_of([payload(protocol, b"abcd")], link=RAW)
    damaged = packet.data[:-1] + bytes((packet.data[-1] ^ 1,))
    found, remarks = read([Packet(1, 0, damaged)], RAW)
    assert remarks.counts == {reason: 1}
    assert found[0].content == b"abce"


def test_header_of_another_link_is_passed_over():
    """VLAN tags of Ethernet, and the newer form of cooked packets."""
    (packet,) = packets_of([payload(PFCP, b"abcd")], link=ETHERNET)
    tagged = packet.data[:12] + bytes.fromhex("81000064") + packet.data[12:]
    assert network_payload(tagged, ETHERNET) == packet.data[14:]
    cooked = bytes.fromhex("0800") + bytes(18) + packet.data[14:]
    assert read([Packet(1, 0, cooked)], 276)[0][0].content == b"abcd"


@pytest.mark.parametrize(
    ("data", "link", "reason"),
    [
        (b"\x60" + bytes(39), RAW, "not IPv4"),
        (b"\x45", RAW, "not IPv4"),
        (bytes(14), ETHERNET, "not IPv4"),
        (bytes(5), ETHERNET, "link header cut off"),
        (b"\x45" + bytes(30), 147, "link type not read"),
        (bytes.fromhex("4100002000000000") + bytes(24), RAW, "IPv4 header damaged"),
        (bytes.fromhex("4500010000000000") + bytes(24), RAW, "IPv4 datagram cut off"),
        (bytes.fromhex("4500002000002000") + bytes(24), RAW, "IPv4 fragment"),
        (bytes.fromhex("450000180000000040840000") + bytes(12), RAW, "SCTP header cut off"),
        (bytes.fromhex("450000180000000040110000") + bytes(12), RAW, "UDP header cut off"),
    ],
)
def test_packets_that_cannot_be_read_are_counted(data, link, reason):
    """By reason, with the number of the first of them."""
    found, remarks = read([Packet(9, 0, data)], link)
    assert not found
    remarks.first.pop("IPv4 checksum wrong", None)
    assert remarks.first == {reason: 9}


def test_udp_packet_with_padding_behind_it_is_cut_to_its_length():
    """Ethernet pads short frames."""
    (packet,) = packets_of([payload(PFCP, b"ab")], link=RAW)
    datagram = decode_ipv4(packet.data + bytes(6))
    assert decode_udp(datagram).payload == b"ab"


@given(st.binary(max_size=60))
def test_no_bytes_make_the_reader_of_sctp_fail_otherwise_than_in_a_sentence(data):
    """Lengths that lie, chunks without end."""
    try:
        packet = decode_sctp(data)
    except UnreadableError:
        return
    assert all(one.data for one in packet.chunks)
