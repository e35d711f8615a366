"""The fields of a message of the grammar out of an NGAP message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from twin_gym.twins.signalling.message import SNssai
from twin_gym.twins.signalling.wire.network import session_bits, slice_of_value
from twin_gym.twins.signalling.wire.ngap import NgapMessage
from twin_gym.twins.signalling.wire.ngap_contents import NGAP_ELEMENTS
from twin_gym.twins.signalling.wire.session_lists import TRANSFERS

Value = Any

_NAS_KEYS = ("pDUSessionNAS-PDU", "nAS-PDU")


@dataclass(frozen=True, slots=True)
class NgapFields:
    """What an NGAP message says.

    Attributes:
        presence: bits of elements that are there.
        ran_ue_ngap_id: identity at the base station, -1 if absent.
        amf_ue_ngap_id: identity at the AMF, -1 if absent.
        nas: the NAS message in it, b"" if there is none.
        cause: group and name of its cause, or None.
        tmsi: 5G-TMSI, -1 if absent.
        sessions: identities of the PDU sessions in its lists.
        teid: the first tunnel endpoint in its lists, 0 if there is none.
        node: identity of the base station that sends, or None.
        target: identity of the target of a hand-over, or None.
        slices: that the network supports.
    """

    presence: int = 0
    ran_ue_ngap_id: int = -1
    amf_ue_ngap_id: int = -1
    nas: bytes = b""
    cause: tuple[str, str] | None = None
    tmsi: int = -1
    sessions: tuple[int, ...] = ()
    teid: int = 0
    node: str | None = None
    target: str | None = None
    slices: tuple[SNssai, ...] = ()

    @property
    def active_sessions(self) -> int:
        """The sessions as a bit field."""
        return session_bits(self.sessions)


def fields_of_ngap(ngap: NgapMessage) -> NgapFields:
    """The fields in an NGAP message; what does not have the form of the standard is left out."""
    elements = ngap.elements
    items = [item for name in TRANSFERS for item in elements.get(name, ())]
    numbers = tuple(item["pDUSessionID"] for item in items if item["pDUSessionID"])
    amf_id, ran_id = _identities(elements)
    return NgapFields(
        presence=_presence(elements),
        ran_ue_ngap_id=ran_id,
        amf_ue_ngap_id=amf_id,
        nas=_nas(elements, items),
        cause=next(_causes(elements.get("Cause"), items), None),
        tmsi=_tmsi(elements),
        sessions=numbers,
        teid=next(_endpoints(items), 0),
        node=_node(elements.get("GlobalRANNodeID")),
        target=_target(elements.get("TargetID")),
        slices=tuple(_slices(elements.get("PLMNSupportList", ()))),
    )


def _presence(elements: Mapping[str, Value]) -> int:
    bits = 0
    for name, value in elements.items():
        is_empty = name in TRANSFERS and not any(item["pDUSessionID"] for item in value)
        bits |= 0 if is_empty else NGAP_ELEMENTS.get(name, 0)
    return bits


def _identities(elements: Mapping[str, Value]) -> tuple[int, int]:
    """Identities at the AMF and at the base station."""
    pair = elements.get("UE-NGAP-IDs")
    if pair is not None:
        kind, value = pair
        if kind == "uE-NGAP-ID-pair":
            return value["aMF-UE-NGAP-ID"], value["rAN-UE-NGAP-ID"]
        return (value if kind == "aMF-UE-NGAP-ID" else -1), -1
    amf_id = elements.get("AMF-UE-NGAP-ID", elements.get("SourceAMF-UE-NGAP-ID", -1))
    return amf_id, elements.get("RAN-UE-NGAP-ID", -1)


def _nas(elements: Mapping[str, Value], items: list[Value]) -> bytes:
    if "NAS-PDU" in elements:
        return bytes(elements["NAS-PDU"])
    inside = (item[key] for item in items for key in _NAS_KEYS if key in item)
    return bytes(next(inside, b""))


def _causes(cause: Value, items: list[Value]) -> Iterator[tuple[str, str]]:
    if isinstance(cause, tuple) and isinstance(cause[1], str):
        yield cause[0], cause[1]
    for item in items:
        for value in item.values():
            content = value[1] if isinstance(value, tuple) else None
            inside = content.get("cause") if isinstance(content, Mapping) else None
            if isinstance(inside, tuple) and isinstance(inside[1], str):
                yield inside[0], inside[1]


def _tmsi(elements: Mapping[str, Value]) -> int:
    kind, value = elements.get("UEPagingIdentity", ("", None))
    identity = elements.get("FiveG-S-TMSI", value if kind == "fiveG-S-TMSI" else None)
    return -1 if identity is None else int.from_bytes(identity["fiveG-TMSI"])


def _endpoints(value: Value) -> Iterator[int]:
    """Tunnel endpoints anywhere inside a value, in its order."""
    if isinstance(value, Mapping):
        if "gTP-TEID" in value:
            yield int.from_bytes(value["gTP-TEID"])
        value = tuple(value.values())
    if isinstance(value, (tuple, list)):
        for one in value:
            yield from _endpoints(one)


def _node(value: Value) -> str | None:
    """A base station as text, so that two messages name the same one alike."""
    return None if value is None else repr(value)


def _target(value: Value) -> str | None:
    if value is None or value[0] != "targetRANNodeID":
        return None
    return _node(value[1]["globalRANNodeID"])


def _slices(plmns: Value) -> Iterator[SNssai]:
    for plmn in plmns:
        for one in plmn["sliceSupportList"]:
            yield slice_of_value(one["s-NSSAI"])
