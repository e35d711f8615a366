"""The procedures as one table: machine, state and event give the next state and the answers.

The table is `procedures.txt`, beside this file, with a clause of the standard for every row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources

from twin_gym.errors import ConfigError, unknown_name
from twin_gym.twins.signalling.kinds import KINDS, MessageKind, cause_code, element_bits
from twin_gym.twins.signalling.message import (
    DEREGISTRATION,
    FAILED,
    INITIAL_REGISTRATION,
    MOBILITY_UPDATE,
    Message,
)

_NUM_COLUMNS = 7
_RENAMED = {
    "InitialUEMessage[Deregistration request (UE originating)]": "Initial Deregistration request",
    "UplinkNASTransport[Deregistration request (UE originating)]": "Deregistration request",
    "DownlinkNASTransport[Deregistration accept (UE originating)]": "Deregistration accept",
    "DownlinkNASTransport[Deregistration request (UE terminated)]": (
        "Network deregistration request"
    ),
    "UplinkNASTransport[Deregistration accept (UE terminated)]": "Network deregistration accept",
    "DownlinkNASTransport[5GMM status]": "Network 5GMM status",
}
_PREFIXES = {
    "InitialContextSetupRequest": "ICS ",
    "PDUSessionResourceModifyRequest": "Modify ",
    "PDUSessionResourceReleaseCommand": "Release ",
}


def _short_name(kind: MessageKind) -> str:
    if kind.name in _RENAMED:
        return _RENAMED[kind.name]
    innermost = kind.inner or kind.nas or kind.ngap or kind.pfcp
    return _PREFIXES.get(kind.ngap, "") + innermost


SHORT_NAMES: Mapping[str, int] = {_short_name(kind): kind.code for kind in KINDS}
"""The code of each kind by what the table calls it: its innermost message."""

_SHORT_BY_CODE = {code: name for name, code in SHORT_NAMES.items()}


@dataclass(frozen=True, slots=True)
class Answer:
    """A message that the core sends in a transition.

    Attributes:
        kind: its code in `KINDS`.
        for_each: whether it is sent once for every active session.
        to_source: whether it goes to the base station that the UE leaves.
    """

    kind: int
    for_each: bool = False
    to_source: bool = False


@dataclass(frozen=True, slots=True)
class Transition:
    """A row of the table.

    Attributes:
        machine: `ue`, `session`, `gnb` or `upf`.
        state: in which the event is expected.
        event: as the table writes it.
        next_state: afterwards.
        answers: of the core, in their order.
        timer: that is started with the answers, or "".
        clause: of the standard.
    """

    machine: str
    state: str
    event: str
    next_state: str
    answers: tuple[Answer, ...]
    timer: str
    clause: str


def _answer(text: str) -> Answer:
    for_each, to_source = text.startswith("each "), text.startswith("source ")
    name = text.removeprefix("each ").removeprefix("source ")
    if name not in SHORT_NAMES:
        raise unknown_name("message", name, SHORT_NAMES)
    return Answer(SHORT_NAMES[name], for_each, to_source)


def parse_table(text: str) -> tuple[Transition, ...]:
    """The rows of a table of procedures.

    Args:
        text: as `procedures.txt`; empty lines and those that begin with `#` say nothing.

    Returns:
        Its transitions, in order.

    Raises:
        ConfigError: if a row has too many or too few columns, names no message, or repeats the
            machine, state and event of another.
    """
    rows: dict[tuple[str, str, str], Transition] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) != _NUM_COLUMNS:
            raise ConfigError(f"line {number} has {len(cells)} columns, must have {_NUM_COLUMNS}")
        machine, state, event, next_state, answers, timer, clause = cells
        if (machine, state, event) in rows:
            raise ConfigError(f"line {number} repeats {machine}, {state}, {event}: remove one")
        sent = tuple(_answer(one.strip()) for one in answers.split(";") if one.strip())
        rows[machine, state, event] = Transition(
            machine, state, event, next_state, sent, timer, clause
        )
    return tuple(rows.values())


TABLE = parse_table(
    resources.files("twin_gym.twins.signalling").joinpath("procedures.txt").read_text("utf-8")
)
"""Every transition of the grammar."""

BY_EVENT: Mapping[tuple[str, str, str], Transition] = {
    (row.machine, row.state, row.event): row for row in TABLE
}
"""The transition of a machine, a state and an event; what is not here is not expected there."""

_SYNCH_FAILURE = cause_code("5GMM", 21)
_PFCP_ACCEPTED = cause_code("PFCP", 1)
_FAILED_LIST = element_bits("PDU Session Resource Failed List")
# Qualifiers of the events, by the short name of the message.
_BY_DECISION = {
    "Security mode complete": ("accepted", "refused"),
    "Service request": ("accepted", "refused"),
    "Control plane service request": ("accepted", "refused"),
    "PathSwitchRequest": ("accepted", "refused"),
    "PDU session modification request": ("accepted", "refused"),
}
_UPDATES = {MOBILITY_UPDATE: "mobility"}


def event_of(message: Message) -> str:
    """What a message is to the table: its short name, with what decides between transitions.

    Args:
        message: that the core receives, with the verdict and the decision on it.

    Returns:
        An event as the table writes it.

    Example:
        >>> refused = Message(0, SHORT_NAMES["Service request"], decision=9)
        >>> event_of(refused)
        'Service request: refused'
    """
    name = _SHORT_BY_CODE[message.kind]
    if name in _BY_DECISION:
        return f"{name}: {_BY_DECISION[name][message.decision > 0]}"
    qualifier = _QUALIFIERS.get(name)
    return f"{name}: {qualifier(message)}" if qualifier else name


def _of_registration(message: Message) -> str:
    if message.registration_type == INITIAL_REGISTRATION:
        if message.decision > 0:
            return "refused"
        return "unknown" if message.verdict == FAILED else "known"
    if message.decision > 0:
        return "update refused"
    return _UPDATES.get(message.registration_type, "periodic")


def _of_deregistration(message: Message) -> str:
    return "normal" if message.registration_type == DEREGISTRATION else "switch-off"


_QUALIFIERS: dict[str, Callable[[Message], str]] = {
    "Registration request": _of_registration,
    "Deregistration request": _of_deregistration,
    "Initial Deregistration request": _of_deregistration,
    "Authentication response": lambda one: "failed" if one.verdict == FAILED else "passed",
    "Authentication failure": lambda one: "synch" if one.cause == _SYNCH_FAILURE else "MAC",
    "PDUSessionResourceSetupResponse": (
        lambda one: "failed" if one.presence & _FAILED_LIST else "done"
    ),
    "PFCP Session Establishment Response": (
        lambda one: "accepted" if one.cause == _PFCP_ACCEPTED else "refused"
    ),
}


def short_name(code: int) -> str:
    """What the table calls a kind of message."""
    return _SHORT_BY_CODE[code]


def states_of(machine: str) -> tuple[str, ...]:
    """The states of a machine, in the order in which the table first has them."""
    found: dict[str, None] = {}
    for row in TABLE:
        if row.machine == machine:
            found[row.state] = None
            found[row.next_state] = None
    return tuple(found)


STABLE_STATES = ("DEREGISTERED", "IDLE", "CONNECTED")
"""States of a UE in which no procedure of its context runs."""
