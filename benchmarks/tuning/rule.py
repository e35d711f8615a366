"""A rule that has parameters: what they are, their ranges, and how they are named."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from twin_gym.policies import Policy

Floats = NDArray[np.float64]
Values = Mapping[str, Any]

DIGITS = 6
"""After the point, of every parameter."""


class TunableRule(ABC):
    """A rule with parameters, for scenarios that its parameters mean the same in.

    Args:
        scenarios: what it is tuned for.
        action: the form of the actions; None: the default of the environment.

    Attributes:
        name: of the rule.
        description: one sentence.
        untuned: name of the rule that it is without tuning.
        kind: of the scenarios.
        forms: of the actions.
        start: the untuned rule, shares of the ranges; shape (parameters,).
        coarse: other sets to begin the search with; shape (candidates, parameters).
    """

    name: ClassVar[str]
    description: ClassVar[str]
    untuned: ClassVar[str]
    kind: ClassVar[str]
    forms: ClassVar[tuple[str | None, ...]]
    start: Floats
    coarse: Floats

    def __init__(self, scenarios: Sequence[Any], action: str | None = None) -> None:
        self.scenarios = scenarios
        self.first = scenarios[0]
        self.action = action

    @abstractmethod
    def policy(self, scenario: Any, shares: Floats) -> Policy:  # noqa: ANN401 - of its kind
        """The rule with other parameters in each row; shares of shape (rows, parameters)."""

    @abstractmethod
    def values(self, shares: Floats) -> dict[str, Any]:
        """Parameters by name, for people and files."""

    @staticmethod
    @abstractmethod
    def from_values(scenario: Any, values: Values, action: str | None = None) -> Policy:  # noqa: ANN401
        """The rule with named parameters; none: the untuned rule."""
