"""What base station, UE and UPF answer to a message of the core, and after which time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twin_gym.twins.signalling.contents import (
    BARRING_REFUSALS,
    FAILS,
    MAC_FAILURE,
    NEW_GUTI,
    NO_RADIO_RESOURCES,
    PFCP_ACCEPTED,
    PFCP_NO_RESOURCES,
    RADIO_LOST,
    REGISTRATION_REFUSALS,
    SECURITY_MISMATCH,
    SEMANTICALLY_INCORRECT,
    SUCCEEDS,
    SYNCH_FAILURE,
    SYNCHRONISES,
    TARGET_FULL,
)
from twin_gym.twins.signalling.entities import Path, Session, Ue
from twin_gym.twins.signalling.grammar import SHORT_NAMES
from twin_gym.twins.signalling.message import (
    FAILED,
    GRANTED,
    NO_VERDICT,
    NOT_ASKED,
    PASSED,
    PERIODIC_UPDATE,
)
from twin_gym.twins.signalling.world import NANOSECONDS

if TYPE_CHECKING:
    from twin_gym.twins.signalling.emulator import Emulator

Reaction = Callable[[int, Ue, Session | None, bool], None]

_HANDOVER_REQUEST = SHORT_NAMES["HandoverRequest"]
_ACCEPTS_UPDATE = SHORT_NAMES["Registration accept"]
_BRINGS_GUTI = frozenset(
    SHORT_NAMES[name]
    for name in ("ICS Registration accept", "Registration accept", "Configuration update command")
)
_REGISTRATION_TIMERS = ("T3560", "T3570", "T3550")


class Peers:
    """Base stations, UEs and the UPF of an emulation.

    Args:
        core: the emulator, which receives the answers.
    """

    def __init__(self, core: Emulator) -> None:
        self._core = core
        self._num_ues = core.num_ues
        timers = core.scenario.timers
        self.timers_ns = {
            name.removesuffix("_s").upper(): int(value * NANOSECONDS)
            for name, value in dict(timers).items()
            if name.endswith("_s")
        }
        self._transmissions = timers.transmissions
        named: dict[str, Reaction] = {
            "Identity request": self._reply("Identity response", "T3570"),
            "Authentication request": self._authenticate,
            "Security mode command": self._secure,
            "ICS Registration accept": self._set_up_registered,
            "Registration accept": self._confirm_registration,
            "UEContextReleaseCommand": self._release_context,
            "ICS Service accept": self._set_up_service,
            "PDU session establishment accept": self._set_up_session,
            "PDU session establishment reject": self._back_off,
            "Modify PDU session modification command": self._modify,
            "PDU session modification command": self._reply(
                "PDU session modification complete", "T3591"
            ),
            "Release PDU session release command": self._release,
            "PDU session release command": self._reply("PDU session release complete", "T3592"),
            "Paging": self._answer_paging,
            "HandoverRequest": self._prepare_target,
            "HandoverCommand": self._reply("UplinkRANStatusTransfer", ""),
            "DownlinkRANStatusTransfer": self._reply("HandoverNotify", ""),
            "PathSwitchRequestFailure": self._lose_radio,
            "Network deregistration request": self._reply("Network deregistration accept", "T3522"),
            "Configuration update command": self._reply("Configuration update complete", "T3555"),
            "PFCP Session Establishment Request": self._establish,
            "PFCP Session Modification Request": self._reply_n4(
                "PFCP Session Modification Response"
            ),
            "PFCP Session Deletion Request": self._reply_n4("PFCP Session Deletion Response"),
        }
        self._reactions = {SHORT_NAMES[name]: reaction for name, reaction in named.items()}

    def react(
        self, time_ns: int, ue: Ue, session: Session | None, kind: int, timer: str,
        is_repeated: bool,
    ) -> None:  # fmt: skip
        """Has the receiver of a message of the core answer it, or not."""
        is_silent = False
        if timer:
            holder = ue if session is None else session
            if not is_repeated:
                holder.sent, holder.silent = 0, self._num_silent(ue, timer)
            holder.sent += 1
            is_silent = holder.silent > 0
            holder.silent -= is_silent
        reaction = self._reactions.get(kind)
        if reaction is not None:
            reaction(time_ns, ue, session, is_silent)

    def prepare(self, ue: Ue, kind: int, is_repeated: bool) -> None:
        """Allocates what a message of the core brings: a connection to the target, a 5G-GUTI."""
        if kind == _HANDOVER_REQUEST:
            ue.source = ue.path
            ue.path = Path(ue.target, -1, ue.new_identity(self._num_ues))
        elif kind in _BRINGS_GUTI and not is_repeated:
            is_periodic = ue.registration_type == PERIODIC_UPDATE
            if kind != _ACCEPTS_UPDATE or not is_periodic:
                ue.assign_guti(self._num_ues)

    def answer(
        self, time_ns: int, ue: Ue, name: str, session: Session | None = None, qualifier: str = "",
        cause: int = 0, verdict: int = NO_VERDICT, decision: int = NOT_ASKED, conditions: int = 0,
        path: Path | None = None,
    ) -> int:  # fmt: skip
        """Sends a message to the core on N1 or N2; returns when it is there."""
        arrival_ns = max(time_ns, ue.radio_free_ns) + ue.world.radio_ns()
        ue.radio_free_ns = arrival_ns
        event = f"{name}: {qualifier}" if qualifier else name
        self._core.push(
            arrival_ns, self._core.receive_n2, ue, SHORT_NAMES[name], event, session, cause,
            verdict, decision, conditions, path,
        )  # fmt: skip
        return arrival_ns

    def wait(self, time_ns: int, ue: Ue, session: Session | None, timer: str) -> None:
        """Lets a timer of the core run out."""
        end_ns = time_ns + self.timers_ns[timer]
        self._core.push(end_ns, self._core.expire, ue, session, timer)

    def _num_silent(self, ue: Ue, timer: str) -> int:
        """Transmissions of a request that the UE does not answer.

        A UE whose T3510 has ended answers no more in that registration.
        """
        number = ue.world.count("unanswered", self._transmissions)
        is_over = number * self.timers_ns[timer] >= self.timers_ns["T3510"]
        return self._transmissions if is_over and timer in _REGISTRATION_TIMERS else number

    def _reply(self, name: str, timer: str) -> Reaction:
        """A reaction that is one message, or silence."""

        def reply(time_ns: int, ue: Ue, session: Session | None, is_silent: bool) -> None:
            if is_silent:
                self.wait(time_ns, ue, session, timer)
            else:
                path = ue.source if name == "UplinkRANStatusTransfer" else None
                self.answer(time_ns, ue, name, session, path=path)

        return reply

    def _reply_n4(self, name: str) -> Reaction:
        kind = SHORT_NAMES[name]

        def reply(time_ns: int, ue: Ue, session: Session | None, is_silent: bool) -> None:
            arrival_ns = time_ns + ue.world.user_plane_ns()
            self._core.push(
                arrival_ns, self._core.receive_n4, ue, session, kind, name, PFCP_ACCEPTED
            )

        return reply

    def _establish(self, time_ns: int, ue: Ue, session: Session | None, is_silent: bool) -> None:
        is_full = ue.world.fails("user_plane_full")
        name = "PFCP Session Establishment Response"
        event = f"{name}: {'refused' if is_full else 'accepted'}"
        cause = PFCP_NO_RESOURCES if is_full else PFCP_ACCEPTED
        arrival_ns = time_ns + ue.world.user_plane_ns()
        self._core.push(
            arrival_ns, self._core.receive_n4, ue, session, SHORT_NAMES[name], event, cause,
            0 if is_full else SUCCEEDS,
        )  # fmt: skip

    def _authenticate(self, time_ns: int, ue: Ue, session: Session | None, is_silent: bool) -> None:
        hitch, ue.hitch = ue.hitch, "" if ue.hitch != "status" else "status"
        if hitch == "status":
            if (ue.sent - 1) * self.timers_ns["T3560"] < self.timers_ns["T3510"]:
                self.answer(time_ns, ue, "5GMM status", cause=SEMANTICALLY_INCORRECT)
            self.wait(time_ns, ue, None, "T3560")
        elif is_silent:
            ue.hitch = hitch
            self.wait(time_ns, ue, None, "T3560")
        elif hitch:
            cause, conditions = (
                (SYNCH_FAILURE, SYNCHRONISES) if hitch == "synch" else (MAC_FAILURE, 0)
            )
            self.answer(
                time_ns, ue, "Authentication failure", None, hitch, cause, conditions=conditions
            )
        else:
            is_wrong = ue.world.fails("authentication_failed")
            if is_wrong:
                ue.give_up(is_barred=True)
            self.answer(
                time_ns, ue, "Authentication response", None, "failed" if is_wrong else "passed",
                verdict=FAILED if is_wrong else PASSED,
            )  # fmt: skip

    def _secure(self, time_ns: int, ue: Ue, session: Session | None, is_silent: bool) -> None:
        if is_silent:
            self.wait(time_ns, ue, None, "T3560")
        elif ue.world.fails("security_mode_reject"):
            self.answer(time_ns, ue, "Security mode reject", cause=SECURITY_MISMATCH)
        else:
            is_refused = ue.world.fails("registration_refused")
            decision = GRANTED
            if is_refused:
                decision = REGISTRATION_REFUSALS[ue.world.pick(len(REGISTRATION_REFUSALS))]
                ue.give_up(decision in BARRING_REFUSALS)
            self.answer(
                time_ns, ue, "Security mode complete", None,
                "refused" if is_refused else "accepted", verdict=PASSED, decision=decision,
            )  # fmt: skip

    def _set_up_registered(
        self, time_ns: int, ue: Ue, session: Session | None, is_silent: bool
    ) -> None:
        if ue.world.fails("context_setup_failure"):
            self.answer(time_ns, ue, "InitialContextSetupFailure", cause=NO_RADIO_RESOURCES)
            return
        self.answer(time_ns, ue, "InitialContextSetupResponse")
        self._confirm_registration(time_ns, ue, session, is_silent)

    def _confirm_registration(
        self, time_ns: int, ue: Ue, session: Session | None, is_silent: bool
    ) -> None:
        if is_silent:
            self.wait(time_ns, ue, None, "T3550")
        elif ue.conditions & NEW_GUTI:
            self.answer(time_ns, ue, "Registration complete")

    def _release_context(
        self, time_ns: int, ue: Ue, session: Session | None, is_silent: bool
    ) -> None:
        self.answer(time_ns, ue, "UEContextReleaseComplete", path=ue.source)

    def _set_up_service(
        self, time_ns: int, ue: Ue, session: Session | None, is_silent: bool
    ) -> None:
        if ue.world.fails("context_setup_failure"):
            self.answer(time_ns, ue, "InitialContextSetupFailure", cause=NO_RADIO_RESOURCES)
            return
        ue.new_tunnels(self._num_ues)
        self.answer(time_ns, ue, "InitialContextSetupResponse")

    def _set_up_session(
        self, time_ns: int, ue: Ue, session: Session | None, is_silent: bool
    ) -> None:
        name = "PDUSessionResourceSetupResponse"
        if ue.world.fails("session_setup_failure"):
            self.answer(time_ns, ue, name, session, "failed", NO_RADIO_RESOURCES, conditions=FAILS)
        elif session is not None:
            session.gnb_teid = ue.new_tunnel(self._num_ues)
            self.answer(time_ns, ue, name, session, "done", conditions=SUCCEEDS)

    def _back_off(self, time_ns: int, ue: Ue, session: Session | None, is_silent: bool) -> None:
        back_off_ns = int(self._core.scenario.timers.back_off_s * NANOSECONDS)
        ue.blocked_until_ns = time_ns + back_off_ns

    def _modify(self, time_ns: int, ue: Ue, session: Session | None, is_silent: bool) -> None:
        self.answer(time_ns, ue, "PDUSessionResourceModifyResponse", session)
        self._reply("PDU session modification complete", "T3591")(time_ns, ue, session, is_silent)

    def _release(self, time_ns: int, ue: Ue, session: Session | None, is_silent: bool) -> None:
        self.answer(time_ns, ue, "PDUSessionResourceReleaseResponse", session)
        self._reply("PDU session release complete", "T3592")(time_ns, ue, session, is_silent)

    def _answer_paging(
        self, time_ns: int, ue: Ue, session: Session | None, is_silent: bool
    ) -> None:
        if is_silent:
            self.wait(time_ns, ue, None, "T3513")
        else:
            arrival_ns = max(time_ns, ue.radio_free_ns) + ue.world.radio_ns()
            self._core.push(arrival_ns, self._core.request_service, ue)

    def _prepare_target(
        self, time_ns: int, ue: Ue, session: Session | None, is_silent: bool
    ) -> None:
        if ue.world.fails("handover_failure"):
            self.answer(time_ns, ue, "HandoverFailure", cause=TARGET_FULL)
            return
        ue.path.ran_ue_ngap_id = ue.path.amf_ue_ngap_id
        ue.new_tunnels(self._num_ues)
        self.answer(time_ns, ue, "HandoverRequestAcknowledge")

    def _lose_radio(self, time_ns: int, ue: Ue, session: Session | None, is_silent: bool) -> None:
        self.answer(time_ns, ue, "UEContextReleaseRequest", cause=RADIO_LOST, path=ue.source)
