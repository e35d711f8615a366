"""Control messages in bytes as a log: kinds of the vocabulary, with fields, UEs and base stations.

A field or element that the vocabulary does not give to a kind of message is left out. What is not
in the vocabulary, or cannot be read, is counted with its reason and the first packet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from twin_gym.twins.signalling.contents import CONTENTS
from twin_gym.twins.signalling.kinds import CAUSES, FIVE_QIS, KINDS, Link, kind_code
from twin_gym.twins.signalling.message import MAX_SESSION_ID, Message, SNssai
from twin_gym.twins.signalling.wire.ipv4 import UnreadableError
from twin_gym.twins.signalling.wire.nas import decode_nas
from twin_gym.twins.signalling.wire.nas_fields import NasFields, fields_of_nas
from twin_gym.twins.signalling.wire.ngap import decode_ngap
from twin_gym.twins.signalling.wire.ngap_fields import NgapFields, fields_of_ngap
from twin_gym.twins.signalling.wire.pcap import Remarks
from twin_gym.twins.signalling.wire.pfcp import PfcpMessage, decode_pfcp
from twin_gym.twins.signalling.wire.pfcp_contents import PfcpFields, fields_of_pfcp
from twin_gym.twins.signalling.wire.tracker import NOBODY, Tracker
from twin_gym.twins.signalling.wire.transport import NGAP, Endpoint, Payload

_BY_NGAP = {(kind.ngap, kind.nas, kind.inner): kind.code for kind in KINDS if kind.ngap}
_BY_PFCP = {kind.pfcp_type: kind.code for kind in KINDS if kind.pfcp}
_CAUSE_CODES: Mapping[tuple[str, int | str], int] = {
    (one.group, one.name if one.group in ("radioNetwork", "nas") else one.value): code
    for code, one in enumerate(CAUSES)
    if one is not None
}
_MAX_SLICES, _MAX_GNBS = 255, 32_767  # what the fields of a message can number
_UPLINK = frozenset({Link.N1_UPLINK, Link.N2_UPLINK})
_ESTABLISHMENT = kind_code(
    "UplinkNASTransport[UL NAS transport[PDU session establishment request]]"
)
_SESSION_ANSWERS = (
    kind_code("DownlinkNASTransport[DL NAS transport[PDU session establishment reject]]"),
    kind_code("PDUSessionResourceSetupRequest[DL NAS transport[PDU session establishment accept]]"),
)


def _allowed(kind: int) -> int:
    bits = CONTENTS[kind].always
    for _, elements in CONTENTS[kind].conditional:
        bits |= elements
    return bits


_ALLOWED = tuple(_allowed(kind.code) for kind in KINDS)


@dataclass(frozen=True, slots=True)
class _N2:
    """A message on N1 or N2: its place in the capture, kind and fields."""

    place: int
    payload: Payload
    name: str
    kind: int
    ngap: NgapFields
    nas: NasFields | None


@dataclass(frozen=True, slots=True)
class _N4:
    """A message on N4: its place in the capture, kind and fields."""

    place: int
    payload: Payload
    kind: int
    pfcp: PfcpMessage
    said: PfcpFields


@dataclass
class Decoder:
    """Reads the payloads of a capture.

    Attributes:
        remarks: what was not understood.
        slices: in the order of their numbers.
        tracker: of UEs.
    """

    remarks: Remarks = field(default_factory=Remarks)
    slices: list[SNssai] = field(default_factory=list)
    tracker: Tracker = field(default_factory=Tracker)
    _gnbs: dict[Endpoint, int] = field(default_factory=dict)
    _nodes: dict[str, int] = field(default_factory=dict)

    def read(self, payloads: Sequence[Payload]) -> list[Message]:
        """The messages in payloads, in their order.

        Args:
            payloads: in the order of time; what SCTP repeats is counted and left out.

        Returns:
            Messages, their UEs numbered in the order of their first message, the time counted from
            the first payload.

        Raises:
            MissingExtraError: if pycrate is not installed.
        """
        parsed = [self._parsed(place, payload) for place, payload in enumerate(payloads)]
        on_n2 = [one for one in parsed if isinstance(one, _N2)]
        for one in on_n2:
            for each in one.ngap.slices:
                self._slice(each)
        made = {one.place: self._of_ngap(one) for one in on_n2}
        made |= {one.place: self._of_pfcp(one) for one in parsed if isinstance(one, _N4)}
        return self._numbered([made[place] for place in sorted(made)])

    def _numbered(self, messages: list[Message]) -> list[Message]:
        """The messages with UEs from 0 on, and the time from the first one."""
        start_ns = messages[0].time_ns if messages else 0
        numbers: dict[int, int] = {NOBODY: NOBODY}
        renamed = []
        for one in messages:
            ue = numbers.setdefault(self.tracker.owner(one.ue), len(numbers) - 1)
            renamed.append(replace(one, time_ns=one.time_ns - start_ns, ue=ue))
        return renamed

    def _parsed(self, place: int, payload: Payload) -> _N2 | _N4 | None:
        if payload.is_repeated:
            self.remarks.add("SCTP retransmission", payload.packet)
            return None
        try:
            if payload.protocol == NGAP:
                return self._parsed_ngap(place, payload)
            pfcp = decode_pfcp(payload.content)
            if pfcp.type not in _BY_PFCP:
                raise UnreadableError(f"not in the vocabulary: PFCP message type {pfcp.type}")
            return _N4(place, payload, _BY_PFCP[pfcp.type], pfcp, fields_of_pfcp(pfcp))
        except UnreadableError as reason:
            self.remarks.add(str(reason), payload.packet)
            return None

    def _parsed_ngap(self, place: int, payload: Payload) -> _N2:
        ngap = decode_ngap(payload.content)
        try:
            fields = fields_of_ngap(ngap)
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
            raise UnreadableError("NGAP element of an unknown form") from None
        nas = decode_nas(fields.nas) if fields.nas else None
        inner = nas.inner.name if nas is not None and nas.inner is not None else ""
        key = ngap.name, nas.name if nas is not None else "", inner
        if key not in _BY_NGAP:
            inside = [one for one in key[1:] if one]
            name = ngap.name + "".join(f"[{one}" for one in inside) + "]" * len(inside)
            raise UnreadableError(f"not in the vocabulary: {name}")
        said = None if nas is None else fields_of_nas(nas)
        return _N2(place, payload, ngap.name, _BY_NGAP[key], fields, said)

    def _slice(self, one: SNssai | None) -> int:
        if one is None or (one not in self.slices and len(self.slices) == _MAX_SLICES):
            return 0
        if one not in self.slices:
            self.slices.append(one)
        return self.slices.index(one) + 1

    def _gnb(self, kind: int, payload: Payload, ngap: NgapFields) -> int:
        side = payload.source if KINDS[kind].link in _UPLINK else payload.target
        if side not in self._gnbs:
            known = self._nodes.get(ngap.node) if ngap.node else None
            self._gnbs[side] = self._new_gnb() if known is None else known
        if ngap.node:
            self._nodes[ngap.node] = self._gnbs[side]
        return self._gnbs[side]

    def _target(self, ngap: NgapFields) -> int:
        if ngap.target is None:
            return -1
        if ngap.target not in self._nodes:
            self._nodes[ngap.target] = self._new_gnb()
        return self._nodes[ngap.target]

    def _new_gnb(self) -> int:
        number = max((*self._gnbs.values(), *self._nodes.values()), default=-1) + 1
        return min(number, _MAX_GNBS)

    def _of_ngap(self, one: _N2) -> Message:
        payload, kind, ngap, said = one.payload, one.kind, one.ngap, one.nas or NasFields()
        gnb = self._gnb(kind, payload, ngap)
        ue = self.tracker.of_ngap(one.place, one.name, gnb, ngap, one.nas)
        if kind == _ESTABLISHMENT:
            self.tracker.asks_for_session(one.place, ue, said.pdu_session_id)
        elif kind in _SESSION_ANSWERS:
            is_accepted = kind == _SESSION_ANSWERS[-1]
            self.tracker.has_answer(one.place, ue, said.pdu_session_id, is_accepted=is_accepted)
        number = said.pdu_session_id or next(iter(ngap.sessions), 0)
        values = {
            "target_gnb": self._target(ngap),
            "teid": ngap.teid,
            "ue_address": said.ue_address,
            "tmsi": said.tmsi if said.tmsi >= 0 else ngap.tmsi,
            "pdu_session_id": number if number <= MAX_SESSION_ID else 0,
            "pti": said.pti,
            "s_nssai": self._slice(said.s_nssai),
            "cause": self._cause(payload, said.cause or ngap.cause),
            "five_qi": self._five_qi(payload, said.five_qi),
            "request_type": said.request_type,
            "registration_type": said.registration_type,
            "active_sessions": ngap.active_sessions,
        }
        return Message(
            payload.time_ns, kind, ue, gnb,
            ran_ue_ngap_id=ngap.ran_ue_ngap_id,
            amf_ue_ngap_id=ngap.amf_ue_ngap_id,
            presence=(said.presence | ngap.presence) & _ALLOWED[kind],
            **{name: value for name, value in values.items() if name in CONTENTS[kind].fields},
        )  # fmt: skip

    def _of_pfcp(self, one: _N4) -> Message:
        payload, kind, pfcp, said = one.payload, one.kind, one.pfcp, one.said
        ue = self.tracker.of_pfcp(one.place, payload.source, payload.target, pfcp, said)
        if ue == NOBODY and pfcp.seid is not None:
            self.remarks.add("PFCP session of an unknown UE", payload.packet)
        fields = CONTENTS[kind].fields
        cause = ("PFCP", said.cause) if said.cause else None
        return Message(
            payload.time_ns, kind, ue,
            seid=said.seid,
            f_seid=said.f_seid if "f_seid" in fields else 0,
            pfcp_sequence=pfcp.sequence,
            teid=said.teid if "teid" in fields else 0,
            ue_address=said.ue_address if "ue_address" in fields else 0,
            cause=self._cause(payload, cause) if "cause" in fields else 0,
            presence=said.presence & _ALLOWED[kind],
        )  # fmt: skip

    def _cause(self, payload: Payload, cause: tuple[str, int | str] | None) -> int:
        if cause is None:
            return 0
        if cause not in _CAUSE_CODES:
            self.remarks.add(f"cause outside the vocabulary: {cause[0]} {cause[1]}", payload.packet)
        return _CAUSE_CODES.get(cause, 0)

    def _five_qi(self, payload: Payload, value: int) -> int:
        if value not in FIVE_QIS:
            self.remarks.add(f"5QI outside the vocabulary: {value}", payload.packet)
            return 0
        return FIVE_QIS.index(value)
