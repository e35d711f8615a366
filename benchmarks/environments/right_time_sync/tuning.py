"""The rule of right-time synchronisation that has a parameter: the period."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.tuning.rule import DIGITS, Floats, TunableRule, Values
from twin_gym.environments.right_time_sync.policies import PeriodicPolicy
from twin_gym.environments.right_time_sync.scenario import SyncScenario
from twin_gym.policies import Policy

_MOST_TURNS = 4.0


class Period(TunableRule):
    """The period in which each entity is heard of, up to four turns through all."""

    name = "tuned-periodic"
    description = "Each entity once in a period that was tuned, the most overdue first."
    untuned = "periodic"
    kind = "sync"
    forms = (None, "pick", "rounds")

    def __init__(self, scenarios: Sequence[SyncScenario], action: str | None = None) -> None:
        super().__init__(scenarios, action)
        self.start = np.array([1.0 / _MOST_TURNS])
        self.coarse = np.zeros((0, 1))

    def policy(self, scenario: SyncScenario, shares: Floats) -> Policy:
        """Periodic with these periods."""
        return PeriodicPolicy(scenario, self.action or "pick", period_s=_period_s(scenario, shares))  # type: ignore[arg-type]

    def values(self, shares: Floats) -> dict[str, Any]:
        """The period."""
        return {"periodic": {"period_s": float(_period_s(self.first, shares))}}

    @staticmethod
    def from_values(scenario: SyncScenario, values: Values, action: str | None = None) -> Policy:
        """The period by name."""
        return PeriodicPolicy(scenario, action or "pick", **values.get("periodic", {}))  # type: ignore[arg-type]


def _period_s(scenario: SyncScenario, shares: Floats) -> Floats:
    """A slot at least."""
    turn_s = scenario.num_entities * scenario.slot_s
    return np.maximum(shares[..., 0] * _MOST_TURNS * turn_s, scenario.slot_s).round(DIGITS)


RULES = (Period,)
