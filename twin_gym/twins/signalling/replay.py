"""The automaton run over a log: what it predicts, and what decides each answer.

What the core sends is either an answer to a message, or begun by the network: a timer that ran out,
a late decision, a trigger. The former is a function of the state and the message; of the latter the
event is handed in: where the log does not have the decision, it is read from the message.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from twin_gym.twins.signalling.automaton import (
    CoreState,
    Expected,
    Step,
    UnexpectedEventError,
    answers,
    policy_event,
    session_event,
    ue_event,
    with_identities,
)
from twin_gym.twins.signalling.contents import CONTENTS, WANTS_MICO
from twin_gym.twins.signalling.grammar import BY_EVENT, TABLE, event_of
from twin_gym.twins.signalling.kinds import FIVE_QIS, KINDS
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import NOT_ASKED, Message
from twin_gym.twins.signalling.scenario import SignallingScenario

COMPARED = (
    "kind", "gnb", "seid", "pdu_session_id", "pti", "s_nssai", "cause", "five_qi", "request_type",
    "registration_type", "active_sessions", "presence",
)  # fmt: skip
"""Fields of a message in which a prediction must be right; identities of the database are not."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A message of the core in a replay.

    Attributes:
        place: in the log.
        is_exact: whether the automaton predicted all of `COMPARED`.
        is_answer: whether a message caused it, not the network itself.
        trigger: place of the message that caused it, or of the newest one before it.
        deciding: latest place from which on the messages of the UE determine it.
        expected: what the automaton says, with the identities of N4 sessions alone.
    """

    place: int
    is_exact: bool
    is_answer: bool
    trigger: int
    deciding: int
    expected: Message


@dataclass(frozen=True)
class Replay:
    """The automaton over a log.

    Attributes:
        scored: every message that the core sent for a UE, in the order of the log.
        unexpected: messages that the grammar does not accept: place in the log, and why.
    """

    scored: tuple[Scored, ...]
    unexpected: tuple[tuple[int, str], ...]

    @property
    def exact(self) -> float:
        """Share of the messages of the core that the automaton predicts exactly."""
        return sum(one.is_exact for one in self.scored) / max(len(self.scored), 1)


def replay(log: MessageLog, five_qis: Sequence[int]) -> Replay:
    """Runs the automaton over each UE of a log.

    Args:
        log: what is predicted.
        five_qis: by slice, the 5QI with which sessions begin; see `first_five_qis`.

    Returns:
        What it predicted.
    """
    codes = tuple(FIVE_QIS.index(value) for value in five_qis)
    dialogues: dict[int, Dialogue] = {}
    for place in range(len(log)):
        message = log[place]
        if message.ue >= 0:
            one = dialogues.setdefault(message.ue, Dialogue(codes))
            one.take(place, message)
    scored = [entry for one in dialogues.values() for entry in one.scored]
    unexpected = [entry for one in dialogues.values() for entry in one.unexpected]
    return Replay(tuple(sorted(scored, key=lambda one: one.place)), tuple(sorted(unexpected)))


def first_five_qis(scenario: SignallingScenario) -> tuple[int, ...]:
    """The 5QI with which the sessions of each slice begin."""
    return tuple(one.five_qis[0] for one in scenario.slices)


def _is_ambiguous(event: str) -> bool:
    """Whether an event has other answers in other states."""
    return len({row.answers for row in TABLE if row.event == event}) > 1


_AMBIGUOUS = frozenset(row.event for row in TABLE if _is_ambiguous(row.event))
_NEEDS_REGISTRATION = frozenset(
    kind.code
    for kind in KINDS
    if any(condition == WANTS_MICO for condition, _ in CONTENTS[kind.code].conditional)
)
_ROUND_RESPONSES = ("PFCP Session Modification Response", "PFCP Session Deletion Response")
# A list of the active sessions, or a registration, after which there are none.
_TELLS_SESSIONS = frozenset(
    kind.code
    for kind in KINDS
    if "active_sessions" in CONTENTS[kind.code].fields
    or kind.name == "InitialContextSetupRequest[Registration accept]"
)


@dataclass
class Dialogue:
    """The automaton with one UE, and where in the log it learned what it knows."""

    five_qis: tuple[int, ...]
    state: CoreState = field(default_factory=CoreState)
    queue: deque[tuple[Expected, int, int]] = field(default_factory=deque)
    scored: list[Scored] = field(default_factory=list)
    unexpected: list[tuple[int, str]] = field(default_factory=list)
    newest: int = -1
    registration: int = -1
    round_start: int = -1
    known_list: int = -1
    known_count: int = -1
    session_starts: dict[int, int] = field(default_factory=dict)

    def take(self, place: int, message: Message) -> None:
        """The next message of the UE in the log."""
        if KINDS[message.kind].is_from_core:
            self._check(place, message)
        else:
            self._hear(place, message)
        self.newest = place

    def _hear(self, place: int, message: Message) -> None:
        if self.state.gnb < 0 <= message.gnb:  # the log begins after the UE has registered
            self.state = replace(self.state, gnb=message.gnb)
        before = self.state
        try:
            state, sent = self._answers(message)
        except UnexpectedEventError as error:
            self.unexpected.append((place, str(error)))
            return
        if KINDS[message.kind].nas == "Registration request":
            self.registration = place
        if message.pti and message.pdu_session_id:
            known = before.session(message.pdu_session_id)
            if known is None or known.state == "ACTIVE":
                self.session_starts[message.pdu_session_id] = place
        self.state = state
        event = event_of(message)
        for expected in sent:
            deciding = self._deciding(expected, event, place, before.state)
            self.queue.append((expected, place, deciding))
        if any(expected.for_each for expected in sent):
            self.round_start = self.known_count = place

    def _answers(self, message: Message) -> Step:
        """The answers; where the event is not expected, timers have ended unnoticed before."""
        state = self._settled(message)
        try:
            return answers(state, message, self.five_qis)
        except UnexpectedEventError:
            for event in _events(state.state, " ends"):
                after, sent = ue_event(state, event)
                if not sent:
                    return answers(after, message, self.five_qis)
            raise

    def _settled(self, message: Message) -> CoreState:
        """The state without sessions whose last timer has ended: the UE begins something new."""
        state = self.state
        begins = message.pti or KINDS[message.kind].ngap in (
            "HandoverRequired",
            "PathSwitchRequest",
        )
        begins = begins or KINDS[message.kind].ngap == "UEContextReleaseRequest"
        begins = begins or "Deregistration request" in KINDS[message.kind].nas
        if not begins or KINDS[message.kind].inner.endswith("complete"):
            return state
        for session in state.sessions:
            for timer in ("T3591", "T3592"):
                if ("session", session.state, f"{timer} ends") in BY_EVENT:
                    state, _ = session_event(state, session, f"{timer} ends")
        return state

    def _deciding(self, expected: Expected, event: str, place: int, state: str) -> int:
        """The latest place from which on the messages of the UE determine an answer.

        A session is known by its request, a registration by its own; whether the UPF has answered
        all by the beginning of the round; how many sessions there are by the last round or list, or
        by the registration, since when all changes are seen; the state of the UE, where the event
        has other answers in other states, by the message before.
        """
        kind = expected.message.kind
        if expected.session and not expected.for_each:
            return min(self.session_starts.get(expected.session, place), place)
        if kind in _NEEDS_REGISTRATION:
            return min(self.registration, place)
        if event in _ROUND_RESPONSES:
            return min(self.round_start, place)
        deciding = self.newest if event in _AMBIGUOUS and self.newest >= 0 else place
        row = BY_EVENT.get(("ue", state, event))
        if row is not None and any(answer.for_each for answer in row.answers):
            deciding = min(deciding, max(self.known_list, self.known_count))
        if "active_sessions" in CONTENTS[kind].fields:
            deciding = min(deciding, self.known_list)
        return deciding

    def _check(self, place: int, message: Message) -> None:
        is_answer = bool(self.queue) and message.decision == NOT_ASKED
        if is_answer:
            expected, trigger, deciding = self.queue.popleft()
            if expected.message.kind != message.kind:
                should = f"the core should send {expected.message.name}, not {message.name}"
                self.unexpected.append((place, should))
        else:
            try:
                self.state, sent = self._begun(message)
            except UnexpectedEventError as error:
                self.unexpected.append((place, str(error)))
                return
            expected, trigger, deciding = sent[0], self.newest, self.newest
            self.queue.extend((one, place, place) for one in sent[1:])
        is_exact = all(
            getattr(expected.message, name) == getattr(message, name) for name in COMPARED
        )
        self.scored.append(Scored(place, is_exact, is_answer, trigger, deciding, expected.message))
        self.state = with_identities(self.state, expected, message)
        if message.kind in _TELLS_SESSIONS:
            self.known_list = place

    def _begun(self, message: Message) -> Step:
        """The event with which the network began a message: late decision, timer or trigger."""
        if message.decision != NOT_ASKED:
            return policy_event(self.state, message.decision)
        steps = [
            ue_event(self.state, event)
            for marker in ("trigger ", " expires", " ends")
            for event in _events(self.state.state, marker)
        ]
        if any(one.state == "REQUESTED" for one in self.state.sessions):  # the log has no decisions
            steps.append(policy_event(self.state, message.cause))
        for session in self.state.sessions:
            events = [row.event for row in TABLE if row.machine == "session"]
            steps += [
                session_event(self.state, session, event)
                for event in dict.fromkeys(events)
                if event.endswith((" expires", " ends"))
                and ("session", session.state, event) in BY_EVENT
            ]
        for state, sent in steps:
            numbers = (0, sent[0].message.pdu_session_id) if sent else ()
            if message.pdu_session_id in numbers and sent[0].message.kind == message.kind:
                return state, sent
        raise UnexpectedEventError(f"nothing makes the core send {message.name} here")


def _events(state: str, marker: str) -> list[str]:
    """Events of a UE in a state whose names begin or end so."""
    return [
        row.event
        for row in TABLE
        if row.machine == "ue"
        and row.state == state
        and (row.event.startswith(marker) or row.event.endswith(marker))
    ]
