"""The fields of a message of the grammar out of a NAS message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from twin_gym.twins.signalling.kinds import element_bits
from twin_gym.twins.signalling.message import (
    DEREGISTRATION,
    INITIAL_REGISTRATION,
    MOBILITY_UPDATE,
    PERIODIC_UPDATE,
    SWITCH_OFF,
    SNssai,
)
from twin_gym.twins.signalling.wire.nas import NasMessage
from twin_gym.twins.signalling.wire.nas_contents import (
    GUTI_TYPE,
    NAS_ELEMENTS,
    S_TMSI_TYPE,
    SUCI_TYPE,
    SWITCH_OFF_BIT,
)
from twin_gym.twins.signalling.wire.network import slice_of_bytes

_TYPE_MASK, _REGISTRATION_MASK = 0x7, 0x7
_TMSI_BYTES, _ADDRESS_BYTES, _IPV4 = 4, 4, 1
_HAS_PARAMETERS, _NUM_PARAMETERS, _FIVE_QI = 0x40, 0x3F, 1
_REGISTRATIONS = {
    1: INITIAL_REGISTRATION,
    2: MOBILITY_UPDATE,
    3: PERIODIC_UPDATE,
    4: INITIAL_REGISTRATION,  # of an emergency
}


@dataclass(frozen=True, slots=True)
class NasFields:
    """What a NAS message says.

    Attributes:
        presence: bits of elements that are there.
        cause: group and number of its cause, or None.
        five_qi: value of the first 5QI, 0 if there is none.
        pdu_session_id: of the 5GSM message or its transport, 0 if absent.
        pti: of the 5GSM message, 0 if absent.
        s_nssai: the first slice that it names, or None.
        request_type: of a transport, 0 if absent.
        registration_type: as in `Message`.
        tmsi: 5G-TMSI in an identity, -1 if absent.
        supi: concealed identifier of the subscription, b"" if absent.
        ue_address: IPv4 address of the UE, 0 if absent.
    """

    presence: int = 0
    cause: tuple[str, int] | None = None
    five_qi: int = 0
    pdu_session_id: int = 0
    pti: int = 0
    s_nssai: SNssai | None = None
    request_type: int = 0
    registration_type: int = 0
    tmsi: int = -1
    supi: bytes = b""
    ue_address: int = 0


def fields_of_nas(nas: NasMessage) -> NasFields:
    """The fields in a NAS message and in the 5GSM message that it carries."""
    layers = [nas] if nas.inner is None else [nas, nas.inner]
    identity, supi, tmsi = _identity(nas)
    presence = identity
    for layer in layers:
        for name in layer.elements:
            presence |= NAS_ELEMENTS.get(name, 0)
    slices = (one for layer in layers for one in _slices(layer))
    innermost = layers[-1]
    number = innermost.pdu_session_id or _first_byte(nas, "PDUSessID")
    request = nas.elements.get("RequestType", 0)
    return NasFields(
        presence=presence,
        cause=_cause(innermost) or _cause(nas),
        five_qi=_five_qi(_bytes(innermost, "QoSFlowDesc")),
        pdu_session_id=number,
        pti=innermost.pti,
        s_nssai=next(slices, None),
        request_type=request if isinstance(request, int) else 0,
        registration_type=_registration_type(nas),
        tmsi=tmsi,
        supi=supi,
        ue_address=_address(_bytes(innermost, "PDUAddress")),
    )


def _bytes(nas: NasMessage, name: str) -> bytes:
    value = nas.elements.get(name, b"")
    return value if isinstance(value, bytes) else b""


def _first_byte(nas: NasMessage, name: str) -> int:
    return _bytes(nas, name)[0] if _bytes(nas, name) else 0


def _cause(nas: NasMessage) -> tuple[str, int] | None:
    for group in ("5GMM", "5GSM"):
        content = _bytes(nas, f"{group}Cause")
        if content:
            return group, content[0]
    return None


def _identity(nas: NasMessage) -> tuple[int, bytes, int]:
    """Presence bits, concealed identifier and 5G-TMSI of the identities in a message."""
    content, assigned = _bytes(nas, "5GSID"), _bytes(nas, "GUTI")
    kind = content[0] & _TYPE_MASK if content else 0
    if kind == SUCI_TYPE:
        return element_bits("SUCI"), content, -1
    if kind == GUTI_TYPE:
        return element_bits("5G-GUTI"), b"", _tmsi(content)
    if kind == S_TMSI_TYPE:
        return 0, b"", _tmsi(content)
    return 0, b"", _tmsi(assigned)


def _tmsi(content: bytes) -> int:
    return int.from_bytes(content[-_TMSI_BYTES:]) if len(content) > _TMSI_BYTES else -1


def _slices(nas: NasMessage) -> Iterator[SNssai]:
    for name in ("NSSAI", "AllowedNSSAI"):
        content = _bytes(nas, name)
        if content:
            one = slice_of_bytes(content[1 : 1 + content[0]])
            yield from () if one is None else (one,)
    content = _bytes(nas, "SNSSAI")
    one = slice_of_bytes(content) if content else None
    yield from () if one is None else (one,)


def _registration_type(nas: NasMessage) -> int:
    kind, leaving = nas.elements.get("5GSRegType"), nas.elements.get("DeregistrationType")
    if isinstance(kind, int):
        return _REGISTRATIONS.get(kind & _REGISTRATION_MASK, 0)
    if isinstance(leaving, int) and "5GSID" in nas.elements:
        return SWITCH_OFF if leaving & SWITCH_OFF_BIT else DEREGISTRATION
    return 0


def _five_qi(content: bytes) -> int:
    """Value of the first 5QI in descriptions of flows, 0 if there is none."""
    position = 0
    while position + 3 <= len(content):
        flags = content[position + 2]
        position += 3
        count = flags & _NUM_PARAMETERS if flags & _HAS_PARAMETERS else 0
        for _ in range(count):
            if position + 2 > len(content):
                return 0
            kind, length = content[position], content[position + 1]
            if kind == _FIVE_QI and length == 1 and position + 2 < len(content):
                return content[position + 2]
            position += 2 + length
    return 0


def _address(content: bytes) -> int:
    has_ipv4 = len(content) > _ADDRESS_BYTES and content[0] & _TYPE_MASK == _IPV4
    return int.from_bytes(content[1 : 1 + _ADDRESS_BYTES]) if has_ipv4 else 0
