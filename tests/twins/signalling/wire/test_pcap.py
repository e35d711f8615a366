"""Files of captures: written and read again, in both byte orders, whole and damaged."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_gym.errors import TraceError
from twin_gym.twins.signalling.wire.pcap import (
    MAX_PACKET_BYTES,
    RAW,
    Packet,
    decode_pcap,
    encode_pcap,
    read_capture,
    write_capture,
)

PACKETS = st.lists(st.tuples(st.integers(0, 2**32 * 10**9 - 1), st.binary(max_size=80)))


@given(PACKETS)
def test_packets_are_read_as_they_were_written(content):
    """Times to the nanosecond, numbers from 1, nothing remarked."""
    packets = [Packet(place, time_ns, data) for place, (time_ns, data) in enumerate(content, 1)]
    capture = decode_pcap(encode_pcap(packets, link=RAW))
    assert capture.link == RAW
    assert [(one.number, one.time_ns, one.data) for one in capture.packets] == [
        (one.number, one.time_ns, one.data) for one in packets
    ]
    assert not capture.remarks.counts


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "ns_per_tick"), [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1)])
def test_both_byte_orders_and_both_units_of_time_are_read(order, magic, ns_per_tick):
    """A tick is a microsecond or a nanosecond, by the first number of the file."""
    content = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65_535, 101)
    content += struct.pack(f"{order}IIII", 7, 5, 2, 9) + b"ab"
    (packet,) = decode_pcap(content).packets
    assert packet == Packet(1, 7 * 10**9 + 5 * ns_per_tick, b"ab", 9)


def test_bits_above_the_link_type_are_passed_over():
    """Some tools write there how long the frame check sequence is."""
    content = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 0x2400_0001)
    assert decode_pcap(content).link == 1


def test_last_packet_that_is_cut_off_is_counted():
    """A capture that was killed keeps all packets before."""
    content = encode_pcap([Packet(1, 0, b"abcd"), Packet(2, 1, b"efgh")])
    for lost in range(1, 20):
        capture = decode_pcap(content[:-lost])
        assert [one.data for one in capture.packets] == [b"abcd"]
        assert capture.remarks.first == {"last packet cut off": 2}


def test_impossible_length_is_refused_with_the_number_of_the_packet():
    """What follows cannot be found."""
    content = encode_pcap([Packet(1, 0, b"abcd")]) + struct.pack("<IIII", 0, 0, 2**31, 2**31)
    with pytest.raises(TraceError, match=r"packet 2: .* at most 262,144 bytes, got 2,147,483,648"):
        decode_pcap(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "24 bytes or more, got 0"),
        (b"name,value\n" * 9, "0x6e616d65, which no pcap file does"),
        (bytes.fromhex("0a0d0d0a") + bytes(40), "convert it to pcap first"),
        (struct.pack("<IHHiIII", 0xA1B2C3D4, 3, 0, 0, 0, 0, 1), "version 2 of the format"),
    ],
)
def test_other_files_are_refused_in_a_sentence(content, said):
    """Empty ones, tables, pcapng, other versions."""
    with pytest.raises(TraceError, match=f"header: .*{said}"):
        decode_pcap(content, "x.pcap")


def test_what_no_file_can_hold_is_refused_when_writing():
    """Times before 1970, and packets longer than readers take."""
    with pytest.raises(ValueError, match="times in"):
        encode_pcap([Packet(1, -1, b"")])
    with pytest.raises(ValueError, match="at most 262144 bytes"):
        encode_pcap([Packet(1, 0, bytes(MAX_PACKET_BYTES + 1))])


def test_file_is_written_and_read(tmp_path):
    """A folder or a missing file is refused as any other input file."""
    path = tmp_path / "x.pcap"
    write_capture(path, [Packet(1, 3, b"abc")], link=RAW)
    assert read_capture(path).packets[0].data == b"abc"
    for wrong in (tmp_path, tmp_path / "absent.pcap"):
        with pytest.raises(TraceError):
            read_capture(wrong)
