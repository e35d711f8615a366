"""Logs of signalling as the commands read, write and describe them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from twin_gym.errors import ConfigError, unknown_name
from twin_gym.files.places import check_file
from twin_gym.scenario.changes import changed, parse_assignment
from twin_gym.twins.signalling.kinds import CAUSES, ELEMENTS, FIVE_QIS, Link, cause_code
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import Message, SNssai
from twin_gym.twins.signalling.presets import load
from twin_gym.twins.signalling.scenario import ProcedureMix, SignallingScenario

CAPTURE, LOG = ".pcap", ".npz"
"""Endings of captures, and of logs as `MessageLog.save` writes them."""

_ACCEPTED = cause_code("PFCP", 1)
_WAYS = {
    Link.N1_UPLINK: "N1 up",
    Link.N1_DOWNLINK: "N1 down",
    Link.N2_UPLINK: "N2 up",
    Link.N2_DOWNLINK: "N2 down",
    Link.N4_UPLINK: "N4 up",
    Link.N4_DOWNLINK: "N4 down",
}


def read_log(path: Path) -> MessageLog:
    """The log in a file.

    Args:
        path: a capture, or a log that ends in `.npz`.

    Returns:
        Its messages.

    Raises:
        ConfigError: if it holds none.
    """
    if path.suffix.lower() == LOG:
        if not path.is_file():
            raise ConfigError(f"there is no log {str(path)!r}: check the path")
        return MessageLog.load(path)
    from twin_gym.twins.signalling.wire import read_pcap

    return read_pcap(path)


def check_outputs(paths: Sequence[Path], source: Path | None = None) -> None:
    """Refuses files that cannot be written, or are the one that is read, before the work."""
    read = [] if source is None else [source]
    for place, path in enumerate(paths):
        check_file(path, (CAPTURE, LOG), apart_from=[*read, *paths[:place]])


def write_log(log: MessageLog, paths: Sequence[Path]) -> None:
    """Writes a log to captures and logs, by the endings of the files."""
    for path in paths:
        if path.suffix.lower() == LOG:
            log.save(path)
        else:
            log.to_pcap(path)


def check_ue(log: MessageLog, ue: int | None) -> None:
    """Refuses a UE that a log does not have.

    Raises:
        ConfigError: with the UEs that it has.
    """
    if ue is None or np.any(log.column("ue") == ue):
        return
    known = np.unique(log.column("ue")[log.column("ue") >= 0])
    has = f"its UEs are {known[0]} to {known[-1]}" if len(known) else "it has none"
    raise ConfigError(f"the log has no UE {ue}: {has}")


def scenario_of(
    name: str, assignments: Sequence[str] = (), mix: ProcedureMix | None = None
) -> SignallingScenario:
    """A scenario of signalling with changes.

    Args:
        name: of a preset, or the path of a TOML file.
        assignments: such as `slices.hrllc.max_sessions=2`.
        mix: counts of procedures, or None.

    Returns:
        The scenario.

    Raises:
        ConfigError: if there is no such scenario or value.
    """
    scenario = load(name)
    if assignments:
        scenario = changed(scenario, dict(parse_assignment(text) for text in assignments))
    return scenario if mix is None else scenario.replace(mix=mix)


def parse_mix(text: str) -> ProcedureMix:
    """A mix of procedures as people write it.

    Args:
        text: counts and procedures, separated by commas.

    Returns:
        The mix.

    Raises:
        ConfigError: if a count is no number, or there is no such procedure.

    Example:
        >>> parse_mix("100 registrations, 30 sessions, 1 path switch").path_switches
        1
    """
    known = [name for name in ProcedureMix.model_fields if name != "gap"]
    counts: dict[str, Any] = {}
    for part in text.split(","):
        count, _, named = part.strip().partition(" ")
        if not (count.isascii() and count.isdigit()) or not named:
            raise ConfigError(
                f"a part of a mix is a count and a procedure, such as '30 sessions', got {part!r}"
            )
        name = _procedure(named, known)
        if name in counts:
            raise ConfigError(f"{named!r} is twice in the mix: add the counts")
        counts[name] = int(count)
    if "registrations" not in counts:
        raise ConfigError("a mix needs registrations: UEs must register before anything else")
    return ProcedureMix(**counts)


def _procedure(named: str, known: Sequence[str]) -> str:
    """The field of a procedure, in the singular or the plural."""
    wanted = "_".join(named.strip().lower().replace("-", " ").replace("_", " ").split())
    for name in known:
        if wanted in (name, name.removesuffix("s"), name.removesuffix("es")):
            return name
    raise unknown_name("procedure", named, [name.replace("_", " ") for name in known])


def slice_name(one: SNssai) -> str:
    """S-NSSAI as operators write it.

    Example:
        >>> slice_name(SNssai(1, 0x010203)), slice_name(SNssai(2))
        ('1-010203', '2')
    """
    return str(one.sst) if one.sd is None else f"{one.sst}-{one.sd:06x}"


def way(message: Message) -> str:
    """Interface and direction of a message, seen from the core."""
    return _WAYS[message.described.link]


def cause_text(code: int) -> str:
    """A cause with its group and, where it has one, its number in the standard."""
    cause = CAUSES[code]
    if cause is None:
        return ""
    if cause.group in ("radioNetwork", "nas"):
        return f"{cause.group} {cause.name}"
    return f"{cause.group} {cause.value}, {cause.name}"


def contents_text(message: Message, slices: Sequence[SNssai]) -> str:
    """What a message carries, in the order of interest to people."""
    parts = []
    if message.pdu_session_id:
        parts.append(f"session {message.pdu_session_id}")
    if message.active_sessions:
        numbers = [str(one + 1) for one in range(15) if message.active_sessions >> one & 1]
        parts.append(f"sessions {' '.join(numbers)}")
    if message.s_nssai:
        parts.append(f"slice {slice_name(slices[message.s_nssai - 1])}")
    if message.five_qi:
        parts.append(f"5QI {FIVE_QIS[message.five_qi]}")
    if message.target_gnb >= 0:
        parts.append(f"to gNB {message.target_gnb}")
    if message.cause and message.cause != _ACCEPTED:
        parts.append(f"cause {cause_text(message.cause)}")
    return "; ".join(parts)


def message_document(message: Message, slices: Sequence[SNssai]) -> dict[str, Any]:
    """A message for JSON: its fields by name, with words where the vector has codes."""
    values: dict[str, Any] = asdict(message)
    return values | {
        "kind": message.name,
        "link": way(message),
        "s_nssai": slice_name(slices[message.s_nssai - 1]) if message.s_nssai else None,
        "cause": cause_text(message.cause) or None,
        "five_qi": FIVE_QIS[message.five_qi] or None,
        "presence": [name for bit, name in enumerate(ELEMENTS) if message.presence >> bit & 1],
        "decision": cause_text(message.decision) if message.decision > 0 else message.decision,
    }
