"""`twin-gym what-if`: what a change would do to every indicator, in the same worlds."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from twin_gym.cli.console import (
    messages,
    number,
    output,
    progress_bar,
    supported_decimals,
    table,
)
from twin_gym.cli.views import VIEW_OF_KIND
from twin_gym.errors import ConfigError, missing_extra
from twin_gym.policies.what_if import Difference, WhatIf, what_if
from twin_gym.policies.worlds import Family, world_seeds
from twin_gym.scenario import Scenario, load
from twin_gym.scenario.changes import changed, parse_assignment
from twin_gym.scenario.toml import to_toml


@dataclass(frozen=True)
class Question:
    """What the user asked; see the options of the command."""

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


def run(question: Question) -> None:
    """Asks and prints.

    Args:
        question: the options.

    Raises:
        TwinGymError: if a name, a path or a value is not valid, or a file cannot be written.
    """
    base = load(question.scenario, Scenario)
    then = _changed(question, base)
    for path, ending in ((question.figure, ".png"), (question.save, ".toml")):
        _check_target(path, ending)
    answer = _asked(question, base, then)
    if question.save is not None:
        _save(question.save, then, question)
    if question.figure is not None:
        _draw(question.figure, answer, _told_changes(question))
    if question.as_json:
        output().print(json.dumps(as_document(answer), indent=1), soft_wrap=True, markup=False)
        return
    _print(answer, _told_changes(question), everything=question.everything)


def _changed(question: Question, base: Scenario) -> Scenario:
    """The network as it would be."""
    if question.other is not None and question.assignments:
        raise ConfigError("say what changes with --set or with --to, not with both")
    if question.other is not None:
        return load(question.other, Scenario)
    if not question.assignments:
        raise ConfigError(
            "nothing changes: say what does, as in --set horizon_s=60, or name another scenario "
            "with --to"
        )
    return changed(base, dict(parse_assignment(text) for text in question.assignments))


def _check_target(path: Path | None, ending: str) -> None:
    """Refuses a file that cannot be written, before anything is computed."""
    if path is None:
        return
    if path.suffix.lower() != ending:
        raise ConfigError(f"the file must end in {ending}, got {str(path)!r}")
    if not path.parent.is_dir():
        raise ConfigError(f"there is no folder {str(path.parent)!r}: make it first")


def _asked(question: Question, base: Scenario, then: Scenario) -> WhatIf:
    columns = (
        TextColumn("{task.description:>16}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    )  # fmt: skip
    with progress_bar(*columns) as bar:
        tasks: dict[str, TaskID] = {}

        def show(label: str, share: float) -> None:
            if label not in tasks:
                tasks[label] = bar.add_task(label, total=1.0)
            bar.update(tasks[label], completed=share)

        return what_if(
            question.agent or VIEW_OF_KIND[base.kind].default_policy,
            base,
            then,
            against=question.against,
            seeds=world_seeds(
                cast("Family", question.family), question.worlds, first=question.first
            ),
            reconfigured=question.reconfigured,
            action=question.action,
            on_progress=show,
        )


def _told_changes(question: Question) -> str:
    if question.other is not None:
        return question.other
    return ", ".join(question.assignments)


def as_document(answer: WhatIf) -> dict[str, Any]:
    """The answer as JSON values; what is not a number is null.

    Args:
        answer: what was found.

    Returns:
        A document with both scenarios by name and digest, and every indicator.
    """

    def told(differences: Mapping[str, Difference]) -> dict[str, Any]:
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
        "changed_minus_base": told(answer.by_change),
        "against": answer.against,
        "against_minus_agent": told(answer.by_agent),
    }


def _print(answer: WhatIf, changes: str, *, everything: bool) -> None:
    console = output()
    title = f"{answer.base.name} with {changes}: {answer.agent} in {len(answer.seeds)} worlds"
    heads = ["indicator", "as it is", "changed", "difference", "worlds saved"]
    console.print(_table(title, heads, answer.by_change, everything=everything))
    if answer.against is not None:
        console.print()
        title = f"in the changed network: {answer.against} instead of {answer.agent}"
        heads = ["indicator", answer.agent, answer.against, "difference", "worlds saved"]
        console.print(_table(title, heads, answer.by_agent, everything=everything))
    console.print(
        "\nPaired differences, world by world, ± half of their 95 % interval; * where it leaves "
        "out zero. 'worlds saved': so many times more unrelated worlds would give the same "
        "interval." + ("" if everything else " Indicators of single slices and directions: --all.")
    )


def _table(
    title: str, heads: list[str], differences: Mapping[str, Difference], *, everything: bool
) -> Table:
    made = table(title, heads)
    for name, one in differences.items():
        if "/" in name and not everything:
            continue
        saved = "" if math.isnan(one.variance_reduction) else f"{one.variance_reduction:,.1f} x"
        made.add_row(name, number(one.before), number(one.after), _told(one), saved)
    return made


def _told(one: Difference) -> str:
    """The difference to the decimals that its interval supports."""
    if one.mean == one.half_width == 0.0:
        return "the same  "
    if one.half_width == 0.0:
        return f"{'+' if one.mean > 0 else '-'}{number(abs(one.mean))} in all *"
    decimals = supported_decimals(one.half_width)
    star = " *" if one.is_clear else "  "
    return f"{one.mean:+,.{decimals}f} ± {one.half_width:,.{decimals}f}{star}"


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _save(path: Path, scenario: Scenario, question: Question) -> None:
    """The changed network as a file, which says where it comes from."""
    told = f"{question.scenario} with {_told_changes(question)}.\n{scenario.provenance}"
    aside = path.with_name(f"aside-{path.name}")
    aside.write_text(to_toml(scenario.replace(provenance=told)), "utf-8")
    aside.replace(path)
    messages().print(f"{path}: the changed network", markup=False)


def _draw(path: Path, answer: WhatIf, changes: str) -> None:
    try:
        from twin_gym.cli.difference_figure import draw
    except ImportError as error:
        raise missing_extra("a figure", "render") from error
    draw(path, answer, changes)
    messages().print(f"{path}: the figure", markup=False)
