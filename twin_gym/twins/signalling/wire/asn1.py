"""What the ASN.1 of NGAP says, read out of pycrate's objects: procedures and information elements.

Nothing of the standard is written down here: codes, criticalities, and which information elements
(IEs) a message must have come from the module of TS 38.413 that pycrate compiled.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from twin_gym.errors import missing_extra

INITIATING, SUCCESSFUL, UNSUCCESSFUL = (
    "initiatingMessage",
    "successfulOutcome",
    "unsuccessfulOutcome",
)
"""The three kinds of messages of a procedure."""

_FIELDS = {
    "InitiatingMessage": INITIATING,
    "SuccessfulOutcome": SUCCESSFUL,
    "UnsuccessfulOutcome": UNSUCCESSFUL,
}
_CONTAINER = "protocolIEs"


@dataclass(frozen=True, slots=True)
class ElementRule:
    """An information element of a message.

    Attributes:
        name: as in the standard, such as `RAN-UE-NGAP-ID`.
        id: its number.
        criticality: `reject`, `ignore` or `notify`.
        is_mandatory: whether every message has it.
        type_name: ASN.1 type of its value.
    """

    name: str
    id: int
    criticality: str
    is_mandatory: bool
    type_name: str


@dataclass(frozen=True, slots=True)
class MessageRule:
    """A message of a procedure.

    Attributes:
        name: such as `InitialUEMessage`.
        code: of the procedure.
        criticality: of the procedure.
        kind: `INITIATING`, `SUCCESSFUL` or `UNSUCCESSFUL`.
        elements: its information elements by name, in the order of the standard.
    """

    name: str
    code: int
    criticality: str
    kind: str
    elements: Mapping[str, ElementRule]


def import_ngap() -> Any:  # noqa: ANN401 - pycrate has no types
    """Pycrate's module of NGAP, which takes a second to import.

    Raises:
        MissingExtraError: if pycrate is not installed.
    """
    try:
        from pycrate_asn1dir import NGAP
    except ImportError as error:
        raise missing_extra("NGAP in bytes", "signalling") from error
    return NGAP


def import_nas() -> Any:  # noqa: ANN401
    """Pycrate's module of 5G NAS; its remark on missing ciphering is not printed.

    Raises:
        MissingExtraError: if pycrate is not installed.
    """
    logger = logging.getLogger("pycrate_mobile")
    level = logger.level
    logger.setLevel(logging.ERROR)  # CryptoMobile is missing: only null algorithms are used
    try:
        from pycrate_mobile import NAS5G
    except ImportError as error:
        raise missing_extra("NAS in bytes", "signalling") from error
    finally:
        logger.setLevel(level)
    return NAS5G


@cache
def message_rules() -> Mapping[str, MessageRule]:
    """The messages of NGAP by name.

    Raises:
        MissingExtraError: if pycrate is not installed.
    """
    rules = {}
    for procedure in import_ngap().NGAP_PDU_Descriptions.NGAP_ELEMENTARY_PROCEDURES._val.root:  # noqa: SLF001 - no public way
        for field, kind in _FIELDS.items():
            if field in procedure:
                name = _type_name(procedure[field])
                elements = _elements_of(procedure[field])
                code, criticality = procedure["procedureCode"], procedure["criticality"]
                rules[name] = MessageRule(name, code, criticality, kind, elements)
    return rules


@cache
def message_names() -> Mapping[tuple[int, str], str]:
    """Name of a message by the code of its procedure and its kind."""
    return {(rule.code, rule.kind): rule.name for rule in message_rules().values()}


@cache
def container_rules(type_name: str) -> Mapping[str, ElementRule]:
    """Information elements of a type that holds them itself, such as a transfer of a session.

    Args:
        type_name: such as `PDUSessionResourceSetupRequestTransfer`.

    Returns:
        Its elements by name; none, if it holds none.
    """
    contents = import_ngap().NGAP_IEs
    found = getattr(contents, type_name.replace("-", "_"), None)
    return {} if found is None else _elements_of(found)


def element_names() -> Mapping[int, str]:
    """Names of information elements by number."""
    return {number: name for number, name in _constants()}


@cache
def _constants() -> tuple[tuple[int, str], ...]:
    module = import_ngap().NGAP_Constants
    found = (getattr(module, name) for name in dir(module) if name.startswith("id_"))
    return tuple(
        (one._val, one._name.removeprefix("id-"))  # noqa: SLF001 - no public way
        for one in found
        if one._typeref.called[-1] == "ProtocolIE-ID"  # noqa: SLF001
    )


def _elements_of(sequence: Any) -> Mapping[str, ElementRule]:  # noqa: ANN401
    content = sequence._cont  # noqa: SLF001 - no public way
    if not hasattr(content, "keys") or _CONTAINER not in content:
        return {}
    field = content[_CONTAINER]._cont._cont["id"]  # noqa: SLF001
    names = element_names()
    root: Iterable[Mapping[str, Any]] = field._const_tab._val.root  # noqa: SLF001
    return {names[one["id"]]: _element(one, names) for one in root}


def _element(one: Mapping[str, Any], names: Mapping[int, str]) -> ElementRule:
    is_mandatory = one["presence"] == "mandatory"
    number = one["id"]
    return ElementRule(
        names[number], number, one["criticality"], is_mandatory, _type_name(one["Value"])
    )


def _type_name(value: Any) -> str:  # noqa: ANN401
    reference = value._typeref  # noqa: SLF001 - no public way
    return str(value.TYPE if reference is None else reference.called[-1])
