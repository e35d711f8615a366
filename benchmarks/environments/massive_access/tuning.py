"""The rule of massive access that has parameters: the estimator from idle preambles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.tuning.rule import DIGITS, Floats, TunableRule, Values
from twin_gym.environments.massive_access.policies.barring import IdleEstimator
from twin_gym.environments.massive_access.scenario import AccessScenario
from twin_gym.policies import Policy

_MOST_LOAD, _MOST_GAIN, _LEAST = 2.0, 0.25, 1e-3


class Estimator(TunableRule):
    """The load that the estimator aims at, 0 to 2 senders a preamble, and its gain, 0 to 1/4."""

    name = "tuned-estimator"
    description = "The estimator from idle preambles, its load and its gain tuned."
    untuned = "idle-estimator"
    kind = "access"
    forms = (None, "level", "probability")

    def __init__(self, scenarios: Sequence[AccessScenario], action: str | None = None) -> None:
        super().__init__(scenarios, action)
        self.start = np.array([1.0 / _MOST_LOAD, 0.05 / _MOST_GAIN])
        self.coarse = np.zeros((0, 2))

    def policy(self, scenario: AccessScenario, shares: Floats) -> Policy:
        """The estimator with these parameters."""
        load, gain = _estimator_values(shares)
        return IdleEstimator(scenario, self.action or "level", load=load, rate_gain=gain)  # type: ignore[arg-type]

    def values(self, shares: Floats) -> dict[str, Any]:
        """Load and gain."""
        load, gain = _estimator_values(shares)
        return {"estimator": {"load": float(load), "rate_gain": float(gain)}}

    @staticmethod
    def from_values(scenario: AccessScenario, values: Values, action: str | None = None) -> Policy:
        """Load and gain by name."""
        return IdleEstimator(scenario, action or "level", **values.get("estimator", {}))  # type: ignore[arg-type]


def _estimator_values(shares: Floats) -> tuple[Floats, Floats]:
    """Load and gain, neither of them 0."""
    load = np.maximum(shares[..., 0] * _MOST_LOAD, _LEAST)
    gain = np.maximum(shares[..., 1] * _MOST_GAIN, _LEAST)
    return load.round(DIGITS), gain.round(DIGITS)


RULES = (Estimator,)
