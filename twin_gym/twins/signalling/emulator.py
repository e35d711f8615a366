"""The emulator: the table of procedures run for many UEs in the order of time.

A message that reaches the core moves a machine of the table at once; the answers leave the core one
after another, each after a time that the world draws. What base station, UE and UPF answer is in
`peers`, which procedure a UE begins next in `behaviour`.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from pathlib import Path as FilePath

from twin_gym.errors import ConfigError
from twin_gym.twins.signalling.behaviour import Behaviour
from twin_gym.twins.signalling.contents import (
    BUFFERS,
    INSUFFICIENT_RESOURCES,
    SLICE_AND_DNN_FULL,
    SLICE_FULL,
    answer_cause,
)
from twin_gym.twins.signalling.entities import Path, Session, Ue
from twin_gym.twins.signalling.grammar import SHORT_NAMES, TABLE, Answer, Transition
from twin_gym.twins.signalling.kinds import KINDS
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import GRANTED, NO_VERDICT, NOT_ASKED
from twin_gym.twins.signalling.nodes import write_nodes
from twin_gym.twins.signalling.peers import Peers
from twin_gym.twins.signalling.presets import load
from twin_gym.twins.signalling.rows import LogWriter
from twin_gym.twins.signalling.scenario import MAX_UES, SignallingScenario
from twin_gym.twins.signalling.world import NANOSECONDS, World

Handler = Callable[..., None]

_IS_N4 = tuple(bool(kind.pfcp) for kind in KINDS)
_MODIFICATION_RESPONSE = SHORT_NAMES["PFCP Session Modification Response"]
_DELETION_RESPONSE = SHORT_NAMES["PFCP Session Deletion Response"]
_REPORT_RESPONSE = SHORT_NAMES["PFCP Session Report Response"]
_REFUSED_BY_UPF = "PFCP Session Establishment Response: refused"
_STAYS = ("HandoverFailure", "PathSwitchRequest: refused")


def _rows_by_state(machine: str) -> dict[str, dict[str, Transition]]:
    found: dict[str, dict[str, Transition]] = {}
    for row in TABLE:
        if row.machine == machine:
            found.setdefault(row.state, {})[row.event] = row
    return found


_UE_ROWS, _SESSION_ROWS = _rows_by_state("ue"), _rows_by_state("session")


def emulate(
    scenario: SignallingScenario | str | FilePath,
    seed: int = 0,
    num_ues: int | None = None,
    horizon_s: float | None = None,
) -> MessageLog:
    """The signalling of a core over a time.

    Args:
        scenario: or its preset name, or the path of its TOML file.
        seed: names the world, from 0.
        num_ues: UEs, by default those of the scenario.
        horizon_s: length of the log in seconds, by default that of the scenario.

    Returns:
        Its messages. The same arguments give the same log.

    Raises:
        ConfigError: if a number is not allowed.

    Example:
        >>> log = emulate("signalling-single-slice", seed=7, num_ues=2, horizon_s=5.0)
        >>> log[2].name
        'NGSetupRequest'
    """
    chosen = scenario if isinstance(scenario, SignallingScenario) else load(scenario)
    changes = {"num_ues": num_ues, "horizon_s": horizon_s}
    chosen = chosen.replace(**{name: value for name, value in changes.items() if value is not None})
    if seed < 0:
        raise ConfigError(f"a seed is a whole number from 0 on, got {seed}")
    return Emulator(chosen, seed).run()


class Emulator:
    """All UEs of a scenario and the core.

    Args:
        scenario: what is emulated.
        seed: names the world.
    """

    def __init__(self, scenario: SignallingScenario, seed: int) -> None:
        self.scenario = scenario
        self.seed = seed
        self.world = World(scenario, seed)
        self.log = LogWriter()
        self.in_use = [0] * (len(scenario.slices) + 1)
        self.num_ues = scenario.num_ues
        self.horizon_ns = int(scenario.horizon_s * NANOSECONDS)
        self._events: list[tuple[int, int, int, Handler, Ue, tuple[object, ...]]] = []
        self._num_events = 0
        self.peers = Peers(self)
        self.behaviour = Behaviour(self)

    def run(self) -> MessageLog:
        """Emulates until the horizon."""
        write_nodes(self.log, self.scenario, self.world)
        for number in range(min(self.num_ues, MAX_UES)):
            self.behaviour.begin_life(number)
        events, horizon_ns = self._events, self.horizon_ns
        while events:
            time_ns, _, _, handler, ue, arguments = heapq.heappop(events)
            if time_ns >= horizon_ns:
                break
            ue.events -= 1
            handler(time_ns, ue, *arguments)
            if not ue.events:
                self.behaviour.schedule_next(max(time_ns, ue.core_free_ns), ue)
        slices = tuple(one.s_nssai for one in self.scenario.slices)
        records = self.log.records(horizon_ns)
        return MessageLog(records, slices, self.scenario.name, self.seed)

    def push(self, time_ns: int, handler: Handler, ue: Ue, *arguments: object) -> None:
        """Has a handler called at a time with the UE and the arguments."""
        self._num_events += 1
        ue.events += 1
        event = (time_ns, ue.number, self._num_events, handler, ue, arguments)
        heapq.heappush(self._events, event)

    def receive_n2(
        self, time_ns: int, ue: Ue, kind: int, event: str, session: Session | None = None,
        cause: int = 0, verdict: int = NO_VERDICT, decision: int = NOT_ASKED, conditions: int = 0,
        path: Path | None = None, target: int = -1,
    ) -> None:  # fmt: skip
        """The core receives a message on N1 or N2."""
        way = ue.path if path is None else path
        self.log.write_n2(
            time_ns, kind, ue, way, session, cause, verdict, decision, conditions, target
        )
        if session is None:
            self.step_ue(time_ns, ue, event, cause, decision)
        else:
            self.step_session(time_ns, ue, session, event, decision)

    def receive_n4(
        self, time_ns: int, ue: Ue, session: Session, kind: int, event: str, cause: int = 0,
        conditions: int = 0,
    ) -> None:  # fmt: skip
        """The SMF receives a message on N4."""
        self.log.write_n4(time_ns, kind, ue, session, cause, conditions)
        if kind == _DELETION_RESPONSE or event == _REFUSED_BY_UPF:
            self.in_use[session.s_nssai] -= 1
        if event in _SESSION_ROWS.get(session.state, {}):
            self.step_session(time_ns, ue, session, event)
            return
        if kind == _DELETION_RESPONSE:
            self._end(ue, session)
        if kind in (_DELETION_RESPONSE, _MODIFICATION_RESPONSE):
            ue.pending -= 1
        self.step_ue(time_ns, ue, event, session=session)

    def step_ue(
        self, time_ns: int, ue: Ue, event: str, cause: int = 0, decision: int = NOT_ASKED,
        session: Session | None = None,
    ) -> None:  # fmt: skip
        """Moves a UE by the table, and sends the answers; `session` is the one that reports."""
        state = ue.state
        row = _UE_ROWS[state][event]
        ue.state = row.next_state
        is_repeated = event.endswith(" expires")
        for answer in row.answers:
            if answer.for_each:
                self._send_each(time_ns, ue, answer)
                continue
            why = answer_cause(answer.kind, state, event, cause, decision)
            about = session if _IS_N4[answer.kind] else None
            timer = row.timer if answer is row.answers[-1] else ""
            self._send(time_ns, ue, answer, about, why, timer, is_repeated)
        if not ue.pending and "all answered" in _UE_ROWS.get(ue.state, ()):
            if event != "all answered":
                self.step_ue(time_ns, ue, "all answered")
        elif ue.state == "CONNECTED":
            if event in _STAYS and ue.source is not None:
                ue.path = ue.source
            ue.source = None

    def step_session(
        self, time_ns: int, ue: Ue, session: Session, event: str, decision: int = NOT_ASKED
    ) -> None:
        """Moves a session by the table, and sends the answers."""
        state = session.state
        row = _SESSION_ROWS[state][event]
        session.state = row.next_state
        is_repeated = event.endswith(" expires")
        if row.next_state == "INACTIVE":
            self._end(ue, session)
        elif row.next_state == "ACTIVE":
            ue.active_sessions |= 1 << session.number - 1
        for answer in row.answers:
            cause = answer_cause(answer.kind, state, event, 0, decision)
            self._send(time_ns, ue, answer, session, cause, row.timer, is_repeated)
        if state == "INACTIVE" and session.state == "REQUESTED":
            self.behaviour.ask_policy(time_ns, ue, session)

    def decide(
        self, time_ns: int, ue: Ue, session: Session, is_immediate: bool, is_expired: bool
    ) -> None:
        """The policy admits or refuses a session.

        The log has the decision at the request, or, where it came late, at what it led to.
        """
        number = session.s_nssai
        full = self.in_use[number] >= self.scenario.slices[number - 1].max_sessions
        decision = SLICE_FULL if full else GRANTED
        if ue.world.fails("session_refused"):
            decision = SLICE_AND_DNN_FULL
        if is_expired:
            decision = INSUFFICIENT_RESOURCES
        if decision == GRANTED:
            self.in_use[number] += 1
        if is_immediate:
            self._note_decision(decision)
        event = "policy refuses" if decision else "policy admits"
        self.step_session(time_ns, ue, session, event, decision)
        if not is_immediate:
            self._note_decision(decision)

    def _note_decision(self, decision: int) -> None:
        """Writes a decision of the policy to the newest message of the log."""
        self.log.rows[-1] = (*self.log.rows[-1][:-1], decision)

    def request_service(self, time_ns: int, ue: Ue) -> None:
        """A UE that was paged asks for service."""
        self.behaviour.begin(time_ns, ue, "service")

    def expire(self, time_ns: int, ue: Ue, session: Session | None, timer: str) -> None:
        """A timer of the core runs out."""
        holder = ue if session is None else session
        is_last = holder.sent >= self.scenario.timers.transmissions
        event = f"{timer} {'ends' if is_last else 'expires'}"
        if session is None:
            self.step_ue(time_ns, ue, event)
        else:
            self.step_session(time_ns, ue, session, event)

    def _send_each(self, time_ns: int, ue: Ue, answer: Answer) -> None:
        for number in sorted(ue.sessions):
            session = ue.sessions[number]
            if session.state == "ACTIVE":
                ue.pending += 1
                self._send(time_ns, ue, answer, session, 0, "", is_repeated=False)

    def _send(
        self, time_ns: int, ue: Ue, answer: Answer, session: Session | None, cause: int,
        timer: str, is_repeated: bool,
    ) -> None:  # fmt: skip
        """A message leaves the core; base station, UE or UPF answer it."""
        sent_ns = max(time_ns, ue.core_free_ns) + ue.world.core_ns()
        ue.core_free_ns = sent_ns
        kind = answer.kind
        if _IS_N4[kind] and session is not None:
            conditions = BUFFERS if ue.state == "BUFFERING" else 0
            if kind != _REPORT_RESPONSE:
                session.exchange = self.log.new_exchange()
            self.log.write_n4(sent_ns, kind, ue, session, cause, conditions)
        else:
            self.peers.prepare(ue, kind, is_repeated)
            path = ue.source if answer.to_source and ue.source else ue.path
            self.log.write_n2(sent_ns, kind, ue, path, session, cause)
        self.peers.react(sent_ns, ue, session, kind, timer, is_repeated)

    def _end(self, ue: Ue, session: Session) -> None:
        """Forgets a session."""
        ue.active_sessions &= ~(1 << session.number - 1)
        ue.sessions.pop(session.number, None)
