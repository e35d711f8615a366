"""What the commands ask of a kind of scenario, and what the views of all kinds are built of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from twin_gym.cli.console import number, table, with_interval
from twin_gym.environments.kinds import kind_named
from twin_gym.policies import Evaluation

PERCENT = 100.0
"""Factor of shares."""

MILLISECONDS = 1000.0
"""Factor of times in seconds."""


class Column(NamedTuple):
    """A column in which policies are compared.

    Attributes:
        head: what stands on top, with the unit.
        kpi: flat name of the indicator; empty: the sum of the rewards.
        factor: from the indicator's unit to the column's.
        most_decimals: digits after the point that are shown at most.
    """

    head: str
    kpi: str
    factor: float = 1.0
    most_decimals: int = 9

    def cell(self, found: Evaluation) -> str:
        """The mean over the worlds with its interval."""
        values = found.kpi[self.kpi] if self.kpi else found.returns
        return with_interval(self.factor * values, self.most_decimals)


@dataclass(frozen=True)
class Measure:
    """The one number that lists tell of a scenario.

    Attributes:
        head: of its column.
        meaning: said above the table.
    """

    head: str
    meaning: str


class View(Protocol):
    """What is told of scenarios of one kind."""

    @property
    def measure(self) -> Measure:
        """What lists tell beside the description."""
        ...

    @property
    def columns(self) -> Sequence[Column]:
        """In which policies are compared."""
        ...

    def measured(self, scenario: Any) -> str:  # noqa: ANN401 - each kind has its own model
        """The measure of a scenario."""
        ...

    def about(self, scenario: Any) -> str:  # noqa: ANN401
        """What stands after the digest and the horizon, in one line."""
        ...

    def tables(self, scenario: Any) -> Sequence[Table]:  # noqa: ANN401
        """What the scenario is made of."""
        ...

    def known(self, scenario: Any) -> str:  # noqa: ANN401
        """Bounds and exact figures, or why there are none: sentences."""
        ...

    def details(self, scenario: Any, found: Evaluation) -> Sequence[Table]:  # noqa: ANN401
        """All that is told of one policy."""
        ...

    def bound(self, scenario: Any, seeds: Sequence[int]) -> str | None:  # noqa: ANN401
        """What no policy exceeds in a comparison, in a sentence; None where nothing is known."""
        ...


def view_of(kind: str) -> View:
    """What is told of a kind of scenario.

    Raises:
        UnknownNameError: if there is no such kind.
    """
    found: View = kind_named(kind).facet("view")
    return found


def pairs(title: str, rows: Sequence[tuple[str, str]]) -> Table:
    """A table of quantities and their values.

    Args:
        title: printed above.
        rows: the quantity and its value.

    Returns:
        The table.
    """
    made = table(title, ["quantity", "value"], wrapped=0)
    for row in rows:
        made.add_row(*row)
    return made


def indicators(found: Evaluation) -> Table:
    """All indicators of a policy, with their intervals."""
    made = table(f"Indicators of {found.policy}", ["indicator", "mean"])
    made.add_row("return", with_interval(found.returns))
    for name, values in found.kpi.items():
        made.add_row(name, with_interval(values))
    return made


def spread(values: NDArray[np.int64]) -> str:
    """Least, mean and most of several counts."""
    return f"{values.min()} to {values.max()}, {number(float(values.mean()), 3)} on average"
