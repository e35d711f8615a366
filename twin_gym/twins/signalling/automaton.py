"""The control plane as a pure automaton: a state and an event give a state and the answers.

It knows a UE by its messages alone, keeps no identity that a database allocates but those of N4
sessions, and needs what it cannot know handed in: the verdict of the security algorithms, the
decision of the policy, and which 5QI a slice begins with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from twin_gym.twins.signalling.contents import (
    ALWAYS_ON,
    BUFFERS,
    CONTENTS,
    HAS_SESSIONS,
    NEW_GUTI,
    WAITING_CAUSES,
    WAITS,
    WANTS_MICO,
    answer_cause,
)
from twin_gym.twins.signalling.grammar import (
    BY_EVENT,
    SHORT_NAMES,
    Answer,
    Transition,
    event_of,
)
from twin_gym.twins.signalling.kinds import KINDS, element_bits
from twin_gym.twins.signalling.message import (
    INITIAL_REGISTRATION,
    MOBILITY_UPDATE,
    NOT_ASKED,
    Message,
)

_MICO = element_bits("MICO indication")
_ALWAYS_ON = element_bits("Always-on PDU session")
_SESSION_REQUEST = "PDU session establishment request"
_DELETED = SHORT_NAMES["PFCP Session Deletion Response"]
_COUNTED = (_DELETED, SHORT_NAMES["PFCP Session Modification Response"])


class UnexpectedEventError(ValueError):
    """An event that the table of procedures does not have in this state."""


@dataclass(frozen=True, slots=True)
class SessionState:
    """What the SMF knows of a PDU session; see `entities.Session`."""

    number: int
    state: str = "INACTIVE"
    pti: int = 0
    s_nssai: int = 0
    five_qi: int = 0
    conditions: int = 0
    smf_seid: int = 0
    upf_seid: int = 0


@dataclass(frozen=True, slots=True)
class CoreState:
    """What the core knows of a UE.

    Attributes:
        state: of the machine `ue`.
        sessions: in the order of their requests.
        pending: sessions for which the UPF has not answered.
        s_nssai: slice that it asked for.
        registration_type: of its registration or deregistration.
        conditions: what optional elements depend on.
        gnb: base station.
        source: base station that it leaves, -1 without hand-over.
    """

    state: str = "DEREGISTERED"
    sessions: tuple[SessionState, ...] = ()
    pending: int = 0
    s_nssai: int = 0
    registration_type: int = 0
    conditions: int = 0
    gnb: int = -1
    source: int = -1

    def session(self, number: int) -> SessionState | None:
        """The session of this identity, or None."""
        return next((one for one in self.sessions if one.number == number), None)

    def with_session(self, session: SessionState) -> CoreState:
        """With this session in the place of the one of its identity, or added; not if it ended."""
        others = [one for one in self.sessions if one.number != session.number]
        if session.state == "INACTIVE":
            return replace(self, sessions=tuple(others))
        if self.session(session.number) is None:
            return replace(self, sessions=(*others, session))
        kept = (session if one.number == session.number else one for one in self.sessions)
        return replace(self, sessions=tuple(kept))

    @property
    def active(self) -> tuple[SessionState, ...]:
        """Active sessions in the order of identities."""
        found = (one for one in self.sessions if one.state == "ACTIVE")
        return tuple(sorted(found, key=lambda one: one.number))


@dataclass(frozen=True, slots=True)
class Expected:
    """An answer of the core.

    Attributes:
        message: without time and without identities that the database allocates.
        session: identity of the session that it is about, 0 for none.
        for_each: whether it is one of several, one an active session.
    """

    message: Message
    session: int = 0
    for_each: bool = False


Step = tuple[CoreState, tuple[Expected, ...]]


def answers(state: CoreState, message: Message, five_qis: tuple[int, ...]) -> Step:
    """What the core does with a message.

    Args:
        state: what it knows of the UE.
        message: that it receives, with the verdict and the decision on it.
        five_qis: by slice, the code of the 5QI with which sessions begin.

    Returns:
        What it knows afterwards, and the messages that it sends, in order.

    Raises:
        UnexpectedEventError: if the table has no such event in this state.

    Example:
        >>> request = Message(0, SHORT_NAMES["Registration request"], registration_type=1)
        >>> state, (sent,) = answers(CoreState(), request, (1,))
        >>> state.state, sent.message.name
        ('AUTHENTICATING', 'DownlinkNASTransport[Authentication request]')
    """
    session = _session_of(state, message)
    event = event_of(message)
    if session is not None and ("session", session.state, event) in BY_EVENT:
        known = _asked(session, message, event, five_qis)
        step = session_event(state.with_session(known), known, event, message)
        if event == _SESSION_REQUEST and session.state == "INACTIVE":
            return _decided_at_once(step[0], message)
        return step
    return ue_event(_learned(state, message, session), event, message, session)


def policy_event(state: CoreState, decision: int) -> Step:
    """The policy decides, late, on the oldest session that waits for it."""
    waiting = [one for one in state.sessions if one.state == "REQUESTED"]
    if not waiting:
        raise UnexpectedEventError("no session waits for the policy")
    event = "policy refuses" if decision else "policy admits"
    message = Message(0, 0, decision=decision)
    return session_event(state, waiting[0], event, message)


def session_event(
    state: CoreState, session: SessionState, event: str, message: Message | None = None
) -> Step:
    """Moves a session: a message, a timer that `expires` or `ends`, or the policy."""
    row = _row("session", session.state, event)
    moved = replace(session, state=row.next_state)
    decision = NOT_ASKED if message is None else message.decision
    sent = tuple(
        _expected(state, answer, moved, answer_cause(answer.kind, row.state, event, 0, decision))
        for answer in row.answers
    )
    return state.with_session(moved), sent


def ue_event(
    state: CoreState, event: str, message: Message | None = None,
    session: SessionState | None = None,
) -> Step:  # fmt: skip
    """Moves a UE: a message, a timer that `expires` or `ends`, or a trigger of the network."""
    row = _row("ue", state.state, event)
    cause = 0 if message is None else message.cause
    decision = NOT_ASKED if message is None else message.decision
    moved = replace(state, state=row.next_state)
    sent: list[Expected] = []
    for answer in row.answers:
        if answer.for_each:
            sent += [_expected(moved, answer, one, 0) for one in moved.active]
            moved = replace(moved, pending=len(moved.active))
        else:
            about = session if KINDS[answer.kind].pfcp else None
            why = answer_cause(answer.kind, row.state, event, cause, decision)
            sent.append(_expected(moved, answer, about, why))
    if not moved.pending and ("ue", moved.state, "all answered") in BY_EVENT:
        after, more = ue_event(moved, "all answered")
        return after, (*sent, *more)
    return _arrived(moved, event), tuple(sent)


def with_identities(state: CoreState, expected: Expected, sent: Message) -> CoreState:
    """The state once a message is sent and has the identities of the database."""
    session = state.session(expected.session)
    if session is None or not sent.f_seid:
        return state
    return state.with_session(replace(session, smf_seid=sent.f_seid))


def _row(machine: str, state: str, event: str) -> Transition:
    row = BY_EVENT.get((machine, state, event))
    if row is None:
        raise UnexpectedEventError(f"{machine} in {state} does not expect: {event}")
    return row


def _session_of(state: CoreState, message: Message) -> SessionState | None:
    """The session that a message is about; a new one for an identity that is not in use."""
    if message.pdu_session_id:
        return state.session(message.pdu_session_id) or SessionState(message.pdu_session_id)
    if not message.seid:
        return None
    return next((one for one in state.sessions if one.smf_seid == message.seid), None)


def _asked(
    session: SessionState, message: Message, event: str, five_qis: tuple[int, ...]
) -> SessionState:
    """The session with what a message tells of it."""
    if message.f_seid:
        return replace(session, upf_seid=message.f_seid)
    if event == _SESSION_REQUEST:
        return replace(
            session,
            pti=message.pti,
            s_nssai=message.s_nssai,
            five_qi=five_qis[message.s_nssai - 1],
            conditions=ALWAYS_ON if message.presence & _ALWAYS_ON else 0,
        )
    if event == "PDU session modification request: accepted":
        return replace(session, pti=message.pti, five_qi=message.five_qi)
    return replace(session, pti=message.pti) if message.pti else session


def _decided_at_once(state: CoreState, message: Message) -> Step:
    if message.decision == NOT_ASKED:
        return state, ()
    session = state.session(message.pdu_session_id)
    if session is None:
        return state, ()
    event = "policy refuses" if message.decision else "policy admits"
    return session_event(state, session, event, message)


def _learned(state: CoreState, message: Message, session: SessionState | None) -> CoreState:
    """The state with what a message tells of the UE."""
    name = KINDS[message.kind]
    if name.nas == "Registration request":
        brings_guti = message.registration_type in (INITIAL_REGISTRATION, MOBILITY_UPDATE)
        conditions = WANTS_MICO if message.presence & _MICO else 0
        return replace(
            state,
            s_nssai=message.s_nssai,
            registration_type=message.registration_type,
            conditions=conditions | (NEW_GUTI if brings_guti else 0),
            gnb=message.gnb,
        )
    if name.ngap == "InitialUEMessage":
        return replace(state, gnb=message.gnb)
    if name.ngap == "HandoverRequired":
        return replace(state, source=state.gnb, gnb=message.target_gnb)
    if name.ngap == "PathSwitchRequest":
        return replace(state, source=state.gnb, gnb=message.gnb)
    if message.kind in _COUNTED:
        state = replace(state, pending=state.pending - 1)
        if session is not None and message.kind == _DELETED:
            return state.with_session(replace(session, state="INACTIVE"))
    return state


def _arrived(state: CoreState, event: str) -> CoreState:
    """The state once the UE is at a base station for good."""
    if state.state != "CONNECTED":
        return state
    is_back = event in ("HandoverFailure", "PathSwitchRequest: refused")
    return replace(state, gnb=state.source if is_back else state.gnb, source=-1)


def _expected(
    state: CoreState, answer: Answer, session: SessionState | None, cause: int
) -> Expected:
    """An answer with all that it carries."""
    kind, contents = KINDS[answer.kind], CONTENTS[answer.kind]
    conditions = state.conditions | (HAS_SESSIONS if state.active else 0)
    conditions |= WAITS if cause in WAITING_CAUSES else 0
    values: dict[str, int] = {"s_nssai": state.s_nssai, "cause": cause}
    values["active_sessions"] = sum(1 << one.number - 1 for one in state.active)
    seid = 0
    if session is not None:
        conditions |= session.conditions
        values |= {"pdu_session_id": session.number, "pti": session.pti}
        values |= {"s_nssai": session.s_nssai, "five_qi": session.five_qi}
        seid = session.upf_seid
    is_on_n4 = bool(kind.pfcp)
    if is_on_n4:
        conditions = BUFFERS if state.state == "BUFFERING" else 0
    carried = {name: value for name, value in values.items() if name in contents.fields}
    message = Message(
        0,
        answer.kind,
        gnb=-1 if is_on_n4 else state.source if answer.to_source else state.gnb,
        seid=seid if is_on_n4 else 0,
        presence=contents.presence(conditions),
        **carried,
    )
    return Expected(message, session.number if session else 0, answer.for_each)
