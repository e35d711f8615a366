"""The parameters of a cell that a generator of scenarios may vary."""

from __future__ import annotations

from twin_gym.environments.massive_access.scenario import (
    MAX_DEVICES,
    AccessScenario,
    SimultaneousArrivals,
)
from twin_gym.twins.scenarios.parameters import Parameter


def parameters_of(base: AccessScenario) -> list[Parameter]:
    """The parameters of a cell, in order; empty where all is replayed."""
    parameters = [Parameter("num_devices", "log", 1, MAX_DEVICES, is_whole=True)]
    if isinstance(base.arrivals, SimultaneousArrivals):
        parameters.append(Parameter("arrivals.fraction", "logit", 0.0, 1.0))
    parameters.append(Parameter("arrivals.window_s", "log", base.slot_s, base.horizon_s))
    return parameters
