"""`twin-gym rollout`: policies in the same worlds, with intervals over the worlds."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from rich.progress import BarColumn, TaskProgressColumn, TimeElapsedColumn
from rich.table import Table

from twin_gym.cli.answering import deliver
from twin_gym.cli.console import output, progress_bar, table
from twin_gym.cli.plain import PlainColumn
from twin_gym.cli.showing import check_target, show_episode
from twin_gym.cli.view import view_of
from twin_gym.environments.factory import forms_of
from twin_gym.environments.kinds import kind_named
from twin_gym.policies import (
    Evaluation,
    Family,
    Policy,
    evaluate,
    make_policy,
    policies_for,
    world_seeds,
)
from twin_gym.policies.intervals import half_width
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import load

ALL = "all"


@dataclass(frozen=True)
class Request:
    """What the user asked for; see the options of the command."""

    scenario: str
    policies: Sequence[str]
    count: int
    family: str
    first: int
    action: str | None
    render: str | None
    as_json: bool


def run(request: Request) -> None:
    """Rolls out and prints.

    Args:
        request: the options.

    Raises:
        TwinGymError: if a name is unknown, or a policy has nothing for the scenario.
    """
    scenario = load(request.scenario)
    if request.render is not None:
        check_target(request.render)
    policies = _policies(request, scenario)
    seeds = world_seeds(cast("Family", request.family), request.count, first=request.first)
    keep = None
    if request.render is not None:
        keep = show_episode(policies[0], scenario, request.action, seeds[0], request.render)
    found = _evaluate_all(policies, scenario, seeds, request.action)
    deliver(lambda: _print(request, scenario, seeds, found), keep or (lambda: None))


def _print(
    request: Request, scenario: Scenario, seeds: Sequence[int], found: Sequence[Evaluation]
) -> None:
    if request.as_json:
        print_json(request, scenario, found)
        return
    console, view = output(), view_of(scenario.kind)
    console.print(_comparison(request, scenario, found))
    if len(found) == 1:
        for one in view.details(scenario, found[0]):
            console.print()
            console.print(one)
    said = "Means over worlds ± half of their 95 % interval." if request.count > 1 else (
        "A single world."
    )  # fmt: skip
    console.print(f"\n{said}")
    bound = view.bound(scenario, seeds)
    if bound is not None:
        console.print(bound)


def _policies(request: Request, scenario: Scenario) -> tuple[Policy, ...]:
    names = request.policies or [kind_named(scenario.kind).facet("default_policy")]
    if ALL in names:
        return policies_for(scenario, request.action)
    return tuple(make_policy(name, scenario, request.action) for name in dict.fromkeys(names))


def _evaluate_all(
    policies: Sequence[Policy], scenario: Scenario, seeds: Sequence[int], form: str | None
) -> list[Evaluation]:
    columns = (
        PlainColumn("{task.description:>22}"), BarColumn(), TaskProgressColumn(),
        TimeElapsedColumn(),
    )  # fmt: skip
    found = []
    with progress_bar(*columns) as bar:
        for policy in policies:
            task = bar.add_task(policy.name, total=1.0)
            evaluation = evaluate(
                policy, scenario, seeds, action=form,
                progress=lambda share, task=task: bar.update(task, completed=share),  # type: ignore[misc]
            )  # fmt: skip
            bar.update(task, completed=1.0)
            found.append(evaluation)
    return found


def _comparison(request: Request, scenario: Scenario, found: Sequence[Evaluation]) -> Table:
    last = request.first + request.count - 1
    worlds = f"worlds {request.first} to {last}" if last > request.first else f"world {last}"
    columns = view_of(scenario.kind).columns
    title = f"{scenario.name}, {request.family} {worlds}"
    made = table(title, ["policy", *(one.head for one in columns)])
    for one in found:
        made.add_row(one.policy, *(column.cell(one) for column in columns))
    return made


def print_json(request: Request, scenario: Scenario, found: Sequence[Evaluation]) -> None:
    """Prints every indicator as one JSON document.

    Args:
        request: the options.
        scenario: what ran.
        found: one entry a policy.
    """
    policies = {
        one.policy: {
            name: {"mean": float(values.mean()), "half_width_95": _or_none(half_width(values))}
            for name, values in {"return": one.returns, **one.kpi}.items()
        }
        for one in found
    }
    document = {
        "scenario": scenario.name,
        "digest": scenario.digest,
        "family": request.family,
        "first": request.first,
        "worlds": request.count,
        "action": request.action or forms_of(scenario.kind)[0].name,
        "policies": policies,
    }
    output().print(json.dumps(document, indent=1), soft_wrap=True, markup=False)


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
