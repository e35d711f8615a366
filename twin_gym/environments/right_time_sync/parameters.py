"""The parameters of entities that a generator of scenarios may vary."""

from __future__ import annotations

from twin_gym.environments.right_time_sync.scenario import SyncScenario
from twin_gym.scenario.changes import path_of
from twin_gym.twins.scenarios.parameters import RATES_HZ, TIMES_S, Parameter


def parameters_of(base: SyncScenario) -> list[Parameter]:
    """The parameters of entities, in order; empty where all is replayed."""
    fields = {"walk": ("variance_rate_hz", RATES_HZ), "two-state": ("change_rate_hz", RATES_HZ)}
    fields["mean-reverting"] = ("relaxation_s", TIMES_S)
    choices = []
    for group in base.groups:
        if group.process.law in fields:
            field, ends = fields[group.process.law]
            choices.append(Parameter(path_of("groups", group.name, "process", field), "log", *ends))
    choices.append(Parameter("delivery_probability", "logit", 0.0, 1.0))
    return choices
