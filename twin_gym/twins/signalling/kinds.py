"""The vocabulary of messages on N1, N2 and N4, with the causes and optional elements they carry.

A message on N1 is a NAS message inside an NGAP message; on N2 an NGAP message without NAS; on N4 a
PFCP message. A pair of NGAP and NAS messages, or a PFCP type, is one kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from twin_gym.errors import unknown_name


class Link(IntEnum):
    """Interface and direction; uplink is towards the core, and on N4 towards the SMF."""

    N1_UPLINK = 0
    N1_DOWNLINK = 1
    N2_UPLINK = 2
    N2_DOWNLINK = 3
    N4_DOWNLINK = 4
    N4_UPLINK = 5


@dataclass(frozen=True, slots=True)
class MessageKind:
    """One entry of the vocabulary.

    Attributes:
        code: its number, the place in `KINDS`.
        name: such as `DownlinkNASTransport[Authentication request]`.
        link: interface and direction.
        ngap: message of TS 38.413, or "" on N4.
        nas: 5GMM message of TS 24.501, or "".
        inner: 5GSM message of TS 24.501 inside a NAS transport, or "".
        pfcp: message of TS 29.244, or "".
        pfcp_type: its message type, or 0.
    """

    code: int
    name: str
    link: Link
    ngap: str
    nas: str
    inner: str
    pfcp: str
    pfcp_type: int

    @property
    def is_from_core(self) -> bool:
        """Whether the control plane (AMF or SMF) sends it."""
        return self.link in (Link.N1_DOWNLINK, Link.N2_DOWNLINK, Link.N4_DOWNLINK)


_UPLINK_NAS = (
    "Identity response", "Authentication response", "Authentication failure",
    "Security mode complete", "Security mode reject", "Registration complete", "5GMM status",
    "Deregistration request (UE originating)", "Deregistration accept (UE terminated)",
    "Configuration update complete",
)  # fmt: skip
_UPLINK_SM = (
    "PDU session establishment request", "PDU session modification request",
    "PDU session modification complete", "PDU session release request",
    "PDU session release complete",
)  # fmt: skip
_DOWNLINK_NAS = (
    "Identity request", "Authentication request", "Authentication reject",
    "Security mode command", "Registration accept", "Registration reject", "Service accept",
    "Service reject", "Deregistration accept (UE originating)",
    "Deregistration request (UE terminated)", "Configuration update command", "5GMM status",
)  # fmt: skip
_DOWNLINK_SM = (
    "PDU session establishment reject", "PDU session modification reject",
    "PDU session release reject", "PDU session modification command",
    "PDU session release command",
)  # fmt: skip
_BY_LINK = {
    Link.N2_UPLINK: (
        "NGSetupRequest", "InitialContextSetupResponse", "InitialContextSetupFailure",
        "UEContextReleaseRequest", "UEContextReleaseComplete", "PDUSessionResourceSetupResponse",
        "PDUSessionResourceModifyResponse", "PDUSessionResourceReleaseResponse",
        "HandoverRequired", "HandoverRequestAcknowledge", "HandoverFailure",
        "UplinkRANStatusTransfer", "HandoverNotify", "PathSwitchRequest",
    ),
    Link.N2_DOWNLINK: (
        "NGSetupResponse", "AMFStatusIndication", "UEContextReleaseCommand", "Paging",
        "HandoverRequest", "HandoverCommand", "HandoverPreparationFailure",
        "DownlinkRANStatusTransfer", "PathSwitchRequestAcknowledge", "PathSwitchRequestFailure",
    ),
    Link.N1_UPLINK: (
        *(f"InitialUEMessage[{nas}]" for nas in (
            "Registration request", "Service request", "Control plane service request",
            "Deregistration request (UE originating)",
        )),
        *(f"UplinkNASTransport[{nas}]" for nas in _UPLINK_NAS),
        *(f"UplinkNASTransport[UL NAS transport[{sm}]]" for sm in _UPLINK_SM),
    ),
    Link.N1_DOWNLINK: (
        *(f"DownlinkNASTransport[{nas}]" for nas in _DOWNLINK_NAS),
        *(f"DownlinkNASTransport[DL NAS transport[{sm}]]" for sm in _DOWNLINK_SM),
        "InitialContextSetupRequest[Registration accept]",
        "InitialContextSetupRequest[Service accept]",
        "PDUSessionResourceSetupRequest[DL NAS transport[PDU session establishment accept]]",
        "PDUSessionResourceModifyRequest[DL NAS transport[PDU session modification command]]",
        "PDUSessionResourceReleaseCommand[DL NAS transport[PDU session release command]]",
    ),
    Link.N4_DOWNLINK: (
        "PFCP Heartbeat Request", "PFCP Association Setup Request",
        "PFCP Session Establishment Request", "PFCP Session Modification Request",
        "PFCP Session Deletion Request", "PFCP Session Report Response",
    ),
    Link.N4_UPLINK: (
        "PFCP Heartbeat Response", "PFCP Association Setup Response",
        "PFCP Session Establishment Response", "PFCP Session Modification Response",
        "PFCP Session Deletion Response", "PFCP Session Report Request",
    ),
}  # fmt: skip
# TS 29.244 table 7.3-1.
_PFCP_TYPES = {
    "PFCP Heartbeat Request": 1,
    "PFCP Heartbeat Response": 2,
    "PFCP Association Setup Request": 5,
    "PFCP Association Setup Response": 6,
    "PFCP Session Establishment Request": 50,
    "PFCP Session Establishment Response": 51,
    "PFCP Session Modification Request": 52,
    "PFCP Session Modification Response": 53,
    "PFCP Session Deletion Request": 54,
    "PFCP Session Deletion Response": 55,
    "PFCP Session Report Request": 56,
    "PFCP Session Report Response": 57,
}


def _kinds() -> tuple[MessageKind, ...]:
    found: list[MessageKind] = []
    for link, names in _BY_LINK.items():
        for name in names:
            ngap, _, rest = name.removesuffix("]").partition("[")
            nas, _, inner = rest.removesuffix("]").partition("[")
            pfcp = name if name in _PFCP_TYPES else ""
            ngap = "" if pfcp else ngap
            kind = MessageKind(
                len(found), name, link, ngap, nas, inner, pfcp, _PFCP_TYPES.get(name, 0)
            )
            found.append(kind)
    return tuple(found)


KINDS = _kinds()
"""Every kind, in the order of their codes."""

_CODES = {kind.name: kind.code for kind in KINDS}


def kind_code(name: str) -> int:
    """The number of a kind.

    Args:
        name: as in `MessageKind.name`.

    Returns:
        Its place in `KINDS`.

    Raises:
        UnknownNameError: if there is no such kind.

    Example:
        >>> KINDS[kind_code("PFCP Heartbeat Request")].pfcp_type
        1
    """
    if name not in _CODES:
        raise unknown_name("message", name, _CODES)
    return _CODES[name]


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause that a message carries.

    Attributes:
        group: `5GMM`, `5GSM` (TS 24.501 9.11.3.2 and 9.11.4.2), `radioNetwork`, `nas` (TS 38.413
            9.3.1.2) or `PFCP` (TS 29.244 8.2.1).
        value: its number there; for NGAP the place in the enumeration.
        name: in the words of the standard; for NGAP the ASN.1 identifier.
    """

    group: str
    value: int
    name: str


CAUSES = (
    None,
    Cause("5GMM", 3, "Illegal UE"),
    Cause("5GMM", 6, "Illegal ME"),
    Cause("5GMM", 7, "5GS services not allowed"),
    Cause("5GMM", 9, "UE identity cannot be derived by the network"),
    Cause("5GMM", 10, "Implicitly de-registered"),
    Cause("5GMM", 11, "PLMN not allowed"),
    Cause("5GMM", 20, "MAC failure"),
    Cause("5GMM", 21, "Synch failure"),
    Cause("5GMM", 22, "Congestion"),
    Cause("5GMM", 23, "UE security capabilities mismatch"),
    Cause("5GMM", 62, "No network slices available"),
    Cause("5GMM", 95, "Semantically incorrect message"),
    Cause("5GSM", 26, "Insufficient resources"),
    Cause("5GSM", 36, "Regular deactivation"),
    Cause("5GSM", 43, "Invalid PDU session identity"),
    Cause("5GSM", 59, "Unsupported 5QI value"),
    Cause("5GSM", 67, "Insufficient resources for specific slice and DNN"),
    Cause("5GSM", 69, "Insufficient resources for specific slice"),
    Cause("radioNetwork", 2, "successful-handover"),
    Cause("radioNetwork", 13, "no-radio-resources-available-in-target-cell"),
    Cause("radioNetwork", 16, "handover-desirable-for-radio-reason"),
    Cause("radioNetwork", 20, "user-inactivity"),
    Cause("radioNetwork", 21, "radio-connection-with-ue-lost"),
    Cause("radioNetwork", 22, "radio-resources-not-available"),
    Cause("radioNetwork", 0, "unspecified"),
    Cause("nas", 0, "normal-release"),
    Cause("nas", 1, "authentication-failure"),
    Cause("nas", 2, "deregister"),
    Cause("PFCP", 1, "Request accepted"),
    Cause("PFCP", 64, "Request rejected"),
    Cause("PFCP", 65, "Session context not found"),
    Cause("PFCP", 75, "No resources available"),
)
"""Causes by code; the code 0 is no cause."""

_CAUSE_CODES = {(one.group, one.value): code for code, one in enumerate(CAUSES) if one}


def cause_code(group: str, value: int) -> int:
    """The code of a cause.

    Args:
        group: as in `Cause.group`.
        value: as in `Cause.value`.

    Returns:
        Its place in `CAUSES`.

    Raises:
        UnknownNameError: if the vocabulary has no such cause.

    Example:
        >>> CAUSES[cause_code("5GSM", 69)].name
        'Insufficient resources for specific slice'
    """
    if (group, value) not in _CAUSE_CODES:
        known = (f"{one} {number}" for one, number in _CAUSE_CODES)
        raise unknown_name("cause", f"{group} {value}", known)
    return _CAUSE_CODES[group, value]


FIVE_QIS = (0, 1, 5, 9, 69, 79, 80, 82, 85)
"""5QI values (TS 23.501 table 5.7.4-1) by code; the code 0 is none."""

ELEMENTS = (
    # 5GMM, from the UE
    "5G-GUTI", "SUCI", "Requested NSSAI", "UE security capability", "Uplink data status",
    "PDU session status", "MICO indication", "NAS message container", "AUTS", "EAP message",
    "IMEISV",
    # 5GMM, from the network
    "Assigned 5G-GUTI", "TAI list", "Allowed NSSAI", "T3512 value", "T3502 value", "T3346 value",
    "PDU session reactivation result", "Additional 5G security information",
    # 5GSM and its transport
    "S-NSSAI", "DNN", "Request type", "PDU session type", "Always-on PDU session",
    "Extended protocol configuration options", "PDU address", "Back-off timer value",
    # NGAP
    "UE Context Request", "5G-S-TMSI", "UE Aggregate Maximum Bit Rate", "Security Key",
    "PDU Session Resource Setup List", "PDU Session Resource Failed List", "Security Context",
    "Target to Source Container",
    # PFCP
    "F-SEID", "Create PDR", "Update FAR", "Buffering", "Downlink Data Report",
)  # fmt: skip
"""Information elements whose presence a message tells, by bit."""

_BITS = {name: bit for bit, name in enumerate(ELEMENTS)}


def element_bits(*names: str) -> int:
    """The presence bits of information elements.

    Args:
        names: out of `ELEMENTS`.

    Returns:
        The sum of their bits.

    Raises:
        UnknownNameError: if there is no such element.

    Example:
        >>> element_bits("5G-GUTI", "SUCI")
        3
    """
    for name in names:
        if name not in _BITS:
            raise unknown_name("information element", name, _BITS)
    return sum(1 << _BITS[name] for name in set(names))
