"""The parameters of slices that a generator of scenarios may vary."""

from __future__ import annotations

from twin_gym.environments.slice_admission.scenario import MAX_QUEUE_LIMIT, AdmissionScenario
from twin_gym.scenario.changes import path_of
from twin_gym.twins.scenarios.parameters import RATES_HZ, TIMES_S, Parameter, Scale


def parameters_of(base: AdmissionScenario) -> list[Parameter]:
    """The parameters of slices of a network, in order; empty where all is replayed."""
    if base.trace is not None:
        return []
    names = base.slice_names

    def each(field: str, scale: Scale, low: float, high: float) -> list[Parameter]:
        is_whole = field == "queue_limit"
        return [
            Parameter(path_of("slices", name, field), scale, low, high, is_whole) for name in names
        ]

    return [
        *each("arrival_rate_hz", "log", *RATES_HZ),
        *each("mean_holding_time_s", "log", *TIMES_S),
        *each("mean_patience_s", "log", *TIMES_S),
        *each("queue_limit", "log1p", 0, MAX_QUEUE_LIMIT),
    ]
