"""The captures of free5GC and UERANSIM: a test, never training data."""

from collections import Counter

import numpy as np
import pytest

from twin_gym.errors import TraceError
from twin_gym.twins.signalling.acceptance import not_accepted
from twin_gym.twins.signalling.answering import first_five_qis_in
from twin_gym.twins.signalling.replay import replay
from twin_gym.twins.signalling.wire import read_pcap
from twin_gym.twins.signalling.wire.nas import decode_nas, encode_nas
from twin_gym.twins.signalling.wire.ngap import decode_ngap, encode_ngap
from twin_gym.twins.signalling.wire.ngap_fields import fields_of_ngap
from twin_gym.twins.signalling.wire.pfcp import decode_pfcp, encode_pfcp
from twin_gym.twins.signalling.wire.transport import NGAP

# Of the 53 messages, four were sent by SCTP a second time; no other is left out.
REPEATED = {"rnp_5g_aka": 0, "rnp_eap_aka_prime_nofix": 3, "rnp_eap_aka_prime_partial": 1}
LENGTHS = {"rnp_5g_aka": 21, "rnp_eap_aka_prime_nofix": 15, "rnp_eap_aka_prime_partial": 13}


def test_all_53_messages_are_read_and_written_again_byte_for_byte(captured):
    """42 of NGAP with all NAS inside, 11 of PFCP; every one has its mandatory elements."""
    counts = Counter()
    for payload in (one for payloads in captured.values() for one in payloads):
        counts[payload.protocol] += 1
        if payload.protocol != NGAP:
            assert encode_pfcp(decode_pfcp(payload.content)) == payload.content
            continue
        message = decode_ngap(payload.content)
        assert encode_ngap(message) == payload.content
        assert not message.missing
        nas = fields_of_ngap(message).nas
        if nas:
            counts["nas"] += 1
            assert encode_nas(decode_nas(nas)) == nas
    assert counts == {"ngap": 42, "pfcp": 11, "nas": 32}


@pytest.mark.parametrize("name", REPEATED)
def test_grammar_accepts_the_captures_in_order(name, captures):
    """All but what SCTP repeats, which no receiver sees twice."""
    log = read_pcap(captures[name])
    assert len(log) == LENGTHS[name]
    assert log.not_understood.get("SCTP retransmission", 0) == REPEATED[name]
    assert log.not_understood.keys() <= {"SCTP retransmission", "UDP checksum wrong"}
    assert not_accepted(log, first_five_qis_in(log)) == ()


def test_captures_together_hold_53_messages():
    """Those in the logs, and the repeated ones."""
    assert sum(LENGTHS.values()) + sum(REPEATED.values()) == 53


def test_first_capture_tells_its_story(captures):
    """Synchronisation failure, then success, then a session of 5QI 9 in slice 1-010203."""
    log = read_pcap(captures["rnp_5g_aka"])
    names = [log[place].name.split("[")[-1].rstrip("]") for place in range(4, 12)]
    assert names == [
        "Registration request", "Authentication request", "Authentication failure",
        "Authentication request", "Authentication response", "Security mode command",
        "Security mode complete", "Registration accept",
    ]  # fmt: skip
    assert (log.slices[0].sst, log.slices[0].sd) == (1, 0x010203)
    assert set(log.column("ue")[4:]) == {0}
    accept = log[17]
    assert (accept.pdu_session_id, accept.s_nssai, accept.ue_address) == (1, 1, 0x0A3C0001)
    assert accept.teid == log[15].teid == 1


@pytest.mark.parametrize("name", ["rnp_eap_aka_prime_nofix", "rnp_eap_aka_prime_partial"])
def test_authentication_request_is_repeated_every_six_seconds(name, captures):
    """T3560, five transmissions; the UE answers that it does not understand."""
    log = read_pcap(captures[name])
    times = [
        log[place].time_ns / 1e9
        for place in range(len(log))
        if log[place].name.endswith("[Authentication request]")
    ]
    assert len(times) == 5
    np.testing.assert_allclose(np.diff(times), 6.0, atol=0.01)


@pytest.mark.parametrize("name", ["rnp_eap_aka_prime_nofix", "rnp_eap_aka_prime_partial"])
def test_automaton_predicts_the_core_of_the_captures_exactly(name, captures):
    """Every message that the AMF sends for the UE."""
    log = read_pcap(captures[name])
    replayed = replay(log, (9,) * len(log.slices))
    assert replayed.exact == 1.0
    assert len(replayed.scored) == 5


def test_capture_without_signalling_is_refused(captures, tmp_path):
    """With what to do; a capture cut off in the middle is read up to there."""
    content = captures["rnp_5g_aka"].read_bytes()
    path = tmp_path / "cut.pcap"
    path.write_bytes(content[: len(content) // 2])
    log = read_pcap(path)
    assert 0 < len(log) < 21
    assert log.not_understood["last packet cut off"] == 1
    path.write_bytes(content[:3_000])
    with pytest.raises(TraceError, match="holds no message of NGAP"):
        read_pcap(path)
