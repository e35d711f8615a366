"""Whether the grammar accepts a log, messages of associations included."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from twin_gym.twins.signalling.grammar import BY_EVENT, TABLE, event_of
from twin_gym.twins.signalling.kinds import KINDS
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import Message
from twin_gym.twins.signalling.replay import replay

_BEGINNING = {"gnb": "DOWN", "upf": "APART"}
_BEGUN = ("trigger ", "T1 ")


def not_accepted(log: MessageLog, five_qis: Sequence[int]) -> tuple[tuple[int, str], ...]:
    """The messages that the grammar does not accept where they stand.

    Args:
        log: emulated or decoded.
        five_qis: by slice, the 5QI with which sessions begin.

    Returns:
        Place in the log and reason, in order; empty for a log that is accepted.
    """
    refused = list(replay(log, five_qis).unexpected)
    states: dict[tuple[str, int], str] = {}
    sent: dict[tuple[str, int], deque[int]] = {}
    for place in range(len(log)):
        message = log[place]
        if message.ue < 0:
            machine = ("upf", 0) if KINDS[message.kind].pfcp else ("gnb", message.gnb)
            state = states.get(machine, _BEGINNING[machine[0]])
            queue = sent.setdefault(machine, deque())
            after = _node_step(machine[0], state, message, queue)
            if after is None:
                refused.append((place, f"{machine[0]} in {state} does not expect: {message.name}"))
            else:
                states[machine] = after
    return tuple(sorted(refused))


def _node_step(machine: str, state: str, message: Message, sent: deque[int]) -> str | None:
    """The state of an association after a message, None if it is not expected."""
    if not KINDS[message.kind].is_from_core:
        row = BY_EVENT.get((machine, state, event_of(message)))
        if row is None:
            return None
        sent.extend(answer.kind for answer in row.answers)
        return row.next_state
    if sent and sent[0] == message.kind:
        sent.popleft()
        return state
    for row in TABLE:
        is_begun = row.event.startswith(_BEGUN) and row.machine == machine and row.state == state
        if is_begun and [answer.kind for answer in row.answers] == [message.kind]:
            return row.next_state
    return None
