"""The rivals of agents in slice admission: a proven bound and the classical rules."""

from __future__ import annotations

from benchmarks.comparison import Row
from benchmarks.environments import short_horizon_s
from benchmarks.runs import judge
from benchmarks.statistics import Interval, interval, mean_interval
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.theory.bounds import fluid_bound
from twin_gym.errors import ConfigError, TwinGymError
from twin_gym.policies import evaluate, make_policy, world_seeds

CLASSICAL = ("random", "fifo", "density", "reservation")


def columns(scenario: AdmissionScenario) -> dict[str, str]:
    """Headings by KPI: revenue a second, utilisation a resource, loss a slice."""
    return {
        "revenue_rate": "revenue/s",
        **{f"utilisation/{name}": f"use of {name}" for name in scenario.resource_names},
        **{f"loss_ratio/{name}": f"loss {name}" for name in scenario.slice_names},
    }


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
        evaluation = judge(policy, scenario, worlds)
        values = {kpi: mean_interval(evaluation.kpi[kpi]) for kpi in columns(scenario)}
        rows.append(Row(name, values, f"{worlds} worlds"))
    return rows


def reference_lines(scenario: AdmissionScenario, worlds: int) -> list[Row]:
    """The rules on the very worlds and horizon of curves of so many worlds."""
    short = scenario.replace(horizon_s=short_horizon_s(scenario))
    rows = []
    for name in ("random", "density", "reservation"):
        try:
            policy = make_policy(name, scenario)
        except TwinGymError:
            continue
        rate = evaluate(policy, short, world_seeds("validation", worlds)).kpi["revenue_rate"]
        rows.append(Row(name, {"revenue_rate": interval([rate.mean()])}, "worlds"))
    return rows
