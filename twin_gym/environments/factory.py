"""The environment that belongs to a scenario, whatever its kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twin_gym.core.forms import ActionForm, form_named
from twin_gym.core.vector import RowsVectorEnv
from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import ScenarioLike, scenarios_of

AnyScenario = ScenarioLike


def vector_env(
    scenario: AnyScenario | Sequence[AnyScenario], num_envs: int, **arguments: Any
) -> RowsVectorEnv[Any]:
    """Rows of the environment whose kind of scenario this is.

    Args:
        scenario: as environments take it; of one kind.
        num_envs: rows.
        arguments: as the environment takes them.

    Returns:
        The vector environment.

    Raises:
        ConfigError: if the scenarios are of several kinds, or an argument is not valid.
    """
    scenarios = scenarios_of(scenario, Scenario)
    names = sorted({one.kind for one in scenarios})
    if len(names) != 1:
        raise ConfigError(f"the scenarios of one environment are of one kind, got {names}")
    made: RowsVectorEnv[Any] = kind_named(names[0]).facet("vector")(
        num_envs, scenarios, **arguments
    )
    return made


def forms_of(kind: str) -> tuple[ActionForm, ...]:
    """The forms of action of a kind of scenario, the default first.

    Raises:
        UnknownNameError: if there is no such kind.
    """
    found: tuple[ActionForm, ...] = kind_named(kind).facet("action_forms")
    return found


def form_of(kind: str, action: str | None) -> ActionForm:
    """One of them.

    Args:
        kind: of scenario.
        action: its name; None: the default.

    Returns:
        The form.

    Raises:
        UnknownNameError: if there is no such kind or form; the message has the nearest one.
    """
    forms = forms_of(kind)
    return forms[0] if action is None else form_named(forms, action)
