"""The elements of the network: each waits for its time, then the tap sees its message."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import simpy

from twin_gym.core.prioritised_timeout import PrioritisedTimeout
from twin_gym.twins.signalling.contents import PFCP_ACCEPTED
from twin_gym.twins.signalling.entities import Path, Session, Ue
from twin_gym.twins.signalling.grammar import SHORT_NAMES
from twin_gym.twins.signalling.kinds import cause_code
from twin_gym.twins.signalling.rows import LogWriter
from twin_gym.twins.signalling.scenario import SignallingScenario
from twin_gym.twins.signalling.world import NANOSECONDS, World

Story = Generator[simpy.Event, Any, Any]

NORMAL_RELEASE = cause_code("nas", 0)
NOT_AUTHENTIC = cause_code("nas", 1)
DEREGISTERED = cause_code("nas", 2)

_OF_REGISTRATION = ("T3560", "T3570", "T3550")


class Network:
    """Base stations, AMF, SMF and UPF on one clock of nanoseconds.

    Args:
        scenario: what is simulated.
        seed: names the world.
    """

    def __init__(self, scenario: SignallingScenario, seed: int) -> None:
        self.scenario = scenario
        self.num_ues = scenario.num_ues
        self.world = World(scenario, seed, block=1)
        self.clock = simpy.Environment(0)
        self.log = LogWriter()
        self.in_use = [0] * (len(scenario.slices) + 1)
        self.transmissions = scenario.timers.transmissions
        self._timers = dict(scenario.timers)

    @property
    def now(self) -> int:
        """Nanoseconds since the beginning."""
        return int(self.clock.now)

    def timer_ns(self, name: str) -> int:
        """How long a timer runs, such as that of `T3560`."""
        return int(self._timers[f"{name.lower()}_s"] * NANOSECONDS)

    def until(self, ue: Ue, time_ns: int) -> Story:
        """Waits; UEs of lower numbers are first at the same moment."""
        yield PrioritisedTimeout(self.clock, time_ns - self.now, ue.number + 1)

    def core_ready(self, ue: Ue) -> Story:
        """Waits until the core sends its next message to the UE or for it."""
        sent_ns = max(self.now, ue.core_free_ns) + ue.world.core_ns()
        ue.core_free_ns = sent_ns
        yield from self.until(ue, sent_ns)

    def amf(
        self, ue: Ue, name: str, session: Session | None = None, cause: int = 0,
        path: Path | None = None,
    ) -> Story:  # fmt: skip
        """The AMF sends a message."""
        yield from self.core_ready(ue)
        self.log.write_n2(self.now, SHORT_NAMES[name], ue, path or ue.path, session, cause)

    def smf(self, ue: Ue, name: str, session: Session, conditions: int = 0) -> Story:
        """The SMF sends a request."""
        yield from self.core_ready(ue)
        session.exchange = self.log.new_exchange()
        self.log.write_n4(self.now, SHORT_NAMES[name], ue, session, 0, conditions)

    def upf(self, ue: Ue, name: str, session: Session, cause: int, conditions: int = 0) -> Story:
        """The UPF sends a response."""
        yield from self.until(ue, self.now + ue.world.user_plane_ns())
        self.log.write_n4(self.now, SHORT_NAMES[name], ue, session, cause, conditions)

    def ran_ready(self, ue: Ue) -> Story:
        """Waits until the next message of base station or UE is at the core."""
        arrival_ns = max(self.now, ue.radio_free_ns) + ue.world.radio_ns()
        ue.radio_free_ns = arrival_ns
        yield from self.until(ue, arrival_ns)

    def ran(
        self, ue: Ue, name: str, session: Session | None = None, *, cause: int = 0,
        verdict: int = 0, decision: int = -1, conditions: int = 0, path: Path | None = None,
    ) -> Story:  # fmt: skip
        """Base station or UE sends a message."""
        yield from self.ran_ready(ue)
        self.say(
            ue, name, session, cause=cause, verdict=verdict, decision=decision,
            conditions=conditions, path=path,
        )  # fmt: skip

    def say(
        self, ue: Ue, name: str, session: Session | None = None, *, cause: int = 0,
        verdict: int = 0, decision: int = -1, conditions: int = 0, path: Path | None = None,
        target: int = -1,
    ) -> None:  # fmt: skip
        """The tap sees a message of base station or UE now."""
        self.log.write_n2(
            self.now, SHORT_NAMES[name], ue, path or ue.path, session, cause, verdict, decision,
            conditions, target,
        )  # fmt: skip

    def num_silent(self, ue: Ue, timer: str) -> int:
        """Transmissions of a request of the core that get no answer."""
        number = ue.world.count("unanswered", self.transmissions)
        is_over = number * self.timer_ns(timer) >= self.timer_ns("T3510")
        return self.transmissions if is_over and timer in _OF_REGISTRATION else number

    def ask(self, ue: Ue, name: str, timer: str, session: Session | None = None) -> Story:
        """The AMF sends a request until it is heard; returns whether it ever is."""
        yield from self.amf(ue, name, session)
        silent = self.num_silent(ue, timer)
        return (yield from self.insist(ue, name, timer, silent, self.now, session))

    def insist(
        self, ue: Ue, name: str, timer: str, silent: int, sent_ns: int,
        session: Session | None = None, cause: int = 0,
    ) -> Story:  # fmt: skip
        """The AMF repeats what it sent until it is heard; returns whether it ever is."""
        for sent in range(1, self.transmissions + 1):
            if sent > silent:
                return True
            yield from self.until(ue, sent_ns + self.timer_ns(timer))
            if sent < self.transmissions:
                yield from self.amf(ue, name, session, cause)
                sent_ns = self.now
        return False

    def release(self, ue: Ue, cause: int, path: Path | None = None) -> Story:
        """The AMF releases the context of a UE at a base station."""
        yield from self.amf(ue, "UEContextReleaseCommand", cause=cause, path=path)
        yield from self.ran(ue, "UEContextReleaseComplete", path=path)

    def change(self, ue: Ue, session: Session, what: str, conditions: int = 0) -> Story:
        """SMF and UPF change or delete a session: `what` is Modification or Deletion."""
        yield from self.smf(ue, f"PFCP Session {what} Request", session, conditions)
        yield from self._respond(ue, session, what)

    def change_each(self, ue: Ue, what: str, conditions: int = 0) -> Story:
        """SMF and UPF change or delete all sessions of a UE."""
        responses = []
        for number in sorted(ue.sessions):
            session = ue.sessions[number]
            yield from self.smf(ue, f"PFCP Session {what} Request", session, conditions)
            responses.append(self.clock.process(self._respond(ue, session, what)))
        if responses:
            yield self.clock.all_of(responses)
        if what == "Deletion":
            ue.sessions.clear()
            ue.active_sessions = 0

    def _respond(self, ue: Ue, session: Session, what: str) -> Story:
        yield from self.upf(ue, f"PFCP Session {what} Response", session, PFCP_ACCEPTED)
        if what == "Deletion":
            self.in_use[session.s_nssai] -= 1
