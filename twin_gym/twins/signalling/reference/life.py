"""The life of a UE as a story: a sojourn, a procedure, a sojourn, and so on."""

from __future__ import annotations

from collections.abc import Callable

from twin_gym.twins.signalling.entities import Path, Ue
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import MOBILITY_UPDATE, PERIODIC_UPDATE
from twin_gym.twins.signalling.nodes import write_nodes
from twin_gym.twins.signalling.plan import REQUIRED_STATE, lives
from twin_gym.twins.signalling.reference import mobility, registration, sessions
from twin_gym.twins.signalling.reference.network import Network, Story
from twin_gym.twins.signalling.scenario import SignallingScenario
from twin_gym.twins.signalling.world import NANOSECONDS, Purpose, UeWorld

_STORIES: dict[str, Callable[[Network, Ue], Story]] = {
    "register": registration.register,
    "mobility_update": lambda net, ue: registration.update(net, ue, MOBILITY_UPDATE),
    "periodic_update": lambda net, ue: registration.update(net, ue, PERIODIC_UPDATE),
    "establish": lambda net, ue: sessions.establish(net, ue, ue.plan is not None),
    "modify": sessions.modify,
    "release": sessions.release,
    "inactivity": mobility.release_access,
    "handover": mobility.hand_over,
    "path_switch": mobility.switch_path,
    "configure": mobility.configure,
    "deregister": mobility.deregister,
    "network_deregister": mobility.expel,
    "service": mobility.request_service,
    "control_plane_service": mobility.send_over_control_plane,
    "downlink_data": mobility.report_data,
}
_REPEATED_AFTER = {
    "register": ("t3510_s", "t3511_s"), "mobility_update": ("t3510_s",),
    "service": ("t3517_s",), "control_plane_service": ("t3517_s",),
    "periodic_update": ("t3510_s",), "deregister": ("t3521_s",), "establish": ("t3580_s",),
    "modify": ("t3581_s",), "release": ("t3582_s",),
}  # fmt: skip
_HELD_BY_T3346 = ("register", "mobility_update", "periodic_update", "service")
_MOST_ATTEMPTS = 5
_MOST_SESSIONS = 15


def simulate(scenario: SignallingScenario, seed: int, num_ues: int, horizon_s: float) -> MessageLog:
    """The signalling of a scenario, told by SimPy.

    Args:
        scenario: what is simulated.
        seed: names the world.
        num_ues: UEs.
        horizon_s: length of the log in seconds.

    Returns:
        The log that `emulate` gives for the same arguments.
    """
    net = Network(scenario.replace(num_ues=num_ues, horizon_s=horizon_s), seed)
    write_nodes(net.log, net.scenario, net.world)
    plans = None if scenario.mix is None else lives(scenario.mix, num_ues)
    for number in range(num_ues):
        world = UeWorld(net.world, number)
        path = Path(world.pick(net.scenario.num_gnbs), -1, -1)
        ue = Ue(number, world, world.slice_number + 1, path)
        ue.plan = None if plans is None else plans[number]
        net.clock.process(_live(net, ue))
    horizon_ns = int(horizon_s * NANOSECONDS)
    net.clock.run(until=horizon_ns)
    slices = tuple(one.s_nssai for one in scenario.slices)
    return MessageLog(net.log.records(horizon_ns), slices, scenario.name, seed)


def _live(net: Network, ue: Ue) -> Story:
    if ue.plan == []:
        return
    yield from net.until(ue, ue.world.start_ns)
    procedure = "register"
    if ue.plan is not None:
        ue.plan = ue.plan[1:]
    while procedure:
        yield from _STORIES[_possible(net, ue, procedure)](net, ue)
        ended_ns = max(net.now, ue.core_free_ns)
        if ue.state == "CONNECTED" and ue.attempts:
            ue.attempts, ue.is_new = 0, True
        start_ns, procedure = _next(net, ue, ended_ns)
        yield from net.until(ue, start_ns)


def _next(net: Network, ue: Ue, ended_ns: int) -> tuple[int, str]:
    """When the next procedure begins, and which; none after the last one of a plan."""
    if ue.plan is not None:
        while ue.plan:
            procedure, ue.plan = ue.plan[0], ue.plan[1:]
            if REQUIRED_STATE[procedure] == ue.state and _can(net, ue, procedure, ended_ns):
                return ended_ns + ue.world.gap_ns(), procedure
        return ended_ns, ""
    delay_ns, procedure = _drawn(net, ue)
    if procedure in _REPEATED_AFTER:
        lost = ue.world.count("uplink_lost", net.transmissions - 1)
        timers = dict(net.scenario.timers)
        waits = (int(timers[name] * NANOSECONDS) for name in _REPEATED_AFTER[procedure])
        delay_ns += lost * sum(waits)
    start_ns = ended_ns + delay_ns
    held_ns = ue.wait_until_ns if procedure in _HELD_BY_T3346 else 0
    return max(start_ns, held_ns), procedure


def _drawn(net: Network, ue: Ue) -> tuple[int, str]:
    world = ue.world
    if ue.state == "DEREGISTERED":
        if not ue.attempts:
            return world.sojourn_ns(ue.state), "register"
        is_last = ue.attempts >= _MOST_ATTEMPTS
        ue.attempts = 0 if is_last else ue.attempts
        return net.timer_ns("T3502" if is_last else "T3511"), "register"
    is_new, ue.is_new = ue.is_new, False
    if is_new:
        share = world.home.session_at_registration
        if world.happens(Purpose.SESSION_AT_REGISTRATION, share):
            return world.radio_ns(), "establish"
    sojourn_ns, procedure = world.sojourn_ns(ue.state), world.procedure(ue.state)
    limit_ns = net.timer_ns("T3512")
    if ue.state == "IDLE" and sojourn_ns > limit_ns:
        return limit_ns, "periodic_update"
    return sojourn_ns, procedure


def _possible(net: Network, ue: Ue, procedure: str) -> str:
    if _can(net, ue, procedure, net.now):
        return procedure
    if procedure == "downlink_data":
        return "service"
    if procedure in ("modify", "release") and _can(net, ue, "establish", net.now):
        return "establish"
    return "inactivity"


def _can(net: Network, ue: Ue, procedure: str, time_ns: int) -> bool:
    if procedure == "establish":
        most = ue.world.home.sessions_per_ue if ue.plan is None else _MOST_SESSIONS
        return len(ue.sessions) < most and time_ns >= ue.blocked_until_ns
    if procedure in ("modify", "release", "downlink_data") and not ue.sessions:
        return False
    if procedure == "downlink_data":
        return not ue.world.home.mico
    return procedure not in ("handover", "path_switch") or net.scenario.num_gnbs > 1
