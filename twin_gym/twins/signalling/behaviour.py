"""Which procedure a UE or the network begins next, when, and with which message."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twin_gym.twins.signalling.contents import (
    CONGESTION,
    HANDOVER_DESIRABLE,
    HAS_GUTI,
    HAS_SUCI,
    IS_UPDATE,
    REGULAR_DEACTIVATION,
    UNSPECIFIED,
    UNSUPPORTED_5QI,
    USER_INACTIVITY,
    WANTS_MICO,
)
from twin_gym.twins.signalling.entities import Path, Session, Ue
from twin_gym.twins.signalling.grammar import SHORT_NAMES
from twin_gym.twins.signalling.kinds import FIVE_QIS
from twin_gym.twins.signalling.message import (
    DEREGISTRATION,
    FAILED,
    GRANTED,
    INITIAL_REGISTRATION,
    MOBILITY_UPDATE,
    NO_VERDICT,
    PASSED,
    PERIODIC_UPDATE,
    SWITCH_OFF,
)
from twin_gym.twins.signalling.plan import REQUIRED_STATE, lives
from twin_gym.twins.signalling.world import Purpose, UeWorld

if TYPE_CHECKING:
    from twin_gym.twins.signalling.emulator import Emulator

_ATTEMPTS = 5  # TS 24.501 5.5.1.2.7: then T3502
# The timer with which a UE repeats what is lost before the core.
_UE_TIMERS = {
    "register": "T3510",
    "mobility_update": "T3510",
    "periodic_update": "T3510",
    "service": "T3517",
    "control_plane_service": "T3517",
    "deregister": "T3521",
    "establish": "T3580",
    "modify": "T3581",
    "release": "T3582",
}


class Behaviour:
    """What UEs and network begin.

    Args:
        core: the emulator, which receives the messages.
    """

    def __init__(self, core: Emulator) -> None:
        self._core = core
        self._scenario = core.scenario
        self._timers_ns = core.peers.timers_ns
        mix = core.scenario.mix
        self._plans = None if mix is None else lives(mix, core.num_ues)
        self._begin: dict[str, Callable[[int, Ue], None]] = {
            "register": self._register,
            "mobility_update": lambda time_ns, ue: self._update(time_ns, ue, MOBILITY_UPDATE),
            "periodic_update": lambda time_ns, ue: self._update(time_ns, ue, PERIODIC_UPDATE),
            "establish": self._establish,
            "modify": self._modify,
            "release": self._release,
            "inactivity": self._ask_release,
            "handover": self._hand_over,
            "path_switch": self._switch_path,
            "configure": lambda time_ns, ue: core.step_ue(time_ns, ue, "trigger configure"),
            "deregister": self._deregister,
            "network_deregister": lambda t_ns, ue: core.step_ue(t_ns, ue, "trigger deregister"),
            "service": lambda t_ns, ue: self._ask_service(t_ns, ue, "Service request"),
            "control_plane_service": (
                lambda t_ns, ue: self._ask_service(t_ns, ue, "Control plane service request")
            ),
            "downlink_data": self._report_data,
        }

    def begin_life(self, number: int) -> None:
        """Brings a UE into being, deregistered, and schedules its first registration."""
        world = UeWorld(self._core.world, number)
        path = Path(world.pick(self._scenario.num_gnbs), -1, -1)
        ue = Ue(number, world, world.slice_number + 1, path)
        if self._plans is not None:
            ue.plan = self._plans[number][::-1]
            if not ue.plan:
                return
            ue.plan.pop()
        self._core.push(world.start_ns, self.begin, ue, "register")

    def begin(self, time_ns: int, ue: Ue, procedure: str) -> None:
        """Begins a procedure, or what a UE does in its place where it is not possible."""
        self._begin[self._possible(time_ns, ue, procedure)](time_ns, ue)

    def schedule_next(self, time_ns: int, ue: Ue) -> None:
        """Draws when the next procedure begins, and which."""
        if ue.state == "CONNECTED" and ue.attempts:
            ue.attempts, ue.is_new = 0, True
        if ue.plan is not None:
            self._schedule_planned(time_ns, ue)
            return
        delay_ns, procedure = self._next(ue)
        timer = _UE_TIMERS.get(procedure)
        if timer is not None:
            lost = ue.world.count("uplink_lost", self._scenario.timers.transmissions - 1)
            back_off = self._timers_ns["T3511"] if procedure == "register" else 0
            delay_ns += lost * (self._timers_ns[timer] + back_off)
        start_ns = time_ns + delay_ns
        if procedure in ("register", "mobility_update", "service", "periodic_update"):
            start_ns = max(start_ns, ue.wait_until_ns)
        self._core.push(start_ns, self.begin, ue, procedure)

    def ask_policy(self, time_ns: int, ue: Ue, session: Session) -> None:
        """Has the policy decide on a session, at once or late; the UE repeats its request.

        It decides on the sessions of a UE in the order of the requests.
        """
        wait_ns = ue.world.deferred_ns() if ue.world.fails("session_deferred") else 0
        if not wait_ns and ue.policy_free_ns <= time_ns:
            self._core.decide(time_ns, ue, session, is_immediate=True, is_expired=False)
            return
        timer_ns = self._timers_ns["T3580"]
        transmissions = self._scenario.timers.transmissions
        budget_ns = transmissions * timer_ns
        end_ns = max(time_ns + min(wait_ns, budget_ns), ue.policy_free_ns + 1)
        ue.policy_free_ns = end_ns
        kind = SHORT_NAMES["PDU session establishment request"]
        for repeat_ns in range(time_ns + timer_ns, min(end_ns, time_ns + budget_ns), timer_ns):
            self._core.push(
                repeat_ns, self._core.receive_n2, ue, kind, "PDU session establishment request",
                session,
            )  # fmt: skip
        self._core.push(end_ns, self._core.decide, ue, session, False, wait_ns >= budget_ns)

    def _next(self, ue: Ue) -> tuple[int, str]:
        """Time to the next procedure, and its name, where chance rules."""
        world = ue.world
        if ue.state == "DEREGISTERED":
            if not ue.attempts:
                return world.sojourn_ns("DEREGISTERED"), "register"
            if ue.attempts < _ATTEMPTS:
                return self._timers_ns["T3511"], "register"
            ue.attempts = 0
            return self._timers_ns["T3502"], "register"
        if ue.is_new:
            ue.is_new = False
            share = ue.world.home.session_at_registration
            if world.happens(Purpose.SESSION_AT_REGISTRATION, share):
                return world.radio_ns(), "establish"
        sojourn_ns, procedure = world.sojourn_ns(ue.state), world.procedure(ue.state)
        if ue.state == "IDLE" and sojourn_ns > self._timers_ns["T3512"]:
            return self._timers_ns["T3512"], "periodic_update"
        return sojourn_ns, procedure

    def _schedule_planned(self, time_ns: int, ue: Ue) -> None:
        while ue.plan:
            procedure = ue.plan.pop()
            if REQUIRED_STATE[procedure] == ue.state and self._can(time_ns, ue, procedure):
                self._core.push(time_ns + ue.world.gap_ns(), self.begin, ue, procedure)
                return

    def _possible(self, time_ns: int, ue: Ue, procedure: str) -> str:
        """The procedure, or the one in its place where it is not possible."""
        if self._can(time_ns, ue, procedure):
            return procedure
        if procedure == "downlink_data":
            return "service"
        if procedure in ("modify", "release") and self._can(time_ns, ue, "establish"):
            return "establish"
        return "inactivity"

    def _can(self, time_ns: int, ue: Ue, procedure: str) -> bool:
        if procedure == "establish":
            most = ue.world.home.sessions_per_ue if ue.plan is None else 15
            return len(ue.sessions) < most and time_ns >= ue.blocked_until_ns
        if procedure in ("modify", "release"):
            return bool(ue.sessions)
        if procedure in ("handover", "path_switch"):
            return self._scenario.num_gnbs > 1
        return procedure != "downlink_data" or (bool(ue.sessions) and not ue.world.home.mico)

    def _register(self, time_ns: int, ue: Ue) -> None:
        world = ue.world
        ue.connect(ue.path.gnb, self._core.num_ues)
        ue.attempts += 1
        ue.registration_type = INITIAL_REGISTRATION
        has_guti = ue.tmsi >= 0
        ue.conditions = HAS_GUTI if has_guti else HAS_SUCI
        ue.conditions |= WANTS_MICO if world.home.mico else 0
        ue.hitch = ""
        for hitch, name in (
            ("MAC", "mac_failure"),
            ("synch", "synch_failure"),
            ("status", "not_understood"),
        ):
            if world.fails(name):
                ue.hitch = hitch
        is_congested = world.fails("registration_congestion")
        is_unknown = world.fails("unknown_guti") and has_guti
        verdict = NO_VERDICT
        if has_guti:
            verdict = FAILED if is_unknown else PASSED
        what = "unknown" if is_unknown else "known"
        if is_congested:
            ue.wait_until_ns = time_ns + self._timers_ns["T3346"]
            what = "refused"
        self._core.receive_n2(
            time_ns, ue, SHORT_NAMES["Registration request"], f"Registration request: {what}",
            verdict=verdict, decision=CONGESTION if is_congested else GRANTED,
        )  # fmt: skip

    def _update(self, time_ns: int, ue: Ue, registration_type: int) -> None:
        is_mobility = registration_type == MOBILITY_UPDATE
        gnb = ue.other_gnb(self._scenario.num_gnbs) if is_mobility else ue.path.gnb
        ue.connect(gnb, self._core.num_ues)
        ue.registration_type = registration_type
        mico = WANTS_MICO if ue.world.home.mico else 0
        ue.conditions = HAS_GUTI | IS_UPDATE | mico
        is_congested = ue.world.fails("registration_congestion")
        what = "mobility" if is_mobility else "periodic"
        if is_congested:
            ue.wait_until_ns = time_ns + self._timers_ns["T3346"]
            what = "update refused"
        self._core.receive_n2(
            time_ns, ue, SHORT_NAMES["Registration request"], f"Registration request: {what}",
            verdict=PASSED, decision=CONGESTION if is_congested else GRANTED,
        )  # fmt: skip

    def _ask_service(self, time_ns: int, ue: Ue, name: str) -> None:
        ue.connect(ue.path.gnb, self._core.num_ues)
        is_refused = ue.world.fails("service_refused")
        if is_refused:
            ue.wait_until_ns = time_ns + self._timers_ns["T3346"]
        self._core.receive_n2(
            time_ns, ue, SHORT_NAMES[name], f"{name}: {'refused' if is_refused else 'accepted'}",
            verdict=PASSED, decision=CONGESTION if is_refused else GRANTED,
        )  # fmt: skip

    def _report_data(self, time_ns: int, ue: Ue) -> None:
        numbers = sorted(ue.sessions)
        session = ue.sessions[numbers[ue.world.pick(len(numbers))]]
        session.exchange = self._core.log.new_exchange()
        name = "PFCP Session Report Request"
        self._core.receive_n4(time_ns, ue, session, SHORT_NAMES[name], name)

    def _establish(self, time_ns: int, ue: Ue) -> None:
        home = ue.world.home
        is_double = ue.plan is None and ue.world.happens(Purpose.PARALLEL, home.parallel_share)
        sessions = [ue.new_session(self._core.num_ues)]
        if is_double and len(ue.sessions) < home.sessions_per_ue:
            sessions.append(ue.new_session(self._core.num_ues))
        self._request_session(time_ns, ue, sessions[0])
        for session in sessions[1:]:
            arrival_ns = max(time_ns, ue.radio_free_ns) + ue.world.radio_ns()
            ue.radio_free_ns = arrival_ns
            self._core.push(arrival_ns, self._request_session, ue, session)

    def _request_session(self, time_ns: int, ue: Ue, session: Session) -> None:
        self._ask(time_ns, ue, session, "PDU session establishment request")

    def _ask(
        self, time_ns: int, ue: Ue, session: Session, name: str, qualifier: str = "",
        cause: int = 0, decision: int = -1,
    ) -> None:  # fmt: skip
        event = f"{name}: {qualifier}" if qualifier else name
        self._core.receive_n2(
            time_ns, ue, SHORT_NAMES[name], event, session, cause, decision=decision
        )

    def _modify(self, time_ns: int, ue: Ue) -> None:
        session = ue.some_session()
        choices = ue.world.home.five_qis
        before = session.five_qi
        session.five_qi = FIVE_QIS.index(choices[ue.world.pick(len(choices))])
        is_refused = ue.world.fails("modification_refused")
        self._ask(
            time_ns, ue, session, "PDU session modification request",
            "refused" if is_refused else "accepted",
            decision=UNSUPPORTED_5QI if is_refused else GRANTED,
        )  # fmt: skip
        if is_refused:
            session.five_qi = before

    def _release(self, time_ns: int, ue: Ue) -> None:
        session = ue.some_session()
        name = "PDU session release request"
        self._ask(time_ns, ue, session, name, cause=REGULAR_DEACTIVATION)

    def _ask_release(self, time_ns: int, ue: Ue) -> None:
        name = "UEContextReleaseRequest"
        self._core.receive_n2(time_ns, ue, SHORT_NAMES[name], name, cause=USER_INACTIVITY)

    def _hand_over(self, time_ns: int, ue: Ue) -> None:
        ue.target = ue.other_gnb(self._scenario.num_gnbs)
        name = "HandoverRequired"
        self._core.receive_n2(
            time_ns, ue, SHORT_NAMES[name], name, cause=HANDOVER_DESIRABLE, target=ue.target
        )

    def _switch_path(self, time_ns: int, ue: Ue) -> None:
        old, num_ues = ue.path, self._core.num_ues
        gnb = ue.other_gnb(self._scenario.num_gnbs)
        ue.path = Path(gnb, ue.new_identity(num_ues), old.amf_ue_ngap_id)
        ue.source = old
        is_refused = ue.world.fails("path_switch_failure")
        if not is_refused:
            ue.new_tunnels(num_ues)
        name = "PathSwitchRequest"
        self._core.receive_n2(
            time_ns, ue, SHORT_NAMES[name], f"{name}: {'refused' if is_refused else 'accepted'}",
            decision=UNSPECIFIED if is_refused else GRANTED,
        )  # fmt: skip

    def _deregister(self, time_ns: int, ue: Ue) -> None:
        is_off = ue.world.happens(Purpose.SWITCH_OFF, ue.world.home.switch_off_share)
        ue.registration_type = SWITCH_OFF if is_off else DEREGISTRATION
        name = "Deregistration request"
        if ue.state == "IDLE":
            ue.connect(ue.path.gnb, self._core.num_ues)
            name = f"Initial {name}"
        what = "switch-off" if is_off else "normal"
        self._core.receive_n2(time_ns, ue, SHORT_NAMES[name], f"{name}: {what}", verdict=PASSED)
