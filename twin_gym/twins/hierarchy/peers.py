"""The other side of the control plane: UEs, their base station and the UPF, which answer at once.

A UE has one session at a time, of identity 1. It registered before the log begins.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from twin_gym.twins.signalling.contents import (
    PFCP_ACCEPTED,
    REGULAR_DEACTIVATION,
    SUCCEEDS,
    presence_of,
)
from twin_gym.twins.signalling.grammar import SHORT_NAMES
from twin_gym.twins.signalling.message import INITIAL_REQUEST, Message

SESSION_ID = 1
"""Identity of the session of a UE."""

GNB = 0
"""Number of the base station."""

UPF_SEID = 1 << 32
GNB_TUNNEL = 0x8000_0000
"""What UPF and base station add to the number of a session in their own identities."""

REQUEST = SHORT_NAMES["PDU session establishment request"]
RELEASE = SHORT_NAMES["PDU session release request"]
ESTABLISH = SHORT_NAMES["PFCP Session Establishment Request"]
ACCEPT = SHORT_NAMES["PDU session establishment accept"]
REJECT = SHORT_NAMES["PDU session establishment reject"]
MODIFY = SHORT_NAMES["PFCP Session Modification Request"]
DELETE = SHORT_NAMES["PFCP Session Deletion Request"]
RELEASE_COMMAND = SHORT_NAMES["Release PDU session release command"]
SET_UP = SHORT_NAMES["PDUSessionResourceSetupResponse"]
RELEASED = SHORT_NAMES["PDU session release complete"]
_ESTABLISHED = SHORT_NAMES["PFCP Session Establishment Response"]
_RELEASED_RAN = SHORT_NAMES["PDUSessionResourceReleaseResponse"]
_N4_RESPONSES = {
    MODIFY: SHORT_NAMES["PFCP Session Modification Response"],
    DELETE: SHORT_NAMES["PFCP Session Deletion Response"],
}
_MAX_PTI = 254


def identity(ue: int) -> int:
    """The number of the connection of a UE, at the base station and at the AMF."""
    return ue + 1


def on_n2(time_ns: int, kind: int, ue: int, conditions: int = 0, **values: int) -> Message:
    """A message of a UE on N1 or N2 with its identities and elements."""
    number = identity(ue)
    return Message(
        time_ns, kind, ue, GNB, ran_ue_ngap_id=number, amf_ue_ngap_id=number,
        presence=presence_of(kind, conditions), **values,
    )  # fmt: skip


@dataclass
class Ues:
    """UEs that ask for sessions; the free one of the lowest number is next."""

    _free: list[int] = field(default_factory=list)
    _transactions: list[int] = field(default_factory=list)

    def request(self, time_ns: int, s_nssai: int) -> Message:
        """The request of a UE that has no session for one of a slice, numbered from 1."""
        if not self._free:
            heapq.heappush(self._free, len(self._transactions))
            self._transactions.append(0)
        ue = heapq.heappop(self._free)
        return on_n2(
            time_ns, REQUEST, ue, pdu_session_id=SESSION_ID, pti=self._transaction(ue),
            s_nssai=s_nssai, request_type=INITIAL_REQUEST,
        )  # fmt: skip

    def release(self, time_ns: int, ue: int) -> Message:
        """The request of a UE to release its session."""
        return on_n2(
            time_ns, RELEASE, ue, pdu_session_id=SESSION_ID, pti=self._transaction(ue),
            cause=REGULAR_DEACTIVATION,
        )  # fmt: skip

    def free(self, ue: int) -> None:
        """The UE has no session any more."""
        heapq.heappush(self._free, ue)

    def _transaction(self, ue: int) -> int:
        self._transactions[ue] = self._transactions[ue] % _MAX_PTI + 1
        return self._transactions[ue]


def replies(message: Message) -> tuple[Message, ...]:
    """What UE, base station or UPF answer to a message of the core, at the same instant."""
    time_ns, ue, kind = message.time_ns, message.ue, message.kind
    number, pti = message.pdu_session_id, message.pti
    if kind == ESTABLISH:
        return (
            Message(
                time_ns, _ESTABLISHED, ue, seid=message.f_seid, f_seid=UPF_SEID | message.f_seid,
                pfcp_sequence=message.pfcp_sequence, cause=PFCP_ACCEPTED,
                presence=presence_of(_ESTABLISHED, SUCCEEDS),
            ),
        )  # fmt: skip
    if kind in _N4_RESPONSES:
        response = _N4_RESPONSES[kind]
        return (
            Message(
                time_ns, response, ue, seid=message.seid & ~UPF_SEID,
                pfcp_sequence=message.pfcp_sequence, cause=PFCP_ACCEPTED,
                presence=presence_of(response, 0),
            ),
        )  # fmt: skip
    if kind == ACCEPT:
        tunnel = GNB_TUNNEL | message.teid
        return (on_n2(time_ns, SET_UP, ue, SUCCEEDS, pdu_session_id=number, teid=tunnel),)
    if kind == RELEASE_COMMAND:
        return (
            on_n2(time_ns, _RELEASED_RAN, ue, pdu_session_id=number),
            on_n2(time_ns, RELEASED, ue, pdu_session_id=number, pti=pti),
        )
    return ()
