"""Registrations as stories: initial, mobility and periodic."""

from __future__ import annotations

from twin_gym.twins.signalling import contents
from twin_gym.twins.signalling.entities import Ue
from twin_gym.twins.signalling.message import (
    FAILED,
    INITIAL_REGISTRATION,
    MOBILITY_UPDATE,
    NO_VERDICT,
    PASSED,
    PERIODIC_UPDATE,
)
from twin_gym.twins.signalling.reference.network import (
    NORMAL_RELEASE,
    NOT_AUTHENTIC,
    Network,
    Story,
)


def register(net: Network, ue: Ue) -> Story:
    """An initial registration from the request to its completion, its rejection or its end."""
    world, has_guti = ue.world, ue.tmsi >= 0
    ue.connect(ue.path.gnb, net.num_ues)
    ue.attempts += 1
    ue.registration_type = INITIAL_REGISTRATION
    ue.conditions = contents.HAS_GUTI if has_guti else contents.HAS_SUCI
    ue.conditions |= contents.WANTS_MICO if world.home.mico else 0
    ue.hitch = "MAC" if world.fails("mac_failure") else ""
    ue.hitch = "synch" if world.fails("synch_failure") else ue.hitch
    ue.hitch = "status" if world.fails("not_understood") else ue.hitch
    is_congested = world.fails("registration_congestion")
    is_unknown = world.fails("unknown_guti") and has_guti
    verdict = (FAILED if is_unknown else PASSED) if has_guti else NO_VERDICT
    decision = contents.CONGESTION if is_congested else 0
    net.say(ue, "Registration request", verdict=verdict, decision=decision)
    if is_congested:
        yield from _reject_for_congestion(net, ue)
        return
    if is_unknown and not (yield from _identify(net, ue)):
        return
    if (yield from _authenticate(net, ue)) and (yield from _secure(net, ue)):
        yield from _accept(net, ue)


def _reject_for_congestion(net: Network, ue: Ue) -> Story:
    ue.wait_until_ns = net.now + net.timer_ns("T3346")
    yield from net.amf(ue, "Registration reject", cause=contents.CONGESTION)
    yield from net.release(ue, NORMAL_RELEASE)


def _identify(net: Network, ue: Ue) -> Story:
    if (yield from net.ask(ue, "Identity request", "T3570")):
        yield from net.ran(ue, "Identity response")
        return True
    yield from net.release(ue, NOT_AUTHENTIC)
    return False


def _authenticate(net: Network, ue: Ue) -> Story:
    """Challenges the UE until it has proved its identity; returns whether it has."""
    if ue.hitch == "status":
        return (yield from _challenge_deaf(net, ue))
    while (yield from net.ask(ue, "Authentication request", "T3560")):
        hitch, ue.hitch = ue.hitch, ""
        if hitch == "synch":
            yield from net.ran(
                ue, "Authentication failure", cause=contents.SYNCH_FAILURE,
                conditions=contents.SYNCHRONISES,
            )  # fmt: skip
        elif hitch == "MAC":
            yield from net.ran(ue, "Authentication failure", cause=contents.MAC_FAILURE)
            if not (yield from _identify(net, ue)):
                return False
        else:
            return (yield from _prove(net, ue))
    yield from net.release(ue, NOT_AUTHENTIC)
    return False


def _challenge_deaf(net: Network, ue: Ue) -> Story:
    """The UE understands no challenge, and says so until its T3510 ends."""
    timer_ns = net.timer_ns("T3560")
    for sent in range(net.transmissions):
        yield from net.amf(ue, "Authentication request")
        sent_ns = net.now
        if not sent:
            net.num_silent(ue, "T3560")  # drawn, though of no account
        if sent * timer_ns < net.timer_ns("T3510"):
            yield from net.ran(ue, "5GMM status", cause=contents.SEMANTICALLY_INCORRECT)
        yield from net.until(ue, sent_ns + timer_ns)
    yield from net.release(ue, NOT_AUTHENTIC)
    return False


def _prove(net: Network, ue: Ue) -> Story:
    is_wrong = ue.world.fails("authentication_failed")
    yield from net.ran(ue, "Authentication response", verdict=FAILED if is_wrong else PASSED)
    if is_wrong:
        ue.give_up(is_barred=True)
        yield from net.amf(ue, "Authentication reject")
        yield from net.release(ue, NOT_AUTHENTIC)
    return not is_wrong


def _secure(net: Network, ue: Ue) -> Story:
    """Security mode and subscription; returns whether the UE may register."""
    if not (yield from net.ask(ue, "Security mode command", "T3560")):
        yield from net.release(ue, NOT_AUTHENTIC)
        return False
    if ue.world.fails("security_mode_reject"):
        yield from net.ran(ue, "Security mode reject", cause=contents.SECURITY_MISMATCH)
        yield from net.release(ue, NOT_AUTHENTIC)
        return False
    cause = 0
    if ue.world.fails("registration_refused"):
        cause = contents.REGISTRATION_REFUSALS[ue.world.pick(len(contents.REGISTRATION_REFUSALS))]
    yield from net.ran(ue, "Security mode complete", verdict=PASSED, decision=cause)
    if cause:
        ue.give_up(cause in contents.BARRING_REFUSALS)
        yield from net.amf(ue, "Registration reject", cause=cause)
        yield from net.release(ue, NORMAL_RELEASE)
    return not cause


def _accept(net: Network, ue: Ue) -> Story:
    yield from net.core_ready(ue)
    ue.assign_guti(net.num_ues)
    net.say(ue, "ICS Registration accept")
    sent_ns, silent = net.now, net.num_silent(ue, "T3550")
    if ue.world.fails("context_setup_failure"):
        cause = contents.NO_RADIO_RESOURCES
        yield from net.ran(ue, "InitialContextSetupFailure", cause=cause)
        yield from net.release(ue, cause)
        return
    yield from net.ran(ue, "InitialContextSetupResponse")
    if (yield from net.insist(ue, "Registration accept", "T3550", silent, sent_ns)):
        yield from net.ran(ue, "Registration complete")
    ue.state = "CONNECTED"


def update(net: Network, ue: Ue, registration_type: int) -> Story:
    """A mobility or periodic registration of an idle UE, which stays idle."""
    is_mobility = registration_type == MOBILITY_UPDATE
    gnb = ue.other_gnb(net.scenario.num_gnbs) if is_mobility else ue.path.gnb
    ue.connect(gnb, net.num_ues)
    ue.registration_type = registration_type
    ue.conditions = contents.HAS_GUTI | contents.IS_UPDATE
    ue.conditions |= contents.WANTS_MICO if ue.world.home.mico else 0
    is_congested = ue.world.fails("registration_congestion")
    decision = contents.CONGESTION if is_congested else 0
    net.say(ue, "Registration request", verdict=PASSED, decision=decision)
    if is_congested:
        yield from _reject_for_congestion(net, ue)
        return
    yield from net.core_ready(ue)
    if registration_type != PERIODIC_UPDATE:
        ue.assign_guti(net.num_ues)
    net.say(ue, "Registration accept")
    if is_mobility:
        silent = net.num_silent(ue, "T3550")
        if (yield from net.insist(ue, "Registration accept", "T3550", silent, net.now)):
            yield from net.ran(ue, "Registration complete")
    yield from net.release(ue, NORMAL_RELEASE)
