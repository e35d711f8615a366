"""What the grammar lets the core say, and messages chosen among it.

The grammar is that of `procedures.txt`: after an event, the answers of any state that expects it.
Which state the UE is in is left to the network.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from twin_gym.twins.signalling.contents import CONTENTS
from twin_gym.twins.signalling.grammar import TABLE, Transition, short_name
from twin_gym.twins.signalling.kinds import KINDS
from twin_gym.twins.signalling.learned.vectors import (
    END,
    FIELDS,
    NOTHING,
    NUM_ELEMENTS,
    NUM_SESSION_BITS,
    Predicted,
)

_ALL_ANSWERED = "all answered"
ADMITS, REFUSES = "policy admits", "policy refuses"
"""Events of a session that waits for the policy."""

_AT_ONCE = {"PDU session establishment request": (ADMITS, REFUSES)}
_MESSAGES = frozenset(short_name(kind.code) for kind in KINDS)
_CLEARED = -1e9

Sequences = frozenset[tuple[tuple[int, bool], ...]]


def is_decided_by_policy(event: str) -> bool:
    """Whether the policy decides what is answered to an event."""
    return event in _AT_ONCE


@cache
def answers_after(event: str) -> Sequences:
    """Every sequence of answers that the grammar has after an event.

    Args:
        event: as the table writes it; see `event_of`.

    Returns:
        Kinds, each with whether it is sent once or more, for every active session.

    Example:
        >>> sorted(len(one) for one in answers_after("Authentication response: failed"))
        [2]
    """
    found: set[tuple[tuple[int, bool], ...]] = set()
    for row in TABLE:
        if row.event == event or row.event in _AT_ONCE.get(event, ()):
            found |= set(_sequences(row))
    return frozenset(found)


def _sequences(row: Transition) -> Iterator[tuple[tuple[int, bool], ...]]:
    """The answers of a row; and those that come when the last or no session is to be answered."""
    own = tuple((answer.kind, answer.for_each) for answer in row.answers)
    yield own
    for after in TABLE:
        if (after.machine, after.state, after.event) == ("ue", row.next_state, _ALL_ANSWERED):
            once = tuple(one for one in own if not one[1])
            yield once + tuple((answer.kind, False) for answer in after.answers)


def next_kinds(event: str, sent: Sequence[int]) -> frozenset[int]:
    """Kinds that may follow, `END` among them where the answers may be complete.

    Args:
        event: that the core answers.
        sent: kinds of the answers so far.

    Returns:
        Kinds; none if the grammar does not have the answers so far, or not the event.
    """
    return frozenset(
        kind for sequence in answers_after(event) for kind in _following(sequence, tuple(sent))
    )


def _following(
    sequence: tuple[tuple[int, bool], ...], sent: tuple[int, ...]
) -> Iterator[int]:  # fmt: skip
    place, is_repeated = 0, False
    for kind in sent:
        if is_repeated and kind == sequence[place - 1][0]:
            continue
        if place == len(sequence) or sequence[place][0] != kind:
            return
        is_repeated = sequence[place][1]
        place += 1
    if is_repeated:
        yield sequence[place - 1][0]
    yield END if place == len(sequence) else sequence[place][0]


@cache
def begun_kinds() -> frozenset[int]:
    """Kinds of messages for a UE that the network begins by itself: timers, triggers, decisions."""
    return frozenset(
        answer.kind
        for row in TABLE
        if row.machine in ("ue", "session") and row.event.partition(":")[0] not in _MESSAGES
        for answer in row.answers
    )


def is_well_formed(message: Predicted) -> bool:
    """Whether the core may send this kind, and it carries no more and no less than it may."""
    if message.kind == END:
        return message == NOTHING
    contents = CONTENTS[message.kind]
    for name, code in zip(FIELDS, message.fields, strict=True):
        if (code > 0) != (name in contents.fields):
            return False
    if message.active_sessions and "active_sessions" not in contents.fields:
        return False
    groups = _groups(message.kind)
    most = contents.always | sum(groups)
    part = all(message.presence & bits in (0, bits) for bits in groups)
    return (
        KINDS[message.kind].is_from_core
        and part
        and message.presence & contents.always == contents.always
        and message.presence | most == most
    )


@cache
def _groups(kind: int) -> tuple[int, ...]:
    """Optional elements that are present together, as bits."""
    together: dict[int, int] = {}
    for condition, bits in CONTENTS[kind].conditional:
        together[condition] = together.get(condition, 0) | bits
    return tuple(together.values())


def choose_kind(logits: NDArray[np.float32], allowed: Collection[int] | None) -> int:
    """The likeliest kind, among the allowed ones if there are any."""
    if not allowed:
        return int(logits.argmax())
    chosen = sorted(allowed)
    return chosen[int(logits[chosen].argmax())]


def choose_message(
    kind: int,
    fields: Sequence[NDArray[np.float32]],
    bits: NDArray[np.float32],
    *,
    is_constrained: bool,
) -> Predicted:
    """The likeliest message of a kind.

    Args:
        kind: that was chosen.
        fields: logits of the codes of each of `FIELDS`.
        bits: logits of the bits, sessions first.
        is_constrained: whether it carries what the grammar says, and nothing else.

    Returns:
        The message.
    """
    if kind == END:
        return NOTHING
    if not is_constrained:
        codes = tuple(int(one.argmax()) for one in fields)
        is_set = bits > 0.0
        listed, present = is_set[:NUM_SESSION_BITS], is_set[NUM_SESSION_BITS:]
        return Predicted(kind, codes, _number(listed), _number(present))
    contents = CONTENTS[kind]
    codes = tuple(
        1 + int(logits[1:].argmax()) if name in contents.fields else 0
        for name, logits in zip(FIELDS, fields, strict=True)
    )
    has_list = "active_sessions" in contents.fields
    sessions = _number(bits[:NUM_SESSION_BITS] > 0.0) if has_list else 0
    presence, scores = contents.always, bits[NUM_SESSION_BITS:]
    for group in _groups(kind):
        places = [place for place in range(NUM_ELEMENTS) if group >> place & 1]
        presence |= group if scores[places].sum() > 0.0 else 0
    return Predicted(kind, codes, sessions, presence)


def _number(bits: NDArray[np.bool_]) -> int:
    return sum(1 << int(place) for place in np.flatnonzero(bits))
