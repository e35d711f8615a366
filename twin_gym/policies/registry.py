"""The classical policies by name."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path

from twin_gym.environments.factory import form_of
from twin_gym.environments.kinds import kind_named, kinds
from twin_gym.errors import ConfigError, TooLargeError, unknown_name
from twin_gym.policies.base import Policy, PrivilegedPolicy
from twin_gym.scenario import Scenario, load

Factory = Callable[..., Policy]


def policies_of(kind: str) -> Mapping[str, Factory]:
    """By name, what makes the policies of a kind for a scenario and a form of action.

    Raises:
        UnknownNameError: if there is no such kind of scenario.
    """
    found: Mapping[str, Factory] = kind_named(kind).facet("policies")
    return found


def make_policy(name: str, scenario: str | Path | Scenario, action: str | None = None) -> Policy:
    """A classical policy for a scenario.

    Args:
        name: one of those that `policies_of` has for the scenario's kind.
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
    found = scenario if isinstance(scenario, Scenario) else load(scenario)
    factory = _factory(name, policies_of(found.kind))
    return factory(found, form_of(found.kind, action).name)


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
    found = scenario if isinstance(scenario, Scenario) else load(scenario)
    form = form_of(found.kind, action).name
    made = []
    for factory in policies_of(found.kind).values():
        with contextlib.suppress(ConfigError, TooLargeError):
            made.append(factory(found, form))
    return tuple(one for one in made if not isinstance(one, PrivilegedPolicy))


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
    for one in kinds():
        known = {**policies_of(one.name), **known}
    text = inspect.getdoc(_factory(name, known)) or ""
    return text.partition("\nArgs:")[0].strip()


def _factory(name: str, known: Mapping[str, Callable[..., Policy]]) -> Callable[..., Policy]:
    if name not in known:
        raise unknown_name("policy", name, known)
    return known[name]
