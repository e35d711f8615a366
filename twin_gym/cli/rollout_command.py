"""`twin-gym rollout`: compares policies on the same worlds, with confidence intervals."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from rich.progress import BarColumn, TaskProgressColumn, TimeElapsedColumn
from rich.table import Table

from twin_gym.cli.episode_renderer import check_target, show_episode
from twin_gym.cli.view import view_of
from twin_gym.console.error_reporting import deliver
from twin_gym.console.printing import output, progress_bar, table
from twin_gym.console.sanitising import LiteralColumn
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
class RolloutOptions:
    """The options of the command."""

    scenario: str
    policies: Sequence[str]
    count: int
    family: str
    first: int
    action: str | None
    render: str | None
    as_json: bool


def run(options: RolloutOptions) -> None:
    """Runs the policies and prints the comparison.

    Args:
        options: the options.

    Raises:
        TwinGymError: if a name is unknown, or a policy does not support the scenario.
    """
    scenario = load(options.scenario)
    if options.render is not None:
        check_target(options.render)
    policies = _policies(options, scenario)
    seeds = world_seeds(cast("Family", options.family), options.count, first=options.first)
    keep = None
    if options.render is not None:
        keep = show_episode(policies[0], scenario, options.action, seeds[0], options.render)
    evaluations = _evaluate_all(policies, scenario, seeds, options.action)
    deliver(lambda: _print(options, scenario, seeds, evaluations), keep or (lambda: None))


def _print(
    options: RolloutOptions,
    scenario: Scenario,
    seeds: Sequence[int],
    evaluations: Sequence[Evaluation],
) -> None:
    if options.as_json:
        print_json(options, scenario, evaluations)
        return
    console, view = output(), view_of(scenario.kind)
    console.print(_comparison(options, scenario, evaluations))
    if len(evaluations) == 1:
        for one in view.details(scenario, evaluations[0]):
            console.print()
            console.print(one)
    note = "Mean over worlds ± half-width of the 95 % interval." if options.count > 1 else (
        "A single world."
    )  # fmt: skip
    console.print(f"\n{note}")
    bound = view.bound(scenario, seeds)
    if bound is not None:
        console.print(bound)


def _policies(options: RolloutOptions, scenario: Scenario) -> tuple[Policy, ...]:
    names = options.policies or [kind_named(scenario.kind).facet("default_policy")]
    if ALL in names:
        return policies_for(scenario, options.action)
    return tuple(make_policy(name, scenario, options.action) for name in dict.fromkeys(names))


def _evaluate_all(
    policies: Sequence[Policy], scenario: Scenario, seeds: Sequence[int], form: str | None
) -> list[Evaluation]:
    columns = (
        LiteralColumn("{task.description:>22}"), BarColumn(), TaskProgressColumn(),
        TimeElapsedColumn(),
    )  # fmt: skip
    evaluations = []
    with progress_bar(*columns) as bar:
        for policy in policies:
            task = bar.add_task(policy.name, total=1.0)
            evaluation = evaluate(
                policy, scenario, seeds, action=form,
                progress=lambda share, task=task: bar.update(task, completed=share),  # type: ignore[misc]
            )  # fmt: skip
            bar.update(task, completed=1.0)
            evaluations.append(evaluation)
    return evaluations


def _comparison(
    options: RolloutOptions, scenario: Scenario, evaluations: Sequence[Evaluation]
) -> Table:
    last = options.first + options.count - 1
    worlds = f"worlds {options.first} to {last}" if last > options.first else f"world {last}"
    columns = view_of(scenario.kind).columns
    title = f"{scenario.name}, {options.family} {worlds}"
    made = table(title, ["policy", *(one.head for one in columns)])
    for one in evaluations:
        made.add_row(one.policy, *(column.cell(one) for column in columns))
    return made


def print_json(
    options: RolloutOptions, scenario: Scenario, evaluations: Sequence[Evaluation]
) -> None:
    """Prints every indicator as one JSON document.

    Args:
        options: the options.
        scenario: the scenario.
        evaluations: the evaluation of each policy.
    """
    policies = {
        one.policy: {
            name: {"mean": float(values.mean()), "half_width_95": _or_none(half_width(values))}
            for name, values in {"return": one.returns, **one.kpi}.items()
        }
        for one in evaluations
    }
    document = {
        "scenario": scenario.name,
        "digest": scenario.digest,
        "family": options.family,
        "first": options.first,
        "worlds": options.count,
        "action": options.action or forms_of(scenario.kind)[0].name,
        "policies": policies,
    }
    output().print(json.dumps(document, indent=1), soft_wrap=True, markup=False)


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
