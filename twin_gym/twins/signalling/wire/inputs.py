"""Verdicts and decisions, read off what the core did: bytes do not carry them.

A response is taken to have proved the identity unless the core answers with a rejection; a request
is taken to be granted unless it is refused; a PDU session is decided when the core either turns to
the UPF or rejects. A decision that comes later than a second is told at the message that it led to,
as the emulator tells it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from twin_gym.twins.signalling.grammar import short_name
from twin_gym.twins.signalling.kinds import element_bits
from twin_gym.twins.signalling.message import FAILED, GRANTED, NO_VERDICT, PASSED, Message

_LATE_NS = 10**9
_HAS_GUTI = element_bits("5G-GUTI")
_REGISTRATION = "Registration request"
_SESSION_REQUEST = "PDU session establishment request"
# Verdict and whether the policy is asked, by the short name of a message of the UE.
_DEFAULTS: dict[str, tuple[int, bool]] = {
    _REGISTRATION: (NO_VERDICT, True),
    "Service request": (PASSED, True),
    "Control plane service request": (PASSED, True),
    "Authentication response": (PASSED, False),
    "Security mode complete": (PASSED, True),
    "PDU session modification request": (NO_VERDICT, True),
    "PathSwitchRequest": (NO_VERDICT, True),
    "Deregistration request": (PASSED, False),
    "Initial Deregistration request": (PASSED, False),
}
_REFUSALS = frozenset({
    "Registration reject", "Service reject", "PathSwitchRequestFailure",
    "PDU session modification reject",
})  # fmt: skip


def with_inputs(messages: Sequence[Message]) -> list[Message]:
    """The messages with the verdicts and decisions that explain what the core did.

    Args:
        messages: of a log, in their order, with their UEs.

    Returns:
        The same messages; those of UEs have `verdict` and `decision`.
    """
    made = list(messages)
    open_requests: dict[tuple[int, int], int] = {}
    undecided: dict[int, list[int]] = {}
    for place, message in enumerate(messages):
        name = short_name(message.kind)
        key = message.ue, message.pdu_session_id
        if name == _SESSION_REQUEST:
            waiting = undecided.setdefault(message.ue, [])
            if all(messages[one].pdu_session_id != message.pdu_session_id for one in waiting):
                waiting.append(place)
        elif name in _DEFAULTS:
            made[place] = _granted(message, name)
            open_requests[key] = place
        elif message.described.is_from_core:
            _decide(made, undecided.get(message.ue, []), place, name)
            if key in open_requests:
                at = open_requests.pop(key)
                made[at] = _explained(made[at], message, name)
    return made


def _granted(message: Message, name: str) -> Message:
    verdict, is_asked = _DEFAULTS[name]
    if name == _REGISTRATION and message.presence & _HAS_GUTI:
        verdict = PASSED
    return replace(message, verdict=verdict, decision=GRANTED if is_asked else message.decision)


def _explained(request: Message, answer: Message, name: str) -> Message:
    """A request with what the answer of the core tells of it."""
    if name in _REFUSALS:
        return replace(request, decision=answer.cause)
    was = short_name(request.kind)
    is_unknown = was == _REGISTRATION and request.verdict == PASSED and name == "Identity request"
    if is_unknown or (was == "Authentication response" and name == "Authentication reject"):
        return replace(request, verdict=FAILED)
    return request


def _decide(made: list[Message], waiting: list[int], place: int, name: str) -> None:
    """Sets the decision on a PDU session that waits for it, if the core has just taken it."""
    answer = made[place]
    if name == "PFCP Session Establishment Request":
        decided, decision = waiting[:1], GRANTED
    elif name == "PDU session establishment reject":
        number = answer.pdu_session_id
        decided = [one for one in waiting if made[one].pdu_session_id == number][:1]
        decision = answer.cause
    else:
        return
    for at in decided:
        waiting.remove(at)
        is_late = answer.time_ns - made[at].time_ns > _LATE_NS
        told_at = place if is_late else at
        made[told_at] = replace(made[told_at], decision=decision)
