"""The vector form of right-time synchronisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gymnasium.vector import AutoresetMode

from twin_gym.core.batch import Engine
from twin_gym.core.indicators import as_objective
from twin_gym.core.vector import RowsVectorEnv
from twin_gym.environments.right_time_sync.actions import ActionName
from twin_gym.environments.right_time_sync.batch import (
    BatchSettings,
    ErrorForm,
    Objective,
    ScenarioLike,
    SyncBatch,
)
from twin_gym.scenario.objective import KpiObjective


class RightTimeSyncVectorEnv(RowsVectorEnv[SyncBatch]):
    """Many twins side by side (see `RightTimeSyncEnv` and `RowsVectorEnv`).

    Args:
        num_envs: rows.
        scenario: as for the single form; each row draws one of several at each of its resets.
        action: as for the single form.
        objective: as for the single form.
        objective_seed: as for the single form.
        error: as for the single form.
        engine: as for the single form.
        autoreset_mode: see `RowsVectorEnv`, as for what follows.
        num_threads: stretches of rows.
        copy: whether what is returned stays as it is.
        render_mode: only None.
        max_episode_steps: steps after which an episode ends, if not at the horizon before.
        disable_env_checker: as `gym.make` takes it; only None and True.

    Raises:
        ConfigError: if an argument is unknown or a scenario is not valid.
    """

    def __init__(
        self,
        num_envs: int = 1,
        scenario: ScenarioLike | Sequence[ScenarioLike] = "sync-small",
        *,
        action: ActionName = "pick",
        objective: Objective | KpiObjective | Mapping[str, Any] = "balanced",
        objective_seed: int = 0,
        error: ErrorForm = "expected",
        engine: Engine = "kernel",
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        num_threads: int = 1,
        copy: bool = True,
        render_mode: None = None,
        max_episode_steps: int | None = None,
        disable_env_checker: bool | None = None,
    ) -> None:
        super().__init__(
            SyncBatch(
                num_envs,
                BatchSettings(
                    scenario, action, as_objective(objective), error, engine, objective_seed
                ),
            ),
            autoreset_mode=autoreset_mode,
            num_threads=num_threads,
            copy=copy,
            render_mode=render_mode,
            max_episode_steps=max_episode_steps,
            disable_env_checker=disable_env_checker,
        )
