"""Tables and texts of sliced networks for the commands."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from twin_gym.cli.view import PERCENT, Column, Measure
from twin_gym.console.printing import number, table, with_interval
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.theory.bounds import fluid_bound
from twin_gym.errors import ConfigError
from twin_gym.policies import Evaluation


class AdmissionView:
    """Slices, resources, and the linear programme's bound (see `View`)."""

    measure = Measure("load", "offered work over capacity")
    columns = (
        Column("revenue /s", "revenue_rate"),
        Column("utilisation %", "utilisation", PERCENT, 2),
        Column("loss %", "loss_ratio", PERCENT, 2),
        Column("fairness %", "fairness", PERCENT, 2),
    )

    def measured(self, scenario: AdmissionScenario) -> str:
        """The load of the resource that is asked for most."""
        return number(max(scenario.offered_load.values()), 3)

    def about(self, scenario: AdmissionScenario) -> str:
        """How patience ends."""
        return f"{scenario.patience_law} patience"

    def tables(self, scenario: AdmissionScenario) -> Sequence[Table]:
        """Traffic, laws, demands, resources."""
        return _traffic(scenario), _laws(scenario), _demands(scenario), _resources(scenario)

    def known(self, scenario: AdmissionScenario) -> str:
        """The linear programme's bound, or why there is none."""
        try:
            long_run = fluid_bound(scenario).revenue_rate_per_s
            episode = fluid_bound(scenario, horizon_s=scenario.horizon_s).revenue_rate_per_s
        except ConfigError as error:
            return f"No upper bound: {error}"
        return (
            f"No policy earns more than {number(long_run)} a second in the long run, nor more than "
            f"{number(episode)} on average over an episode from an empty network (linear "
            "programme)."
        )

    def details(self, scenario: AdmissionScenario, evaluation: Evaluation) -> Sequence[Table]:
        """By slice and by resource."""
        return _by_slice(scenario, evaluation), _by_resource(scenario, evaluation)

    def bound(self, scenario: AdmissionScenario, seeds: Sequence[int]) -> str | None:
        """The linear programme's, over an episode."""
        try:
            bound = fluid_bound(scenario, horizon_s=scenario.horizon_s).revenue_rate_per_s
        except ConfigError:
            return None
        return f"No policy earns more than {number(bound)} a second on average."


def _traffic(scenario: AdmissionScenario) -> Table:
    columns = ["slice", "requests /s", "served s", "revenue", "patience s", "queue limit"]
    traffic = table("Traffic (means)", columns)
    for one in scenario.slices:
        traffic.add_row(
            one.name,
            number(one.arrival_rate_hz),
            number(one.mean_holding_time_s),
            number(one.revenue),
            number(one.mean_patience_s) if one.queue_limit else "-",
            str(one.queue_limit),
        )
    return traffic


def _laws(scenario: AdmissionScenario) -> Table:
    table_of_laws = table("Laws", ["slice", "arrivals", "service times"], left=3)
    for one in scenario.slices:
        laws = ("trace", "trace") if scenario.trace else (one.arrival.law, one.holding.law)
        table_of_laws.add_row(one.name, *laws)
    return table_of_laws


def _demands(scenario: AdmissionScenario) -> Table:
    demands = table("Demand of a request", ["slice", *scenario.resource_names])
    for one in scenario.slices:
        amounts = (number(one.demand.get(name, 0.0)) for name in scenario.resource_names)
        demands.add_row(one.name, *amounts)
    return demands


def _resources(scenario: AdmissionScenario) -> Table:
    resources = table("Resources", ["resource", "capacity", "offered load", "price of a unit /s"])
    try:
        price = {name: number(value) for name, value in fluid_bound(scenario).price.items()}
    except ConfigError:
        price = {}
    for name, amount in scenario.capacity.items():
        load_of = number(scenario.offered_load[name], 3)
        resources.add_row(name, number(amount), load_of, price.get(name, "-"))
    return resources


def _by_slice(scenario: AdmissionScenario, evaluation: Evaluation) -> Table:
    columns = ["slice", "offered", "admitted", "loss %", "wait s"]
    made = table("By slice, requests of an episode", columns)
    for name in scenario.slice_names:
        made.add_row(
            name,
            with_interval(evaluation.kpi[f"offered/{name}"]),
            with_interval(evaluation.kpi[f"admitted/{name}"]),
            with_interval(PERCENT * evaluation.kpi[f"loss_ratio/{name}"], 2),
            with_interval(evaluation.kpi[f"mean_wait_s/{name}"], 4),
        )
    return made


def _by_resource(scenario: AdmissionScenario, evaluation: Evaluation) -> Table:
    made = table("By resource", ["resource", "utilisation %"])
    for name in scenario.resource_names:
        made.add_row(name, with_interval(PERCENT * evaluation.kpi[f"utilisation/{name}"], 2))
    return made


VIEW = AdmissionView()
"""The view of this environment on the command line."""
