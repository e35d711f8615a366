"""The vector environment that belongs to a scenario, whatever its kind."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from twin_gym.core.vector import RowsVectorEnv
from twin_gym.errors import ConfigError
from twin_gym.registration import ENTRY_POINTS, ID_OF_KIND
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
    kinds = sorted({one.kind for one in scenarios})
    if len(kinds) != 1:
        raise ConfigError(f"the scenarios of one environment are of one kind, got {kinds}")
    module, _, name = ENTRY_POINTS[ID_OF_KIND[kinds[0]]][1].partition(":")
    made: RowsVectorEnv[Any] = getattr(importlib.import_module(module), name)(
        num_envs, scenarios, **arguments
    )
    return made
