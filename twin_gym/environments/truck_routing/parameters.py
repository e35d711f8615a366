"""The parameters of bins and their reports that a generator of scenarios may vary."""

from __future__ import annotations

from twin_gym.environments.truck_routing.deposits import ReplayedEmptyings
from twin_gym.environments.truck_routing.scenario import MAX_FACTOR, TruckScenario
from twin_gym.twins.scenarios.parameters import Parameter

_PERIODS_S = (1.0, 1e8)


def parameters_of(base: TruckScenario) -> list[Parameter]:
    """The parameters, in order: inflow, unless it is replayed, and reports, unless there are none.

    All bins have one factor: what is thrown into each of hundreds of bins is too little to tell
    their changes from chance.
    """
    parameters = []
    if not isinstance(base.deposits, ReplayedEmptyings):
        parameters.append(Parameter("inflow_factor", "log", 1.0 / MAX_FACTOR, MAX_FACTOR))
    if base.report_period_s != "never":
        parameters.append(Parameter("report_period_s", "log", *_PERIODS_S))
        parameters.append(Parameter("delivery_probability", "logit", 0.0, 1.0))
    return parameters
