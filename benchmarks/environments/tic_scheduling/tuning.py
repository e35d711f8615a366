"""The rule of tiny instant communication that has parameters: constant weights."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.tuning.rule import DIGITS, Floats, TunableRule, Values
from twin_gym.environments.tic_scheduling.policies import ConstantWeights
from twin_gym.environments.tic_scheduling.scenario import TicScenario
from twin_gym.policies import Policy
from twin_gym.policies.base import Actions, Masks, Observations

_WEIGHT_NAMES = ("density", "deadline", "latency", "buffer")
_NUM_WEIGHTS, _PARTS = len(_WEIGHT_NAMES), 4


class Weights(TunableRule):
    """The same four weights in every frame, anywhere on the simplex.

    The search begins with equal weights and a grid of the simplex in quarters, corners included, so
    that no constant rule of the package is better than what it finds on its own worlds.
    """

    name = "tuned-weights"
    description = "The best constant weights that a search over the simplex found."
    untuned = "equal"
    kind = "tic"
    forms = (None, "weights")

    def __init__(self, scenarios: Sequence[TicScenario], action: str | None = None) -> None:
        super().__init__(scenarios, action)
        self.start = np.full(_NUM_WEIGHTS, 1.0 / _NUM_WEIGHTS)
        parts = range(_PARTS + 1)
        self.coarse = np.array(
            [
                (a, b, c, _PARTS - a - b - c)
                for a, b, c in product(parts, repeat=3)
                if a + b + c <= _PARTS
            ]
        ) / float(_PARTS)

    def policy(self, scenario: TicScenario, shares: Floats) -> Policy:
        """Constant weights, others in each row."""
        return _WeightsOfRows(_on_simplex(shares).round(DIGITS).astype(np.float32))

    def values(self, shares: Floats) -> dict[str, Any]:
        """Weights by name."""
        weights = [round(float(one), DIGITS) for one in _on_simplex(shares)]
        return {"weights": dict(zip(_WEIGHT_NAMES, weights, strict=True))}

    @staticmethod
    def from_values(scenario: TicScenario, values: Values, action: str | None = None) -> Policy:
        """Weights by name."""
        equal = dict.fromkeys(_WEIGHT_NAMES, 1.0 / _NUM_WEIGHTS)
        weights = values.get("weights", equal)
        density, deadline, latency, buffer = (float(weights[name]) for name in _WEIGHT_NAMES)
        return ConstantWeights("tuned-weights", (density, deadline, latency, buffer))


class _WeightsOfRows:
    """Weights of its own in each row."""

    name = "tuned-weights"

    def __init__(self, weights: NDArray[np.float32]) -> None:
        self._weights = weights

    def reset(self, seed: int) -> None:
        """Does nothing: the policy has no state."""

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """The weights; shape (rows, 4)."""
        return self._weights


def _on_simplex(shares: Floats) -> Floats:
    """Shares over their sum; all zero: equal."""
    total = shares.sum(axis=-1, keepdims=True)
    equal = np.full_like(shares, 1.0 / shares.shape[-1])
    return np.where(total > 0.0, shares / np.where(total > 0.0, total, 1.0), equal)


RULES = (Weights,)
