"""Why a PDU session was refused: the cause, the slice, and what of it was in use.

A session is in use from its admission until the UPF has deleted it. A log of the emulator has the
decisions of the policy; elsewhere the first message on N4 shows that a session was admitted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from twin_gym.twins.signalling.kinds import CAUSES, cause_code, kind_code
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import GRANTED, NOT_ASKED, Message, SNssai
from twin_gym.twins.signalling.scenario import SignallingScenario
from twin_gym.twins.signalling.world import NANOSECONDS

_REQUEST = kind_code("UplinkNASTransport[UL NAS transport[PDU session establishment request]]")
_REJECT = kind_code("DownlinkNASTransport[DL NAS transport[PDU session establishment reject]]")
_ESTABLISH = kind_code("PFCP Session Establishment Request")
_ESTABLISHED = kind_code("PFCP Session Establishment Response")
_DELETED = kind_code("PFCP Session Deletion Response")
_SETUP = kind_code("PDUSessionResourceSetupResponse")
_NO_RESOURCES = cause_code("PFCP", 75)
_FAILED_SETUPS = frozenset(
    code for code, one in enumerate(CAUSES) if one and one.group == "radioNetwork"
)
_WHERE = {
    "policy": "the policy refused it",
    "user plane": "the UPF had no resources",
    "radio": "the base station could not set it up",
}


@dataclass(frozen=True, slots=True)
class Rejection:
    """A PDU session that was refused.

    Attributes:
        time_s: of the rejection.
        ue: number of the UE.
        pdu_session_id: identity of the session.
        s_nssai: its slice.
        slice_name: name of the slice in the scenario.
        cause: number of the cause in 5GSM.
        cause_name: its name.
        refused_by: `policy`, `user plane` or `radio`.
        in_use: sessions of the slice that were in use when the policy decided.
        limit: sessions that the slice admits.
        free: by name of the slice, what each slice could still admit.
        waited_s: from the first request to the rejection.
    """

    time_s: float
    ue: int
    pdu_session_id: int
    s_nssai: SNssai
    slice_name: str
    cause: int
    cause_name: str
    refused_by: str
    in_use: int
    limit: int
    free: dict[str, int]
    waited_s: float

    def __str__(self) -> str:
        rooms = ", ".join(f"{name} {count}" for name, count in self.free.items())
        return (
            f"{self.time_s:.3f} s: UE {self.ue}, PDU session {self.pdu_session_id} of slice "
            f"{self.slice_name!r}: cause {self.cause} ({self.cause_name}); "
            f"{_WHERE[self.refused_by]} with {self.in_use} of {self.limit} sessions in use; "
            f"free: {rooms}"
        )


@dataclass(slots=True)
class _Pending:
    """A session that is asked for and neither admitted for good nor refused."""

    s_nssai: int
    asked_ns: int
    in_use: int
    free: dict[str, int]
    refused_by: str = "policy"
    is_counted: bool = False


def rejections(log: MessageLog, scenario: SignallingScenario) -> tuple[Rejection, ...]:
    """Every refused session of a log, with the reason.

    Args:
        log: emulated from the scenario, or of the network that it describes.
        scenario: with the limits of the slices.

    Returns:
        In the order of time.

    Example:
        >>> from twin_gym.twins.signalling.emulator import emulate
        >>> from twin_gym.twins.signalling.presets import load
        >>> scenario = load("signalling-four-slices")
        >>> found = rejections(emulate(scenario, 7, 60, 120.0), scenario)
        >>> {one.cause for one in found} <= {26, 67, 69}
        True
    """
    book = _Book(scenario)
    found = []
    for row in range(len(log)):
        rejection = book.take(log[row])
        if rejection is not None:
            found.append(rejection)
    return tuple(found)


class _Book:
    """What is in use of each slice, and who waits for a session."""

    def __init__(self, scenario: SignallingScenario) -> None:
        self._slices = scenario.slices
        self._in_use: Counter[int] = Counter()
        self._pending: dict[tuple[int, int], _Pending] = {}
        self._admitted: dict[int, tuple[int, int]] = {}  # by SEID of the SMF: UE and identity
        self._slice_of: dict[int, int] = {}  # by SEID of the SMF
        self._waiting: dict[int, list[int]] = {}  # by UE: identities in the order of requests

    def take(self, message: Message) -> Rejection | None:
        """The next message of the log."""
        kind, ue, number = message.kind, message.ue, message.pdu_session_id
        if kind == _REQUEST and (ue, number) not in self._pending:
            self._ask(message)
        elif kind == _ESTABLISH:
            self._admit(ue, message.f_seid)
        elif kind == _ESTABLISHED and message.cause == _NO_RESOURCES:
            self._lose(message.seid, "user plane")
        elif kind == _SETUP:
            self._set_up(ue, number, message.cause)
        elif kind == _DELETED:
            self._free(message.seid)
        elif kind == _REJECT:
            return self._reject(message)
        return None

    def _ask(self, message: Message) -> None:
        pending = _Pending(message.s_nssai, message.time_ns, *self._room(message.s_nssai))
        self._pending[message.ue, message.pdu_session_id] = pending
        self._waiting.setdefault(message.ue, []).append(message.pdu_session_id)
        if message.decision == GRANTED:
            pending.is_counted = True
            self._in_use[message.s_nssai] += 1

    def _room(self, s_nssai: int) -> tuple[int, dict[str, int]]:
        """Sessions of the slice in use, and what each slice can still admit."""
        free = {
            one.name: max(one.max_sessions - self._in_use[place], 0)
            for place, one in enumerate(self._slices, 1)
        }
        return self._in_use[s_nssai], free

    def _admit(self, ue: int, smf_seid: int) -> None:
        """The oldest session of the UE that waits is admitted."""
        waiting = self._waiting.get(ue)
        if waiting:
            number = waiting.pop(0)
            pending = self._pending[ue, number]
            self._admitted[smf_seid] = (ue, number)
            self._slice_of[smf_seid] = pending.s_nssai
            self._in_use[pending.s_nssai] += not pending.is_counted

    def _lose(self, seid: int, refused_by: str) -> None:
        place = self._admitted.get(seid)
        if place in self._pending:
            self._pending[place].refused_by = refused_by
        self._free(seid)

    def _set_up(self, ue: int, number: int, cause: int) -> None:
        if cause in _FAILED_SETUPS:
            self._pending[ue, number].refused_by = "radio"
        else:
            self._pending.pop((ue, number), None)

    def _free(self, seid: int) -> None:
        s_nssai = self._slice_of.pop(seid, 0)
        if s_nssai:
            self._in_use[s_nssai] -= 1

    def _reject(self, message: Message) -> Rejection | None:
        ue, number = message.ue, message.pdu_session_id
        pending, why = self._pending.pop((ue, number), None), CAUSES[message.cause]
        if pending is None or why is None:
            return None
        if number in self._waiting.get(ue, ()):
            self._waiting[ue].remove(number)
        if message.decision != NOT_ASKED:  # the policy decided late: what is free now counts
            pending.in_use, pending.free = self._room(pending.s_nssai)
        one = self._slices[pending.s_nssai - 1]
        return Rejection(
            time_s=message.time_ns / NANOSECONDS, ue=ue, pdu_session_id=number,
            s_nssai=one.s_nssai, slice_name=one.name, cause=why.value, cause_name=why.name,
            refused_by=pending.refused_by, in_use=pending.in_use, limit=one.max_sessions,
            free=pending.free, waited_s=(message.time_ns - pending.asked_ns) / NANOSECONDS,
        )  # fmt: skip
