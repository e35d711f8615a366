"""The view of environments without `view.py`: their fields and indicators."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

from rich.table import Table

from twin_gym.cli.view import Column, Measure, indicator_table, pairs
from twin_gym.console.printing import number
from twin_gym.core.vector import RowsVectorEnv
from twin_gym.environments.kinds import EnvironmentKind
from twin_gym.policies import Evaluation
from twin_gym.scenario import Scenario

_MOST_COLUMNS, _MOST_LETTERS = 4, 60


class PlainView:
    """Every field of a scenario, and the first indicators (see `View`).

    Args:
        kind: of the environment.
    """

    measure: ClassVar = Measure("horizon s", "simulated seconds of an episode")

    def __init__(self, kind: EnvironmentKind) -> None:
        self._kind = kind

    @cached_property
    def columns(self) -> Sequence[Column]:
        """The return, and the first indicators by their names."""
        env: RowsVectorEnv[Any] = self._kind.facet("vector")(1)
        names = tuple(env.batch.kpis())[:_MOST_COLUMNS]
        env.close()
        return (Column("return", ""), *(Column(name.replace("_", " "), name) for name in names))

    def measured(self, scenario: Scenario) -> str:
        """The horizon."""
        return number(scenario.horizon_s, 6)

    def about(self, scenario: Scenario) -> str:
        """The number of decisions, if all are the same time apart."""
        slot_s = getattr(scenario, "slot_s", None)
        if slot_s is None:
            return f"kind {scenario.kind}"
        return f"{round(scenario.horizon_s / slot_s):,} decisions"

    def tables(self, scenario: Scenario) -> Sequence[Table]:
        """The fields that decide what the scenario does."""
        values = scenario.model_dump(mode="json", exclude=set(scenario.about_only))
        rows = [(name, str(value)[:_MOST_LETTERS]) for name, value in values.items()]
        return (pairs(f"Fields of {scenario.name}", rows),)

    def known(self, scenario: Scenario) -> str:
        """Where the bound is, if there is one, and what would tell it here."""
        to_write, bound = self._kind.to_write("view"), f"{self._kind.package}.benchmarks.bound"
        if _is_there(bound):
            file = f"{bound.replace('.', '/')}.py"
            return f"A bound is in {file}; {to_write} would tell it here."
        return f"No bound or exact figure is told: {to_write} would tell one."

    def details(self, scenario: Scenario, evaluation: Evaluation) -> Sequence[Table]:
        """All indicators."""
        return (indicator_table(evaluation),)

    def bound(self, scenario: Scenario, seeds: Sequence[int]) -> str | None:
        """None: nothing is known."""
        return None


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # nor is the package that it would be in
        return False
