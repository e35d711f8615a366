"""The `spec` of an environment: its arguments as values that JSON holds.

Gymnasium keeps the arguments of `make` in `env.spec`, and `spec.to_json()` is how an environment
goes into a file (Minari, experiment trackers). Scenarios and objectives that were given as values
stand there as plain values, of which the environments make equal ones again.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.envs.registration import EnvSpec

from twin_gym.scenario.base import FrozenModel, Scenario


class ToldSpec:
    """Gives an environment a `spec` that goes to JSON and back."""

    _spec: EnvSpec | None = None

    @property
    def spec(self) -> EnvSpec | None:
        """The arguments of the environment; None where `gymnasium.make` did not make it."""
        return self._spec

    @spec.setter
    def spec(self, given: EnvSpec | None) -> None:
        if given is not None:
            given = copy.copy(given)
            given.kwargs = as_json_value(given.kwargs)
        self._spec = given


def as_json_value(value: Any) -> Any:  # noqa: ANN401 - arguments are of any type
    """An argument as a JSON value; values that JSON cannot hold are returned unchanged.

    Args:
        value: a scenario, an objective, a path, an enum, NumPy's or Python's values, or lists and
            mappings of them.

    Returns:
        Plain values that the environments take for the same.

    Example:
        >>> as_json_value({"scenario": Path("a.toml"), "objective_seed": np.int64(3)})
        {'scenario': 'a.toml', 'objective_seed': 3}
    """
    if isinstance(value, Scenario):
        return value.as_values()
    if isinstance(value, FrozenModel):
        return value.model_dump(mode="json")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {key: as_json_value(one) for key, one in value.items()}
    return [as_json_value(one) for one in value] if isinstance(value, list | tuple) else value
