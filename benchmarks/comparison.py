"""The table of a comparison: agents between random and a proven bound, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.runs import Run, judge
from benchmarks.statistics import Interval, interval, mean_interval
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.theory.bounds import fluid_bound
from twin_gym.errors import ConfigError
from twin_gym.policies import make_policy

CLASSICAL = ("random", "fifo", "density", "reservation")


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        name: who.
        values: by KPI, estimate and interval; a bound has its revenue alone.
        over: what the interval is over.
    """

    name: str
    values: dict[str, Interval]
    over: str


def columns(scenario: AdmissionScenario) -> list[str]:
    """KPIs of the table: revenue a second, utilisation a resource, loss a slice."""
    return [
        "revenue_rate",
        *(f"utilisation/{name}" for name in scenario.resource_names),
        *(f"loss_ratio/{name}" for name in scenario.slice_names),
    ]


def bound_row(scenario: AdmissionScenario) -> Row:
    """The fluid bound; for a replayed trace that of the rates and means that describe it."""
    if scenario.trace is None:
        rate = fluid_bound(scenario, horizon_s=scenario.horizon_s).revenue_rate_per_s
        return Row("bound (LP)", {"revenue_rate": Interval(rate, rate, rate)}, "proof")
    rate = fluid_bound(scenario.replace(trace=None)).revenue_rate_per_s
    return Row(
        "bound (LP of the mean rates)", {"revenue_rate": Interval(rate, rate, rate)}, "model"
    )


def classical_rows(scenario: AdmissionScenario, worlds: int) -> list[Row]:
    """Rules on the final worlds; a reservation only where thresholds were tuned."""
    rows = []
    for name in CLASSICAL:
        try:
            policy = make_policy(name, scenario)
        except ConfigError:
            if name != "reservation":
                raise
            continue
        found = judge(policy, scenario, worlds)
        values = {kpi: mean_interval(found.kpi[kpi]) for kpi in columns(scenario)}
        rows.append(Row(name, values, f"{worlds} worlds"))
    return rows


def learned_row(name: str, runs: Sequence[Run], scenario: AdmissionScenario) -> Row:
    """An agent over its seeds: interquartile mean and bootstrap interval."""
    values = {kpi: interval([run.final[kpi] for run in runs]) for kpi in columns(scenario)}
    return Row(name, values, f"{len(runs)} seeds")


def as_markdown(rows: Sequence[Row], scenario: AdmissionScenario) -> str:
    """The table as Markdown, estimates with their intervals."""
    names = columns(scenario)
    heads = ["", *(heading(name) for name in names), "interval over"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in rows:
        cells = [cell(row.values.get(name)) for name in names]
        lines.append("| " + " | ".join([row.name, *cells, row.over]) + " |")
    return "\n".join(lines) + "\n"


def heading(name: str) -> str:
    """Short heading of a KPI."""
    kind, _, of = name.partition("/")
    return {"revenue_rate": "revenue/s", "utilisation": f"use of {of}", "loss_ratio": f"loss {of}"}[
        kind
    ]


def cell(value: Interval | None) -> str:
    """An estimate and half its interval, with as many digits as mean something."""
    if value is None:
        return ""
    digits = max(0, 3 - int(np.floor(np.log10(max(abs(value.estimate), 1e-12)))))
    digits = min(digits, 6) if abs(value.estimate) < 1 else 2
    if value.low == value.high:
        return f"{value.estimate:.{digits}f}"
    if not value.is_known:
        return f"{value.estimate:.{digits}f} (one value)"
    return f"{value.estimate:.{digits}f} ± {(value.high - value.low) / 2:.{digits}f}"
