"""`twin-gym what-if`: what a change would do to every indicator, in the same worlds."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from rich.progress import BarColumn, TaskID, TaskProgressColumn, TimeElapsedColumn
from rich.table import Table

from twin_gym.cli.answering import deliver
from twin_gym.cli.console import (
    messages,
    number,
    output,
    progress_bar,
    supported_decimals,
    table,
)
from twin_gym.cli.origin import with_origin
from twin_gym.cli.plain import PlainColumn
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
    base = load(question.scenario)
    then = _changed(question, base)
    _check_targets(question)
    kept = _as_kept(then, question)
    answer = _asked(question, base, then)
    deliver(
        lambda: _print(answer, question),
        lambda: _save(question.save, kept),
        lambda: _draw(question.figure, answer, _told_changes(question)),
    )


def _changed(question: Question, base: Scenario) -> Scenario:
    """The network as it would be."""
    if question.other is not None and question.assignments:
        raise ConfigError("say what changes with --set or with --to, not with both")
    if question.other is not None:
        return load(question.other)
    if not question.assignments:
        raise ConfigError(
            "nothing changes: say what does, as in --set horizon_s=60, or name another scenario "
            "with --to"
        )
    return changed(base, dict(parse_assignment(text) for text in question.assignments))


def _check_targets(question: Question) -> None:
    """Refuses files that cannot be written, before anything is computed."""
    read = [name for name in (question.scenario, question.other) if name is not None]
    if question.save is not None:
        check_file(question.save, [".toml"], apart_from=read)
    if question.figure is not None:
        check_file(question.figure, [".png"])
        _drawing()


def _asked(question: Question, base: Scenario, then: Scenario) -> WhatIf:
    columns = (
        PlainColumn("{task.description:>16}"), BarColumn(), TaskProgressColumn(),
        TimeElapsedColumn(),
    )  # fmt: skip
    with progress_bar(*columns) as bar:
        tasks: dict[str, TaskID] = {}

        def show(label: str, share: float) -> None:
            if label not in tasks:
                tasks[label] = bar.add_task(label, total=1.0)
            bar.update(tasks[label], completed=share)

        return what_if(
            question.agent or kind_named(base.kind).facet("default_policy"),
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


def _print(answer: WhatIf, question: Question) -> None:
    console, changes, everything = output(), _told_changes(question), question.everything
    if question.as_json:
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


def _as_kept(scenario: Scenario, question: Question) -> str:
    """The changed network as a file, which says where it comes from."""
    told = f"{question.scenario} with {_told_changes(question)}."
    return to_toml(with_origin(scenario, before=told))


def _save(path: Path | None, text: str) -> None:
    if path is not None:
        write_text(path, text)
        messages().print(f"{path}: the changed network", markup=False)


def _draw(path: Path | None, answer: WhatIf, changes: str) -> None:
    if path is not None:
        _drawing()(path, answer, changes)
        messages().print(f"{path}: the figure", markup=False)


def _drawing() -> Callable[[Path, WhatIf, str], None]:
    """What draws, if it is installed."""
    try:
        from twin_gym.cli.difference_figure import draw
    except ImportError as error:
        raise missing_extra("a figure", "render") from error
    return draw
