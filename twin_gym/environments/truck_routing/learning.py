"""Default settings of learners of truck routing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twin_gym.core.credit import Credit
from twin_gym.environments.truck_routing.roads import GridRoads
from twin_gym.environments.truck_routing.scenario import TruckScenario

CREDIT = Credit("time unit", discount=2.0, trace=0.5)
"""In days: what is not emptied in a shift overflows before the next one or the one after."""

LOGGED_POLICY = "svm-fill"
"""The best rule that is a function of what is observed; the schedule and the planners remember."""

_ELSEWHERE = "nearest-full"
_TWIN = {"temperature": 3.5, "clone_epochs": 60}
"""After 20 passes a clone of `svm-fill` has a share of 0.90 in some worlds, after 60 one of 0.97.
It is surer of itself then, and needs a higher temperature."""


def settings_of(scenario: TruckScenario, agent: str) -> Mapping[str, Any]:
    """What differs for an agent from the settings of all kinds, by name.

    Args:
        scenario: what is learned on.
        agent: its name.

    Returns:
        For twins, how a log is learned; and another rule to log where streets are no grid: the
        machine of `svm-fill` was fitted on grids, and on the streets of Edinburgh it earns less
        than the random policy.
    """
    if agent != "clone" and not agent.endswith("-twin"):
        return {}
    return _TWIN if _is_grid(scenario) else {**_TWIN, "default_policy": _ELSEWHERE}


def _is_grid(scenario: TruckScenario) -> bool:
    return isinstance(scenario.roads, GridRoads)
