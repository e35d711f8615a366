"""Lists of PDU sessions in NGAP: each item has an identity and a transfer, a message of its own.

Where the ASN.1 asks for a list of at least one session and the UE has none, the list has the
identity 0, which no PDU session has (TS 24.007 11.2.3.1b).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from twin_gym.twins.signalling.kinds import CAUSES, FIVE_QIS, element_bits
from twin_gym.twins.signalling.message import Message
from twin_gym.twins.signalling.wire.network import (
    UPF_ADDRESS,
    SessionState,
    Situation,
    gnb,
    session_numbers,
    slice_value,
    tunnel,
)
from twin_gym.twins.signalling.wire.ngap import container

Value = Any
Item = dict[str, Value]

_FLOW = 1
_BIT_RATE = 100_000_000
_PRIORITY = {
    "priorityLevelARP": 8,
    "pre-emptionCapability": "shall-not-trigger-pre-emption",
    "pre-emptionVulnerability": "not-pre-emptable",
}
_FLOWS = [{"qosFlowIdentifier": _FLOW}]


def named_cause(message: Message) -> tuple[str, str]:
    """The cause of a message, as NGAP has it; `misc unspecified` where it has none of NGAP."""
    cause = CAUSES[message.cause]
    if cause is None or cause.group not in ("radioNetwork", "nas"):
        return "misc", "unspecified"
    return cause.group, cause.name


def _flow(session: SessionState) -> Item:
    level = {
        "qosCharacteristics": ("nonDynamic5QI", {"fiveQI": session.five_qi}),
        "allocationAndRetentionPriority": _PRIORITY,
    }
    return {"qosFlowIdentifier": _FLOW, "qosFlowLevelQosParameters": level}


def _setup_request(session: SessionState, message: Message) -> Value:
    rates = {
        "pDUSessionAggregateMaximumBitRateDL": _BIT_RATE,
        "pDUSessionAggregateMaximumBitRateUL": _BIT_RATE,
    }
    return container(
        "PDUSessionResourceSetupRequestTransfer",
        PDUSessionAggregateMaximumBitRate=rates,
        UL_NGU_UP_TNLInformation=tunnel(UPF_ADDRESS, session.teid),
        PDUSessionType="ipv4",
        QosFlowSetupRequestList=[_flow(session)],
    )


def _setup_response(session: SessionState, message: Message) -> Value:
    information = {
        "uPTransportLayerInformation": _downlink(session, message),
        "associatedQosFlowList": _FLOWS,
    }
    transfer = "PDUSessionResourceSetupResponseTransfer"
    return transfer, {"dLQosFlowPerTNLInformation": information}


def _downlink(session: SessionState, message: Message) -> Value:
    return tunnel(gnb(max(message.gnb, 0)).address, session.teid)


def _failed(session: SessionState, message: Message) -> Value:
    return "PDUSessionResourceSetupUnsuccessfulTransfer", {"cause": named_cause(message)}


def _admitted(session: SessionState, message: Message) -> Value:
    return "HandoverRequestAcknowledgeTransfer", {
        "dL-NGU-UP-TNLInformation": _downlink(session, message),
        "qosFlowSetupResponseList": _FLOWS,
    }


def _switched(session: SessionState, message: Message) -> Value:
    return "PathSwitchRequestTransfer", {
        "dL-NGU-UP-TNLInformation": _downlink(session, message),
        "qosFlowAcceptedList": _FLOWS,
    }


def _modified(session: SessionState, message: Message) -> Value:
    return container(
        "PDUSessionResourceModifyRequestTransfer", QosFlowAddOrModifyRequestList=[_flow(session)]
    )


def _released(session: SessionState, message: Message) -> Value:
    return "PDUSessionResourceReleaseCommandTransfer", {"cause": ("nas", "normal-release")}


def _empty(name: str) -> Callable[[SessionState, Message], Value]:
    return lambda session, message: (name, {})


Transfer = Callable[[SessionState, Message], Value]
TRANSFERS: Mapping[str, tuple[str, Transfer]] = {
    "PDUSessionResourceSetupListSUReq": ("pDUSessionResourceSetupRequestTransfer", _setup_request),
    "PDUSessionResourceSetupListCxtReq": ("pDUSessionResourceSetupRequestTransfer", _setup_request),
    "PDUSessionResourceSetupListHOReq": ("handoverRequestTransfer", _setup_request),
    "PDUSessionResourceSetupListSURes": (
        "pDUSessionResourceSetupResponseTransfer",
        _setup_response,
    ),
    "PDUSessionResourceSetupListCxtRes": (
        "pDUSessionResourceSetupResponseTransfer",
        _setup_response,
    ),
    "PDUSessionResourceFailedToSetupListSURes": (
        "pDUSessionResourceSetupUnsuccessfulTransfer",
        _failed,
    ),
    "PDUSessionResourceListHORqd": ("handoverRequiredTransfer", _empty("HandoverRequiredTransfer")),
    "PDUSessionResourceAdmittedList": ("handoverRequestAcknowledgeTransfer", _admitted),
    "PDUSessionResourceToBeSwitchedDLList": ("pathSwitchRequestTransfer", _switched),
    "PDUSessionResourceSwitchedList": (
        "pathSwitchRequestAcknowledgeTransfer",
        _empty("PathSwitchRequestAcknowledgeTransfer"),
    ),
    "PDUSessionResourceReleasedListPSFail": (
        "pathSwitchRequestUnsuccessfulTransfer",
        lambda session, message: (
            "PathSwitchRequestUnsuccessfulTransfer",
            {"cause": named_cause(message)},
        ),
    ),
    "PDUSessionResourceModifyListModReq": ("pDUSessionResourceModifyRequestTransfer", _modified),
    "PDUSessionResourceModifyListModRes": (
        "pDUSessionResourceModifyResponseTransfer",
        _empty("PDUSessionResourceModifyResponseTransfer"),
    ),
    "PDUSessionResourceToReleaseListRelCmd": (
        "pDUSessionResourceReleaseCommandTransfer",
        _released,
    ),
    "PDUSessionResourceReleasedListRelRes": (
        "pDUSessionResourceReleaseResponseTransfer",
        _empty("PDUSessionResourceReleaseResponseTransfer"),
    ),
}
"""Key and maker of the transfer in the items of each list, by the name of the list."""

_WITH_SLICE = frozenset({
    "PDUSessionResourceSetupListSUReq", "PDUSessionResourceSetupListCxtReq",
    "PDUSessionResourceSetupListHOReq",
})  # fmt: skip
_HAS_LIST = element_bits("PDU Session Resource Setup List")
# Messages with a list of which the vector tells nothing.
_WITHOUT_BIT = frozenset({"HandoverRequired", "PathSwitchRequestFailure"})
_WITH_NAS = {
    "PDUSessionResourceSetupListSUReq": "pDUSessionNAS-PDU",
    "PDUSessionResourceModifyListModReq": "nAS-PDU",
}


def listed_sessions(message: Message, situation: Situation) -> tuple[SessionState, ...]:
    """The sessions that a message is about: its own one, those of its bit field, or all active.

    Args:
        message: of N1 or N2.
        situation: active sessions of the UE.

    Returns:
        At least one; the identity 0 stands for none.
    """
    active = {one.number: one for one in situation.sessions}
    first = situation.slice_of(message.s_nssai)
    if message.pdu_session_id:
        own = active.get(message.pdu_session_id)
        s_nssai = first if own is None or message.s_nssai else own.s_nssai
        five_qi = FIVE_QIS[message.five_qi] or (9 if own is None else own.five_qi)
        return (SessionState(message.pdu_session_id, s_nssai, five_qi, message.teid),)
    if message.active_sessions:
        numbers = session_numbers(message.active_sessions)
        return tuple(active.get(one, SessionState(one, first)) for one in numbers)
    if message.presence & _HAS_LIST:
        return situation.sessions or (SessionState(1, first),)
    if message.described.ngap in _WITHOUT_BIT and situation.sessions:
        return situation.sessions
    return (SessionState(0, first),)


def session_list(
    name: str, sessions: Iterable[SessionState], message: Message, nas: bytes
) -> list[Item]:
    """A list of sessions.

    Args:
        name: of the information element, as in `TRANSFERS`.
        sessions: those in the list.
        message: that the list is in.
        nas: NAS message of the first session, or b"".

    Returns:
        The value of the element.
    """
    key, make = TRANSFERS[name]
    items = []
    for one in sessions:
        item = {"pDUSessionID": one.number, key: make(one, message)}
        if name in _WITH_SLICE:
            item["s-NSSAI"] = slice_value(one.s_nssai)
        if nas and name in _WITH_NAS:
            item[_WITH_NAS[name]] = nas
        items.append(item)
    return items
