"""The classical policies by name."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from twin_gym.envs.slice_admission.observation import ActionForm
from twin_gym.errors import ConfigError, TooLargeError, unknown_name
from twin_gym.policies.base import Policy
from twin_gym.policies.bid_price import BidPricePolicy
from twin_gym.policies.decoding import ACTION_FORMS
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
        "bid-price": BidPricePolicy,
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


def policies_for(
    scenario: str | Path | AdmissionScenario, action: ActionForm = "slice"
) -> tuple[Policy, ...]:
    """Every classical policy that this scenario allows, in the order of tables.

    Args:
        scenario: a preset name, a TOML path, or a scenario.
        action: the form of the actions, `slice` or `slot`.

    Returns:
        Without `reservation` where no thresholds come with the package, and without `optimum`
        where laws have a memory or there are too many states.

    Raises:
        UnknownNameError: if there is no such scenario or form of action.
    """
    if action not in ACTION_FORMS:
        raise unknown_name("form of action", action, ACTION_FORMS)
    found = scenario if isinstance(scenario, AdmissionScenario) else load(scenario)
    made = []
    for factory in POLICIES.values():
        with contextlib.suppress(ConfigError, TooLargeError):
            made.append(factory(found, action))
    return tuple(made)


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
