"""Associations of base stations and of the UPF with the core: set up once, then heartbeats."""

from __future__ import annotations

from twin_gym.core.draws import uniform
from twin_gym.twins.signalling.contents import PFCP_ACCEPTED
from twin_gym.twins.signalling.grammar import SHORT_NAMES
from twin_gym.twins.signalling.rows import LogWriter
from twin_gym.twins.signalling.scenario import SignallingScenario
from twin_gym.twins.signalling.world import NANOSECONDS, Purpose, World

_ASSOCIATION = ("PFCP Association Setup Request", "PFCP Association Setup Response")
_HEARTBEAT = ("PFCP Heartbeat Request", "PFCP Heartbeat Response")
_SPACING_NS = 1_000_000  # between the set-ups of two base stations


def write_nodes(log: LogWriter, scenario: SignallingScenario, world: World) -> None:
    """Writes the messages that are of no UE, up to the horizon.

    The UPF associates at the beginning, base stations a millisecond after one another; heartbeats
    follow at their interval. Times of answers are the means of the scenario. Procedures of UEs do
    not wait for an association that the UPF answers late.

    Args:
        log: that gets the messages.
        scenario: what is emulated.
        world: its draws.
    """
    core_ns = int(scenario.delays.core_s * NANOSECONDS)
    user_plane_ns = int(scenario.delays.user_plane_s * NANOSECONDS)
    heartbeat_ns = int(scenario.timers.heartbeat_s * NANOSECONDS)
    horizon_ns = int(scenario.horizon_s * NANOSECONDS)
    t1_ns, lost = int(scenario.timers.t1_s * NANOSECONDS), _num_lost(scenario, world)
    associated_ns = _write_exchange(
        log, _ASSOCIATION, [number * t1_ns for number in range(lost + 1)], user_plane_ns,
        PFCP_ACCEPTED,
    )  # fmt: skip
    for time_ns in range(heartbeat_ns, horizon_ns, heartbeat_ns):
        if time_ns > associated_ns:
            _write_exchange(log, _HEARTBEAT, [time_ns], user_plane_ns, 0)
    for gnb in range(scenario.num_gnbs):
        time_ns = _SPACING_NS * (gnb + 1) + user_plane_ns
        log.write_node(time_ns, SHORT_NAMES["NGSetupRequest"], gnb)
        log.write_node(time_ns + core_ns, SHORT_NAMES["NGSetupResponse"], gnb)


def _num_lost(scenario: SignallingScenario, world: World) -> int:
    """Set-ups of the N4 association that the UPF does not answer; it answers the last one."""
    most = scenario.timers.transmissions - 1
    share = scenario.failures.association_unanswered
    answered = (
        number
        for number in range(most)
        if uniform(world.key, int(Purpose.ASSOCIATION), number) > share
    )
    return next(answered, most)


def _write_exchange(
    log: LogWriter, names: tuple[str, str], times_ns: list[int], delay_ns: int, cause: int
) -> int:
    """A request, sent at each of these times, and its response to the last; returns its time."""
    exchange = log.new_exchange()
    request, response = (SHORT_NAMES[name] for name in names)
    for time_ns in times_ns:
        log.write_node(time_ns, request, exchange=exchange)
    answered_ns = times_ns[-1] + delay_ns
    log.write_node(answered_ns, response, exchange=exchange, cause=cause)
    return answered_ns
