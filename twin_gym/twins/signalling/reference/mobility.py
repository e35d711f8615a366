"""Service requests, AN release, hand-overs, deregistration and configuration as stories."""

from __future__ import annotations

from twin_gym.twins.signalling import contents
from twin_gym.twins.signalling.entities import Path, Ue
from twin_gym.twins.signalling.grammar import SHORT_NAMES
from twin_gym.twins.signalling.kinds import cause_code
from twin_gym.twins.signalling.message import DEREGISTRATION, PASSED, SWITCH_OFF
from twin_gym.twins.signalling.reference.network import (
    DEREGISTERED,
    NORMAL_RELEASE,
    Network,
    Story,
)
from twin_gym.twins.signalling.world import Purpose

_SUCCESSFUL_HANDOVER = cause_code("radioNetwork", 2)


def request_service(net: Network, ue: Ue) -> Story:
    """A service request: the UE is connected with all of its sessions."""
    if not (yield from _ask_service(net, ue, "Service request")):
        return
    yield from net.amf(ue, "ICS Service accept")
    if ue.world.fails("context_setup_failure"):
        cause = contents.NO_RADIO_RESOURCES
        yield from net.ran(ue, "InitialContextSetupFailure", cause=cause)
        yield from net.release(ue, cause)
        return
    ue.new_tunnels(net.num_ues)
    yield from net.ran(ue, "InitialContextSetupResponse")
    yield from net.change_each(ue, "Modification")
    ue.state = "CONNECTED"


def send_over_control_plane(net: Network, ue: Ue) -> Story:
    """A control plane service request: data in it, and idle again."""
    if (yield from _ask_service(net, ue, "Control plane service request")):
        yield from net.amf(ue, "Service accept")
        yield from net.release(ue, NORMAL_RELEASE)


def _ask_service(net: Network, ue: Ue, name: str) -> Story:
    ue.connect(ue.path.gnb, net.num_ues)
    is_refused = ue.world.fails("service_refused")
    cause = contents.CONGESTION if is_refused else 0
    net.say(ue, name, verdict=PASSED, decision=cause)
    if is_refused:
        ue.wait_until_ns = net.now + net.timer_ns("T3346")
        yield from net.amf(ue, "Service reject", cause=cause)
        yield from net.release(ue, NORMAL_RELEASE)
    return not is_refused


def report_data(net: Network, ue: Ue) -> Story:
    """Downlink data for an idle UE: report, paging, service request."""
    numbers = sorted(ue.sessions)
    session = ue.sessions[numbers[ue.world.pick(len(numbers))]]
    session.exchange = net.log.new_exchange()
    net.log.write_n4(net.now, SHORT_NAMES["PFCP Session Report Request"], ue, session)
    yield from net.core_ready(ue)
    response = SHORT_NAMES["PFCP Session Report Response"]
    net.log.write_n4(net.now, response, ue, session, contents.PFCP_ACCEPTED)
    if (yield from net.ask(ue, "Paging", "T3513")):
        arrival_ns = max(net.now, ue.radio_free_ns) + ue.world.radio_ns()
        yield from net.until(ue, arrival_ns)
        yield from request_service(net, ue)


def release_access(net: Network, ue: Ue, cause: int = contents.USER_INACTIVITY) -> Story:
    """The base station asks for AN release; the UE is idle afterwards."""
    net.say(ue, "UEContextReleaseRequest", cause=cause)
    yield from net.release(ue, cause)
    yield from net.change_each(ue, "Modification", contents.BUFFERS)
    ue.state = "IDLE"


def hand_over(net: Network, ue: Ue) -> Story:
    """A hand-over over N2, or its failure at the target."""
    source = ue.path
    target = ue.other_gnb(net.scenario.num_gnbs)
    net.say(ue, "HandoverRequired", cause=contents.HANDOVER_DESIRABLE, target=target)
    identity = ue.new_identity(net.num_ues)
    ue.path = Path(target, -1, identity)
    yield from net.amf(ue, "HandoverRequest")
    if ue.world.fails("handover_failure"):
        cause = contents.TARGET_FULL
        yield from net.ran(ue, "HandoverFailure", cause=cause)
        yield from net.amf(ue, "HandoverPreparationFailure", cause=cause, path=source)
        ue.path = source
        return
    ue.path.ran_ue_ngap_id = identity
    ue.new_tunnels(net.num_ues)
    yield from net.ran(ue, "HandoverRequestAcknowledge")
    yield from net.change_each(ue, "Modification")
    yield from net.amf(ue, "HandoverCommand", path=source)
    yield from net.ran(ue, "UplinkRANStatusTransfer", path=source)
    yield from net.amf(ue, "DownlinkRANStatusTransfer")
    yield from net.ran(ue, "HandoverNotify")
    yield from net.change_each(ue, "Modification")
    yield from net.release(ue, _SUCCESSFUL_HANDOVER, source)


def switch_path(net: Network, ue: Ue) -> Story:
    """A path switch after a hand-over over Xn; the UE loses its connection where it is refused."""
    old, gnb = ue.path, ue.other_gnb(net.scenario.num_gnbs)
    ue.path = Path(gnb, ue.new_identity(net.num_ues), old.amf_ue_ngap_id)
    if ue.world.fails("path_switch_failure"):
        net.say(ue, "PathSwitchRequest", decision=contents.UNSPECIFIED)
        yield from net.amf(ue, "PathSwitchRequestFailure", cause=contents.UNSPECIFIED)
        ue.path = old
        yield from net.ran_ready(ue)
        yield from release_access(net, ue, contents.RADIO_LOST)
        return
    ue.new_tunnels(net.num_ues)
    net.say(ue, "PathSwitchRequest", decision=0)
    yield from net.change_each(ue, "Modification")
    yield from net.amf(ue, "PathSwitchRequestAcknowledge")


def deregister(net: Network, ue: Ue) -> Story:
    """The UE deregisters, or is switched off."""
    is_off = ue.world.happens(Purpose.SWITCH_OFF, ue.world.home.switch_off_share)
    ue.registration_type = SWITCH_OFF if is_off else DEREGISTRATION
    name = "Deregistration request"
    if ue.state == "IDLE":
        ue.connect(ue.path.gnb, net.num_ues)
        name = f"Initial {name}"
    net.say(ue, name, verdict=PASSED)
    yield from net.change_each(ue, "Deletion")
    if not is_off:
        yield from net.amf(ue, "Deregistration accept")
    yield from net.release(ue, DEREGISTERED)
    ue.state = "DEREGISTERED"


def expel(net: Network, ue: Ue) -> Story:
    """The AMF deregisters the UE, whether or not it answers."""
    if (yield from net.ask(ue, "Network deregistration request", "T3522")):
        yield from net.ran(ue, "Network deregistration accept")
    yield from net.change_each(ue, "Deletion")
    yield from net.release(ue, DEREGISTERED)
    ue.state = "DEREGISTERED"


def configure(net: Network, ue: Ue) -> Story:
    """The AMF gives the UE a new 5G-GUTI."""
    yield from net.core_ready(ue)
    ue.assign_guti(net.num_ues)
    name = "Configuration update command"
    net.say(ue, name)
    silent = net.num_silent(ue, "T3555")
    if (yield from net.insist(ue, name, "T3555", silent, net.now)):
        yield from net.ran(ue, "Configuration update complete")
