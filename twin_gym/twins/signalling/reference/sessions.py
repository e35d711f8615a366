"""PDU sessions as stories: establishment, modification and release."""

from __future__ import annotations

from twin_gym.twins.signalling import contents
from twin_gym.twins.signalling.entities import Session, Ue
from twin_gym.twins.signalling.kinds import FIVE_QIS
from twin_gym.twins.signalling.reference.network import Network, Story
from twin_gym.twins.signalling.world import NANOSECONDS, Purpose

_REQUEST = "PDU session establishment request"


def establish(net: Network, ue: Ue, is_planned: bool) -> Story:
    """One session, or two at a time, up to the end of the last story."""
    home = ue.world.home
    is_double = not is_planned and ue.world.happens(Purpose.PARALLEL, home.parallel_share)
    asked = [ue.new_session(net.num_ues)]
    if is_double and len(ue.sessions) < home.sessions_per_ue:
        asked.append(ue.new_session(net.num_ues))
    stories = [net.clock.process(_session(net, ue, asked[0]))]
    for session in asked[1:]:
        yield from net.ran_ready(ue)
        stories.append(net.clock.process(_session(net, ue, session)))
    yield net.clock.all_of(stories)


def _session(net: Network, ue: Ue, session: Session) -> Story:
    """A session from its request to its first data, or to its refusal."""
    cause, is_late = yield from _admit(net, ue, session)
    decision = cause
    if not cause:
        yield from net.smf(ue, "PFCP Session Establishment Request", session)
        if is_late:
            _note(net, decision)
        cause = yield from _set_up(net, ue, session)
    if cause:
        del ue.sessions[session.number]
        yield from net.amf(ue, "PDU session establishment reject", session, cause)
        if is_late and decision:
            _note(net, decision)
        back_off_ns = int(net.scenario.timers.back_off_s * NANOSECONDS)
        ue.blocked_until_ns = net.now + back_off_ns


def _note(net: Network, decision: int) -> None:
    """Writes a late decision to the message that it led to, the newest one."""
    net.log.rows[-1] = (*net.log.rows[-1][:-1], decision)


def _admit(net: Network, ue: Ue, session: Session) -> Story:
    """The policy decides; returns the cause of a refusal, or 0, and whether it was late."""
    asked_ns, timer_ns = net.now, net.timer_ns("T3580")
    budget_ns = net.transmissions * timer_ns
    wait_ns = ue.world.deferred_ns() if ue.world.fails("session_deferred") else 0
    if not wait_ns and ue.policy_free_ns <= asked_ns:
        cause = _decide(net, ue, session, is_expired=False)
        net.say(ue, _REQUEST, session, decision=cause)
        return cause, False
    net.say(ue, _REQUEST, session)
    end_ns = max(asked_ns + min(wait_ns, budget_ns), ue.policy_free_ns + 1)
    ue.policy_free_ns = end_ns
    for number in range(1, net.transmissions):
        if asked_ns + number * timer_ns < end_ns:
            yield from net.until(ue, asked_ns + number * timer_ns)
            net.say(ue, _REQUEST, session)
    yield from net.until(ue, end_ns)
    return _decide(net, ue, session, wait_ns >= budget_ns), True


def _decide(net: Network, ue: Ue, session: Session, is_expired: bool) -> int:
    number = session.s_nssai
    is_full = net.in_use[number] >= net.scenario.slices[number - 1].max_sessions
    cause = contents.SLICE_FULL if is_full else 0
    if ue.world.fails("session_refused"):
        cause = contents.SLICE_AND_DNN_FULL
    if is_expired:
        cause = contents.INSUFFICIENT_RESOURCES
    net.in_use[number] += not cause
    return cause


def _set_up(net: Network, ue: Ue, session: Session) -> Story:
    """User plane, base station, tunnel; returns the cause of a failure, or 0."""
    response = "PFCP Session Establishment Response"
    if ue.world.fails("user_plane_full"):
        yield from net.upf(ue, response, session, contents.PFCP_NO_RESOURCES)
        net.in_use[session.s_nssai] -= 1
        return contents.INSUFFICIENT_RESOURCES
    yield from net.upf(ue, response, session, contents.PFCP_ACCEPTED, contents.SUCCEEDS)
    yield from net.amf(ue, "PDU session establishment accept", session)
    name = "PDUSessionResourceSetupResponse"
    if ue.world.fails("session_setup_failure"):
        cause = contents.NO_RADIO_RESOURCES
        yield from net.ran(ue, name, session, cause=cause, conditions=contents.FAILS)
        yield from net.change(ue, session, "Deletion")
        return contents.INSUFFICIENT_RESOURCES
    session.gnb_teid = ue.new_tunnel(net.num_ues)
    yield from net.ran(ue, name, session, conditions=contents.SUCCEEDS)
    yield from net.change(ue, session, "Modification")
    ue.active_sessions |= 1 << session.number - 1
    return 0


def modify(net: Network, ue: Ue) -> Story:
    """The UE asks for another 5QI."""
    session, choices = ue.some_session(), ue.world.home.five_qis
    before = session.five_qi
    session.five_qi = FIVE_QIS.index(choices[ue.world.pick(len(choices))])
    cause = contents.UNSUPPORTED_5QI if ue.world.fails("modification_refused") else 0
    net.say(ue, "PDU session modification request", session, decision=cause)
    if cause:
        session.five_qi = before
        yield from net.amf(ue, "PDU session modification reject", session, cause)
        return
    yield from net.change(ue, session, "Modification")
    name = "PDU session modification command"
    yield from net.amf(ue, f"Modify {name}", session)
    sent_ns, silent = net.now, net.num_silent(ue, "T3591")
    yield from net.ran(ue, "PDUSessionResourceModifyResponse", session)
    if (yield from net.insist(ue, name, "T3591", silent, sent_ns, session)):
        yield from net.ran(ue, "PDU session modification complete", session)


def release(net: Network, ue: Ue) -> Story:
    """The UE asks for the release of a session."""
    session, cause = ue.some_session(), contents.REGULAR_DEACTIVATION
    net.say(ue, "PDU session release request", session, cause=cause)
    yield from net.change(ue, session, "Deletion")
    name = "PDU session release command"
    yield from net.amf(ue, f"Release {name}", session, cause)
    sent_ns, silent = net.now, net.num_silent(ue, "T3592")
    yield from net.ran(ue, "PDUSessionResourceReleaseResponse", session)
    if (yield from net.insist(ue, name, "T3592", silent, sent_ns, session, cause)):
        yield from net.ran(ue, "PDU session release complete", session)
    del ue.sessions[session.number]
    ue.active_sessions &= ~(1 << session.number - 1)
