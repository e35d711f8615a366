"""The parameters of a network of sensors that a generator of scenarios may vary."""

from __future__ import annotations

from twin_gym.environments.tic_scheduling.scenario import (
    MAX_BUFFER,
    MAX_GATEWAYS,
    MAX_SENSORS,
    TicScenario,
)
from twin_gym.twins.scenarios.parameters import Parameter


def parameters_of(base: TicScenario) -> list[Parameter]:
    """The parameters of a network of sensors, in order; empty where all is replayed."""
    parameters = [
        Parameter("background_rate_hz", "log1p", 0.0, 1.0 / base.slot_s),
        Parameter("burst_fraction", "logit", 0.0, 1.0),
        Parameter("bad_share", "logit", 0.0, 1.0),
        Parameter("deadline_slots", "log", 1, 1000, is_whole=True),
        Parameter("buffer_messages", "log", 1, MAX_BUFFER, is_whole=True),
    ]
    if base.placement is None:
        parameters += [
            Parameter("num_sensors", "log", 1, MAX_SENSORS, is_whole=True),
            Parameter("num_gateways", "log", 1, MAX_GATEWAYS, is_whole=True),
        ]
    return parameters
