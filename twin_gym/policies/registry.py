"""The classical policies by name."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from twin_gym.environments.massive_access.batch import ACTION_FORMS as ACCESS_FORMS
from twin_gym.environments.massive_access.policies.barring import ACCESS_POLICIES
from twin_gym.environments.right_time_sync.batch import ACTION_FORMS as SYNC_FORMS
from twin_gym.environments.right_time_sync.policies import SYNC_POLICIES
from twin_gym.environments.slice_admission.observation import ActionName
from twin_gym.environments.slice_admission.policies.bid_price import BidPricePolicy
from twin_gym.environments.slice_admission.policies.decoding import ACTION_FORMS
from twin_gym.environments.slice_admission.policies.optimum import OptimalPolicy
from twin_gym.environments.slice_admission.policies.rules import (
    DensityPolicy,
    FifoPolicy,
    MaxRevenuePolicy,
    RandomPolicy,
)
from twin_gym.environments.slice_admission.policies.thresholds import tuned_reservation
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.tic_scheduling.batch import ACTION_FORMS as TIC_FORMS
from twin_gym.environments.tic_scheduling.policies import TIC_POLICIES
from twin_gym.errors import ConfigError, TooLargeError, unknown_name
from twin_gym.policies.base import Policy, Seer
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import load

Factory = Callable[[AdmissionScenario, ActionName], Policy]

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


POLICIES_OF_KIND: Mapping[str, Mapping[str, Callable[..., Policy]]] = MappingProxyType(
    {"admission": POLICIES, "access": ACCESS_POLICIES, "tic": TIC_POLICIES, "sync": SYNC_POLICIES}
)
"""By kind of scenario, its policies by name."""

FORMS_OF_KIND: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"admission": ACTION_FORMS, "access": ACCESS_FORMS, "tic": TIC_FORMS, "sync": SYNC_FORMS}
)
"""By kind of scenario, its forms of action, the default first."""


def make_policy(name: str, scenario: str | Path | Scenario, action: str | None = None) -> Policy:
    """A classical policy for a scenario.

    Args:
        name: one of those that `POLICIES_OF_KIND` has for the scenario's kind.
        scenario: a preset name, a TOML path, or a scenario.
        action: the form of the actions; None: the default of the environment.

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
    found = scenario if isinstance(scenario, Scenario) else load(scenario, Scenario)
    factory = _factory(name, POLICIES_OF_KIND[found.kind])
    return factory(found, _form(found, action))


def policies_for(scenario: str | Path | Scenario, action: str | None = None) -> tuple[Policy, ...]:
    """Every classical policy that this scenario allows, in the order of tables.

    Args:
        scenario: a preset name, a TOML path, or a scenario.
        action: the form of the actions; None: the default of the environment.

    Returns:
        Without tuned ones where nothing comes with the package, without `optimum` where laws have a
        memory or there are too many states, and without anchors that see what agents do not.

    Raises:
        UnknownNameError: if there is no such scenario or form of action.
    """
    found = scenario if isinstance(scenario, Scenario) else load(scenario, Scenario)
    form = _form(found, action)
    made = []
    for factory in POLICIES_OF_KIND[found.kind].values():
        with contextlib.suppress(ConfigError, TooLargeError):
            made.append(factory(found, form))
    return tuple(one for one in made if not isinstance(one, Seer))


def describe_policy(name: str) -> str:
    """What a policy does: the first line says it in one sentence.

    Args:
        name: of a policy of any kind of scenario.

    Returns:
        Text in several lines.

    Raises:
        UnknownNameError: if there is no such policy.

    Example:
        >>> describe_policy("max-revenue")
        'Admits what pays most, however long it stays and however much it holds.'
    """
    known: dict[str, Callable[..., Policy]] = {}
    for policies in POLICIES_OF_KIND.values():
        known = {**policies, **known}
    text = inspect.getdoc(_factory(name, known)) or ""
    return text.partition("\nArgs:")[0].strip()


def _factory(name: str, known: Mapping[str, Callable[..., Policy]]) -> Callable[..., Policy]:
    if name not in known:
        raise unknown_name("policy", name, known)
    return known[name]


def _form(scenario: Scenario, action: str | None) -> str:
    forms = FORMS_OF_KIND[scenario.kind]
    if action is None:
        return forms[0]
    if action not in forms:
        raise unknown_name("form of action", action, forms)
    return action
