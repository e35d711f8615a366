"""`twin-gym signalling record`: emulates the signalling of a core and counts what happened."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin_gym.cli.signalling_log import (
    check_outputs,
    parse_mix,
    scenario_of,
    slice_name,
    write_log,
)
from twin_gym.console.printing import messages, output, table
from twin_gym.twins.signalling.emulator import emulate
from twin_gym.twins.signalling.grammar import short_name
from twin_gym.twins.signalling.kinds import element_bits
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import INITIAL_REGISTRATION, Message
from twin_gym.twins.signalling.scenario import ProcedureMix, SignallingScenario

_BEHAVIOUR, _MIX = "signalling-four-slices", "signalling-mix"
_LIST = element_bits("PDU Session Resource Setup List")
# Procedure in the mix, then the messages that begin it, complete it and refuse it.
_PROCEDURES: tuple[tuple[str, str, str, str], ...] = (
    ("registrations", "Registration request", "Registration complete", "Registration reject"),
    (
        "sessions", "PDU session establishment request", "PDUSessionResourceSetupResponse",
        "PDU session establishment reject",
    ),
    (
        "modifications", "PDU session modification request", "PDU session modification complete",
        "PDU session modification reject",
    ),
    (
        "releases", "PDU session release request", "PDU session release complete",
        "PDU session release reject",
    ),
    ("services", "Service request", "ICS Service accept", "Service reject"),
    ("pagings", "Paging", "", ""),
    ("handovers", "HandoverRequired", "HandoverNotify", "HandoverPreparationFailure"),
    (
        "path_switches", "PathSwitchRequest", "PathSwitchRequestAcknowledge",
        "PathSwitchRequestFailure",
    ),
    ("configurations", "Configuration update command", "Configuration update complete", ""),
    ("deregistrations", "Deregistration request", "", ""),
)  # fmt: skip


@dataclass(frozen=True)
class RecordOptions:
    """The options of the command; no scenario: the default one, with a mix the one for mixes."""

    scenario: str | None
    assignments: tuple[str, ...]
    mix: str | None
    outputs: tuple[Path, ...]
    num_ues: int | None
    horizon_s: float | None
    seed: int
    as_json: bool


def run(options: RecordOptions) -> None:
    """Emulates, writes the files, and prints what happened.

    Args:
        options: the options.

    Raises:
        TwinGymError: if a name or a value is not valid, or a file cannot be written.
    """
    check_outputs(options.outputs)
    mix = None if options.mix is None else parse_mix(options.mix)
    name = options.scenario or (_BEHAVIOUR if mix is None else _MIX)
    scenario = scenario_of(name, options.assignments, mix)
    num_ues = options.num_ues or (None if mix is None else mix.registrations)
    log = emulate(scenario, options.seed, num_ues, options.horizon_s)
    write_log(log, options.outputs)
    counts = _procedures(log)
    slices = _sessions(log)
    if options.as_json:
        document = _document(options, scenario, log, counts, slices)
        output().print(json.dumps(document, indent=1), soft_wrap=True, markup=False)
    else:
        _print(options, scenario, log, counts, slices)
    _warn(mix, counts)


def _procedures(log: MessageLog) -> dict[str, tuple[int, int, int]]:
    """By procedure: how often it was asked for, completed and refused."""
    names: Counter[str] = Counter()
    for message in map(Message.of, log.records):
        name = short_name(message.kind)
        is_update = message.registration_type not in (0, INITIAL_REGISTRATION)
        is_failed = name == "PDUSessionResourceSetupResponse" and not message.presence & _LIST
        if name == "Initial Deregistration request":
            name = "Deregistration request"
        elif (name == "Registration request" and is_update) or is_failed:
            name = f"{name} of another kind"
        names[name] += 1
    return {
        procedure: (names[begin], names[end] if end else 0, names[refusal] if refusal else 0)
        for procedure, begin, end, refusal in _PROCEDURES
    }


def _sessions(log: MessageLog) -> list[dict[str, Any]]:
    """By slice: sessions that were asked for, granted and refused."""
    asked, granted, refused = ([0] * (len(log.slices) + 1) for _ in range(3))
    slices: dict[tuple[int, int], int] = {}
    for message in map(Message.of, log.records):
        name, key = short_name(message.kind), (message.ue, message.pdu_session_id)
        if name == "PDU session establishment request":
            slices[key] = message.s_nssai
            asked[message.s_nssai] += 1
        elif name == "PDU session establishment accept":
            granted[message.s_nssai] += 1
        elif name == "PDU session establishment reject":
            refused[slices.get(key, 0)] += 1
    return [
        {"s_nssai": slice_name(one), "asked": asked[number], "accepted": granted[number],
         "rejected": refused[number]}
        for number, one in enumerate(log.slices, 1)
    ]  # fmt: skip


def _print(
    options: RecordOptions,
    scenario: SignallingScenario,
    log: MessageLog,
    counts: dict[str, tuple[int, int, int]],
    slices: list[dict[str, Any]],
) -> None:
    console = output()
    title = f"{scenario.name}, world {options.seed}: {len(log):,} messages"
    made = table(title, ["procedure", "in the mix", "asked", "completed", "refused"])
    for procedure, (asked, completed, refused) in counts.items():
        wanted = "-" if scenario.mix is None else f"{getattr(scenario.mix, procedure):,}"
        has_end = next(one[2] for one in _PROCEDURES if one[0] == procedure)
        done = f"{completed:,}" if has_end else "-"
        made.add_row(procedure.replace("_", " "), wanted, f"{asked:,}", done, f"{refused:,}")
    console.print(made)
    made = table(
        "\nSessions by slice", ["slice", "S-NSSAI", "asked", "accepted", "rejected"], left=2
    )
    for one, named in zip(slices, scenario.slices, strict=True):
        numbers = (f"{one[name]:,}" for name in ("asked", "accepted", "rejected"))
        made.add_row(named.name, one["s_nssai"], *numbers)
    console.print(made)
    if options.outputs:
        written = ", ".join(path.name for path in options.outputs)
        console.print(f"\nWritten: {written}", markup=False)


def _warn(mix: ProcedureMix | None, counts: dict[str, tuple[int, int, int]]) -> None:
    """Says on standard error what of the mix the horizon cut off."""
    if mix is None:
        return
    cut = [name for name, (asked, _, _) in counts.items() if asked < getattr(mix, name)]
    if cut:
        named = ", ".join(name.replace("_", " ") for name in cut)
        text = f"not all of the mix happened ({named}): raise --horizon-s, or failures prevent it"
        messages().print(text, markup=False)


def _document(
    options: RecordOptions,
    scenario: SignallingScenario,
    log: MessageLog,
    counts: dict[str, tuple[int, int, int]],
    slices: list[dict[str, Any]],
) -> dict[str, Any]:
    procedures = {
        name: {"asked": asked, "completed": completed, "refused": refused}
        for name, (asked, completed, refused) in counts.items()
    }
    return {
        "scenario": scenario.name,
        "seed": options.seed,
        "messages": len(log),
        "procedures": procedures,
        "slices": slices,
        "files": [str(path) for path in options.outputs],
    }
