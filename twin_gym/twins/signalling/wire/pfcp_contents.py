"""Messages of the grammar as PFCP, and back: which element of TS 29.244 carries which field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from twin_gym.twins.signalling.kinds import CAUSES, element_bits
from twin_gym.twins.signalling.message import Message
from twin_gym.twins.signalling.wire.nas_contents import suci
from twin_gym.twins.signalling.wire.network import DNN, UPF_ADDRESS, gnb, smf, upf
from twin_gym.twins.signalling.wire.pfcp import Element, PfcpMessage

# Types of elements (TS 29.244 table 8.1.2-1).
_CREATE_PDR, _PDI, _CREATE_FAR, _FORWARDING, _UPDATE_FAR, _UPDATE_FORWARDING = 1, 2, 3, 4, 10, 11
_CAUSE, _SOURCE, _F_TEID, _NETWORK, _PRECEDENCE, _REPORT_TYPE, _DESTINATION = (
    19, 20, 21, 22, 29, 39, 42,
)  # fmt: skip
_APPLY, _PDR_ID, _F_SEID, _NODE_ID, _DOWNLINK_REPORT, _OUTER_CREATION = 44, 56, 57, 60, 83, 84
_UE_ADDRESS, _OUTER_REMOVAL, _RECOVERY, _FAR_ID, _USER_ID = 93, 95, 96, 108, 141

_HEARTBEATS = frozenset({1, 2})
_LAST_NODE_TYPE = 49  # types below 50 are of nodes and have no SEID
_ACCEPTED, _FORWARD, _BUFFER = 1, 0x02, 0x0C  # BUFF and NOCP
_ACCESS, _CORE = 0, 1
_UE_V4, _V4_OF_SEID, _DESTINATION_ADDRESS = 0x02, 0x02, 0x04
_GTP_IPV4, _DOWNLINK_DATA, _IMSI = 0x0100, 0x01, 0x01
_START = bytes.fromhex("e9000000")  # seconds since 1900: when the functions were started
_UPLINK_RULE, _DOWNLINK_RULE = 1, 2
_SUCI_DIGITS = 5


def _number(value: int, size: int) -> bytes:
    return value.to_bytes(size)


def _node(address: IPv4Address) -> Element:
    return Element(_NODE_ID, b"\0" + address.packed)


def _f_seid(message: Message, address: IPv4Address) -> Element:
    content = bytes((_V4_OF_SEID,)) + _number(message.f_seid, 8) + address.packed
    return Element(_F_SEID, content)


def _rule(number: int, interface: int, *detection: Element) -> Element:
    pdi = Element(_PDI, (Element(_SOURCE, bytes((interface,))), *detection))
    parts = [Element(_PDR_ID, _number(number, 2)), Element(_PRECEDENCE, _number(255, 4)), pdi]
    if interface == _ACCESS:
        parts.append(Element(_OUTER_REMOVAL, b"\0"))
    return Element(_CREATE_PDR, (*parts, Element(_FAR_ID, _number(number, 4))))


def _action(number: int, destination: int) -> Element:
    forwarding = Element(_FORWARDING, (Element(_DESTINATION, bytes((destination,))),))
    parts = (Element(_FAR_ID, _number(number, 4)), Element(_APPLY, bytes((_FORWARD,))), forwarding)
    return Element(_CREATE_FAR, parts)


def _establishment(message: Message) -> tuple[Element, ...]:
    tunnel = Element(_F_TEID, b"\1" + _number(message.teid, 4) + UPF_ADDRESS.packed)
    address = IPv4Address(message.ue_address).packed
    up = Element(_UE_ADDRESS, bytes((_UE_V4,)) + address)
    down = Element(_UE_ADDRESS, bytes((_UE_V4 | _DESTINATION_ADDRESS,)) + address)
    network = Element(_NETWORK, DNN)
    digits = suci(max(message.ue, 0))[-_SUCI_DIGITS:]
    return (
        _node(smf().address),
        _f_seid(message, smf().address),
        _rule(_UPLINK_RULE, _ACCESS, tunnel, network, up),
        _rule(_DOWNLINK_RULE, _CORE, network, down),
        _action(_UPLINK_RULE, _CORE),
        _action(_DOWNLINK_RULE, _ACCESS),
        Element(_USER_ID, bytes((_IMSI, len(digits))) + digits),
    )


def _establishment_response(message: Message) -> tuple[Element, ...]:
    parts = [_node(upf().address), _cause(message)]
    if message.presence & element_bits("F-SEID"):
        parts.append(_f_seid(message, upf().address))
    return tuple(parts)


def _modification(message: Message) -> tuple[Element, ...]:
    if not message.presence & element_bits("Update FAR"):
        return ()
    parts = [Element(_FAR_ID, _number(_DOWNLINK_RULE, 4))]
    if message.presence & element_bits("Buffering"):
        return (Element(_UPDATE_FAR, (*parts, Element(_APPLY, bytes((_BUFFER,))))),)
    forwarding = [Element(_DESTINATION, bytes((_ACCESS,)))]
    if message.teid:
        address = gnb(max(message.gnb, 0)).address.packed
        head = _number(_GTP_IPV4, 2) + _number(message.teid, 4) + address
        forwarding.append(Element(_OUTER_CREATION, head))
    parts.append(Element(_APPLY, bytes((_FORWARD,))))
    return (Element(_UPDATE_FAR, (*parts, Element(_UPDATE_FORWARDING, tuple(forwarding)))),)


def _report(message: Message) -> tuple[Element, ...]:
    rule = Element(_PDR_ID, _number(_DOWNLINK_RULE, 2))
    kind = Element(_REPORT_TYPE, bytes((_DOWNLINK_DATA,)))
    return (kind, Element(_DOWNLINK_REPORT, (rule,)))


def _cause(message: Message) -> Element:
    cause = CAUSES[message.cause]
    is_pfcp = cause is not None and cause.group == "PFCP"
    return Element(_CAUSE, bytes((cause.value if is_pfcp and cause is not None else _ACCEPTED,)))


def _recovery() -> Element:
    return Element(_RECOVERY, _START)


_MAKERS: Mapping[int, Callable[[Message], tuple[Element, ...]]] = {
    1: lambda one: (_recovery(),),
    2: lambda one: (_recovery(),),
    5: lambda one: (_node(smf().address), _recovery()),
    6: lambda one: (_node(upf().address), _cause(one), _recovery()),
    50: _establishment,
    51: _establishment_response,
    52: _modification,
    53: lambda one: (_cause(one),),
    54: lambda one: (),
    55: lambda one: (_cause(one),),
    56: _report,
    57: lambda one: (_cause(one),),
}


def pfcp_of(message: Message) -> PfcpMessage:
    """The PFCP message that carries a message of the grammar.

    Args:
        message: of N4.

    Returns:
        The message with its elements.
    """
    kind = message.described.pfcp_type
    seid = None if kind <= _LAST_NODE_TYPE else message.seid
    sequence = max(message.pfcp_sequence, 0)
    return PfcpMessage(kind, sequence, _MAKERS[kind](message), seid)


@dataclass(frozen=True, slots=True)
class PfcpFields:
    """What a PFCP message says.

    Attributes:
        presence: bits of elements that are there.
        seid: of the receiver, 0 if the message is about nodes.
        f_seid: that the sender allocates, 0 if absent.
        cause: its number, 0 if absent.
        teid: the first tunnel endpoint, 0 if there is none.
        ue_address: IPv4 address of the UE, 0 if absent.
        user: identity of the subscription, b"" if absent.
    """

    presence: int = 0
    seid: int = 0
    f_seid: int = 0
    cause: int = 0
    teid: int = 0
    ue_address: int = 0
    user: bytes = b""


_PRESENCE = {
    _F_SEID: element_bits("F-SEID"),
    _CREATE_PDR: element_bits("Create PDR"),
    _UPDATE_FAR: element_bits("Update FAR"),
    _DOWNLINK_REPORT: element_bits("Downlink Data Report"),
}


def fields_of_pfcp(pfcp: PfcpMessage) -> PfcpFields:
    """The fields in a PFCP message; an element that is too short counts as absent."""
    presence = sum(bit for kind, bit in _PRESENCE.items() if pfcp.find(kind) is not None)
    action = _content(pfcp, _APPLY)
    if pfcp.find(_UPDATE_FAR) is not None and action and action[0] & _BUFFER & ~_FORWARD:
        presence |= element_bits("Buffering")
    tunnel, outer = _content(pfcp, _F_TEID), _content(pfcp, _OUTER_CREATION)
    address, user = _content(pfcp, _UE_ADDRESS), _content(pfcp, _USER_ID)
    has_address = len(address) >= 5 and bool(address[0] & 0x02)  # noqa: PLR2004 - IPv4 flag
    return PfcpFields(
        presence=presence,
        seid=pfcp.seid or 0,
        f_seid=int.from_bytes(_content(pfcp, _F_SEID)[1:9]),
        cause=int.from_bytes(_content(pfcp, _CAUSE)[:1]),
        teid=int.from_bytes(tunnel[1:5]) or int.from_bytes(outer[2:6]),
        ue_address=int.from_bytes(address[1:5]) if has_address else 0,
        user=user[2:] if len(user) > 1 and user[0] & _IMSI else b"",
    )


def _content(pfcp: PfcpMessage, kind: int) -> bytes:
    found = pfcp.find(kind)
    return found.content if found is not None and isinstance(found.content, bytes) else b""
