"""Messages of the grammar as NAS, and back: which element of TS 24.501 carries which field.

Values that no field tells (random challenges, capabilities, timers) are constants, or derived from
the UE and the time, so that the same log gives the same bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import blake2b
from ipaddress import IPv4Address

from twin_gym.twins.signalling.kinds import CAUSES, FIVE_QIS, element_bits
from twin_gym.twins.signalling.message import SWITCH_OFF, Message
from twin_gym.twins.signalling.wire.nas import (
    CIPHERED,
    INTEGRITY,
    NEW_CIPHERED,
    NEW_INTEGRITY,
    ElementValue,
    NasMessage,
    Security,
    encode_nas,
    known_elements,
    mandatory_elements,
)
from twin_gym.twins.signalling.wire.network import (
    AMF_POINTER,
    AMF_REGION,
    AMF_SET,
    DNN,
    PLMN,
    TAC,
    TEST_MSIN_DIGITS,
    Situation,
    slice_bytes,
)

Elements = dict[str, ElementValue]

GUTI_TYPE, S_TMSI_TYPE, SUCI_TYPE = 2, 4, 1
SWITCH_OFF_BIT, ACCESS_3GPP = 0x8, 1
_SUCI_HEAD = bytes.fromhex("f0ff0000")  # routing indicator 0, null scheme
_CAPABILITY = bytes.fromhex("f0f0f0f0")  # 5G-EA0 to EA3, IA0 to IA3, and those of E-UTRA
_IMEISV = bytes.fromhex("4573806121856151f1")
_OPTIONS = bytes.fromhex("80000d00")  # the container of the DNS server, empty
_NO_KEY, _IPV4, _SSC_MODE_1 = 7, 1, 1
_QOS_RULE = bytes.fromhex("01000631310101ff01")  # the default one: all packets, flow 1
_AMBR = bytes.fromhex("060064060064")  # 100 Mbit/s each way
_CREATE_FLOW, _MODIFY_FLOW, _FIVE_QI = 0x20, 0x60, 1

_PLAIN = frozenset({
    "Identity request", "Identity response", "Authentication request", "Authentication response",
    "Authentication failure", "Authentication reject", "Registration reject", "Service reject",
    "Security mode reject", "5GMM status",
})  # fmt: skip
_CAUSE_NAME = {"5GMM": "5GMMCause", "5GSM": "5GSMCause"}
_UNSPECIFIED = bytes((111,))  # "protocol error, unspecified", of 5GMM and of 5GSM


def token(label: str, message: Message, size: int) -> bytes:
    """Bytes that stand for what cryptography would compute.

    Args:
        label: of what.
        message: its UE and time give other bytes.
        size: number of bytes, at most 64.

    Returns:
        The same bytes for the same label, UE and time.
    """
    seed = f"{label} {message.ue} {message.time_ns}".encode()
    return blake2b(seed, digest_size=size).digest()


def suci(ue: int) -> bytes:
    """Subscription concealed identifier of a test UE, with the null scheme."""
    digits = f"{ue + 1:0{TEST_MSIN_DIGITS}d}"
    swapped = "".join(digits[place + 1] + digits[place] for place in range(0, len(digits), 2))
    return bytes((SUCI_TYPE,)) + PLMN + _SUCI_HEAD + bytes.fromhex(swapped)


def guti(tmsi: int) -> bytes:
    """5G-GUTI of a 5G-TMSI, as NAS has it."""
    return bytes((0xF0 | GUTI_TYPE,)) + PLMN + bytes((AMF_REGION,)) + _short(tmsi)


def _s_tmsi(tmsi: int) -> bytes:
    return bytes((0xF0 | S_TMSI_TYPE,)) + _short(tmsi)


def _short(tmsi: int) -> bytes:
    return struct.pack(">HI", AMF_SET << 6 | AMF_POINTER, max(tmsi, 0))


def _sessions(message: Message, situation: Situation) -> bytes:
    """The sessions as a bit field; bit 0 of the first octet is of no session."""
    bits = sum(1 << one.number for one in situation.sessions if one.number)
    return bits.to_bytes(2, "little")


def _flow(operation: int) -> Callable[[Message], bytes]:
    def description(message: Message) -> bytes:
        value = FIVE_QIS[message.five_qi]
        return bytes((1, operation, 0x41, _FIVE_QI, 1, value))

    return description


def _slice(message: Message, situation: Situation) -> bytes:
    return slice_bytes(situation.slice_of(message.s_nssai))


def _nssai(message: Message, situation: Situation) -> bytes:
    one = _slice(message, situation)
    return bytes((len(one),)) + one


def _contained(message: Message, situation: Situation) -> bytes:
    """The whole message that the container protects, or the registration request again."""
    name = message.described.nas
    if name == "Security mode complete":
        elements: Elements = {"NAS_KSI": _NO_KEY, "5GSRegType": 9, "5GSID": suci(message.ue)}
        return encode_nas(NasMessage("Registration request", elements))
    plain = replace(message, presence=message.presence & ~element_bits("NAS message container"))
    return encode_nas(NasMessage(name, _elements(name, plain, situation)))


Maker = Callable[[Message, Situation], ElementValue]
_OPTIONAL: Mapping[str, tuple[str, Maker]] = {
    "Requested NSSAI": ("NSSAI", _nssai),
    "UE security capability": ("UESecCap", lambda one, now: _CAPABILITY),
    "Uplink data status": ("ULDataStat", _sessions),
    "PDU session status": ("PDUSessStat", _sessions),
    "MICO indication": ("MICOInd", lambda one, now: 0),
    "NAS message container": ("NASContainer", _contained),
    "AUTS": ("AUTS", lambda one, now: token("AUTS", one, 14)),
    "EAP message": ("EAPMsg", lambda one, now: bytes.fromhex("03010004")),
    "IMEISV": ("IMEISV", lambda one, now: _IMEISV),
    "Assigned 5G-GUTI": ("GUTI", lambda one, now: guti(one.tmsi)),
    "TAI list": ("5GSTAIList", lambda one, now: b"\0" + PLMN + TAC),
    "Allowed NSSAI": ("AllowedNSSAI", _nssai),
    "T3512 value": ("T3512", lambda one, now: b"\x09"),  # 9 times 10 min
    "T3502 value": ("T3502", lambda one, now: b"\x2c"),  # 12 times 1 min
    "T3346 value": ("T3346", lambda one, now: b"\x21"),  # 1 min
    "PDU session reactivation result": ("PDUSessReactResult", lambda one, now: bytes(2)),
    "Additional 5G security information": ("Add5GSecInfo", lambda one, now: b"\x02"),
    "S-NSSAI": ("SNSSAI", _slice),
    "DNN": ("DNN", lambda one, now: bytes((len(DNN),)) + DNN),
    "Request type": ("RequestType", lambda one, now: one.request_type),
    "PDU session type": ("PDUSessType", lambda one, now: _IPV4),
    "Always-on PDU session": ("AlwaysOnPDUSess", lambda one, now: 1),
    "Extended protocol configuration options": ("ExtProtConfig", lambda one, now: _OPTIONS),
    "PDU address": (
        "PDUAddress",
        lambda one, now: bytes((_IPV4,)) + IPv4Address(one.ue_address).packed,
    ),
    "Back-off timer value": ("BackOffTimer", lambda one, now: b"\x6f"),  # 15 times 2 s
}
NAS_ELEMENTS: Mapping[str, int] = {
    name: element_bits(element) for element, (name, _) in _OPTIONAL.items()
}
"""The presence bit of each element of NAS, by pycrate's name of it."""


def _registration(message: Message) -> Elements:
    is_known = bool(message.presence & element_bits("5G-GUTI"))
    identity = guti(message.tmsi) if is_known else suci(message.ue)
    kind = 0x8 | message.registration_type  # a request follows
    return {"NAS_KSI": 0 if is_known else _NO_KEY, "5GSRegType": kind, "5GSID": identity}


def _deregistration(message: Message) -> Elements:
    kind = ACCESS_3GPP | SWITCH_OFF_BIT * (message.registration_type == SWITCH_OFF)
    return {"NAS_KSI": 0, "DeregistrationType": kind, "5GSID": guti(message.tmsi)}


_REQUIRED: Mapping[str, Callable[[Message], Elements]] = {
    "Registration request": _registration,
    "Registration accept": lambda one: {"5GSRegResult": b"\x01"},
    "Deregistration request (UE originating)": _deregistration,
    "Deregistration request (UE terminated)": lambda one: {"DeregistrationType": ACCESS_3GPP},
    "Service request": lambda one: {"NAS_KSI": 0, "ServiceType": 1, "5GSID": _s_tmsi(one.tmsi)},
    "Control plane service request": lambda one: {"NAS_KSI": 0, "CtrlPlaneServiceType": 0},
    "Identity request": lambda one: {"5GSIDType": SUCI_TYPE},
    "Identity response": lambda one: {"5GSID": suci(one.ue)},
    "Authentication request": lambda one: {
        "NAS_KSI": 0,
        "ABBA": bytes(2),
        "RAND": token("RAND", one, 16),
        "AUTN": token("AUTN", one, 16),
    },
    "Authentication response": lambda one: {"RES": token("RES", one, 16)},
    "Security mode command": lambda one: {
        "NASSecAlgo": b"\0",
        "NAS_KSI": 0,
        "UESecCap": _CAPABILITY,
        "IMEISVReq": 1,
    },
    "UL NAS transport": lambda one: {"PDUSessID": bytes((one.pdu_session_id,))},
    "DL NAS transport": lambda one: {"PDUSessID": bytes((one.pdu_session_id,))},
    "PDU session establishment request": lambda one: {"IntegrityProtMaxDataRate": b"\xff\xff"},
    "PDU session establishment accept": lambda one: {
        "PDUSessType": _IPV4,
        "SSCMode": _SSC_MODE_1,
        "QoSRules": _QOS_RULE,
        "SessAMBR": _AMBR,
        "QoSFlowDesc": _flow(_CREATE_FLOW)(one),
    },
    "PDU session modification request": lambda one: {"QoSFlowDesc": _flow(_MODIFY_FLOW)(one)},
    "PDU session modification command": lambda one: {"QoSFlowDesc": _flow(_MODIFY_FLOW)(one)},
}


def nas_of(message: Message, situation: Situation) -> NasMessage:
    """The NAS message that carries a message of the grammar.

    Args:
        message: of N1.
        situation: slices and sessions.

    Returns:
        The NAS message with its security header.
    """
    kind = message.described
    inner = None
    if kind.inner:
        elements = _elements(kind.inner, message, situation)
        inner = NasMessage(kind.inner, elements, None, None, message.pdu_session_id, message.pti)
    elements = _elements(kind.nas, message, situation, but=inner)
    return NasMessage(kind.nas, elements, _security(message, situation), inner)


def _elements(
    name: str, message: Message, situation: Situation, *, but: NasMessage | None = None
) -> Elements:
    """Elements of a message; `but` those that the inner message carries."""
    elements = dict(_REQUIRED[name](message)) if name in _REQUIRED else {}
    cause = CAUSES[message.cause]
    known = known_elements(name)
    elements |= {
        one: _UNSPECIFIED for one in _CAUSE_NAME.values() if one in mandatory_elements(name)
    }
    if cause is not None and _CAUSE_NAME.get(cause.group) in known and but is None:
        elements[_CAUSE_NAME[cause.group]] = bytes((cause.value,))
    for element, (ie, make) in _OPTIONAL.items():
        is_inside = but is not None and ie in known_elements(but.name)
        if message.presence & element_bits(element) and ie in known and not is_inside:
            elements[ie] = make(message, situation)
    return elements


def _security(message: Message, situation: Situation) -> Security | None:
    name = message.described.nas
    if name in _PLAIN:
        return None
    if name == "Registration request" and not message.presence & element_bits("5G-GUTI"):
        return None
    is_initial = message.described.ngap == "InitialUEMessage"
    header_type = {"Security mode command": NEW_INTEGRITY, "Security mode complete": NEW_CIPHERED}
    default = INTEGRITY if is_initial else CIPHERED
    return Security(header_type.get(name, default), bytes(4), situation.sequence)
