"""`twin-gym signalling why`: why PDU sessions were rejected."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from twin_gym.cli.signalling_log import check_ue, read_log, scenario_of, slice_name
from twin_gym.console.printing import output, table
from twin_gym.errors import ConfigError
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.presets import names
from twin_gym.twins.signalling.scenario import SignallingScenario, SignallingSlice
from twin_gym.twins.signalling.why import Rejection, rejections

_BY = {"policy": "policy", "user plane": "UPF", "radio": "base station"}


@dataclass(frozen=True)
class WhyOptions:
    """The options of the command; no scenario: that of the log, or none."""

    file: Path
    scenario: str | None
    assignments: tuple[str, ...]
    ue: int | None
    most: int
    as_json: bool


def run(options: WhyOptions) -> None:
    """Reads a log and prints its rejections.

    Args:
        options: the options.

    Raises:
        TwinGymError: if the file or the scenario cannot be read, or they do not fit together.
    """
    log = read_log(options.file)
    check_ue(log, options.ue)
    scenario, has_limits = _scenario(options, log)
    found = [
        one
        for one in rejections(log, scenario)
        if options.ue is None or one.ue == options.ue
    ]  # fmt: skip
    if options.as_json:
        document = {"limits_known": has_limits, "rejections": [_document(one) for one in found]}
        output().print(json.dumps(document, indent=1), soft_wrap=True, markup=False)
        return
    _print(options, found, has_limits)


def _scenario(options: WhyOptions, log: MessageLog) -> tuple[SignallingScenario, bool]:
    """The scenario of a log, and whether the limits of its slices are known."""
    name = options.scenario or (log.scenario if log.scenario in names() else None)
    if name is None:
        if options.assignments:
            raise ConfigError("--set changes a scenario: name it by --scenario")
        return _unlimited(log), False
    scenario = scenario_of(name, options.assignments)
    expected = tuple(one.s_nssai for one in scenario.slices)
    if not set(log.slices) <= set(expected):
        given, known = (", ".join(map(slice_name, one)) for one in (log.slices, expected))
        raise ConfigError(
            f"the log has slices {given} and {name} has {known}: name the scenario of this network"
        )
    ordered = {one.s_nssai: one for one in scenario.slices}
    rest = [one for one in scenario.slices if one.s_nssai not in log.slices]
    return scenario.replace(slices=(*(ordered[one] for one in log.slices), *rest)), True


def _unlimited(log: MessageLog) -> SignallingScenario:
    """A scenario with the slices of a log, of which nothing but the S-NSSAI is known."""
    if not log.slices:
        raise ConfigError("the log names no slice: no PDU session was asked for")
    slices = tuple(
        SignallingSlice(name=f"slice-{slice_name(one)}", sst=one.sst, sd=one.sd)
        for one in log.slices
    )
    return SignallingScenario(name="capture", horizon_s=1.0, slices=slices)


def _print(options: WhyOptions, found: list[Rejection], has_limits: bool) -> None:
    console = output()
    if not found:
        console.print("No PDU session was rejected.")
        return
    shown = found[: options.most] if options.most else found
    heads = ["time s", "UE", "session", "slice", "why", "in use", "free then"]
    made = table(f"{options.file.name}: {len(found):,} sessions rejected", heads, left=0)
    for column in (made.columns[3], made.columns[4], made.columns[6]):
        column.justify = "left"
    for one in shown:
        in_use = f"{one.in_use} of {one.limit}" if has_limits else f"{one.in_use}"
        free = "\n".join(f"{name} {count:,}" for name, count in one.free.items())
        made.add_row(
            f"{one.time_s:,.3f}", str(one.ue), str(one.pdu_session_id), one.slice_name,
            f"{one.cause}, {one.cause_name} ({_BY[one.refused_by]})", in_use,
            free if has_limits else "not known",
        )  # fmt: skip
    console.print(made)
    if len(shown) < len(found):
        console.print(f"\n{len(found) - len(shown):,} more: give --most 0 to show all")
    _print_summary(found)
    if not has_limits:
        console.print("\nWhat was free is known with the limits of the slices: give --scenario.")


def _print_summary(found: list[Rejection]) -> None:
    counts = Counter((one.slice_name, one.cause, one.cause_name, one.refused_by) for one in found)
    made = table("\nBy slice and cause", ["slice", "cause", "rejected by", "sessions"], left=3)
    for (name, cause, cause_name, refused_by), count in counts.most_common():
        made.add_row(name, f"{cause}, {cause_name}", _BY[refused_by], f"{count:,}")
    output().print(made)


def _document(one: Rejection) -> dict[str, Any]:
    return asdict(one) | {"s_nssai": slice_name(one.s_nssai)}
