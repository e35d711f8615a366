"""Messages of the grammar as NGAP: which information element carries which field.

Every element that the ASN.1 calls mandatory is there; an optional one is there if the message says
so by a presence bit, or by a field that only it carries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twin_gym.twins.signalling.kinds import element_bits
from twin_gym.twins.signalling.message import Message
from twin_gym.twins.signalling.wire.asn1 import message_rules
from twin_gym.twins.signalling.wire.nas_contents import token
from twin_gym.twins.signalling.wire.network import (
    PLMN,
    TAC,
    Situation,
    guami,
    location,
    node_id,
    s_tmsi,
    slice_value,
    tracking_area,
)
from twin_gym.twins.signalling.wire.ngap import NgapMessage
from twin_gym.twins.signalling.wire.session_lists import (
    TRANSFERS,
    listed_sessions,
    named_cause,
    session_list,
)

Value = Any
Maker = Callable[[Message, Situation], Value]

_ALGORITHMS = {
    "nRencryptionAlgorithms": (0xE000, 16),
    "nRintegrityProtectionAlgorithms": (0xE000, 16),
    "eUTRAencryptionAlgorithms": (0xE000, 16),
    "eUTRAintegrityProtectionAlgorithms": (0xE000, 16),
}
_BIT_RATES = {
    "uEAggregateMaximumBitRateDL": 2_000_000_000,
    "uEAggregateMaximumBitRateUL": 1_000_000_000,
}
_KEY_BITS, _STATUS_BITS = 256, 18
_COUNT = {"pDCP-SN18": 0, "hFN-PDCP-SN18": 0}
_DRB_STATUS = {
    "dRB-ID": 1,
    "dRBStatusUL": ("dRBStatusUL18", {"uL-COUNTValue": _COUNT}),
    "dRBStatusDL": ("dRBStatusDL18", {"dL-COUNTValue": _COUNT}),
}


def _key(message: Message) -> tuple[int, int]:
    return int.from_bytes(token("key", message, _KEY_BITS // 8)), _KEY_BITS


def _allowed(message: Message, situation: Situation) -> list[Value]:
    return [{"s-NSSAI": slice_value(situation.slice_of(message.s_nssai))}]


def _supported(situation: Situation) -> list[Value]:
    return [{"s-NSSAI": slice_value(one)} for one in situation.slices or (situation.slice_of(0),)]


def _areas(message: Message, situation: Situation) -> list[Value]:
    plmns = [{"pLMNIdentity": PLMN, "tAISliceSupportList": _supported(situation)}]
    return [{"tAC": TAC, "broadcastPLMNList": plmns}]


def _target(message: Message, situation: Situation) -> Value:
    node = {"globalRANNodeID": node_id(message.target_gnb), "selectedTAI": tracking_area()}
    return "targetRANNodeID", node


def _identities(message: Message, situation: Situation) -> Value:
    pair = {
        "aMF-UE-NGAP-ID": message.amf_ue_ngap_id,
        "rAN-UE-NGAP-ID": message.ran_ue_ngap_id,
    }
    return "uE-NGAP-ID-pair", pair


def _handover_cause(message: Message, situation: Situation) -> Value:
    if message.cause or message.described.ngap != "HandoverRequest":
        return named_cause(message)
    return "radioNetwork", "handover-desirable-for-radio-reason"


_MAKERS: Mapping[str, Maker] = {
    "AMF-UE-NGAP-ID": lambda one, now: one.amf_ue_ngap_id,
    "SourceAMF-UE-NGAP-ID": lambda one, now: one.amf_ue_ngap_id,
    "RAN-UE-NGAP-ID": lambda one, now: one.ran_ue_ngap_id,
    "UE-NGAP-IDs": _identities,
    "NAS-PDU": lambda one, now: now.nas,
    "UserLocationInformation": lambda one, now: location(max(one.gnb, 0)),
    "RRCEstablishmentCause": lambda one, now: "mo-Signalling",
    "UEContextRequest": lambda one, now: "requested",
    "FiveG-S-TMSI": lambda one, now: s_tmsi(one.tmsi),
    "UEPagingIdentity": lambda one, now: ("fiveG-S-TMSI", s_tmsi(one.tmsi)),
    "TAIListForPaging": lambda one, now: [{"tAI": tracking_area()}],
    "GUAMI": lambda one, now: guami(),
    "UnavailableGUAMIList": lambda one, now: [{"gUAMI": guami()}],
    "ServedGUAMIList": lambda one, now: [{"gUAMI": guami()}],
    "AMFName": lambda one, now: "AMF",
    "RelativeAMFCapacity": lambda one, now: 255,
    "PLMNSupportList": lambda one, now: [
        {"pLMNIdentity": PLMN, "sliceSupportList": _supported(now)}
    ],
    "GlobalRANNodeID": lambda one, now: node_id(max(one.gnb, 0)),
    "SupportedTAList": _areas,
    "DefaultPagingDRX": lambda one, now: "v128",
    "AllowedNSSAI": _allowed,
    "UESecurityCapabilities": lambda one, now: _ALGORITHMS,
    "SecurityKey": lambda one, now: _key(one),
    "SecurityContext": lambda one, now: {"nextHopChainingCount": 1, "nextHopNH": _key(one)},
    "UEAggregateMaximumBitRate": lambda one, now: _BIT_RATES,
    "Cause": _handover_cause,
    "HandoverType": lambda one, now: "intra5gs",
    "TargetID": _target,
    "SourceToTarget-TransparentContainer": lambda one, now: token("source", one, 8),
    "TargetToSource-TransparentContainer": lambda one, now: token("target", one, 8),
    "RANStatusTransfer-TransparentContainer": lambda one, now: {
        "dRBsSubjectToStatusTransferList": [_DRB_STATUS]
    },
}
_LIST, _FAILED = "PDU Session Resource Setup List", "PDU Session Resource Failed List"
NGAP_ELEMENTS: Mapping[str, int] = {
    "UEContextRequest": element_bits("UE Context Request"),
    "FiveG-S-TMSI": element_bits("5G-S-TMSI"),
    "UEPagingIdentity": element_bits("5G-S-TMSI"),
    "UEAggregateMaximumBitRate": element_bits("UE Aggregate Maximum Bit Rate"),
    "SecurityKey": element_bits("Security Key"),
    "SecurityContext": element_bits("Security Context"),
    "TargetToSource-TransparentContainer": element_bits("Target to Source Container"),
    "UESecurityCapabilities": element_bits("UE security capability"),
    "PDUSessionResourceSetupListSUReq": element_bits(_LIST),
    "PDUSessionResourceSetupListCxtReq": element_bits(_LIST),
    "PDUSessionResourceSetupListCxtRes": element_bits(_LIST),
    "PDUSessionResourceSetupListSURes": element_bits(_LIST),
    "PDUSessionResourceSetupListHOReq": element_bits(_LIST),
    "PDUSessionResourceAdmittedList": element_bits(_LIST),
    "PDUSessionResourceToBeSwitchedDLList": element_bits(_LIST),
    "PDUSessionResourceSwitchedList": element_bits(_LIST),
    "PDUSessionResourceFailedToSetupListSURes": element_bits(_FAILED),
}
"""The presence bit of each element of NGAP, by its name."""

# Optional elements that fields of the message are in, without a presence bit.
_OF_FIELDS = frozenset({
    "PDUSessionResourceModifyListModRes", "PDUSessionResourceSetupListSUReq",
})  # fmt: skip
# Messages whose NAS message is in an optional element, and not in a list.
_WITH_NAS = frozenset({"InitialContextSetupRequest", "PDUSessionResourceReleaseCommand"})


def ngap_of(message: Message, situation: Situation) -> NgapMessage:
    """The NGAP message that carries a message of the grammar.

    Args:
        message: of N1 or N2.
        situation: slices, sessions, and the NAS message in bytes.

    Returns:
        The message with its information elements.
    """
    name = message.described.ngap
    elements: dict[str, Value] = {}
    for rule in message_rules()[name].elements.values():
        bit = NGAP_ELEMENTS.get(rule.name, 0)
        is_nas = rule.name == "NAS-PDU" and name in _WITH_NAS
        if rule.is_mandatory or bit & message.presence or rule.name in _OF_FIELDS or is_nas:
            elements[rule.name] = _value(rule.name, message, situation)
    return NgapMessage(name, elements)


def _value(name: str, message: Message, situation: Situation) -> Value:
    if name in TRANSFERS:
        sessions = listed_sessions(message, situation)
        return session_list(name, sessions, message, situation.nas)
    return _MAKERS[name](message, situation)
