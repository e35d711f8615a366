"""What a control plane counts, rebuilt from messages alone.

A request waits until the core answers it: the N4 establishment, or any later message of an
established session, means that it is in service; a reject ends it. A session holds resources until
its release is asked for. One message of each procedure is enough; what a lossy tap misses of one
procedure is made good by the next message of the same UE.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from twin_gym.twins.hierarchy.peers import (
    ACCEPT,
    DELETE,
    ESTABLISH,
    MODIFY,
    REJECT,
    RELEASE,
    RELEASE_COMMAND,
    RELEASED,
    REQUEST,
    SET_UP,
)
from twin_gym.twins.hierarchy.services import ServiceState, WaitingRequest
from twin_gym.twins.signalling.message import Message

SERVES = frozenset({ESTABLISH, ACCEPT, SET_UP, MODIFY})
"""Kinds that say that a session is in service."""

ENDS = frozenset({REJECT, RELEASE, DELETE, RELEASE_COMMAND, RELEASED})
"""Kinds that say that a request or a session has ended."""


@dataclass
class ServiceTracker:
    """Follows the sessions of all UEs, of which each has one at a time.

    Args:
        num_slices: slices, which messages number from 1.

    Attributes:
        state: what is counted.
    """

    num_slices: int
    state: ServiceState = field(init=False)
    _waiting: dict[int, int] = field(default_factory=dict, init=False)
    _served: dict[int, int] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Begins with an empty network."""
        self.state = ServiceState.empty(self.num_slices)

    def take(self, message: Message) -> None:
        """The next message that the tap sees."""
        self.state.now_ns = message.time_ns
        kind, ue = message.kind, message.ue
        if kind == REQUEST:
            self._begin(message)
        elif kind in SERVES:
            self._serve(ue, message.s_nssai - 1 if kind == ACCEPT else None)
        elif kind in ENDS:
            self._end(ue)

    def waits(self, ue: int) -> bool:
        """Whether a request of a UE is without an answer."""
        return ue in self._waiting

    def take_all(self, messages: Iterable[Message]) -> None:
        """Several messages, in their order."""
        for message in messages:
            self.take(message)

    def _begin(self, message: Message) -> None:
        """A new request; that its UE asks again means that what it had has ended."""
        self._end(message.ue)
        s = message.s_nssai - 1
        self._waiting[message.ue] = s
        self.state.waiting[s].append(WaitingRequest(message.time_ns, message.ue))

    def _serve(self, ue: int, known: int | None) -> None:
        """The session of a UE is set up; a missed request is known by what the accept says."""
        s = self._waiting.get(ue, known)
        if ue in self._served or s is None:
            return
        self._leave_queue(ue)
        self._served[ue] = s
        self.state.in_service[s] += 1

    def _end(self, ue: int) -> None:
        self._leave_queue(ue)
        s = self._served.pop(ue, None)
        if s is not None:
            self.state.in_service[s] -= 1

    def _leave_queue(self, ue: int) -> None:
        s = self._waiting.pop(ue, None)
        if s is not None:
            queue = self.state.waiting[s]
            queue[:] = [one for one in queue if one.ue != ue]
