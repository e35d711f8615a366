"""Tables and texts of right-time synchronisation for the commands."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from twin_gym.cli.view import PERCENT, Column, Measure, indicator_table, pairs
from twin_gym.console.printing import number, table
from twin_gym.environments.right_time_sync.scenario import (
    EntityGroup,
    MeanReverting,
    Replay,
    SyncScenario,
    TwoState,
    Walk,
)
from twin_gym.environments.right_time_sync.theory import mean_age_periodic, relaxation_bound
from twin_gym.errors import ConfigError
from twin_gym.policies import Evaluation

_MOST_BOUNDED = 64
"""Entities of other rates up to which the bound takes no longer than a few seconds."""


class SyncView:
    """Entities, their laws, the budget, and the relaxation's bound (see `View`)."""

    measure = Measure("turn s", "simulated seconds for an update of each entity")
    columns = (
        Column("return", ""),
        Column("accuracy %", "scenario_accuracy", PERCENT, 2),
        Column("mean age s", "mean_age_s"),
        Column("updates", "updates"),
    )

    def measured(self, scenario: SyncScenario) -> str:
        """A turn through all, one update a slot."""
        return number(scenario.num_entities * scenario.slot_s)

    def about(self, scenario: SyncScenario) -> str:
        """How many entities and decisions."""
        return (
            f"{scenario.num_slots:,} slots of {number(scenario.slot_s)} s, "
            f"predictor {scenario.predictor!r}"
        )

    def tables(self, scenario: SyncScenario) -> Sequence[Table]:
        """Groups of entities, and updates."""
        return _groups(scenario), _updates(scenario)

    def known(self, scenario: SyncScenario) -> str:
        """The age of a round robin, and the relaxation's bound."""
        age_s = mean_age_periodic(
            scenario.num_entities * scenario.slot_s, scenario.delivery_probability
        )
        said = f"Updated in turn, one a slot, entities are {number(age_s)} s old on average."
        return f"{said} {_relaxed(scenario)}"

    def details(self, scenario: SyncScenario, evaluation: Evaluation) -> Sequence[Table]:
        """All indicators."""
        return (indicator_table(evaluation),)

    def bound(self, scenario: SyncScenario, seeds: Sequence[int]) -> str | None:
        """None: over an episode the relaxation takes minutes (`right_time_sync.theory`)."""
        return None


def _relaxed(scenario: SyncScenario) -> str:
    """The relaxation's bound in the long run, or why there is none."""
    rates = sum(group.count if group.spread > 1.0 else 1 for group in scenario.groups)
    if rates > _MOST_BOUNDED:
        return "Its bound takes long: `right_time_sync.theory.relaxation_bound` computes it."
    try:
        least = relaxation_bound(scenario, is_finite=False)
    except ConfigError as error:
        return f"No bound: {error}"
    return (
        f"With one update a slot no policy has a smaller error and cost together than "
        f"{number(least, 3)} a slot in the long run (relaxation)."
    )


def _groups(scenario: SyncScenario) -> Table:
    groups = table("Entities", ["group", "law", "count", "weight", "changes"], left=2, wrapped=4)
    for group in scenario.groups:
        count, weight = f"{group.count:,}", number(group.weight)
        groups.add_row(group.name, group.process.law, count, weight, _changes(group))
    return groups


def _changes(group: EntityGroup) -> str:
    process = group.process
    slowest, fastest = group.rate_factor(0), group.rate_factor(group.count - 1)

    def between(value: float) -> str:
        ends = (number(value * factor, 3) for factor in (slowest, fastest))
        return " to ".join(dict.fromkeys(ends))

    if isinstance(process, Walk):
        return f"{between(process.variance_rate_hz)} squared ranges a second"
    if isinstance(process, MeanReverting):
        ends = (number(process.relaxation_s / factor, 3) for factor in (slowest, fastest))
        return f"sd {number(process.sd)}, back within {' to '.join(dict.fromkeys(ends))} s"
    if isinstance(process, TwoState):
        return f"{between(process.change_rate_hz)} a second"
    return _replayed(process)


def _replayed(process: Replay) -> str:
    losses = ", with their losses" if process.losses else ""
    return f"{process.file.column} of {len(process.sources)} in {process.file.path}{losses}"


def _updates(scenario: SyncScenario) -> Table:
    budget = "no limit" if scenario.update_budget is None else f"{scenario.update_budget:,}"
    return pairs(
        "Updates",
        [
            ("an update arrives with probability", f"{scenario.delivery_probability:.0%}"),
            ("slots until then", str(scenario.delay_slots)),
            ("updates in a slot at most, with action 'rounds'", str(scenario.round_size)),
            ("updates in an episode at most", budget),
            ("cost of an update", number(scenario.update_cost)),
            ("energy of an update, J", number(scenario.energy_per_update_j)),
            ("accurate is within so much of the range", f"{scenario.tolerance:.0%}"),
            ("the twin knows every value at first", _yes_or_no(scenario.initial == "synchronised")),
        ],
    )


def _yes_or_no(holds: bool) -> str:
    return "yes" if holds else "no"


VIEW = SyncView()
"""The view of this environment on the command line."""
