"""The classical policies by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from twin_gym.envs.slice_admission.observation import ActionForm
from twin_gym.errors import unknown_name
from twin_gym.policies.base import Policy
from twin_gym.policies.optimum import OptimalPolicy
from twin_gym.policies.rules import DensityPolicy, FifoPolicy, MaxRevenuePolicy, RandomPolicy
from twin_gym.policies.thresholds import tuned_reservation
from twin_gym.scenario import AdmissionScenario, load

Factory = Callable[[AdmissionScenario, ActionForm], Policy]

POLICIES: Mapping[str, Factory] = MappingProxyType(
    {
        "random": RandomPolicy,
        "fifo": FifoPolicy,
        "density": DensityPolicy,
        "max-revenue": MaxRevenuePolicy,
        "reservation": tuned_reservation,
        "optimum": OptimalPolicy,
    }
)
"""By name, what makes a policy for a scenario and a form of action, in the order of tables."""


def make_policy(
    name: str, scenario: str | Path | AdmissionScenario, action: ActionForm = "slice"
) -> Policy:
    """A classical policy for a scenario.

    Args:
        name: one of `POLICIES`.
        scenario: a preset name, a TOML path, or a scenario.
        action: the form of the actions, `slice` or `slot`.

    Returns:
        A policy that has been reset with no seed of yours: `reset` it first.

    Raises:
        UnknownNameError: if there is no such policy or scenario; the message has the nearest one.
        ConfigError: if the policy has nothing for this scenario (`reservation`: no thresholds;
            `optimum`: laws with a memory).
        TooLargeError: if the exact optimum has too many states.

    Example:
        >>> make_policy("density", "contention").name
        'density'
    """
    factory = _factory(name)
    found = scenario if isinstance(scenario, AdmissionScenario) else load(scenario)
    return factory(found, action)


def describe_policy(name: str) -> str:
    """What a policy does: the first line says it in one sentence.

    Args:
        name: one of `POLICIES`.

    Returns:
        Text in several lines.

    Raises:
        UnknownNameError: if there is no such policy.

    Example:
        >>> describe_policy("max-revenue")
        'Admits what pays most, however long it stays and however much it holds.'
    """
    text = inspect.getdoc(_factory(name)) or ""
    return text.partition("\nArgs:")[0].strip()


def _factory(name: str) -> Factory:
    if name not in POLICIES:
        raise unknown_name("policy", name, POLICIES)
    return POLICIES[name]
