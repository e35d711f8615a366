"""The databases of the core: they allocate identities, and fill them into what a network says.

Tunnels that a base station allocates in lists (hand-over, service request) are not in a log: there
the last tunnel that it named alone is filled in.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cache

from twin_gym.twins.signalling.contents import CONTENTS
from twin_gym.twins.signalling.grammar import SHORT_NAMES, TABLE, event_of
from twin_gym.twins.signalling.kinds import KINDS, element_bits
from twin_gym.twins.signalling.learned.decoding import answers_after
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import Message

_ESTABLISHMENT = SHORT_NAMES["PFCP Session Establishment Request"]
_DELETED = SHORT_NAMES["PFCP Session Deletion Response"]
_MODIFICATION = SHORT_NAMES["PFCP Session Modification Request"]
_ACCEPT = SHORT_NAMES["PDU session establishment accept"]
_NEW_GUTI = element_bits("Assigned 5G-GUTI")
_BUFFERING = element_bits("Buffering")
_TO_SOURCE = frozenset(
    answer.kind for row in TABLE for answer in row.answers if answer.to_source
)  # fmt: skip
_FIRST_ADDRESS = 0x0A00_0001


@dataclass(eq=False)
class _Session:
    """What the SMF has on record of a PDU session."""

    number: int
    pti: int = 0
    smf_seid: int = 0
    upf_seid: int = 0
    teid: int = 0
    gnb_teid: int = 0
    ue_address: int = 0


@dataclass
class _Path:
    """A connection of a UE over a base station."""

    gnb: int = -1
    ran_ue_ngap_id: int = -1
    amf_ue_ngap_id: int = -1


@dataclass
class _Ue:
    """What the AMF has on record of a UE."""

    path: _Path = field(default_factory=_Path)
    source: _Path | None = None
    former: _Path = field(default_factory=_Path)
    tmsi: int = -1
    sessions: dict[int, _Session] = field(default_factory=dict)
    # Sessions to which the next N4 requests go: each of a round, or by kind of request.
    round: list[_Session] = field(default_factory=list)
    asked: dict[int, list[_Session]] = field(default_factory=lambda: defaultdict(list))
    reported: _Session | None = None
    sequence: int = -1

    def next_session(self, kind: int) -> _Session:
        """The session to which the next N4 request of a kind goes; an unknown one without any."""
        waiting = self.round if self.round and kind != _ESTABLISHMENT else self.asked[kind]
        return waiting[0] if waiting else _Session(0)

    def drop_session(self, kind: int) -> None:
        """Forgets that an N4 request of a kind is to be sent: it has been."""
        waiting = self.round if self.round and kind != _ESTABLISHMENT else self.asked[kind]
        del waiting[:1]


class Database:
    """Records of UEs and sessions, and the identities that are in use.

    A new identity is one more than the greatest one so far.

    Attributes:
        greatest: identity by name of the field.
    """

    def __init__(self) -> None:
        self.greatest = {
            "amf_ue_ngap_id": 0, "tmsi": 0, "f_seid": 0, "teid": 0, "pfcp_sequence": 0,
            "ue_address": _FIRST_ADDRESS - 1,
        }  # fmt: skip
        self._ues: dict[int, _Ue] = {}

    @classmethod
    def of(cls, history: MessageLog) -> Database:
        """The records after the messages of a log."""
        database = cls()
        for place in range(len(history)):
            database.record(history[place])
        return database

    def record(self, message: Message) -> None:
        """Takes note of a message, received or sent."""
        kind = KINDS[message.kind]
        if kind.is_from_core or not kind.pfcp:
            for name in ("amf_ue_ngap_id", "tmsi", "ue_address"):
                self.greatest[name] = max(self.greatest[name], getattr(message, name))
        if kind.is_from_core:
            for name in ("f_seid", "pfcp_sequence"):
                self.greatest[name] = max(self.greatest[name], getattr(message, name))
            if message.kind == _ESTABLISHMENT:
                self.greatest["teid"] = max(self.greatest["teid"], message.teid)
        if message.ue < 0:
            return
        ue = self._ues.setdefault(message.ue, _Ue())
        if message.tmsi >= 0:
            ue.tmsi = message.tmsi
        if kind.is_from_core:
            self._record_sent(ue, message)
        else:
            self._record_received(ue, message)

    def complete(self, message: Message) -> Message:
        """A message of the core with its identities, those that it allocates included.

        Args:
            message: without identities, the next one of its UE; `record` it afterwards.

        Returns:
            It with base station, identities of NGAP, SEID, tunnel, address, 5G-TMSI and PTI.
        """
        ue = self._ues.setdefault(message.ue, _Ue())
        if KINDS[message.kind].pfcp:
            return self._on_n4(ue, message)
        fields, values = CONTENTS[message.kind].fields, dict[str, int]()
        path = ue.source if message.kind in _TO_SOURCE and ue.source else ue.path
        values["gnb"] = path.gnb
        ngap = KINDS[message.kind].ngap
        if ngap != "Paging":
            known = path.amf_ue_ngap_id
            values["amf_ue_ngap_id"] = known if known >= 0 else self._new("amf_ue_ngap_id")
            if ngap != "HandoverRequest":
                values["ran_ue_ngap_id"] = path.ran_ue_ngap_id
        if "tmsi" in fields:
            is_new = message.presence & _NEW_GUTI or ue.tmsi < 0
            values["tmsi"] = self._new("tmsi") if is_new else ue.tmsi
        session = ue.sessions.get(message.pdu_session_id)
        if session is not None:
            values |= {name: getattr(session, name) for name in ("pti",) if name in fields}
            if message.kind == _ACCEPT:
                values |= {"teid": session.teid, "ue_address": session.ue_address}
        return replace(message, **values)

    def _on_n4(self, ue: _Ue, message: Message) -> Message:
        """A message to the UPF."""
        if KINDS[message.kind].pfcp.endswith("Response"):
            seid = ue.reported.upf_seid if ue.reported else 0
            return replace(message, seid=seid, pfcp_sequence=ue.sequence)
        session = ue.next_session(message.kind)
        values = {"pfcp_sequence": self._new("pfcp_sequence"), "seid": session.upf_seid}
        if message.kind == _ESTABLISHMENT:
            values |= {name: self._new(name) for name in ("f_seid", "teid", "ue_address")}
            values["seid"] = 0
        elif message.kind == _MODIFICATION and not message.presence & _BUFFERING:
            values["teid"] = session.gnb_teid
        return replace(message, **values)

    def _new(self, name: str) -> int:
        return self.greatest[name] + 1

    def _record_sent(self, ue: _Ue, message: Message) -> None:
        if KINDS[message.kind].pfcp.endswith("Request"):
            session = ue.next_session(message.kind)
            if message.kind == _ESTABLISHMENT:
                session.smf_seid, session.teid = message.f_seid, message.teid
                session.ue_address = message.ue_address
            ue.drop_session(message.kind)
        if KINDS[message.kind].pfcp:
            return
        if KINDS[message.kind].inner.endswith("reject"):
            for kind, waiting in ue.asked.items():
                ue.asked[kind] = [one for one in waiting if one.number != message.pdu_session_id]
        if message.amf_ue_ngap_id >= 0 and message.gnb == ue.path.gnb:
            ue.path.amf_ue_ngap_id = message.amf_ue_ngap_id
        ngap = KINDS[message.kind].ngap
        if ngap == "PathSwitchRequestFailure":
            ue.path = ue.former
        if ue.source and message.kind in _TO_SOURCE and ngap != "HandoverCommand":
            ue.path = ue.source if ngap == "HandoverPreparationFailure" else ue.path
            ue.source = None

    def _record_received(self, ue: _Ue, message: Message) -> None:
        ngap = KINDS[message.kind].ngap
        if ngap == "HandoverRequired":
            ue.source, ue.path = ue.path, _Path(message.target_gnb)
        elif ngap in ("InitialUEMessage", "PathSwitchRequest"):
            ue.former, ue.source = ue.path, None
            ue.path = _Path(message.gnb, message.ran_ue_ngap_id, message.amf_ue_ngap_id)
        elif ngap == "HandoverRequestAcknowledge":
            ue.path.ran_ue_ngap_id = message.ran_ue_ngap_id
        self._record_session(ue, message)

    def _record_session(self, ue: _Ue, message: Message) -> None:
        """Which sessions the answers to a message are about."""
        if message.pdu_session_id:
            number = message.pdu_session_id
            session = ue.sessions.setdefault(number, _Session(number))
            session.pti = message.pti or session.pti
            session.gnb_teid = message.teid or session.gnb_teid
            ue.round = []
            for kind in _n4_requests_after(event_of(message)):
                if session not in ue.asked[kind]:
                    ue.asked[kind].append(session)
        elif message.seid:
            found = (one for one in ue.sessions.values() if one.smf_seid == message.seid)
            session = next(found, _Session(0))
            session.upf_seid = message.f_seid or session.upf_seid
            if message.kind == _DELETED:
                session.upf_seid = session.smf_seid = 0
            ue.reported, ue.sequence = session, message.pfcp_sequence
        else:
            active = (one for one in ue.sessions.values() if one.upf_seid)
            ue.round = sorted(active, key=lambda one: one.number)


@cache
def _n4_requests_after(event: str) -> frozenset[int]:
    """Kinds of N4 requests with which the core may answer an event."""
    return frozenset(
        kind
        for sequence in answers_after(event)
        for kind, _ in sequence
        if KINDS[kind].pfcp.endswith("Request")
    )
