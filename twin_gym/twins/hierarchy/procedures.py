"""Events of a network that admits services, written as procedures: section 4.3 of TS 23.502.

| event | messages |
|---|---|
| arrival | PDU session establishment request |
| admitted | N4 establishment, N2 resource setup with the accept, N4 modification |
| blocked | reject with 5GSM cause 69: no place to wait in the slice |
| declined | reject with cause 67: the policy does not admit what cannot wait |
| expired | reject with cause 26 when patience ends |
| departure | release |

No time passes within a procedure, as none passes in the network that it tells of. The messages are
written out here, without the automaton: what the automaton makes of the same events is compared.
"""

from __future__ import annotations

from collections.abc import Sequence

from twin_gym.twins.hierarchy.database import FIRST_ADDRESS
from twin_gym.twins.hierarchy.peers import (
    ACCEPT,
    DELETE,
    ESTABLISH,
    GNB_TUNNEL,
    MODIFY,
    REJECT,
    RELEASE_COMMAND,
    SESSION_ID,
    UPF_SEID,
    Ues,
    on_n2,
    replies,
)
from twin_gym.twins.hierarchy.services import ServiceEvent, SliceIdentity
from twin_gym.twins.signalling.contents import (
    INSUFFICIENT_RESOURCES,
    REGULAR_DEACTIVATION,
    SLICE_AND_DNN_FULL,
    SLICE_FULL,
    WAITS,
    presence_of,
)
from twin_gym.twins.signalling.message import GRANTED, Message

CAUSES_OF_LOSS = {
    "blocked": SLICE_FULL,
    "declined": SLICE_AND_DNN_FULL,
    "expired": INSUFFICIENT_RESOURCES,
}
"""Code of the cause with which a lost request is rejected."""


class ProcedureWriter:
    """Writes the procedure of each event.

    Args:
        slices: identities of the slices.
    """

    def __init__(self, slices: Sequence[SliceIdentity]) -> None:
        self._slices = tuple(slices)
        self._ues = Ues()
        self._requests: dict[tuple[int, int], Message] = {}
        self._sessions: dict[int, int] = {}
        self._num_sessions = 0
        self._num_n4_requests = 0
        self.messages: list[Message] = []

    def write(self, event: ServiceEvent) -> None:
        """Appends the messages of an event."""
        key, time_ns = (event.s, event.number), event.time_ns
        if event.change == "arrival":
            self._requests[key] = self._ues.request(time_ns, event.s + 1)
            self.messages.append(self._requests[key])
        elif event.change == "admitted":
            self._admit(time_ns, self._requests[key])
        elif event.change == "departure":
            self._release(time_ns, self._requests.pop(key).ue)
        else:
            self._reject(time_ns, self._requests.pop(key), CAUSES_OF_LOSS[event.change])

    def _admit(self, time_ns: int, request: Message) -> None:
        self._num_sessions += 1
        ue, session = request.ue, self._num_sessions
        address = FIRST_ADDRESS + session
        self._sessions[ue] = session
        self._send_n4(time_ns, ESTABLISH, ue, f_seid=session, teid=session, ue_address=address,
                      decision=GRANTED)  # fmt: skip
        self._send(
            on_n2(
                time_ns, ACCEPT, ue, pdu_session_id=SESSION_ID, pti=request.pti,
                s_nssai=request.s_nssai, five_qi=self._slices[request.s_nssai - 1].five_qi_code,
                teid=session, ue_address=address,
            )
        )  # fmt: skip
        self._send_n4(time_ns, MODIFY, ue, seid=UPF_SEID | session, teid=GNB_TUNNEL | session)

    def _release(self, time_ns: int, ue: int) -> None:
        request = self._ues.release(time_ns, ue)
        self.messages.append(request)
        self._send_n4(time_ns, DELETE, ue, seid=UPF_SEID | self._sessions.pop(ue))
        self._send(
            on_n2(
                time_ns, RELEASE_COMMAND, ue, pdu_session_id=SESSION_ID, pti=request.pti,
                cause=REGULAR_DEACTIVATION,
            )
        )  # fmt: skip
        self._ues.free(ue)

    def _reject(self, time_ns: int, request: Message, cause: int) -> None:
        self._send(
            on_n2(
                time_ns, REJECT, request.ue, WAITS, pdu_session_id=SESSION_ID, pti=request.pti,
                cause=cause, decision=cause,
            )
        )  # fmt: skip
        self._ues.free(request.ue)

    def _send_n4(self, time_ns: int, kind: int, ue: int, **values: int) -> None:
        self._num_n4_requests += 1
        sequence = self._num_n4_requests
        presence = presence_of(kind, 0)
        self._send(Message(time_ns, kind, ue, pfcp_sequence=sequence, presence=presence, **values))

    def _send(self, message: Message) -> None:
        self.messages.append(message)
        self.messages += replies(message)
