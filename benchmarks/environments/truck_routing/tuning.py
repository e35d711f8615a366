"""The rules of truck routing that have a parameter: the threshold, and the days of the schedule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.tuning.rule import DIGITS, Floats, TunableRule, Values
from twin_gym.environments.truck_routing.policies import SchedulePolicy, ThresholdPolicy
from twin_gym.environments.truck_routing.scenario import TruckScenario
from twin_gym.policies import Policy
from twin_gym.policies.base import Actions, Masks, Observations

_LEAST_FILL, _MOST_FILL = 0.05, 1.5


class Threshold(TunableRule):
    """The predicted fill from which on a bin is due, 0 to 1."""

    name = "tuned-threshold"
    description = "The nearest bin whose predicted fill is at a threshold that was tuned."
    untuned = "threshold"
    kind = "truck"
    forms = (None, "pick", "nearest")

    def __init__(self, scenarios: Sequence[TruckScenario], action: str | None = None) -> None:
        super().__init__(scenarios, action)
        self.start = np.array([0.7])
        self.coarse = np.zeros((0, 1))

    def policy(self, scenario: TruckScenario, shares: Floats) -> Policy:
        """A threshold of its own in each row."""
        return _PolicyOfRows(
            shares[:, 0].round(DIGITS),
            lambda fill: ThresholdPolicy(scenario, self.action or "pick", threshold=fill),  # type: ignore[arg-type]
        )

    def values(self, shares: Floats) -> dict[str, Any]:
        """The threshold."""
        return {"threshold": {"threshold": round(float(shares[0]), DIGITS)}}

    @staticmethod
    def from_values(scenario: TruckScenario, values: Values, action: str | None = None) -> Policy:
        """The threshold by name."""
        return ThresholdPolicy(scenario, action or "pick", **values.get("threshold", {}))  # type: ignore[arg-type]


class Schedule(TunableRule):
    """How full bins are on average at the visits of the schedule, which gives their days."""

    name = "tuned-schedule"
    description = "Fixed days of each bin, as often as was tuned, whatever the sensors say."
    untuned = "schedule"
    kind = "truck"
    forms = (None, "pick")

    def __init__(self, scenarios: Sequence[TruckScenario], action: str | None = None) -> None:
        super().__init__(scenarios, action)
        self.start = np.array([0.75 / _MOST_FILL])
        self.coarse = np.zeros((0, 1))

    def policy(self, scenario: TruckScenario, shares: Floats) -> Policy:
        """Days of its own in each row."""
        return _PolicyOfRows(
            _fill_at_visit(shares[:, 0]),
            lambda fill: SchedulePolicy(scenario, fill_at_visit=fill),
        )

    def values(self, shares: Floats) -> dict[str, Any]:
        """The mean fill at a visit."""
        return {"schedule": {"fill_at_visit": float(_fill_at_visit(shares[0]))}}

    @staticmethod
    def from_values(scenario: TruckScenario, values: Values, action: str | None = None) -> Policy:
        """The mean fill at a visit by name."""
        return SchedulePolicy(scenario, action or "pick", **values.get("schedule", {}))  # type: ignore[arg-type]


def _fill_at_visit(share: Any) -> Any:  # noqa: ANN401 - one or several
    """Up to one and a half times the capacity."""
    return np.maximum(share * _MOST_FILL, _LEAST_FILL).round(DIGITS)


class _PolicyOfRows:
    """Rows with the same parameter share a policy; a row decides the same beside any others.

    Args:
        values: of the parameter, one a row.
        make: gives the policy of a value.
    """

    name = "tuned"

    def __init__(self, values: Floats, make: Callable[[float], Policy]) -> None:
        distinct, group = np.unique(values, return_inverse=True)
        self._members = [
            (np.flatnonzero(group == k), make(float(value))) for k, value in enumerate(distinct)
        ]

    def reset(self, seed: int) -> None:
        """Resets all of them."""
        for _, policy in self._members:
            policy.reset(seed)

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """Choices; shape (rows,)."""
        chosen = np.zeros(len(observations), np.int64)
        for rows, policy in self._members:
            chosen[rows] = policy.actions(observations[rows], masks[rows])
        return chosen


RULES = (Threshold, Schedule)
