"""The single and the vector form of an environment that brings only its batch.

The batch is a `NumPyBatch`, whose docstring is the page of the environment.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from twin_gym.core.batch import Engine
from twin_gym.core.drawing import drawn
from twin_gym.core.indicators import as_objective
from twin_gym.core.numpy_batch import BatchSettings, NumPyBatch
from twin_gym.core.plain_picture import as_text
from twin_gym.core.single import RENDER_MODES, RowEnv
from twin_gym.core.vector import RowsVectorEnv
from twin_gym.scenario.objective import KpiObjective

_METADATA: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 30}

Objective = str | KpiObjective | Mapping[str, Any]


class PlainEnv(RowEnv[NumPyBatch]):
    """One row of a batch, drawn as its fields and indicators."""

    metadata = _METADATA

    @property
    def scenario(self) -> Any:  # noqa: ANN401 - each environment has its own kind
        """The scenario of the running episode."""
        return self.batch.scenario_of(0)

    def render(self) -> NDArray[np.uint8] | str | None:
        """Draws the running network as `render_mode` says."""
        return drawn(self.render_mode, lambda: as_text(self.batch), self._pixels)

    def _pixels(self) -> NDArray[np.uint8]:
        from twin_gym.core.plain_picture import as_pixels

        return as_pixels(self.batch)


def single_form(batch: type[NumPyBatch], name: str) -> type[PlainEnv]:
    """The class of the single form of a batch.

    Args:
        batch: of the environment.
        name: of the class.

    Returns:
        A class whose docstring is that of the batch.
    """
    first = batch.ACTION_FORMS[0].name, batch.objectives()[0]

    class Single(PlainEnv):
        def __init__(
            self,
            scenario: Any = batch.DEFAULT_SCENARIO,  # noqa: ANN401 - as scenarios are given
            *,
            action: str = first[0],
            objective: Objective = first[1],
            objective_seed: int = 0,
            engine: Engine = "kernel",
            render_mode: str | None = None,
        ) -> None:
            settings = BatchSettings(
                scenario, action, as_objective(objective), engine, objective_seed
            )
            super().__init__(batch(1, settings), render_mode)

    Single.__doc__ = inspect.getdoc(batch)
    Single.__name__ = name
    return Single


def vector_form(batch: type[NumPyBatch], name: str) -> type[RowsVectorEnv[NumPyBatch]]:
    """The class of the vector form of a batch.

    Args:
        batch: of the environment.
        name: of the class.

    Returns:
        A class with the arguments of the single form and those of `RowsVectorEnv`.
    """
    first = batch.ACTION_FORMS[0].name, batch.objectives()[0]

    class Vector(RowsVectorEnv[NumPyBatch]):
        def __init__(
            self,
            num_envs: int = 1,
            scenario: Any = batch.DEFAULT_SCENARIO,  # noqa: ANN401 - as scenarios are given
            *,
            action: str = first[0],
            objective: Objective = first[1],
            objective_seed: int = 0,
            engine: Engine = "kernel",
            autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
            num_threads: int = 1,
            copy: bool = True,
            render_mode: None = None,
            max_episode_steps: int | None = None,
            disable_env_checker: bool | None = None,
        ) -> None:
            settings = BatchSettings(
                scenario, action, as_objective(objective), engine, objective_seed
            )
            super().__init__(
                batch(num_envs, settings),
                autoreset_mode=autoreset_mode,
                num_threads=num_threads,
                copy=copy,
                render_mode=render_mode,
                max_episode_steps=max_episode_steps,
                disable_env_checker=disable_env_checker,
            )

    Vector.__doc__ = f"Many rows of `{batch.__name__}` side by side (see `RowsVectorEnv`)."
    Vector.__name__ = name
    return Vector
