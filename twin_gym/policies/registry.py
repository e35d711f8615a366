"""The classical policies by name."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path

from twin_gym.environments.factory import form_of
from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError, TooLargeError, unknown_name
from twin_gym.policies.base import Policy, PrivilegedPolicy
from twin_gym.scenario import Scenario, load

Factory = Callable[..., Policy]


def policies_of(kind: str) -> Mapping[str, Factory]:
    """Factories of the policies of a kind, by name; they take a scenario and a form of action.

    Raises:
        UnknownNameError: if there is no such kind of scenario.
    """
    policies: Mapping[str, Factory] = kind_named(kind).facet("policies")
    return policies


def make_policy(name: str, scenario: str | Path | Scenario, action: str | None = None) -> Policy:
    """A classical policy for a scenario.

    Args:
        name: a name from `policies_of` for the scenario's kind.
        scenario: a preset name, a TOML path, or a scenario.
        action: the form of the actions; None: the default of the environment.

    Returns:
        The policy, unseeded: call `reset(seed)` before use.

    Raises:
        UnknownNameError: if there is no such policy or scenario; the message suggests the nearest.
        ConfigError: if the policy does not support this scenario (`reservation`: no thresholds;
            `optimum`: not Markov).
        TooLargeError: if the exact optimum has too many states.

    Example:
        >>> make_policy("density", "contention").name
        'density'
    """
    loaded = scenario if isinstance(scenario, Scenario) else load(scenario)
    return _factory(loaded.kind, name)(loaded, form_of(loaded.kind, action).name)


def policies_for(scenario: str | Path | Scenario, action: str | None = None) -> tuple[Policy, ...]:
    """Every classical policy that supports this scenario, in the order of tables.

    Args:
        scenario: a preset name, a TOML path, or a scenario.
        action: the form of the actions; None: the default of the environment.

    Returns:
        The policies, without tuned ones that have no parameters for this scenario, without
        `optimum` if the model is not Markov or has too many states, and without privileged ones.

    Raises:
        UnknownNameError: if there is no such scenario or form of action.
    """
    checked = scenario if isinstance(scenario, Scenario) else load(scenario)
    form = form_of(checked.kind, action).name
    made = []
    for factory in policies_of(checked.kind).values():
        with contextlib.suppress(ConfigError, TooLargeError):
            made.append(factory(checked, form))
    return tuple(one for one in made if not isinstance(one, PrivilegedPolicy))


def describe_policy(kind: str, name: str) -> str:
    """The description of a policy for scenarios of a kind; the first line is a summary.

    Raises:
        UnknownNameError: if there is no such kind or policy.

    Example:
        >>> describe_policy("admission", "max-revenue")
        'Admits what pays most, however long it stays and however much it holds.'
    """
    text = inspect.getdoc(_factory(kind, name)) or ""
    return text.partition("\nArgs:")[0].strip()


def _factory(kind: str, name: str) -> Factory:
    policies = policies_of(kind)
    if name not in policies:
        raise unknown_name("policy", name, policies)
    return policies[name]
