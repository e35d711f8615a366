"""Messages of the emulator in bytes: whole, right, and the same log again."""

from collections import Counter
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin_gym.errors import ConfigError, TraceError
from twin_gym.twins.signalling.acceptance import not_accepted
from twin_gym.twins.signalling.answering import first_five_qis_in
from twin_gym.twins.signalling.contents import CONTENTS
from twin_gym.twins.signalling.kinds import CAUSES, KINDS, element_bits, kind_code
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import Message, SNssai
from twin_gym.twins.signalling.wire import read_pcap, write_pcap
from twin_gym.twins.signalling.wire.asn1 import import_nas, import_ngap
from twin_gym.twins.signalling.wire.captures import log_of_capture
from twin_gym.twins.signalling.wire.encoder import Encoder, encode_log
from twin_gym.twins.signalling.wire.ipv4 import decode_ipv4
from twin_gym.twins.signalling.wire.nas import decode_nas, encode_nas
from twin_gym.twins.signalling.wire.ngap import decode_ngap, encode_ngap
from twin_gym.twins.signalling.wire.ngap_fields import fields_of_ngap
from twin_gym.twins.signalling.wire.pcap import decode_pcap, encode_pcap, read_capture
from twin_gym.twins.signalling.wire.pfcp import decode_pfcp, encode_pfcp
from twin_gym.twins.signalling.wire.sctp import decode_sctp
from twin_gym.twins.signalling.wire.transport import NGAP, packets_of

ONE_OF_EACH = {
    group: next(code for code, one in enumerate(CAUSES) if one is not None and one.group == group)
    for group in ("5GMM", "5GSM", "radioNetwork", "PFCP")
}


def message_of(kind):
    """A message of a kind with every field and element that it may carry."""
    contents = CONTENTS[kind.code]
    group = (
        "5GSM" if kind.inner else "5GMM" if kind.nas else "PFCP" if kind.pfcp else "radioNetwork"
    )
    values = {
        "s_nssai": 1, "cause": ONE_OF_EACH[group], "five_qi": 3, "request_type": 1,
        "registration_type": 4 if "Deregistration" in kind.nas else 1, "pdu_session_id": 2,
        "pti": 9, "active_sessions": 0b10, "tmsi": 77, "teid": 5, "ue_address": 0x0A000001,
        "f_seid": 8, "target_gnb": 1,
    }  # fmt: skip
    presence = contents.always
    for _, bits in contents.conditional:
        presence |= bits & ~element_bits("SUCI", "Buffering", "PDU Session Resource Failed List")
    named = {name: value for name, value in values.items() if name in contents.fields}
    is_n4 = bool(kind.pfcp)
    return Message(
        0, kind.code, 3, -1 if is_n4 else 0, ran_ue_ngap_id=-1 if is_n4 else 5,
        amf_ue_ngap_id=-1 if is_n4 else 7, pfcp_sequence=4 if is_n4 else -1,
        presence=presence, **named,
    )  # fmt: skip


def check(content, protocol):
    """A message decodes, has what is mandatory, and is written again equal."""
    if protocol != NGAP:
        import_nas()
        from pycrate_mobile.TS29244_PFCP import parse_PFCP

        element, error = parse_PFCP(content)
        assert error == 0
        assert element.to_bytes() == encode_pfcp(decode_pfcp(content)) == content
        return
    message = decode_ngap(content)
    assert not message.missing
    assert encode_ngap(message) == content
    pdu = import_ngap().NGAP_PDU_Descriptions.NGAP_PDU
    pdu.from_aper(content)
    assert pdu.to_aper() == content
    nas = fields_of_ngap(message).nas
    if nas:
        element, error = import_nas().parse_NAS5G(nas, null_cipher=True)
        assert error == 0
        assert element.to_bytes() == encode_nas(decode_nas(nas)) == nas


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_of_the_vocabulary_is_written_and_read(kind):
    """Bytes that pycrate reads without an error, with all that the standard calls mandatory."""
    payload = Encoder((SNssai(1, 5),)).payload(message_of(kind))
    check(payload.content, payload.protocol)
    log = log_of_capture(
        decode_pcap(encode_pcap(packets_of([payload])))
    )[0]  # fmt: skip
    (record,) = log.records
    assert Message.of(record).name == kind.name


@pytest.mark.slow
def test_every_message_of_a_log_is_whole(eventful_log):
    """And the log has most kinds of the vocabulary."""
    messages = [eventful_log[place] for place in range(len(eventful_log))]
    assert len({one.kind for one in messages}) > 65
    for payload in encode_log(messages, eventful_log.slices):
        check(payload.content, payload.protocol)


@pytest.mark.slow
def test_log_is_read_from_its_capture_as_it_was(eventful_log, tmp_path):
    """All fields, verdicts and decisions too; UEs are numbered anew, the time counts from 0.

    The one difference: the standard demands a bit rate in HandoverRequest, the vocabulary gives it
    to UEs with sessions alone.
    """
    path = tmp_path / "log.pcap"
    eventful_log.to_pcap(path)
    again = read_pcap(path)
    assert again.not_understood == {}
    assert again.slices == eventful_log.slices
    assert len(again) == len(eventful_log)
    numbers = {-1: -1}
    differences = Counter()
    start_ns = eventful_log[0].time_ns
    for place in range(len(again)):
        before, after = eventful_log[place], again[place]
        ue = numbers.setdefault(before.ue, len(numbers) - 1)
        before = replace(before, ue=ue, time_ns=before.time_ns - start_ns)
        differences.update(
            (before.name, field.name)
            for field in fields(Message)
            if getattr(before, field.name) != getattr(after, field.name)
        )
    assert not differences
    assert not_accepted(again, first_five_qis_in(again)) == ()


def test_written_capture_has_right_checksums(eventful_log, tmp_path):
    """IPv4, SCTP and UDP, over every link that is written."""
    log = eventful_log.between(0.0, 20.0)
    for link in (1, 101, 113):
        path = tmp_path / f"{link}.pcap"
        write_pcap(log, path, link=link, start_s=0)
        capture = read_capture(path)
        assert capture.link == link
        assert log_of_capture(capture)[0].not_understood == {}
        assert capture.packets[0].time_ns == log[0].time_ns


def test_same_log_gives_the_same_bytes(eventful_log, tmp_path):
    """Challenges and keys too."""
    log = eventful_log.between(0.0, 10.0)
    for name in ("a", "b"):
        log.to_pcap(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_nas_messages_of_a_ue_are_counted_in_the_security_header(eventful_log):
    """Each direction from 0, anew after a security mode command."""
    log = eventful_log.between(0.0, 150.0)
    messages = [log[place] for place in range(len(log))]
    last, num_new = {}, 0
    for message, payload in zip(messages, encode_log(messages, log.slices), strict=True):
        nas = b"" if message.described.pfcp else fields_of_ngap(decode_ngap(payload.content)).nas
        security = decode_nas(nas).security if nas else None
        if security is None:
            continue
        key = message.ue, message.described.is_from_core
        if message.name.endswith("[Security mode command]"):
            num_new += key in last
            last[message.ue, True], last[message.ue, False] = 0, -1
        else:
            last[key] = last.get(key, -1) + 1
        assert security.sequence == last[key]
    assert num_new > 1


def test_field_that_does_not_fit_is_refused_with_the_message():
    """An identity of more than 32 bits."""
    kind = KINDS[kind_code("InitialContextSetupResponse")]
    with pytest.raises(ConfigError, match="InitialContextSetupResponse cannot be encoded"):
        Encoder().content(replace(message_of(kind), ran_ue_ngap_id=2**32))


@pytest.fixture(scope="module")
def small_capture(eventful_log):
    """The bytes of a capture of some hundred messages."""
    log = eventful_log.between(0.0, 10.0)
    messages = [log[place] for place in range(len(log))]
    return encode_pcap(packets_of(encode_log(messages, log.slices)))


@settings(max_examples=25)
@given(data=st.data())
def test_damaged_captures_are_refused_or_counted(small_capture, data):
    """Bits that are turned, bytes that are lost, ends that are cut off: never a crash."""
    content = bytearray(small_capture)
    for _ in range(data.draw(st.integers(1, 12))):
        place = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[place] ^= 1 << data.draw(st.integers(0, 7))
        else:
            del content[place : place + data.draw(st.integers(1, 30))]
    try:
        log, _ = log_of_capture(decode_pcap(bytes(content)))
    except TraceError:
        return
    assert isinstance(log, MessageLog)


@settings(max_examples=25)
@given(data=st.data())
def test_damaged_messages_in_whole_packets_are_refused_or_counted(eventful_log, data):
    """What a network function sends may be wrong though its packets are right."""
    log = eventful_log.between(0.0, 5.0)
    payloads = list(encode_log((log[place] for place in range(len(log))), log.slices))
    damaged = []
    for one in payloads:
        content = bytearray(one.content)
        for _ in range(data.draw(st.integers(0, 2))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        damaged.append(replace(one, content=bytes(content)))
    again, _ = log_of_capture(decode_pcap(encode_pcap(packets_of(damaged))))
    assert len(again) + sum(again.not_understood.values()) >= len(log)


def test_long_capture_in_ethernet_frames_is_what_sctp_says(small_capture):
    """Each packet holds one chunk, whose numbers rise by one in each direction."""
    last = {}
    for packet in decode_pcap(small_capture).packets:
        datagram = decode_ipv4(packet.data[14:])
        if datagram.protocol != 132:
            continue
        sctp = decode_sctp(datagram.payload)
        (chunk,) = sctp.chunks
        assert chunk.tsn == last.get(sctp.tag, 0) + 1
        last[sctp.tag] = chunk.tsn


def test_another_reader_finds_the_same_packets_with_right_checksums(small_capture):
    """Pycrate's own Ethernet, IPv4, UDP and SCTP, as a tool that did not write the file."""
    from pycrate_ether.Ethernet import Ethernet
    from pycrate_ether.IP import UDP, IPv4, checksum
    from pycrate_ether.SCTP import SCTP

    seen = Counter()
    for packet in decode_pcap(small_capture).packets:
        ethernet, ip = Ethernet(), IPv4()
        ethernet.from_bytes(packet.data[:14])
        assert ethernet["type"].get_val() == 0x0800
        ip.from_bytes(packet.data[14:34])
        assert ip["len"].get_val() == len(packet.data) - 14
        written = ip["hdr_cs"].get_val()
        ip["hdr_cs"].set_val(None)
        assert ip["hdr_cs"].get_val() == written
        payload = packet.data[34:]
        if ip["proto"].get_val() == 132:
            sctp = SCTP()
            sctp.from_bytes(payload)
            assert sctp[0]["CS"].get_val() == sctp[0].checksum()
            assert sctp.to_bytes() == payload
            seen["sctp"] += 1
        else:
            udp = UDP()
            udp.from_bytes(payload[:8])
            assert udp["len"].get_val() == len(payload)
            assert checksum(packet.data[26:34] + b"\0\x11" + payload[4:6] + payload) == 0
            seen["udp"] += 1
    assert min(seen["sctp"], seen["udp"]) > 4
