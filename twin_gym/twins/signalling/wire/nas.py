"""NAS messages of 5G (TS 24.501) from bytes and to bytes: 5GMM, 5GSM, and the security header.

Formats come from pycrate. Ciphering is null (NEA0): what a network really ciphers is told to be so.
Integrity is not checked, and null (NIA0) where messages are written. Elements are named as pycrate
names them, such as `5GSID`; their values are bytes, or numbers where they have half an octet.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from twin_gym.errors import ConfigError, shown, unknown_name
from twin_gym.twins.signalling.wire.asn1 import import_nas
from twin_gym.twins.signalling.wire.ipv4 import UnreadableError

MOBILITY_TYPES = {
    "Registration request": 65,
    "Registration accept": 66,
    "Registration complete": 67,
    "Registration reject": 68,
    "Deregistration request (UE originating)": 69,
    "Deregistration accept (UE originating)": 70,
    "Deregistration request (UE terminated)": 71,
    "Deregistration accept (UE terminated)": 72,
    "Service request": 76,
    "Service reject": 77,
    "Service accept": 78,
    "Control plane service request": 79,
    "Configuration update command": 84,
    "Configuration update complete": 85,
    "Authentication request": 86,
    "Authentication response": 87,
    "Authentication reject": 88,
    "Authentication failure": 89,
    "Authentication result": 90,
    "Identity request": 91,
    "Identity response": 92,
    "Security mode command": 93,
    "Security mode complete": 94,
    "Security mode reject": 95,
    "5GMM status": 100,
    "Notification": 101,
    "Notification response": 102,
    "UL NAS transport": 103,
    "DL NAS transport": 104,
}
"""Types of 5GMM messages (TS 24.501 table 9.7.1)."""

SESSION_TYPES = {
    "PDU session establishment request": 193,
    "PDU session establishment accept": 194,
    "PDU session establishment reject": 195,
    "PDU session authentication command": 197,
    "PDU session authentication complete": 198,
    "PDU session authentication result": 199,
    "PDU session modification request": 201,
    "PDU session modification reject": 202,
    "PDU session modification command": 203,
    "PDU session modification complete": 204,
    "PDU session modification command reject": 205,
    "PDU session release request": 209,
    "PDU session release reject": 210,
    "PDU session release command": 211,
    "PDU session release complete": 212,
    "5GSM status": 214,
}
"""Types of 5GSM messages (TS 24.501 table 9.7.2)."""

PLAIN, INTEGRITY, CIPHERED, NEW_INTEGRITY, NEW_CIPHERED = range(5)
"""Types of the security header (TS 24.501 table 9.3.1)."""

_MOBILITY, _SESSION = 126, 46  # extended protocol discriminators
_SECURITY_BYTES, _HEADER_BYTES = 7, 3
_HALF_OCTET = 4
_N1_SM = 1  # payload container with a 5GSM message
_CONTAINER = "PayloadContainer"
_MANDATORY_FORMATS = frozenset({"Type1V", "Type3V", "Type4LV", "Type6LVE"})
_LOGGER = logging.getLogger("pycrate_mobile")

ElementValue = bytes | int


@dataclass(frozen=True, slots=True)
class Security:
    """The security header of a message.

    Attributes:
        header_type: such as `CIPHERED`.
        mac: message authentication code, 4 bytes.
        sequence: number of the message, 0 to 255.
    """

    header_type: int
    mac: bytes = bytes(4)
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class NasMessage:
    """A NAS message.

    Attributes:
        name: in the words of the standard, such as `Registration request`.
        elements: bytes of the information elements, or numbers for those of half an octet.
        security: its security header; None: it is plain.
        inner: 5GSM message in the payload container, if there is one.
        pdu_session_id: of a 5GSM message.
        pti: procedure transaction identity of a 5GSM message.
    """

    name: str
    elements: Mapping[str, ElementValue] = field(default_factory=dict)
    security: Security | None = None
    inner: NasMessage | None = None
    pdu_session_id: int = 0
    pti: int = 0


@cache
def _names() -> Mapping[int, str]:
    return {number: name for name, number in (MOBILITY_TYPES | SESSION_TYPES).items()}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps pycrate from printing what it does not understand: it is counted instead."""
    level = _LOGGER.level
    _LOGGER.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        _LOGGER.setLevel(level)


def decode_nas(content: bytes) -> NasMessage:
    """Reads a message.

    Args:
        content: one NAS message.

    Returns:
        The message, with the 5GSM message that it carries.

    Raises:
        UnreadableError: if it is ciphered, damaged or of a type that is not known.
        MissingExtraError: if pycrate is not installed.
    """
    import_nas()
    if len(content) < _HEADER_BYTES:
        raise UnreadableError("NAS header cut off")
    if content[0] == _MOBILITY and content[1] & 0xF:
        return _secured(content)
    return _plain(content)


def _secured(content: bytes) -> NasMessage:
    if len(content) < _SECURITY_BYTES + _HEADER_BYTES:
        raise UnreadableError("NAS header cut off")
    header_type = content[1] & 0xF
    security = Security(header_type, content[2:6], content[6])
    try:
        inside = _plain(content[_SECURITY_BYTES:])
    except UnreadableError:
        if header_type in (CIPHERED, NEW_CIPHERED):
            raise UnreadableError("NAS ciphered") from None
        raise
    return NasMessage(
        inside.name, inside.elements, security, inside.inner, inside.pdu_session_id, inside.pti
    )


def _plain(content: bytes) -> NasMessage:
    with _quiet():
        element, error = import_nas().parse_NAS5G(content, inner=False, sec_hdr=False)
        if element is None or error:
            raise UnreadableError("NAS damaged or of an unknown type")
        is_session = content[0] == _SESSION
        name = _names().get(content[3 if is_session else 2])
        if name is None:
            raise UnreadableError("NAS damaged or of an unknown type")
        elements = {one._name: _value(one[-1]) for one in _present(element)}  # noqa: SLF001 - no public way
    inner = None
    held = elements.get(_CONTAINER)
    if elements.get("PayloadContainerType") == _N1_SM and isinstance(held, bytes):
        inner = _plain(held)
    if is_session:
        return NasMessage(name, elements, None, None, content[1], content[2])
    return NasMessage(name, elements, None, inner)


def _present(element: Any) -> Iterator[Any]:  # noqa: ANN401 - pycrate has no types
    """The information elements of a message, without header and spare bits."""
    for one in list(element)[1:]:
        if hasattr(one, "_content") and not one.get_trans():
            yield one


def _value(value: Any) -> ElementValue:  # noqa: ANN401
    return value.to_uint() if value.get_bl() == _HALF_OCTET else bytes(value.to_bytes())


@cache
def mandatory_elements(name: str) -> frozenset[str]:
    """Elements that every message of a kind has.

    Args:
        name: of the message, in the words of the standard.

    Returns:
        Names of information elements.

    Raises:
        UnknownNameError: if there is no such message.
        MissingExtraError: if pycrate is not installed.
    """
    return frozenset(
        one._name  # noqa: SLF001
        for one in _class_of(name)()
        if type(one).__name__ in _MANDATORY_FORMATS
    )


@cache
def known_elements(name: str) -> frozenset[str]:
    """Elements that a message of a kind may have; arguments and errors as above."""
    template = _class_of(name)()
    return frozenset(one._name for one in template._content if hasattr(one, "_content"))  # noqa: SLF001


def _class_of(name: str) -> Any:  # noqa: ANN401
    module = import_nas()
    if name in MOBILITY_TYPES:
        return module.FGMMTypeClasses[MOBILITY_TYPES[name]]
    if name in SESSION_TYPES:
        return module.FGSMTypeClasses[SESSION_TYPES[name]]
    raise unknown_name("NAS message", name, MOBILITY_TYPES | SESSION_TYPES)


def encode_nas(message: NasMessage) -> bytes:
    """Builds a message.

    Args:
        message: its `inner` message, if it has one, takes the place of the payload container.

    Returns:
        The message in bytes.

    Raises:
        UnknownNameError: if there is no such message or element.
        ConfigError: if a mandatory element is missing or a value does not fit.
        MissingExtraError: if pycrate is not installed.
    """
    elements = dict(message.elements)
    if message.inner is not None:
        elements |= {"PayloadContainerType": _N1_SM, _CONTAINER: encode_nas(message.inner)}
    _check(message.name, elements)
    values: dict[str, Any] = dict(elements)
    if message.name in SESSION_TYPES:
        values["5GSMHeader"] = {"PDUSessID": message.pdu_session_id, "PTI": message.pti}
    with _quiet():
        try:
            content = bytes(_class_of(message.name)(val=values).to_bytes())
        except Exception as error:  # pycrate raises many kinds
            raise ConfigError(
                f"{message.name} cannot be encoded ({shown(str(error), 200)}): check its values"
            ) from None
    security = message.security
    if security is None:
        return content
    head = bytes((_MOBILITY, security.header_type))
    return head + security.mac + bytes((security.sequence,)) + content


def _check(name: str, elements: Mapping[str, ElementValue]) -> None:
    absent = mandatory_elements(name) - elements.keys()
    if absent:
        raise ConfigError(f"{name} must have {', '.join(sorted(absent))}: give values")
    for given in elements:
        if given not in known_elements(name):
            raise unknown_name(f"information element of {name}", given, known_elements(name))
