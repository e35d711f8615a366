"""The protocol by which commands describe scenarios of each kind, and helpers for its views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from twin_gym.console.printing import number, table, with_interval
from twin_gym.environments.kinds import kind_named
from twin_gym.policies import Evaluation

PERCENT = 100.0
"""Factor of shares."""

MILLISECONDS = 1000.0
"""Factor of times in seconds."""


class Column(NamedTuple):
    """A column of the table that compares policies.

    Attributes:
        head: heading, with the unit.
        kpi: flat name of the indicator; empty: the return.
        factor: converts the indicator's unit to the column's.
        most_decimals: maximum number of decimals shown.
    """

    head: str
    kpi: str
    factor: float = 1.0
    most_decimals: int = 9

    def cell(self, evaluation: Evaluation) -> str:
        """The mean over the worlds with its interval."""
        values = evaluation.kpi[self.kpi] if self.kpi else evaluation.returns
        return with_interval(self.factor * values, self.most_decimals)


@dataclass(frozen=True)
class Measure:
    """The number that tables of scenarios show for each one.

    Attributes:
        head: heading of its column.
        meaning: explanation in the title of the table.
    """

    head: str
    meaning: str


class View(Protocol):
    """How commands describe scenarios and results of one kind."""

    @property
    def measure(self) -> Measure:
        """The number that tables of scenarios show."""
        ...

    @property
    def columns(self) -> Sequence[Column]:
        """Columns of the comparison of policies."""
        ...

    def measured(self, scenario: Any) -> str:  # noqa: ANN401 - each kind has its own model
        """The value of `measure` for a scenario, as text."""
        ...

    def about(self, scenario: Any) -> str:  # noqa: ANN401
        """One line of key figures, shown after digest and horizon."""
        ...

    def tables(self, scenario: Any) -> Sequence[Table]:  # noqa: ANN401
        """Tables of the parts of a scenario."""
        ...

    def known(self, scenario: Any) -> str:  # noqa: ANN401
        """Sentences with bounds and exact values, or why there are none."""
        ...

    def details(self, scenario: Any, evaluation: Evaluation) -> Sequence[Table]:  # noqa: ANN401
        """Detailed tables of one policy's results."""
        ...

    def bound(self, scenario: Any, seeds: Sequence[int]) -> str | None:  # noqa: ANN401
        """A sentence with the bound for these worlds; None if no bound is known."""
        ...


def view_of(kind: str) -> View:
    """The view of a kind.

    Raises:
        UnknownNameError: if there is no such kind.
    """
    view: View = kind_named(kind).facet("view")
    return view


def pairs(title: str, rows: Sequence[tuple[str, str]]) -> Table:
    """A table of quantities and their values.

    Args:
        title: title of the table.
        rows: quantities and their values.

    Returns:
        The table.
    """
    made = table(title, ["quantity", "value"], wrapped=0)
    for row in rows:
        made.add_row(*row)
    return made


def indicator_table(evaluation: Evaluation) -> Table:
    """All indicators of a policy, with their intervals."""
    made = table(f"Indicators of {evaluation.policy}", ["indicator", "mean"])
    made.add_row("return", with_interval(evaluation.returns))
    for name, values in evaluation.kpi.items():
        made.add_row(name, with_interval(values))
    return made


def spread(values: NDArray[np.int64]) -> str:
    """Minimum, maximum and mean of counts, as text."""
    return f"{values.min()} to {values.max()}, {number(float(values.mean()), 3)} on average"
