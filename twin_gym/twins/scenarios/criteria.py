"""Criteria for generated networks: the objective's demands as bounds on parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from twin_gym.scenario import Scenario
from twin_gym.scenario.objective import INDICATORS, Demand, KpiObjective, Thresholds
from twin_gym.twins.scenarios.parameters import ParameterSpace

_COUNTS = ("num_sensors", "num_devices")
_DEADLINE = "deadline_slots"


@dataclass(frozen=True)
class Criteria:
    """Requirements on generated scenarios.

    Attributes:
        objective: its demand gives the minimum number of devices and the maximum latency; its
            priorities are the condition of the GAN.
        name: name of the scenarios, before their number.
    """

    objective: KpiObjective = field(default_factory=KpiObjective)
    name: str = "twin"

    @property
    def condition(self) -> NDArray[np.float64]:
        """1 for each prioritised indicator; shape (4,), in the order of `INDICATORS`."""
        chosen = self.objective.prioritised
        return np.array([float(name in chosen) for name in INDICATORS])

    def bounds(self, space: ParameterSpace) -> NDArray[np.float64]:
        """Lower and upper bound of each coordinate; shape (2, parameters).

        Demands for parameters that the space does not have are ignored.

        Example:
            >>> from twin_gym.scenario.loading import load
            >>> from twin_gym.scenario.objective import Demand
            >>> space = ParameterSpace.of(load("tic-small-45"), ["num_sensors"])
            >>> asked = Criteria(KpiObjective(demand=Demand(num_devices=100)))
            >>> float(np.exp(asked.bounds(space)[0, 0])).__round__()
            100
        """
        limits = np.full((2, len(space.parameters)), np.inf)
        limits[0] = -np.inf
        demand = self.objective.demand
        for place, one in enumerate(space.parameters):
            if one.path in _COUNTS and demand.num_devices is not None:
                limits[0, place] = one.coordinate(demand.num_devices)
            if one.path == _DEADLINE and demand.latency_s is not None:
                limits[1, place] = one.coordinate(_slots(space.base, demand.latency_s))
        return limits


def _slots(base: Scenario, latency_s: float) -> int:
    """Number of whole slots within a latency, at least 1."""
    slot_s = getattr(base, "slot_s", math.inf)
    return max(1, math.floor(latency_s / slot_s + 1e-9))


def condition_of(
    space: ParameterSpace, point: NDArray[np.float64], thresholds: Thresholds
) -> NDArray[np.float64]:
    """The indicators that an observed network's own values prioritise; shape (4,).

    Args:
        space: parameters of the point.
        point: coordinates of the network.
        thresholds: thresholds of the objective.
    """
    values = space.values(point)
    devices = [int(values[path]) for path in _COUNTS if path in values]
    latency_s = None
    if _DEADLINE in values and hasattr(space.base, "slot_s"):
        latency_s = float(values[_DEADLINE]) * space.base.slot_s
    demand = Demand(num_devices=devices[0] if devices else None, latency_s=latency_s)
    return Criteria(KpiObjective(demand=demand, thresholds=thresholds)).condition
