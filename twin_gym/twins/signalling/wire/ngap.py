"""NGAP messages (TS 38.413) from bytes and to bytes, in the aligned packed encoding.

The values of information elements are pycrate's: numbers, bytes, pairs of number and length for
bit strings, pairs of name and value for choices, dictionaries for sequences. Mandatory elements,
numbers and criticalities come from the ASN.1 (`asn1.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from twin_gym.errors import ConfigError, shown, unknown_name
from twin_gym.twins.signalling.wire.asn1 import (
    ElementRule,
    container_rules,
    element_names,
    import_ngap,
    message_names,
    message_rules,
)
from twin_gym.twins.signalling.wire.ipv4 import UnreadableError

_CONTAINER = "protocolIEs"
_LOCK = Lock()
"""Pycrate has one object for all PDUs: it is filled and emptied under this lock."""

Value = Any


@dataclass(frozen=True, slots=True)
class NgapMessage:
    """A message of NGAP.

    Attributes:
        name: such as `InitialUEMessage`.
        elements: values by name of the information element, in the order of the message.
    """

    name: str
    elements: Mapping[str, Value]

    @property
    def missing(self) -> tuple[str, ...]:
        """Mandatory elements that it does not have, those of its transfers too."""
        rules = message_rules()[self.name].elements
        absent = [one.name for one in rules.values() if one.is_mandatory]
        absent = [name for name in absent if name not in self.elements]
        nested = (missing_in(value) for value in self.elements.values())
        return (*absent, *(name for names in nested for name in names))


def missing_in(value: Value) -> tuple[str, ...]:
    """Mandatory elements that are missing in the containers inside a value.

    Args:
        value: of an information element.

    Returns:
        Their names, each after the name of the type that lacks it.
    """
    if isinstance(value, tuple) and len(value) == 2 and _has_container(value[1]):  # noqa: PLR2004 - a pair
        name, content = value
        numbers = {one["id"] for one in content[_CONTAINER]}
        rules = container_rules(name).values()
        absent = [one for one in rules if one.is_mandatory and one.id not in numbers]
        inner = (missing_in(one["value"]) for one in content[_CONTAINER])
        named = tuple(f"{name}.{one.name}" for one in absent)
        return (*named, *(name for names in inner for name in names))
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, (tuple, list)):
        return tuple(name for one in value for name in missing_in(one))
    return ()


def _has_container(value: Value) -> bool:
    return isinstance(value, Mapping) and _CONTAINER in value


def ngap(name: str, /, **elements: Value) -> bytes:
    """Builds a message.

    Args:
        name: of the message, such as `InitialUEMessage`.
        elements: values by name of the information element, with `_` for `-`.

    Returns:
        The message in bytes.

    Raises:
        UnknownNameError: if there is no such message or element.
        ConfigError: if a mandatory element is missing or a value does not fit its type.
        MissingExtraError: if pycrate is not installed.
    """
    if name not in message_rules():
        raise unknown_name("message of NGAP", name, message_rules())
    rules = message_rules()[name].elements
    return encode_ngap(NgapMessage(name, _spelled(name, rules, elements)))


def container(type_name: str, /, **elements: Value) -> tuple[str, Value]:
    """The value of a type that holds information elements, such as a transfer of a session.

    Args:
        type_name: such as `PDUSessionResourceSetupRequestTransfer`.
        elements: as for `ngap`.

    Returns:
        Type and content, as pycrate has them.

    Raises:
        UnknownNameError: if there is no such element.
        ConfigError: if a mandatory element is missing.
        MissingExtraError: if pycrate is not installed.
    """
    rules = container_rules(type_name)
    spelled = _spelled(type_name, rules, elements)
    return type_name, {_CONTAINER: _fields(type_name, rules, spelled)}


def _spelled(
    name: str, rules: Mapping[str, ElementRule], elements: Mapping[str, Value]
) -> dict[str, Value]:
    """Elements under their own names, in the order of the standard."""
    known = {rule.replace("-", "_"): rule for rule in rules}
    for given in elements:
        if given not in known:
            raise unknown_name(f"information element of {name}", given, known)
    return {rule: elements[given] for given, rule in known.items() if given in elements}


def _fields(
    name: str, rules: Mapping[str, ElementRule], elements: Mapping[str, Value]
) -> list[dict[str, Value]]:
    absent = [one.name for one in rules.values() if one.is_mandatory and one.name not in elements]
    if absent:
        raise ConfigError(f"{name} must have {', '.join(absent)}: give values")
    unknown = [given for given in elements if given not in rules]
    if unknown:
        raise unknown_name(f"information element of {name}", unknown[0], rules)
    pairs = ((rules[given], value) for given, value in elements.items())
    return [
        {"id": rule.id, "criticality": rule.criticality, "value": (rule.type_name, value)}
        for rule, value in pairs
    ]


def encode_ngap(message: NgapMessage) -> bytes:
    """Builds a message, its elements in the order that they have.

    Args:
        message: name and values.

    Returns:
        The message in bytes.

    Raises:
        UnknownNameError: if there is no such message or element.
        ConfigError: if a mandatory element is missing or a value does not fit its type.
        MissingExtraError: if pycrate is not installed.
    """
    if message.name not in message_rules():
        raise unknown_name("message of NGAP", message.name, message_rules())
    rule = message_rules()[message.name]
    content = {_CONTAINER: _fields(message.name, rule.elements, message.elements)}
    outer = {
        "procedureCode": rule.code,
        "criticality": rule.criticality,
        "value": (message.name, content),
    }
    pdu = import_ngap().NGAP_PDU_Descriptions.NGAP_PDU
    with _LOCK:
        try:
            pdu.set_val((rule.kind, outer))
            return bytes(pdu.to_aper())
        except Exception as error:  # pycrate raises many kinds
            raise ConfigError(
                f"{message.name} cannot be encoded ({shown(str(error), 200)}): check its values"
            ) from None


def decode_ngap(content: bytes) -> NgapMessage:
    """Reads a message.

    Args:
        content: one message of NGAP.

    Returns:
        Its name and the values of its elements; one that the ASN.1 of the message does not have is
        named by its number.

    Raises:
        UnreadableError: if it is not NGAP, is damaged, or holds an element twice.
        MissingExtraError: if pycrate is not installed.
    """
    pdu = import_ngap().NGAP_PDU_Descriptions.NGAP_PDU
    with _LOCK:
        try:
            pdu.from_aper(content)
            kind, outer = pdu.get_val()
            code, (_, value) = outer["procedureCode"], outer["value"]
        except Exception:  # pycrate raises many kinds
            raise UnreadableError("NGAP damaged") from None
    name = message_names().get((code, kind))
    if name is None or not _has_container(value):
        raise UnreadableError("NGAP message of an unknown procedure")
    return NgapMessage(name, _values(message_rules()[name].elements, value[_CONTAINER]))


def _values(
    rules: Mapping[str, ElementRule], fields: Sequence[Mapping[str, Value]]
) -> dict[str, Value]:
    """Values by name; what pycrate could not read of a known element, it gives another type."""
    names = element_names()
    elements: dict[str, Value] = {}
    for one in fields:
        name = names.get(one["id"], "")
        name = name if name in rules else str(one["id"])
        type_name, value = one["value"]
        if name in elements:
            raise UnreadableError("NGAP information element twice")
        if name in rules and rules[name].type_name != type_name:
            raise UnreadableError("NGAP information element damaged")
        elements[name] = value
    return elements
