"""What is wanted of generated networks: the objective's demands as bounds on parameters."""

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
    """What a generator is asked for.

    Attributes:
        objective: whose demand says how many devices the networks have at least and how long a
            message may take at most; its priorities are the condition of the GAN.
        name: how the scenarios are called, before a number.
    """

    objective: KpiObjective = field(default_factory=KpiObjective)
    name: str = "twin"

    @property
    def condition(self) -> NDArray[np.float64]:
        """1 for each prioritised indicator; shape (4,), in the order of `INDICATORS`."""
        chosen = self.objective.prioritised
        return np.array([float(name in chosen) for name in INDICATORS])

    def bounds(self, space: ParameterSpace) -> NDArray[np.float64]:
        """Least and greatest coordinate of each parameter; shape (2, parameters).

        A demand for a parameter that the space does not have is no bound.

        Example:
            >>> from twin_gym.scenario.loading import load
            >>> from twin_gym.scenario.objective import Demand
            >>> space = ParameterSpace.of(load("tic-small-45"), ["num_sensors"])
            >>> asked = Criteria(KpiObjective(demand=Demand(num_devices=100)))
            >>> float(np.exp(asked.bounds(space)[0, 0])).__round__()
            100
        """
        found = np.full((2, len(space.parameters)), np.inf)
        found[0] = -np.inf
        demand = self.objective.demand
        for place, one in enumerate(space.parameters):
            if one.path in _COUNTS and demand.num_devices is not None:
                found[0, place] = one.coordinate(demand.num_devices)
            if one.path == _DEADLINE and demand.latency_s is not None:
                found[1, place] = one.coordinate(_slots(space.base, demand.latency_s))
        return found


def _slots(base: Scenario, latency_s: float) -> int:
    """Whole slots within a latency, one at least."""
    slot_s = getattr(base, "slot_s", math.inf)
    return max(1, math.floor(latency_s / slot_s + 1e-9))


def condition_of(
    space: ParameterSpace, point: NDArray[np.float64], thresholds: Thresholds
) -> NDArray[np.float64]:
    """The indicators that a lived network's own values prioritise; shape (4,).

    Args:
        space: of the point.
        point: its coordinates.
        thresholds: of the objective.
    """
    values = space.values(point)
    devices = [int(values[path]) for path in _COUNTS if path in values]
    latency_s = None
    if _DEADLINE in values and hasattr(space.base, "slot_s"):
        latency_s = float(values[_DEADLINE]) * space.base.slot_s
    demand = Demand(num_devices=devices[0] if devices else None, latency_s=latency_s)
    return Criteria(KpiObjective(demand=demand, thresholds=thresholds)).condition
