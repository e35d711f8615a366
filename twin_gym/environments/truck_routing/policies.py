"""Rules of truck routing: where a truck goes next, from what the twin predicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from twin_gym.core.forms import form_named
from twin_gym.environments.truck_routing.actions import ACTION_FORMS, ActionName
from twin_gym.environments.truck_routing.scenario import TruckScenario
from twin_gym.policies.base import Actions, Masks, Observations, Policy
from twin_gym.policies.draws import Draws, evenly

_WORTH_A_STOP = 0.5
_NEAR = 0.05  # of the longest way: a stop takes some time, however near the bin is


class RandomTruckPolicy:
    """Any allowed action.

    Args:
        scenario: not looked at.
        action: form of the action; likewise.
    """

    name = "random"

    def __init__(self, scenario: TruckScenario, action: ActionName = "pick") -> None:
        del scenario, action
        self._draws = Draws()

    def reset(self, seed: int) -> None:
        """Restarts the draws."""
        self._draws.reset(seed)

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """One allowed action a row."""
        return evenly(self._draws.next().random(len(masks)), masks == 1)


class NearestFullPolicy:
    """The allowed bin with the most predicted fill for its way, if it is worth a stop.

    Args:
        scenario: that the rows run.
        action: form of the action.
    """

    name = "nearest-full"

    def __init__(self, scenario: TruckScenario, action: ActionName = "pick") -> None:
        layout = form_named(ACTION_FORMS, action).layout(scenario)
        self._predicted, self._travel = layout.span("predicted"), layout.span("travel")

    def reset(self, seed: int) -> None:
        """Nothing is remembered."""

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """The best bin of each row, or the depot."""
        fills = observations[:, self._predicted].astype(np.float64)
        ways = observations[:, self._travel].astype(np.float64)
        is_worth = (masks[:, :-1] == 1) & (fills >= _WORTH_A_STOP)
        worth = np.where(is_worth, fills / (ways + _NEAR), 0.0)
        best = worth.argmax(axis=1)
        return np.where(is_worth.any(axis=1), best, masks.shape[1] - 1)


POLICIES: Mapping[str, Callable[[TruckScenario, ActionName], Policy]] = MappingProxyType(
    {"random": RandomTruckPolicy, "nearest-full": NearestFullPolicy}
)
"""By name, what makes a policy for a scenario and a form of action, in the order of tables."""

DEFAULT_POLICY = "nearest-full"
"""What an operator runs today."""
