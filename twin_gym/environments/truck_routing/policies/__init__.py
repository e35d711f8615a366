"""Policies of waste collection: rules, planned routes, and support vector machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from twin_gym.environments.truck_routing.actions import ActionName
from twin_gym.environments.truck_routing.policies.clairvoyant import ClairvoyantPlanPolicy
from twin_gym.environments.truck_routing.policies.planned import (
    OverflowPlanPolicy,
    ProbabilityPlanPolicy,
    ThresholdPlanPolicy,
)
from twin_gym.environments.truck_routing.policies.rules import (
    NearestFullPolicy,
    RandomTruckPolicy,
    SchedulePolicy,
    ThresholdPolicy,
)
from twin_gym.environments.truck_routing.policies.svm import (
    FillMachinePolicy,
    RouteMachinePolicy,
)
from twin_gym.environments.truck_routing.scenario import TruckScenario
from twin_gym.policies.base import Policy

POLICIES: Mapping[str, Callable[[TruckScenario, ActionName], Policy]] = MappingProxyType(
    {
        "random": RandomTruckPolicy,
        "schedule": SchedulePolicy,
        "nearest-full": NearestFullPolicy,
        "threshold": ThresholdPolicy,
        "svm-fill": FillMachinePolicy,
        "svm-route": RouteMachinePolicy,
        "threshold-pyvrp": ThresholdPlanPolicy,
        "probability-pyvrp": ProbabilityPlanPolicy,
        "overflow-pyvrp": OverflowPlanPolicy,
        "clairvoyant-pyvrp": ClairvoyantPlanPolicy,
    }
)
"""By name, what makes a policy for a scenario and a form of action, in the order of tables."""

DEFAULT_POLICY = "schedule"
"""What an operator runs today."""

__all__ = [
    "DEFAULT_POLICY",
    "POLICIES",
    "SchedulePolicy",
    "ThresholdPlanPolicy",
    "ThresholdPolicy",
]
