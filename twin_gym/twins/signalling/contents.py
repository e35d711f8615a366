"""What each message carries: fields, optional elements that are always there, and conditional ones.

A field or element that is not listed here is absent, so that no state of the network leaks into a
message by which the standard does not carry it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Protocol

from twin_gym.twins.signalling.grammar import SHORT_NAMES
from twin_gym.twins.signalling.kinds import KINDS, cause_code, element_bits

# Conditions under which an element is present.
HAS_GUTI, HAS_SUCI, IS_UPDATE, WANTS_MICO, ALWAYS_ON = 1, 2, 4, 8, 16
HAS_SESSIONS, NEW_GUTI, BUFFERS, SUCCEEDS, FAILS = 32, 64, 128, 256, 512
WAITS, SYNCHRONISES = 1024, 2048


class UeLike(Protocol):
    """What messages tell of a UE."""

    s_nssai: int
    registration_type: int
    conditions: int
    active_sessions: int
    tmsi: int


class SessionLike(Protocol):
    """What messages tell of a PDU session."""

    number: int
    pti: int
    s_nssai: int
    five_qi: int
    conditions: int


@dataclass(frozen=True, slots=True)
class Contents:
    """What one kind of message carries.

    Attributes:
        fields: names of fields of `Message` that it fills.
        always: presence bits that are always set.
        conditional: conditions and the presence bits that each of them sets.
    """

    fields: frozenset[str]
    always: int
    conditional: tuple[tuple[int, int], ...]

    def presence(self, conditions: int) -> int:
        """The presence bits under these conditions."""
        bits = self.always
        for condition, elements in self.conditional:
            if conditions & condition:
                bits |= elements
        return bits


_MICO = (WANTS_MICO, "MICO indication")
_ALWAYS_ON = (ALWAYS_ON, "Always-on PDU session")
_LIST = (HAS_SESSIONS, "PDU Session Resource Setup List")
_AMBR = (HAS_SESSIONS, "UE Aggregate Maximum Bit Rate")
_CONGESTION = (WAITS, "T3346 value")
_ASSIGNED = (NEW_GUTI, "Assigned 5G-GUTI")
_PCO = "Extended protocol configuration options"
_ACCEPTED = ("TAI list", "Allowed NSSAI", "T3512 value")

# Short name, fields, then elements: a name is always there, a pair under its condition.
_TABLE: tuple[tuple[str, str, tuple[str | tuple[int, str], ...]], ...] = (
    ("Registration request", "s_nssai registration_type tmsi", (
        "Requested NSSAI", "UE security capability", "UE Context Request", (HAS_GUTI, "5G-GUTI"),
        (HAS_GUTI, "5G-S-TMSI"), (HAS_SUCI, "SUCI"), (IS_UPDATE, "PDU session status"),
        (IS_UPDATE, "NAS message container"), _MICO)),
    ("Service request", "tmsi", (
        "UE Context Request", "5G-S-TMSI", "NAS message container",
        (HAS_SESSIONS, "Uplink data status"), (HAS_SESSIONS, "PDU session status"))),
    ("Control plane service request", "tmsi", ("UE Context Request", "5G-S-TMSI")),
    ("Initial Deregistration request", "registration_type tmsi", ("5G-GUTI", "5G-S-TMSI")),
    ("Identity response", "", ("SUCI",)),
    ("Authentication failure", "cause", ((SYNCHRONISES, "AUTS"),)),
    ("Security mode complete", "", ("IMEISV", "NAS message container")),
    ("Security mode reject", "cause", ()),
    ("5GMM status", "cause", ()),
    ("Deregistration request", "registration_type tmsi", ("5G-GUTI",)),
    ("PDU session establishment request", "pdu_session_id pti s_nssai request_type", (
        "S-NSSAI", "DNN", "Request type", "PDU session type", _PCO, _ALWAYS_ON)),
    ("PDU session modification request", "pdu_session_id pti five_qi", ()),
    ("PDU session modification complete", "pdu_session_id pti", ()),
    ("PDU session release request", "pdu_session_id pti cause", ()),
    ("PDU session release complete", "pdu_session_id pti", ()),
    ("InitialContextSetupResponse", "", (_LIST,)),
    ("InitialContextSetupFailure", "cause", ()),
    ("UEContextReleaseRequest", "cause", ()),
    ("PDUSessionResourceSetupResponse", "pdu_session_id cause teid", (
        (SUCCEEDS, "PDU Session Resource Setup List"),
        (FAILS, "PDU Session Resource Failed List"))),
    ("PDUSessionResourceModifyResponse", "pdu_session_id", ()),
    ("PDUSessionResourceReleaseResponse", "pdu_session_id", ()),
    ("HandoverRequired", "cause target_gnb", ()),
    ("HandoverRequestAcknowledge", "", ("Target to Source Container", _LIST)),
    ("HandoverFailure", "cause", ()),
    ("PathSwitchRequest", "", ("UE security capability", _LIST)),
    ("Security mode command", "", (
        "UE security capability", "Additional 5G security information")),
    ("ICS Registration accept", "s_nssai tmsi", (*_ACCEPTED, "Security Key", _ASSIGNED, _MICO)),
    ("Registration accept", "s_nssai tmsi", (*_ACCEPTED, _ASSIGNED, _MICO)),
    ("Registration reject", "cause", (_CONGESTION,)),
    ("ICS Service accept", "active_sessions", (
        "Security Key", "PDU session reactivation result", _LIST, _AMBR)),
    ("Service reject", "cause", (_CONGESTION,)),
    ("Configuration update command", "tmsi", ("Assigned 5G-GUTI",)),
    ("PDU session establishment reject", "pdu_session_id pti cause", (
        (WAITS, "Back-off timer value"),)),
    ("PDU session modification reject", "pdu_session_id pti cause", ()),
    ("PDU session release reject", "pdu_session_id pti cause", ()),
    ("PDU session modification command", "pdu_session_id pti five_qi", ()),
    ("Modify PDU session modification command", "pdu_session_id pti five_qi", ()),
    ("PDU session release command", "pdu_session_id pti cause", ()),
    ("Release PDU session release command", "pdu_session_id pti cause", ()),
    ("PDU session establishment accept", "pdu_session_id pti s_nssai five_qi teid ue_address", (
        "PDU address", "S-NSSAI", "DNN", "PDU session type", _PCO,
        "PDU Session Resource Setup List", "UE Aggregate Maximum Bit Rate", _ALWAYS_ON)),
    ("UEContextReleaseCommand", "cause", ()),
    ("Paging", "tmsi", ("5G-S-TMSI",)),
    ("HandoverRequest", "active_sessions", (
        "Security Context", "UE security capability", _LIST, "UE Aggregate Maximum Bit Rate")),
    ("HandoverCommand", "", ("Target to Source Container",)),
    ("HandoverPreparationFailure", "cause", ()),
    ("PathSwitchRequestAcknowledge", "active_sessions", ("Security Context", _LIST)),
    ("PathSwitchRequestFailure", "cause", ()),
    ("PFCP Association Setup Response", "cause", ()),
    ("PFCP Session Establishment Request", "f_seid teid ue_address", ("F-SEID", "Create PDR")),
    ("PFCP Session Establishment Response", "cause f_seid", ((SUCCEEDS, "F-SEID"),)),
    ("PFCP Session Modification Request", "teid", ("Update FAR", (BUFFERS, "Buffering"))),
    ("PFCP Session Modification Response", "cause", ()),
    ("PFCP Session Deletion Response", "cause", ()),
    ("PFCP Session Report Request", "", ("Downlink Data Report",)),
    ("PFCP Session Report Response", "cause", ()),
)  # fmt: skip


def _contents(fields: str = "", elements: tuple[str | tuple[int, str], ...] = ()) -> Contents:
    always = element_bits(*(one for one in elements if isinstance(one, str)))
    pairs = [one for one in elements if not isinstance(one, str)]
    conditional = tuple((condition, element_bits(name)) for condition, name in pairs)
    return Contents(frozenset(fields.split()), always, conditional)


_LISTED = {SHORT_NAMES[name]: _contents(fields, elements) for name, fields, elements in _TABLE}
CONTENTS = tuple(_LISTED.get(kind.code, _contents()) for kind in KINDS)
"""What a kind carries, by its code; kinds that are not listed carry no more than identities."""


@cache
def presence_of(kind: int, conditions: int) -> int:
    """The presence bits of a kind of message under these conditions."""
    return CONTENTS[kind].presence(conditions)


# The cause of `UEContextReleaseCommand`, by the state of the UE and what happened in it; the first
# row that fits holds. None: the cause that the base station gave.
_RELEASE_CAUSES: tuple[tuple[str, str, int | None], ...] = (
    ("SECURING", "Security mode complete: refused", cause_code("nas", 0)),
    ("SECURING", "", cause_code("nas", 1)),
    ("IDENTIFYING", "", cause_code("nas", 1)),
    ("AUTHENTICATING", "", cause_code("nas", 1)),
    ("ACCEPTING", "", None),
    ("SERVING", "", None),
    ("CONNECTED", "", None),
    ("DEREGISTERING", "", cause_code("nas", 2)),
    ("SWITCHING_OFF", "", cause_code("nas", 2)),
    ("SWITCHING", "", cause_code("radioNetwork", 2)),
)
_NORMAL_RELEASE = cause_code("nas", 0)


@cache
def release_cause(state: str, event: str) -> int | None:
    """The cause with which the AMF releases a UE context.

    Args:
        state: of the UE when the event came.
        event: as the table of procedures writes it.

    Returns:
        The code of the cause, or None for the one in the message of the base station.
    """
    for from_state, what, cause in _RELEASE_CAUSES:
        if from_state == state and what in ("", event):
            return cause
    return _NORMAL_RELEASE


WAITING_CAUSES = frozenset(
    cause_code(group, value)
    for group, value in (("5GMM", 22), ("5GSM", 26), ("5GSM", 67), ("5GSM", 69))
)
"""Causes with which the network sends a back-off time."""

REGULAR_DEACTIVATION = cause_code("5GSM", 36)
INSUFFICIENT_RESOURCES = cause_code("5GSM", 26)
SLICE_AND_DNN_FULL = cause_code("5GSM", 67)
SLICE_FULL = cause_code("5GSM", 69)
UNSUPPORTED_5QI = cause_code("5GSM", 59)
INVALID_SESSION = cause_code("5GSM", 43)
CONGESTION = cause_code("5GMM", 22)
SECURITY_MISMATCH = cause_code("5GMM", 23)
SYNCH_FAILURE = cause_code("5GMM", 21)
MAC_FAILURE = cause_code("5GMM", 20)
SEMANTICALLY_INCORRECT = cause_code("5GMM", 95)
PFCP_ACCEPTED = cause_code("PFCP", 1)
PFCP_NO_RESOURCES = cause_code("PFCP", 75)
NO_RADIO_RESOURCES = cause_code("radioNetwork", 22)
USER_INACTIVITY = cause_code("radioNetwork", 20)
RADIO_LOST = cause_code("radioNetwork", 21)
TARGET_FULL = cause_code("radioNetwork", 13)
HANDOVER_DESIRABLE = cause_code("radioNetwork", 16)
UNSPECIFIED = cause_code("radioNetwork", 0)
REGISTRATION_REFUSALS = tuple(cause_code("5GMM", value) for value in (3, 6, 7, 11, 62))
"""Causes of a refusal after the identity of the UE has been proved."""
BARRING_REFUSALS = frozenset(cause_code("5GMM", value) for value in (3, 6, 7, 11))
"""Those after which the UE forgets its 5G-GUTI (TS 24.501 5.5.1.2.5)."""


_RELEASE_COMMAND = SHORT_NAMES["UEContextReleaseCommand"]
_SESSION_REJECT = SHORT_NAMES["PDU session establishment reject"]
_OF_DECISION = frozenset(
    SHORT_NAMES[name]
    for name in (
        "Registration reject", "Service reject", "PDU session modification reject",
        "PathSwitchRequestFailure",
    )
)  # fmt: skip
_OF_CAUSE = frozenset({SHORT_NAMES["HandoverPreparationFailure"]})
_CONSTANT = {
    SHORT_NAMES["Release PDU session release command"]: REGULAR_DEACTIVATION,
    SHORT_NAMES["PDU session release command"]: REGULAR_DEACTIVATION,
    SHORT_NAMES["PDU session release reject"]: INVALID_SESSION,
    SHORT_NAMES["PFCP Session Report Response"]: PFCP_ACCEPTED,
}


@cache
def answer_cause(kind: int, state: str, event: str, cause: int, decision: int) -> int:
    """The cause in a message of the core.

    Args:
        kind: of the message.
        state: of the machine when the event came.
        event: as the table of procedures writes it.
        cause: in the message that the core answers, or 0.
        decision: of the policy on it.

    Returns:
        The code of the cause, 0 for a message that carries none.
    """
    if kind == _RELEASE_COMMAND:
        fixed = release_cause(state, event)
        return cause if fixed is None else fixed
    if kind == _SESSION_REJECT:
        return decision if state == "REQUESTED" else INSUFFICIENT_RESOURCES
    if kind in _OF_DECISION:
        return decision
    return cause if kind in _OF_CAUSE else _CONSTANT.get(kind, 0)
