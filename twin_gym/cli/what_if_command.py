"""`twin-gym what-if`: the effect of a change on every indicator, on the same worlds."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from rich.progress import BarColumn, TaskID, TaskProgressColumn, TimeElapsedColumn
from rich.table import Table

from twin_gym.cli.provenance import with_provenance
from twin_gym.console.error_reporting import deliver
from twin_gym.console.printing import (
    messages,
    number,
    output,
    progress_bar,
    supported_decimals,
    table,
)
from twin_gym.console.sanitising import LiteralColumn
from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError, missing_extra
from twin_gym.files.places import check_file
from twin_gym.files.whole import write_text
from twin_gym.policies.what_if import Difference, WhatIf, what_if
from twin_gym.policies.worlds import Family, world_seeds
from twin_gym.scenario import Scenario
from twin_gym.scenario.changes import changed, parse_assignment
from twin_gym.scenario.loading import load
from twin_gym.scenario.toml import to_toml


@dataclass(frozen=True)
class WhatIfOptions:
    """The options of the command."""

    scenario: str
    assignments: Sequence[str]
    other: str | None
    agent: str | None
    against: str | None
    action: str | None
    worlds: int
    family: str
    first: int
    reconfigured: bool
    everything: bool
    figure: Path | None
    save: Path | None
    as_json: bool


def run(options: WhatIfOptions) -> None:
    """Runs both sides of the question and prints the differences.

    Args:
        options: the options.

    Raises:
        TwinGymError: if a name, a path or a value is not valid, or a file cannot be written.
    """
    base = load(options.scenario)
    then = _changed(options, base)
    _check_targets(options)
    kept = _as_kept(then, options)
    answer = _asked(options, base, then)
    deliver(
        lambda: _print(answer, options),
        lambda: _save(options.save, kept),
        lambda: _draw(options.figure, answer, _change_notes(options)),
    )


def _changed(options: WhatIfOptions, base: Scenario) -> Scenario:
    """The changed scenario."""
    if options.other is not None and options.assignments:
        raise ConfigError("give the change with --set or with --to, not with both")
    if options.other is not None:
        return load(options.other)
    if not options.assignments:
        raise ConfigError(
            "nothing changes: give a change, such as --set horizon_s=60, or another scenario "
            "with --to"
        )
    return changed(base, dict(parse_assignment(text) for text in options.assignments))


def _check_targets(options: WhatIfOptions) -> None:
    """Checks before any computation that the files can be written."""
    read = [name for name in (options.scenario, options.other) if name is not None]
    if options.save is not None:
        check_file(options.save, [".toml"], apart_from=read)
    if options.figure is not None:
        check_file(options.figure, [".png"])
        _drawing()


def _asked(options: WhatIfOptions, base: Scenario, then: Scenario) -> WhatIf:
    columns = (
        LiteralColumn("{task.description:>16}"), BarColumn(), TaskProgressColumn(),
        TimeElapsedColumn(),
    )  # fmt: skip
    with progress_bar(*columns) as bar:
        tasks: dict[str, TaskID] = {}

        def show(label: str, share: float) -> None:
            if label not in tasks:
                tasks[label] = bar.add_task(label, total=1.0)
            bar.update(tasks[label], completed=share)

        return what_if(
            options.agent or kind_named(base.kind).facet("default_policy"),
            base,
            then,
            against=options.against,
            seeds=world_seeds(cast("Family", options.family), options.worlds, first=options.first),
            reconfigured=options.reconfigured,
            action=options.action,
            on_progress=show,
        )


def _change_notes(options: WhatIfOptions) -> str:
    if options.other is not None:
        return options.other
    return ", ".join(options.assignments)


def as_document(answer: WhatIf) -> dict[str, Any]:
    """The answer as JSON values; NaN is null.

    Args:
        answer: the result of `what_if`.

    Returns:
        A document with both scenarios by name and digest, and every indicator.
    """

    def as_values(differences: Mapping[str, Difference]) -> dict[str, Any]:
        return {
            name: {key: _or_none(value) for key, value in asdict(one).items()}
            for name, one in differences.items()
        }

    return {
        "scenario": answer.base.name,
        "digest": answer.base.digest,
        "changed_digest": answer.changed.digest,
        "worlds": len(answer.seeds),
        "agent": answer.agent,
        "changed_minus_base": as_values(answer.by_change),
        "against": answer.against,
        "against_minus_agent": as_values(answer.by_agent),
    }


def _print(answer: WhatIf, options: WhatIfOptions) -> None:
    console, changes, everything = output(), _change_notes(options), options.everything
    if options.as_json:
        console.print(json.dumps(as_document(answer), indent=1), soft_wrap=True, markup=False)
        return
    title = f"{answer.base.name} with {changes}: {answer.agent} in {len(answer.seeds)} worlds"
    heads = ["indicator", "as it is", "changed", "difference", "worlds saved"]
    console.print(_table(title, heads, answer.by_change, everything=everything))
    if answer.against is not None:
        console.print()
        title = f"in the changed network: {answer.against} instead of {answer.agent}"
        heads = ["indicator", answer.agent, answer.against, "difference", "worlds saved"]
        console.print(_table(title, heads, answer.by_agent, everything=everything))
    console.print(
        "\nPaired differences over worlds ± half-width of the 95 % confidence interval; * if it "
        "excludes zero. 'worlds saved': factor by which more independent worlds would be needed "
        "for the same interval."
        + ("" if everything else " --all shows indicators of single slices and directions.")
    )


def _table(
    title: str, heads: list[str], differences: Mapping[str, Difference], *, everything: bool
) -> Table:
    made = table(title, heads)
    for name, one in differences.items():
        if "/" in name and not everything:
            continue
        saved = "" if math.isnan(one.variance_reduction) else f"{one.variance_reduction:,.1f} x"
        made.add_row(name, number(one.before), number(one.after), _format_difference(one), saved)
    return made


def _format_difference(one: Difference) -> str:
    """The difference with the decimals that its interval supports."""
    if one.mean == one.half_width == 0.0:
        return "the same  "
    if one.half_width == 0.0:
        return f"{'+' if one.mean > 0 else '-'}{number(abs(one.mean))} in all *"
    decimals = supported_decimals(one.half_width)
    star = " *" if one.is_clear else "  "
    return f"{one.mean:+,.{decimals}f} ± {one.half_width:,.{decimals}f}{star}"


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _as_kept(scenario: Scenario, options: WhatIfOptions) -> str:
    """The changed scenario as TOML, with its provenance."""
    origin = f"{options.scenario} with {_change_notes(options)}."
    return to_toml(with_provenance(scenario, before=origin))


def _save(path: Path | None, text: str) -> None:
    if path is not None:
        write_text(path, text)
        messages().print(f"{path}: the changed network", markup=False)


def _draw(path: Path | None, answer: WhatIf, changes: str) -> None:
    if path is not None:
        _drawing()(path, answer, changes)
        messages().print(f"{path}: the figure", markup=False)


def _drawing() -> Callable[[Path, WhatIf, str], None]:
    """The drawing function, or an error if matplotlib is not installed."""
    try:
        from twin_gym.cli.difference_figure import draw
    except ImportError as error:
        raise missing_extra("a figure", "render") from error
    return draw
