"""The database of the control plane: identities that a message twin cannot know.

It counts sessions and PFCP requests, and remembers of each UE its transaction (PTI), and the SEID
and tunnels of its session.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from twin_gym.twins.hierarchy.peers import ACCEPT, ESTABLISH, GNB, MODIFY, SET_UP, identity
from twin_gym.twins.signalling.contents import CONTENTS
from twin_gym.twins.signalling.kinds import KINDS
from twin_gym.twins.signalling.message import Message

FIRST_ADDRESS = 0x0A80_0000
"""Addresses of sessions begin behind this one, 10.128.0.0."""


@dataclass
class SessionDatabase:
    """Allocates identities, each once."""

    _num_sessions: int = 0
    _num_requests: int = 0
    _session_of: dict[int, int] = field(default_factory=dict)
    _gnb_tunnel: dict[int, int] = field(default_factory=dict)
    _upf_seid: dict[int, int] = field(default_factory=dict)
    _transaction: dict[int, int] = field(default_factory=dict)

    def hear(self, message: Message) -> None:
        """Remembers what a message to the core brings."""
        if message.pti:
            self._transaction[message.ue] = message.pti
        if message.f_seid:
            self._upf_seid[message.ue] = message.f_seid
        if message.kind == SET_UP:
            self._gnb_tunnel[message.ue] = message.teid

    def complete(self, message: Message) -> Message:
        """A message of the core with its identities."""
        kind, ue = message.kind, message.ue
        if not KINDS[kind].pfcp:
            number = identity(ue)
            made = replace(message, gnb=GNB, ran_ue_ngap_id=number, amf_ue_ngap_id=number)
            if "pti" in CONTENTS[kind].fields:
                made = replace(made, pti=self._transaction.get(ue, 0))
            if kind == ACCEPT:
                session = self._session_of.get(ue, 0)
                made = replace(made, teid=session, ue_address=FIRST_ADDRESS + session)
            return made
        self._num_requests += 1
        made = replace(message, pfcp_sequence=self._num_requests)
        if kind == ESTABLISH:
            self._num_sessions += 1
            session = self._session_of[ue] = self._num_sessions
            address = FIRST_ADDRESS + session
            return replace(made, f_seid=session, teid=session, ue_address=address)
        made = replace(made, seid=self._upf_seid.get(ue, 0))
        if kind == MODIFY:
            return replace(made, teid=self._gnb_tunnel.get(ue, 0))
        return made
