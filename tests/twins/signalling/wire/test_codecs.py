"""PFCP, NGAP and NAS: what is built is read again, and by pycrate's own checks."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_gym.errors import ConfigError, MissingExtraError, UnknownNameError
from twin_gym.twins.signalling.wire import asn1
from twin_gym.twins.signalling.wire.ipv4 import UnreadableError
from twin_gym.twins.signalling.wire.nas import (
    MOBILITY_TYPES,
    SESSION_TYPES,
    NasMessage,
    Security,
    decode_nas,
    encode_nas,
    mandatory_elements,
)
from twin_gym.twins.signalling.wire.ngap import (
    NgapMessage,
    container,
    decode_ngap,
    encode_ngap,
    ngap,
)
from twin_gym.twins.signalling.wire.pfcp import (
    GROUPED,
    Element,
    PfcpMessage,
    decode_pfcp,
    encode_pfcp,
    split_pfcp,
)

PLAIN = st.builds(Element, st.sampled_from([19, 20, 21, 56, 60, 96, 40_000]), st.binary(max_size=9))
ELEMENTS = st.recursive(
    PLAIN,
    lambda inner: st.builds(
        Element, st.sampled_from([1, 2, 3, 10]), st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=8,
)
MESSAGES = st.builds(
    PfcpMessage,
    type=st.integers(0, 255),
    sequence=st.integers(0, 2**24 - 1),
    elements=st.lists(ELEMENTS, max_size=4).map(tuple),
    seid=st.none() | st.integers(0, 2**64 - 1),
    priority=st.none() | st.integers(0, 15),
    spare=st.integers(0, 15),
    header_spare=st.integers(0, 3),
)


@given(MESSAGES)
def test_pfcp_message_is_read_as_it_was_built(message):
    """Node and session messages, with and without priority, grouped elements at any depth."""
    assert decode_pfcp(encode_pfcp(message)) == message


@given(st.binary(max_size=80))
def test_pfcp_that_can_be_read_is_written_again_byte_for_byte(content):
    """Whatever the bytes are."""
    try:
        message = decode_pfcp(content)
    except UnreadableError:
        return
    assert encode_pfcp(message) == content


def test_priority_of_pfcp_is_kept():
    """free5GC sends MP with 12: the octet after the sequence number is c0."""
    content = bytes.fromhex("2334000c000000000000000100000 3c0".replace(" ", ""))
    assert decode_pfcp(content) == PfcpMessage(52, 3, (), seid=1, priority=12)
    assert encode_pfcp(decode_pfcp(content)) == content


def test_bundled_pfcp_messages_are_split():
    """The first one says that another follows."""
    one = bytearray(encode_pfcp(PfcpMessage(1, 1, ())))
    other = encode_pfcp(PfcpMessage(2, 1, ()))
    one[0] |= 0x04
    assert split_pfcp(bytes(one) + other) == (bytes(one), other)
    for wrong in (bytes(one), other + b"x", other[:-1], b""):
        with pytest.raises(UnreadableError):
            split_pfcp(wrong)


def test_numbers_that_do_not_fit_are_refused():
    """A sequence number has 24 bits."""
    with pytest.raises(ValueError, match="too large"):
        encode_pfcp(PfcpMessage(1, 2**24, ()))


def test_grouped_elements_are_those_that_pycrate_knows():
    """Those that pycrate has classes for; Create Traffic Endpoint (127) is one more."""
    asn1.import_nas()
    from pycrate_mobile import TS29244_PFCP

    source = Path(TS29244_PFCP.__file__).read_text("utf-8")
    known = set()
    for block in source.split("# IE Type")[1:]:
        head, _, rest = block.partition("\n")
        if rest.startswith("class ") and "(PFCPIEs)" in rest.partition("\n")[0]:
            numbers = head.partition(":")[2].split("(")[0]
            known |= {int(one) for one in numbers.split(",") if one.strip().isdigit()}
    assert known - GROUPED == set()
    assert GROUPED - known == {127}


def test_ngap_builder_knows_elements_from_the_asn1():
    """Names with hyphens are spelled with underscores, in any order."""
    content = ngap("UEContextReleaseComplete", RAN_UE_NGAP_ID=5, AMF_UE_NGAP_ID=7)
    message = decode_ngap(content)
    assert message == NgapMessage(
        "UEContextReleaseComplete", {"AMF-UE-NGAP-ID": 7, "RAN-UE-NGAP-ID": 5}
    )
    assert not message.missing
    assert encode_ngap(message) == content


def test_ngap_builder_refuses_what_the_asn1_does_not_have():
    """Unknown messages and elements, missing ones, values of another type."""
    with pytest.raises(UnknownNameError, match="did you mean 'InitialUEMessage'"):
        ngap("InitialUeMessage")
    with pytest.raises(UnknownNameError, match="information element of Paging 'Pagin_DRX'"):
        ngap("Paging", Pagin_DRX=1)
    with pytest.raises(ConfigError, match=r"must have AMF-UE-NGAP-ID, RAN-UE-NGAP-ID"):
        ngap("UEContextReleaseComplete")
    with pytest.raises(ConfigError, match="cannot be encoded"):
        ngap("UEContextReleaseComplete", AMF_UE_NGAP_ID="x", RAN_UE_NGAP_ID=5)
    with pytest.raises(ConfigError, match="PDUSessionResourceSetupRequestTransfer must have"):
        container("PDUSessionResourceSetupRequestTransfer", PDUSessionType="ipv4")


def test_mandatory_elements_of_transfers_are_asked_for():
    """A transfer inside a list is a message of its own."""
    transfer = container(
        "PDUSessionResourceModifyRequestTransfer", PDUSessionAggregateMaximumBitRate={}
    )
    assert transfer[1]["protocolIEs"][0]["id"] == 130
    lacking = ("PDUSessionResourceSetupRequestTransfer", {"protocolIEs": []})
    items = [{"pDUSessionID": 1, "pDUSessionResourceSetupRequestTransfer": lacking}]
    message = NgapMessage(
        "PDUSessionResourceSetupRequest", {"PDUSessionResourceSetupListSUReq": items}
    )
    assert message.missing[:2] == ("AMF-UE-NGAP-ID", "RAN-UE-NGAP-ID")
    assert "PDUSessionResourceSetupRequestTransfer.PDUSessionType" in message.missing


@given(st.binary(max_size=60))
def test_damaged_ngap_and_nas_are_refused_and_nothing_else_happens(content):
    """Any bytes are a message or `UnreadableError`."""
    for decode in (decode_ngap, decode_nas):
        try:
            decode(content)
        except UnreadableError:
            continue


def test_rejection_of_a_session_for_its_slice_has_the_known_bytes():
    """5GSM cause 69 is 45 in hexadecimal."""
    rejection = NasMessage(
        "PDU session establishment reject", {"5GSMCause": bytes((69,))}, pdu_session_id=1, pti=1
    )
    assert encode_nas(rejection).hex() == "2e0101c345"
    assert decode_nas(encode_nas(rejection)) == rejection


@pytest.mark.parametrize("name", [*MOBILITY_TYPES, *SESSION_TYPES])
def test_every_nas_message_is_built_from_its_mandatory_elements(name):
    """And read again: 45 types of 5GMM and 5GSM."""
    halves = {"NAS_KSI", "5GSRegType", "DeregistrationType", "ServiceType", "5GSIDType",
              "CtrlPlaneServiceType", "SSCMode", "PDUSessType", "PayloadContainerType",
              "AccessType"}  # fmt: skip
    sizes = {"NASSecAlgo": 1, "5GMMCause": 1, "5GSMCause": 1, "IntegrityProtMaxDataRate": 2,
             "SessAMBR": 6, "5GSID": 13, "UESecCap": 4, "5GSRegResult": 1, "ABBA": 2}  # fmt: skip
    elements = {
        one: 1 if one in halves else b"\1" * sizes.get(one, 4) for one in mandatory_elements(name)
    }
    if "PayloadContainer" in elements:
        elements["PayloadContainerType"] = 15
    message = NasMessage(name, elements)
    content = encode_nas(message)
    again = decode_nas(content)
    assert again.name == name
    assert set(again.elements) == set(elements)
    assert encode_nas(again) == content


def test_security_header_is_kept_and_what_is_ciphered_is_told_so():
    """Null ciphering is read; other bytes behind the header of ciphering are not."""
    security = Security(2, bytes.fromhex("01020304"), 9)
    complete = NasMessage("Registration complete", {}, security)
    content = encode_nas(complete)
    assert content.hex() == "7e020102030409" + "7e0043"
    assert decode_nas(content) == complete
    with pytest.raises(UnreadableError, match="NAS ciphered"):
        decode_nas(content[:7] + b"\x99\x88\x77\x66")


def test_nas_builder_refuses_unknown_and_missing_elements():
    """By the names that pycrate has."""
    with pytest.raises(UnknownNameError, match="NAS message 'Registration'"):
        encode_nas(NasMessage("Registration"))
    with pytest.raises(ConfigError, match="must have 5GMMCause"):
        encode_nas(NasMessage("Registration reject"))
    with pytest.raises(UnknownNameError, match="information element of Registration complete"):
        encode_nas(NasMessage("Registration complete", {"NSSAI": b"x"}))


@pytest.mark.parametrize("module", ["pycrate_asn1dir", "pycrate_mobile"])
def test_missing_extra_names_the_command(module, monkeypatch):
    """Without pycrate, captures and PFCP still work."""
    for name in [one for one in sys.modules if one.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    load = asn1.import_ngap if module == "pycrate_asn1dir" else asn1.import_nas
    with pytest.raises(MissingExtraError, match=r'pip install "twin-gym\[signalling\]"'):
        load()
    assert decode_pfcp(encode_pfcp(PfcpMessage(1, 1, ()))).type == 1


def test_element_that_a_message_does_not_have_is_named_by_its_number():
    """And what it would have stood for is missing, whatever another message would read in it."""
    content = ngap("UEContextReleaseComplete", RAN_UE_NGAP_ID=5, AMF_UE_NGAP_ID=7)
    nas_pdu = content.replace(bytes.fromhex("000a"), bytes.fromhex("0026"), 1)
    message = decode_ngap(nas_pdu)
    assert set(message.elements) == {"38", "RAN-UE-NGAP-ID"}
    assert message.missing == ("AMF-UE-NGAP-ID",)
