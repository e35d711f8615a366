"""The message twin of a control plane: the protocol, and the exact automaton as one."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

from twin_gym.twins.hierarchy.peers import GNB
from twin_gym.twins.signalling.automaton import (
    CoreState,
    Expected,
    answers,
    policy_event,
    with_identities,
)
from twin_gym.twins.signalling.message import Message


@runtime_checkable
class MessageTwin(Protocol):
    """Says what the core sends; identities are the matter of a database."""

    def begin(self, five_qis: Sequence[int]) -> None:
        """Begins a log, in which all UEs are registered and have no session.

        Args:
            five_qis: by slice, the code of the 5QI with which sessions begin.
        """

    def hear(self, message: Message) -> Sequence[Message]:
        """The answers of the core to a message; none where the policy has to be asked first."""
        ...

    def decide(self, ue: int, decision: int) -> Sequence[Message]:
        """What the core sends when the policy has decided on the waiting session of a UE.

        Args:
            ue: whose session.
            decision: `GRANTED`, or the code of the cause of a refusal.
        """
        ...

    def sent(self, message: Message) -> None:
        """A message that it gave leaves the core, with its identities; in the order given."""


@dataclass
class AutomatonTwin:
    """The exact automaton as a message twin: what all learned ones are measured against."""

    _five_qis: tuple[int, ...] = ()
    _states: dict[int, CoreState] = field(default_factory=dict)
    _leaving: deque[Expected] = field(default_factory=deque)

    def begin(self, five_qis: Sequence[int]) -> None:
        """Begins a log (see `MessageTwin`)."""
        self._five_qis = tuple(five_qis)
        self._states.clear()
        self._leaving.clear()

    def hear(self, message: Message) -> Sequence[Message]:
        """The answers of the core to a message.

        Raises:
            UnexpectedEventError: if the grammar does not expect it.
        """
        state, sent = answers(self._state(message.ue), message, self._five_qis)
        return self._give(message.ue, state, sent)

    def decide(self, ue: int, decision: int) -> Sequence[Message]:
        """What the core sends when the policy has decided.

        Raises:
            UnexpectedEventError: if no session of the UE waits.
        """
        state, sent = policy_event(self._state(ue), decision)
        return self._give(ue, state, sent)

    def sent(self, message: Message) -> None:
        """Remembers the identities that the database gave."""
        state = self._state(message.ue)
        self._states[message.ue] = with_identities(state, self._leaving.popleft(), message)

    def _state(self, ue: int) -> CoreState:
        return self._states.get(ue) or CoreState("CONNECTED", gnb=GNB)

    def _give(self, ue: int, state: CoreState, sent: Sequence[Expected]) -> tuple[Message, ...]:
        self._states[ue] = state
        self._leaving.extend(sent)
        return tuple(replace(one.message, ue=ue) for one in sent)
