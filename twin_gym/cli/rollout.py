"""`twin-gym rollout`: policies in the same worlds, with intervals over the worlds."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from scipy.stats import t as student

from twin_gym.cli.console import number, output, progress_bar, table
from twin_gym.cli.showing import check_target, show_episode
from twin_gym.envs.slice_admission.observation import ActionForm
from twin_gym.errors import ConfigError
from twin_gym.policies import (
    Evaluation,
    Family,
    Policy,
    evaluate,
    make_policy,
    policies_for,
    world_seeds,
)
from twin_gym.scenario import AdmissionScenario, load
from twin_gym.theory import fluid_bound

ALL = "all"

_COMPARED = ("utilisation", "loss_ratio", "fairness")
_CONFIDENCE = 0.95
_LEAST_LAST_DIGITS = 3.0  # 0.27 is written as 0.27 and 0.034 as 0.03


@dataclass(frozen=True)
class Request:
    """What the user asked for; see the options of the command."""

    scenario: str
    policies: Sequence[str]
    count: int
    family: str
    first: int
    action: str
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
    form = cast("ActionForm", request.action)
    policies = _policies(request, scenario, form)
    seeds = world_seeds(cast("Family", request.family), request.count, first=request.first)
    if request.render is not None:
        show_episode(policies[0], scenario, form, seeds[0], request.render)
    found = _evaluate_all(policies, scenario, seeds, form)
    if request.as_json:
        print_json(request, scenario, found)
        return
    console = output()
    console.print(_comparison(request, scenario, found))
    if len(found) == 1:
        console.print()
        console.print(_by_slice(scenario, found[0]))
        console.print()
        console.print(_by_resource(scenario, found[0]))
    console.print(f"\n{_remark(scenario, request.count)}")


def _policies(
    request: Request, scenario: AdmissionScenario, form: ActionForm
) -> tuple[Policy, ...]:
    if ALL in request.policies:
        return policies_for(scenario, form)
    return tuple(make_policy(name, scenario, form) for name in dict.fromkeys(request.policies))


def _evaluate_all(
    policies: Sequence[Policy],
    scenario: AdmissionScenario,
    seeds: Sequence[int],
    form: ActionForm,
) -> list[Evaluation]:
    columns = (
        TextColumn("{task.description:>12}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
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


def half_width(values: NDArray[np.float64]) -> float:
    """Half of the 95 % interval of a mean (Student's t); not a number for a single value."""
    count = len(values)
    if count == 1:
        return float("nan")
    quantile = float(student.ppf((1 + _CONFIDENCE) / 2, count - 1))
    return quantile * float(values.std(ddof=1)) / math.sqrt(count)


def with_interval(values: NDArray[np.float64], most_decimals: int = 9) -> str:
    """A mean and half of its 95 % interval, to the decimals that the interval supports."""
    mean, half = float(values.mean()), half_width(values)
    if np.isnan(half):
        return number(mean)
    decimals = 0
    while decimals < most_decimals and half * 10**decimals < _LEAST_LAST_DIGITS and half > 0:
        decimals += 1
    return f"{mean:,.{decimals}f} ± {half:,.{decimals}f}"


def _in_percent(values: NDArray[np.float64]) -> str:
    return with_interval(100 * values, most_decimals=2)


def _comparison(
    request: Request, scenario: AdmissionScenario, found: Sequence[Evaluation]
) -> Table:
    last = request.first + request.count - 1
    worlds = f"worlds {request.first} to {last}" if last > request.first else f"world {last}"
    title = f"{scenario.name}, {request.family} {worlds}"
    made = table(title, ["policy", "revenue /s", "utilisation %", "loss %", "fairness %"])
    for one in found:
        shares = (_in_percent(one.kpi[name]) for name in _COMPARED)
        made.add_row(one.policy, with_interval(one.kpi["revenue_rate"]), *shares)
    return made


def _remark(scenario: AdmissionScenario, count: int) -> str:
    """What the numbers are, and the most that any policy can earn."""
    said = "Means over worlds ± half of their 95 % interval." if count > 1 else "A single world."
    with contextlib.suppress(ConfigError):
        bound = fluid_bound(scenario, horizon_s=scenario.horizon_s).revenue_rate_per_s
        said += f"\nNo policy earns more than {number(bound)} a second on average."
    return said


def _by_slice(scenario: AdmissionScenario, found: Evaluation) -> Table:
    columns = ["slice", "offered", "admitted", "loss %", "wait s"]
    made = table("By slice, requests of an episode", columns)
    for name in scenario.slice_names:
        made.add_row(
            name,
            with_interval(found.kpi[f"offered/{name}"]),
            with_interval(found.kpi[f"admitted/{name}"]),
            _in_percent(found.kpi[f"loss_ratio/{name}"]),
            with_interval(found.kpi[f"mean_wait_s/{name}"], most_decimals=4),
        )
    return made


def _by_resource(scenario: AdmissionScenario, found: Evaluation) -> Table:
    made = table("By resource", ["resource", "utilisation %"])
    for name in scenario.resource_names:
        made.add_row(name, _in_percent(found.kpi[f"utilisation/{name}"]))
    return made


def print_json(request: Request, scenario: AdmissionScenario, found: Sequence[Evaluation]) -> None:
    """Prints every indicator as one JSON document.

    Args:
        request: the options.
        scenario: what ran.
        found: one entry a policy.
    """
    policies = {
        one.policy: {
            name: {"mean": float(values.mean()), "half_width_95": _or_none(half_width(values))}
            for name, values in one.kpi.items()
        }
        for one in found
    }
    document = {
        "scenario": scenario.name,
        "digest": scenario.digest,
        "family": request.family,
        "first": request.first,
        "worlds": request.count,
        "action": request.action,
        "policies": policies,
    }
    output().print(json.dumps(document, indent=1), soft_wrap=True, markup=False)


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value
