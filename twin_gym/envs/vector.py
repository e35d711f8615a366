"""The vector form of every environment: the batch itself, behind Gymnasium's vector interface."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Generic, TypeVar

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from twin_gym.envs.batch import (
    AUTORESET_DISABLED,
    AUTORESET_NEXT_STEP,
    AUTORESET_SAME_STEP,
    Batch,
)
from twin_gym.envs.seeding import row_seeds
from twin_gym.envs.spec import ToldSpec
from twin_gym.errors import ConfigError, unknown_name

Observations = NDArray[np.float32]
Infos = dict[str, Any]
BatchType = TypeVar("BatchType", bound=Batch)

_AUTORESET = {
    AutoresetMode.DISABLED: AUTORESET_DISABLED,
    AutoresetMode.SAME_STEP: AUTORESET_SAME_STEP,
    AutoresetMode.NEXT_STEP: AUTORESET_NEXT_STEP,
}
MAX_THREADS = 256

_METADATA: dict[str, Any] = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}


class RowsVectorEnv(
    ToldSpec, VectorEnv[Observations, NDArray[Any], NDArray[np.float64]], Generic[BatchType]
):
    """Many networks side by side, each in a world of its own.

    Row i of a vector that was reset with seed s goes through the same episodes as a single
    environment that was reset with seed s + i. That does not depend on how many rows there are,
    nor on `num_threads`.

    Args:
        batch: the rows.
        autoreset_mode: what happens to a row whose episode is over. `NEXT_STEP` (Gymnasium's
            default): its next step begins the next episode, whatever the action, with reward 0.
            `SAME_STEP` (SB3): it begins at once; the last observation is in `final_obs`, the last
            info with its `kpi` in `final_info`, and `infos` has the first info of the new episode.
            `DISABLED`: it waits for `reset` with a `reset_mask` in the options.
        num_threads: the rows are cut into so many stretches; more than one pays from about 8,192
            rows on.
        copy: whether what is returned stays as it is. Without it the arrays are the environment's
            own and the next step overwrites them.
        render_mode: vector environments are not rendered; only None.

    Raises:
        ConfigError: if an argument is unknown.
    """

    metadata = _METADATA

    def __init__(
        self,
        batch: BatchType,
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        num_threads: int = 1,
        copy: bool = True,
        render_mode: None = None,
    ) -> None:
        if render_mode is not None:
            raise ConfigError(f"a vector environment is not rendered, got {render_mode!r}")
        if not isinstance(num_threads, int) or not 1 <= num_threads <= MAX_THREADS:
            raise ConfigError(f"num_threads is 1 to {MAX_THREADS}, got {num_threads!r}")
        modes = {mode.value for mode in AutoresetMode}
        if not isinstance(autoreset_mode, AutoresetMode) and autoreset_mode not in modes:
            raise unknown_name("autoreset mode", str(autoreset_mode), modes)
        mode = AutoresetMode(autoreset_mode)
        self.metadata = {**_METADATA, "autoreset_mode": mode}
        self.render_mode = None
        self.num_envs = batch.num_rows
        self._mode = _AUTORESET[mode]
        self._copy = copy
        self._num_threads = num_threads
        self._pool: ThreadPoolExecutor | None = None
        self._batch = batch
        self.single_observation_space = batch.observation_space
        self.single_action_space = batch.action_space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._everyone = np.ones(self.num_envs, np.bool_)
        self._nobody = np.zeros(self.num_envs, np.bool_)
        present = np.ones(self.num_envs, np.bool_)
        present.flags.writeable = False
        self._reported = batch.reported
        told = self._reported if batch.masks is None else ("action_mask", *self._reported)
        self._all_present = {f"_{name}": present for name in told}
        self._is_seeded = False

    @property
    def batch(self) -> BatchType:
        """The rows behind this environment."""
        return self._batch

    @property
    def scenario(self) -> Any:  # noqa: ANN401
        """The scenario of the rows, the first one if there are several."""
        return self._batch.scenarios[0]

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Observations, Infos]:
        """Begins episodes: the first ones of the seeds, or without a seed the next ones.

        Args:
            seed: s gives row i the seed s + i; a sequence gives each row its own.
            options: `reset_mask`, a boolean array of the rows to reset; the others go on.

        Returns:
            Observations and infos of all rows.

        Raises:
            ConfigError: if another option is given, or the mask has another shape or type.
        """
        first = seed if isinstance(seed, int) else None
        super().reset(seed=first)
        chosen = self._chosen(dict(options or {}))
        if seed is not None or not self._is_seeded:
            self._batch.seed(row_seeds(seed, self.num_envs, self.np_random), chosen)
            self._is_seeded = True
        self._batch.begin(chosen)
        infos = self._infos(self._returned(self._batch.outcomes))
        return self._returned(self._batch.observations), infos

    def step(  # type: ignore[override]  # Gymnasium has one type for rewards and flags
        self, actions: NDArray[Any]
    ) -> tuple[Observations, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], Infos]:
        """One decision in every row.

        Args:
            actions: one a row, as `action_space` says.

        Returns:
            Observations (num_envs, fields); rewards (num_envs,), or (num_envs, components) for the
            objective `vector`; terminated (all False); truncated; infos.

        Raises:
            ConfigError: if the actions are not of that shape, type and range.
            gymnasium.error.ResetNeeded: before the first reset, and in autoreset mode `DISABLED`
                while a row is over.
        """
        batch = self._batch
        wanted = self._checked(actions)
        if self._num_threads == 1:
            any_over = batch.advance(wanted, self._mode)
        else:
            any_over = batch.advance_threaded(
                wanted, self._mode, self._threads(), self._num_threads
            )
        # One copy of records, of which all that follows are views.
        outcomes = batch.copied_outcomes() if self._copy else batch.outcomes
        if batch.is_vector_reward:
            rewards = np.stack([outcomes[name] for name in batch.COMPONENTS], axis=1)
        else:
            rewards = outcomes["reward"]
        infos = self._infos(outcomes)
        if any_over:
            self._add_final(infos, outcomes)
        observations = self._returned(batch.observations)
        return observations, rewards, self._returned(self._nobody), outcomes["truncated"], infos

    def action_masks(self) -> NDArray[np.bool_]:
        """What is allowed now, as sb3-contrib asks for it; shape (num_envs, actions).

        Raises:
            ConfigError: if the actions of this environment are not masked.
        """
        return self._masks().astype(np.bool_)

    def close_extras(self, **kwargs: Any) -> None:
        """Ends the threads."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _checked(self, actions: NDArray[Any]) -> NDArray[Any]:
        if not self._is_seeded:
            raise ResetNeeded("no episode has begun: call reset()")
        if self._mode == AUTORESET_DISABLED and self._batch.outcomes["truncated"].any():
            rows = np.flatnonzero(self._batch.outcomes["truncated"]).tolist()
            raise ResetNeeded(f"rows {rows} are over: reset them with the option reset_mask")
        return self._batch.checked_actions(actions)

    def _masks(self) -> NDArray[np.int8]:
        if self._batch.masks is None:
            raise ConfigError(f"the actions of {type(self).__name__} are amounts: none is masked")
        return self._batch.masks

    def _chosen(self, options: dict[str, Any]) -> NDArray[np.bool_]:
        mask = options.pop("reset_mask", self._everyone)
        if options:
            raise ConfigError(f"reset knows the option reset_mask, got {sorted(options)}")
        chosen = np.asarray(mask)
        if chosen.shape != (self.num_envs,) or chosen.dtype != np.bool_ or not chosen.any():
            raise ConfigError(
                f"reset_mask must be a boolean array of shape ({self.num_envs},) with a True in "
                f"it, got {chosen!r}"
            )
        if not self._is_seeded and not chosen.all():
            raise ConfigError("the first reset begins all rows: leave out reset_mask")
        return chosen

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._num_threads, "twin_gym rows")
        return self._pool

    def _returned(self, array: NDArray[Any]) -> NDArray[Any]:
        return array.copy() if self._copy else array

    def _infos(self, outcomes: NDArray[np.void]) -> Infos:
        infos: Infos = {}
        if self._batch.masks is not None:
            infos["action_mask"] = self._returned(self._batch.masks)
        for name in self._reported:
            infos[name] = outcomes[name]
        infos.update(self._all_present)
        return infos

    def _add_final(self, infos: Infos, outcomes: NDArray[np.void]) -> None:
        """Indicators of the episodes that are over, as arrays of all rows."""
        batch = self._batch
        ended = outcomes["truncated"].copy()
        same_step = self._mode == AUTORESET_SAME_STEP
        at = np.flatnonzero(ended)
        names, values = batch.final_kpi_table(at, same_step)
        table = np.zeros((self.num_envs, len(names)))
        table[at] = values
        kpi: dict[str, Any] = dict(zip(names, table.T, strict=True))
        kpi.update(dict.fromkeys(_flag_names(names), ended))
        if not same_step:
            infos["kpi"], infos["_kpi"] = kpi, ended
            return
        final: Infos = {}
        if batch.masks is not None:
            final["action_mask"] = batch.final_masks(at)
        for name in self._reported:
            final[name] = outcomes[name]
        final["kpi"] = kpi
        final.update(dict.fromkeys(_flag_names(tuple(final)), ended))
        begun = batch.begun(at)
        for name in self._reported:
            infos[name] = begun[name]
        infos["final_info"], infos["_final_info"] = final, ended
        observations = np.empty(self.num_envs, object)
        for row in at:
            observations[row] = batch.final_observations[row].copy()
        infos["final_obs"], infos["_final_obs"] = observations, ended

    def __getstate__(self) -> dict[str, Any]:
        """Threads are not pickled; they are made anew when needed."""
        return {**self.__dict__, "_pool": None}


@cache
def _flag_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Where Gymnasium says for which rows an info of this name is."""
    return tuple(f"_{name}" for name in names)
