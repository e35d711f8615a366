"""Whose message it is: UEs followed by their identities, also where some are missing."""

from dataclasses import replace

import numpy as np
import pytest

from twin_gym.twins.signalling.wire.captures import log_of_capture
from twin_gym.twins.signalling.wire.encoder import encode_log
from twin_gym.twins.signalling.wire.nas_contents import suci
from twin_gym.twins.signalling.wire.nas_fields import NasFields
from twin_gym.twins.signalling.wire.ngap_fields import NgapFields
from twin_gym.twins.signalling.wire.pcap import decode_pcap, encode_pcap
from twin_gym.twins.signalling.wire.pfcp import decode_pfcp, encode_pfcp
from twin_gym.twins.signalling.wire.tracker import NOBODY, Tracker
from twin_gym.twins.signalling.wire.transport import PFCP, packets_of

USER_ID = 141


def read(payloads):
    """The log in payloads that went through a capture."""
    return log_of_capture(decode_pcap(encode_pcap(packets_of(payloads))))[0]


@pytest.fixture(scope="module")
def sent(eventful_log):
    """A minute and a half of the log, with its payloads."""
    log = eventful_log.between(0.0, 90.0)
    return log, list(encode_log((log[place] for place in range(len(log))), log.slices))


def numbered(ues):
    """Numbers of UEs in the order of first appearance."""
    numbers = {-1: -1}
    return [numbers.setdefault(int(one), len(numbers) - 1) for one in ues]


def test_sessions_find_their_ue_without_its_identity_on_n4(sent):
    """By the tunnel of the acceptance that comes later, or as the UE that is rejected next."""
    log, payloads = sent
    nameless = []
    for one in payloads:
        if one.protocol == PFCP:
            message = decode_pfcp(one.content)
            kept = tuple(part for part in message.elements if part.type != USER_ID)
            one = replace(one, content=encode_pfcp(replace(message, elements=kept)))
        nameless.append(one)
    assert nameless != payloads
    again = read(nameless)
    assert numbered(again.column("ue")) == numbered(log.column("ue"))
    assert not again.not_understood


def test_capture_that_begins_in_the_middle_counts_sessions_of_unknown_ues(sent):
    """The messages are in the log, of nobody."""
    _, payloads = sent
    again = read([one for one in payloads[len(payloads) // 2 :] if one.protocol == PFCP])
    assert again.not_understood["PFCP session of an unknown UE"] > 0
    on_session = again.column("seid") > 0
    assert set(again.column("ue")[on_session]) == {NOBODY}


def test_base_stations_keep_their_numbers_through_hand_overs(sent):
    """Targets are named before the first message comes from them, or after."""
    log, payloads = sent
    again = read(payloads)
    np.testing.assert_array_equal(again.column("gnb"), log.column("gnb"))
    np.testing.assert_array_equal(again.column("target_gnb"), log.column("target_gnb"))
    assert np.any(again.column("target_gnb") >= 0)


def test_ue_that_says_who_it_is_gets_its_earlier_number():
    """An unknown 5G-GUTI, then an identity response: the number of before holds for both."""
    tracker = Tracker()
    first = NasFields(supi=suci(0))
    unknown = NasFields(tmsi=77)
    assert tracker.of_ngap(0, "InitialUEMessage", 0, NgapFields(ran_ue_ngap_id=1), first) == 0
    assert tracker.of_ngap(1, "InitialUEMessage", 0, NgapFields(ran_ue_ngap_id=2), unknown) == 1
    fields = NgapFields(ran_ue_ngap_id=2, amf_ue_ngap_id=9)
    assert tracker.of_ngap(2, "UplinkNASTransport", 0, fields, first) == 1
    assert tracker.owner(1) == tracker.owner(0) == 0


def test_identity_at_a_base_station_may_come_back_for_another_ue():
    """After a hand-over, the identity at the AMF says who it is."""
    tracker = Tracker()
    for ue in (0, 1):
        fields = NgapFields(ran_ue_ngap_id=5, amf_ue_ngap_id=ue)
        tracker.of_ngap(0, "InitialUEMessage", ue, fields, NasFields(supi=suci(ue)))
    taken = NgapFields(ran_ue_ngap_id=5, amf_ue_ngap_id=0)
    assert tracker.of_ngap(1, "HandoverRequestAcknowledge", 1, taken, None) == 0
    assert tracker.of_ngap(2, "HandoverNotify", 1, taken, None) == 0


def test_hand_over_request_with_a_new_identity_is_of_the_ue_that_must_move():
    """The AMF may give another identity for the target."""
    tracker = Tracker()
    fields = NgapFields(ran_ue_ngap_id=5, amf_ue_ngap_id=8)
    tracker.of_ngap(0, "InitialUEMessage", 0, fields, NasFields(supi=suci(4)))
    tracker.of_ngap(1, "HandoverRequired", 0, fields, None)
    assert tracker.of_ngap(2, "HandoverRequest", 1, NgapFields(amf_ue_ngap_id=99), None) == 0
    assert tracker.of_ngap(3, "NGSetupRequest", 1, NgapFields(), None) == NOBODY
