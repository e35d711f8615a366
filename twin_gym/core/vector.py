"""The vector form of every environment: the batch itself, behind Gymnasium's vector interface."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from twin_gym.core.batch import AUTORESET_DISABLED, AUTORESET_NEXT_STEP, AUTORESET_SAME_STEP, Batch
from twin_gym.core.counts import as_index, whole_number
from twin_gym.core.options import own_options
from twin_gym.core.seeding import checked_seeds, row_seeds
from twin_gym.core.settings import DEFAULT, FromSettings
from twin_gym.core.single import reward_dim, reward_space
from twin_gym.core.spec import ToldSpec
from twin_gym.core.step_limit import StepLimit, ones_but
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
NO_LIMIT = -1
"""Gymnasium's word for no limit on the steps of an episode."""

_OPTIONS = ("reset_mask",)
_METADATA: dict[str, Any] = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}


@dataclass(frozen=True)
class _Ends:
    """The results of the episodes that a step has ended, where the next ones have begun."""

    kpi_names: tuple[str, ...]
    kpi_values: NDArray[np.float64]
    masks: NDArray[np.int8] | None
    observations: NDArray[np.float32]
    reset_outcomes: NDArray[np.void]


class RowsVectorEnv(
    ToldSpec,
    FromSettings,
    VectorEnv[Observations, NDArray[Any], NDArray[np.float64]],
    Generic[BatchType],
):
    """Many networks side by side, each in a world of its own.

    Row i of a vector that was reset with seed s goes through the same episodes as a single
    environment that was reset with seed s + i. That does not depend on how many rows there are,
    nor on `num_threads`.

    Args:
        num_envs: rows.
        scenario: as for the single form; each row draws one of several at each of its resets.
        settings: as for the single form; `help` shows them.
        autoreset_mode: what happens to a row whose episode is over. `NEXT_STEP` (Gymnasium's
            default): its next step begins the next episode, whatever the action, with reward 0.
            `SAME_STEP` (SB3): it begins at once; the last observation is in `final_obs`, the last
            info with its `kpi` in `final_info`, and `infos` has the first info of the new episode.
            `DISABLED`: it waits for `reset` with a `reset_mask` in the options.
        num_threads: the rows are cut into so many stretches; more than one pays from about 8,192
            rows on.
        copy: if False, the returned arrays are overwritten by the next step.
        render_mode: must be None; vector environments cannot render.
        max_episode_steps: episodes end after so many steps, if not at the horizon before: a row
            does what `gym.make` with this argument does, and `kpi` is of what it reached by then.
            None or -1: at the horizon alone.
        disable_env_checker: as `gym.make` takes it; there is no checker here, so that only False
            is refused.

    Raises:
        ConfigError: if an argument is unknown or a scenario is not valid.

    Attributes:
        autoreset_mode: the argument.
        max_episode_steps: the argument; None where there is no limit.
        reward_space: of the rewards of one row, as MO-Gymnasium asks for it.
        reward_dim: how many numbers the reward of a row is.
    """

    metadata = _METADATA
    _pool: ThreadPoolExecutor | None = None
    _pool_process = 0

    def __init__(
        self,
        num_envs: int = 1,
        scenario: Any = DEFAULT,  # noqa: ANN401
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        num_threads: int = 1,
        copy: bool = True,
        render_mode: None = None,
        max_episode_steps: int | None = None,
        disable_env_checker: bool | None = None,
        **settings: Any,
    ) -> None:
        if render_mode is not None:
            raise ConfigError(
                "vector environments cannot render: render_mode must be None, got "
                f'{render_mode!r}; use vectorization_mode="sync", or the single form'
            )
        if disable_env_checker is not None and not disable_env_checker:
            raise ConfigError(
                "a vector environment has no checker to switch on: leave disable_env_checker out, "
                "and use twin_gym.testing.check_vector_env"
            )
        mode = _checked_mode(autoreset_mode)
        self.autoreset_mode = mode
        self.metadata = {**_METADATA, "autoreset_mode": mode}
        self.render_mode = None
        batch: BatchType = self._make_batch(num_envs, scenario, settings)
        self.num_envs = batch.num_rows
        self._mode = _AUTORESET[mode]
        self._copy = copy
        self._num_threads = whole_number("num_threads", num_threads, 1, MAX_THREADS)
        self._is_interrupted = False
        self._batch = batch
        self.max_episode_steps = _checked_limit(max_episode_steps)
        most = self.max_episode_steps
        self._limit = None if most is None else StepLimit(batch, most, self._mode)
        self.reward_space = reward_space(batch)
        self.reward_dim = reward_dim(batch)
        self.single_observation_space = batch.observation_space
        self.single_action_space = batch.action_space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._everyone = np.ones(self.num_envs, np.bool_)
        present = np.ones(self.num_envs, np.bool_)
        present.flags.writeable = False
        self._reported = batch.reported
        names = self._reported if batch.masks is None else ("action_mask", *self._reported)
        self._all_present = {f"_{name}": present for name in names}
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
            options: `reset_mask`, a boolean array of the rows to reset; the others go on. Keys of
                other libraries pass (see `twin_gym.core.options`).

        Returns:
            Observations and infos of all rows.

        Raises:
            ConfigError: if another option is given, the mask has another shape or type, or a seed
                is no whole number from 0 on.
        """
        chosen = self._chosen(own_options(options, _OPTIONS))
        seeds = checked_seeds(seed, self.num_envs)
        super().reset(seed=seeds if isinstance(seeds, int) else None)
        if seeds is not None or not self._is_seeded:
            self._batch.seed(row_seeds(seeds, self.num_envs, self.np_random), chosen)
            self._is_seeded = True
        self._is_interrupted = True
        self._batch.begin(chosen)
        self._is_interrupted = False
        if self._limit is not None:
            self._limit.forget(chosen)
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
        any_over = self._move(self._checked(actions))
        # One copy of records, of which all that follows are views.
        is_copied = self._copy or self._limit is not None
        outcomes = batch.copied_outcomes() if is_copied else batch.outcomes
        if batch.is_vector_reward:
            rewards = np.stack([outcomes[name] for name in batch.COMPONENTS], axis=1)
        else:
            rewards = outcomes["reward"]
        infos = self._with_ends(outcomes) if any_over else self._infos(outcomes)
        observations = self._returned(batch.observations)
        nobody = np.zeros(self.num_envs, np.bool_)
        return observations, rewards, nobody, outcomes["truncated"], infos

    def action_masks(self) -> NDArray[np.bool_]:
        """The masks of the current step, as sb3-contrib asks for them; shape (num_envs, actions).

        Raises:
            ConfigError: if the actions of this environment are not masked.
        """
        return self._masks().astype(np.bool_)

    def close(self, **kwargs: Any) -> None:
        """Ends the threads; also those of steps that were made after it was closed before."""
        super().close(**kwargs)
        if self._pool is not None and self._pool_process == os.getpid():
            self._pool.shutdown()
        self._pool = None

    def _move(self, actions: NDArray[Any]) -> bool:
        """Moves all rows, and says whether an episode is over."""
        mode = self._mode if self._limit is None else self._limit.autoreset
        try:
            if self._num_threads == 1:
                any_over = self._batch.advance(actions, mode)
            else:
                any_over = self._batch.advance_threaded(
                    actions, mode, self._threads(), self._num_threads
                )
        except BaseException:  # such as Ctrl-C: some rows have moved, others have not
            self._is_interrupted = True
            raise
        return any_over if self._limit is None else self._limit.count()

    def _checked(self, actions: NDArray[Any]) -> NDArray[Any]:
        if not self._is_seeded:
            raise ResetNeeded("no episode has begun: call reset()")
        if self._is_interrupted:
            raise ResetNeeded("the last call was interrupted within a step: call reset()")
        if self._mode == AUTORESET_DISABLED and self._batch.outcomes["truncated"].any():
            rows = np.flatnonzero(self._batch.outcomes["truncated"]).tolist()
            raise ResetNeeded(f"rows {rows} are over: reset them with the option reset_mask")
        return self._batch.checked_actions(actions)

    def _masks(self) -> NDArray[np.int8]:
        if self._batch.masks is None:
            raise ConfigError(f"the actions of {type(self).__name__} are amounts: none is masked")
        return self._batch.masks

    def _chosen(self, options: dict[str, Any]) -> NDArray[np.bool_]:
        chosen = np.asarray(options.get("reset_mask", self._everyone))
        if chosen.shape != (self.num_envs,) or chosen.dtype != np.bool_ or not chosen.any():
            raise ConfigError(
                f"reset_mask must be a boolean array of shape ({self.num_envs},) with a True in "
                f"it, got {chosen!r}"
            )
        if not self._is_seeded and not chosen.all():
            raise ConfigError("the first reset begins all rows: leave out reset_mask")
        if self._is_interrupted and not chosen.all():
            raise ConfigError(
                "the reset after an interruption begins all rows: leave out reset_mask"
            )
        return chosen

    def _threads(self) -> ThreadPoolExecutor:
        """The threads of this process: a fork has none of those of its parent."""
        if self._pool is None or self._pool_process != os.getpid():
            self._pool = ThreadPoolExecutor(self._num_threads, "twin_gym rows")
            self._pool_process = os.getpid()
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

    def _with_ends(self, outcomes: NDArray[np.void]) -> Infos:
        """The infos, with indicators of the episodes that are over, as arrays of all rows."""
        ended = outcomes["truncated"].copy()
        ended.flags.writeable = False  # many infos share it
        at = np.flatnonzero(ended)
        if self._mode != AUTORESET_SAME_STEP:
            infos = self._infos(outcomes)
            kpi = self._as_infos(*self._batch.final_kpi_table(at, False), at, ended)
            return {**infos, "kpi": kpi, "_kpi": ended}
        ends = self._ends(at)
        final: Infos = {} if ends.masks is None else {"action_mask": ends.masks}
        for name in self._reported:
            final[name] = outcomes[name]
        final["kpi"] = self._as_infos(ends.kpi_names, ends.kpi_values, at, ended)
        final.update(dict.fromkeys(_flag_names(tuple(final)), ended))
        observations = np.empty(self.num_envs, object)
        for row, last in zip(at, ends.observations, strict=True):
            observations[row] = last.copy()
        last_ones = {"final_info": final, "final_obs": observations}
        return {
            **self._infos(ends.reset_outcomes),
            **last_ones,
            **dict.fromkeys(_flag_names(tuple(last_ones)), ended),
        }

    def _ends(self, at: NDArray[np.int64]) -> _Ends:
        """The results of the rows that are over, each of which is in its next episode after."""
        batch, limit = self._batch, self._limit
        if limit is None:
            return _Ends(
                *batch.final_kpi_table(at, True),
                batch.final_masks(at),
                batch.final_observations[at],
                batch.reset_outcomes(at),
            )
        masks = None if batch.masks is None else ones_but(batch.masks, at)
        observations = batch.observations[at]
        return _Ends(*batch.final_kpi_table(at, False), masks, observations, limit.begin_again())

    def _as_infos(
        self,
        names: tuple[str, ...],
        values: NDArray[np.float64],
        at: NDArray[np.int64],
        flags: NDArray[np.bool_],
    ) -> Infos:
        """A table of some rows as Gymnasium's infos of all: arrays by name, and their flags."""
        table = np.zeros((self.num_envs, len(names)))
        table[at] = values
        infos: Infos = dict(zip(names, table.T, strict=True))
        infos.update(dict.fromkeys(_flag_names(names), flags))
        return infos

    def __getstate__(self) -> dict[str, Any]:
        """Leaves out the threads, which cannot be pickled; they are made again when needed."""
        return {**self.__dict__, "_pool": None}


def _checked_mode(given: AutoresetMode | str) -> AutoresetMode:
    modes = {mode.value for mode in AutoresetMode}
    if not isinstance(given, AutoresetMode) and given not in modes:
        raise unknown_name("autoreset mode", str(given), modes)
    return AutoresetMode(given)


def _checked_limit(max_episode_steps: Any) -> int | None:  # noqa: ANN401
    if max_episode_steps is None or as_index(max_episode_steps) == NO_LIMIT:
        return None
    return whole_number("max_episode_steps", max_episode_steps, 1)


@cache
def _flag_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Gymnasium's names of the flags that say which rows an info is of."""
    return tuple(f"_{name}" for name in names)
