"""The rows of a twin_gym vector environment as an SB3 `VecEnv`, without a copy loop."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices

from twin_gym.core.batch import AUTORESET_SAME_STEP, Batch, true_runs
from twin_gym.core.options import own_options
from twin_gym.core.seeding import checked_seed
from twin_gym.errors import ConfigError

Array = NDArray[Any]

MIN_REWARD_SCALE, MAX_REWARD_SCALE = 1e-30, 1e18
"""Rewards are at most 1e18, and learners get them in 32 bits, which hold up to 3e38."""

_ROUNDING = 1e-9  # of sums of seconds


class NativeVecEnv(VecEnv):
    """All rows in one call, as Stable-Baselines3 and sb3-contrib want them.

    At the end of an episode the info of its row has `terminal_observation`,
    `TimeLimit.truncated`, `episode` (return `r` and length `l`, as a monitor gives them) and
    `kpi`. The infos of the other rows are empty: a loop over hundreds of rows in Python would cost
    more than the simulation. What they would say is in `elapsed_s` and `costs`. Every row has a
    dict of its own at every step, which callbacks may write into; so it is with `reset_infos`.

    Args:
        venv: a twin_gym vector environment in autoreset mode SAME_STEP.
        reward_scale: rewards are multiplied by it; the returns in `episode` are not.
        staggered: whether a reset leaves row i of n at i/n of its episode, advanced by uniformly
            drawn actions. Otherwise episodes of equal length stay in step, and every rollout shows
            the learner the same part of all of them.
        spread_rows: the former name of `staggered`; it warns.

    Raises:
        ConfigError: if the vector environment is in another mode or its objective is `vector`, the
            scale is not positive, or rows with a limit on their steps are to be staggered.

    Attributes:
        elapsed_s: simulated seconds that the last step took; shape (num_envs,). The next step
            writes into it.
        costs: service-level violations in the last step; as above.
    """

    def __init__(
        self,
        venv: VectorEnv[Any, Any, Any],
        *,
        reward_scale: float = 1.0,
        staggered: bool = False,
        spread_rows: bool | None = None,
    ) -> None:
        staggered = staggered or bool(spread_rows)
        if venv.metadata.get("autoreset_mode") != AutoresetMode.SAME_STEP:
            raise ConfigError(
                "Stable-Baselines3 needs autoreset_mode=SAME_STEP, got "
                f"{venv.metadata.get('autoreset_mode')}"
            )
        if not MIN_REWARD_SCALE <= reward_scale <= MAX_REWARD_SCALE:
            raise ConfigError(
                f"reward_scale must be positive and finite, {MIN_REWARD_SCALE:g} to "
                f"{MAX_REWARD_SCALE:g}, got {reward_scale!r}"
            )
        if venv.batch.is_vector_reward:  # type: ignore[attr-defined]
            raise ConfigError(
                'Stable-Baselines3 needs one number as reward, and objective="vector" gives '
                "several: name one of them"
            )
        if staggered and getattr(venv, "max_episode_steps", None) is not None:
            raise ConfigError(
                "staggered spreads rows over the horizon, which max_episode_steps ends before: "
                "leave out one of the two, or shorten the scenario's horizon_s"
            )
        if spread_rows is not None:
            _warn_of_former_keyword()
        self.venv = venv
        self.reward_scale = reward_scale
        self.staggered = staggered
        self.render_mode = None
        self.elapsed_s: NDArray[np.float64] = np.zeros(venv.num_envs)
        self.costs: NDArray[np.float64] = np.zeros(venv.num_envs)
        self.rewards: NDArray[np.float64] = np.zeros(venv.num_envs)
        self._actions: Array = np.zeros(venv.num_envs, np.int64)
        self._returns = np.zeros(venv.num_envs)
        self._lengths = np.zeros(venv.num_envs, np.int64)
        super().__init__(venv.num_envs, venv.single_observation_space, venv.single_action_space)

    @property
    def scenario(self) -> Any:  # noqa: ANN401 - each environment has its own kind
        """The scenario of the rows, the first one if there are several."""
        return self.batch.scenarios[0]

    @property
    def batch(self) -> Batch:
        """The rows themselves."""
        batch: Batch = self.venv.batch  # type: ignore[attr-defined]
        return batch

    def reset(self) -> Array:
        """Begins all episodes: those of the last `seed`, or else the next ones."""
        seeds = None if all(seed is None for seed in self._seeds) else self._seeds
        self.venv.reset(seed=seeds)  # type: ignore[arg-type]
        self._returns[:] = 0.0
        self._lengths[:] = 0
        self.elapsed_s, self.costs = np.zeros(self.num_envs), np.zeros(self.num_envs)
        if self.staggered:
            self._spread(np.random.default_rng([seed or 0 for seed in self._seeds]))
        self.reset_infos = self._nothing()
        self._reset_seeds()
        self._reset_options()
        return self.batch.observations.copy()

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Seeds the rows: row i begins with the first episode of seed + i at the next `reset`.

        Raises:
            ConfigError: if it is no whole number from 0 on.
        """
        return super().seed(checked_seed(seed))

    def set_options(self, options: list[dict[str, Any]] | dict[str, Any] | None = None) -> None:
        """Takes what the next `reset` is given: no option is known, keys of libraries pass.

        Raises:
            ConfigError: if there is another key (see `twin_gym.core.options`).
        """
        for one in options if isinstance(options, list) else [options]:
            own_options(one)
        super().set_options(options)

    def step_async(self, actions: Array) -> None:
        """Keeps the actions for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[Array, Array, Array, list[dict[str, Any]]]:
        """Carries out the actions kept."""
        observations, rewards, _, dones, infos = self.venv.step(self._actions)
        self.elapsed_s, self.costs = infos["elapsed_s"], infos["cost"]
        if "final_info" in infos:  # the infos of these rows are those of their new episodes
            last = infos["final_info"]
            self.elapsed_s = np.where(dones, last["elapsed_s"], self.elapsed_s)
            self.costs = np.where(dones, last["cost"], self.costs)
        self.rewards = np.array(rewards)
        self._returns += rewards
        self._lengths += 1
        row_infos = self._final_infos(dones, infos) if "final_info" in infos else self._nothing()
        scaled = (rewards * self.reward_scale).astype(np.float32)
        return np.array(observations), scaled, np.array(dones), row_infos

    def action_masks(self) -> NDArray[np.bool_]:
        """The masks of the current step; shape (num_envs, actions)."""
        return self._masks().astype(np.bool_)

    def close(self) -> None:
        """Closes the vector environment."""
        self.venv.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """`action_masks` of each row, to be called; else the same value for each: they share it."""
        rows = list(self._get_indices(indices))
        if attr_name == "action_masks":
            return [functools.partial(self._row_mask, row) for row in rows]
        return [getattr(self.venv, attr_name) for _ in rows]

    def set_attr(self, attr_name: str, value: object, indices: VecEnvIndices = None) -> None:
        """Refused: the rows share one environment."""
        raise NotImplementedError(
            f"{attr_name!r} cannot be set for single rows: make a new environment"
        )

    def env_method(
        self, method_name: str, *args: Any, indices: VecEnvIndices = None, **kwargs: Any
    ) -> list[Any]:
        """`action_masks` of each row; other methods are refused: the rows share one environment."""
        if method_name != "action_masks":
            raise NotImplementedError(f"{method_name!r} cannot be called for single rows")
        masks = self.action_masks()
        return [masks[row] for row in self._get_indices(indices)]

    def env_is_wrapped(
        self,
        wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]],
        indices: VecEnvIndices = None,
    ) -> list[bool]:
        """Whether an episode's return and length are told, as `Monitor` does; else False."""
        is_told = issubclass(wrapper_class, Monitor)
        return [is_told for _ in self._get_indices(indices)]

    def _spread(self, rng: np.random.Generator) -> None:
        """Advances row i of n to i/n of its episode."""
        horizons_s = [self.batch.scenario_of(row).horizon_s for row in range(self.num_envs)]
        wanted_s = np.array(horizons_s) * np.arange(self.num_envs) / self.num_envs
        passed_s = np.zeros(self.num_envs)
        while (behind := passed_s < wanted_s * (1.0 - _ROUNDING)).any():
            actions = self.batch.checked_actions(self._drawn(rng))
            for first, last in true_runs(behind):
                self.batch.advance(actions, AUTORESET_SAME_STEP, first, last)
            outcomes = self.batch.outcomes
            self._returns[behind] += outcomes["reward"][behind]
            self._lengths[behind] += 1
            passed_s[behind] += outcomes["elapsed_s"][behind]
            ended = behind & outcomes["truncated"]
            passed_s[ended], self._returns[ended], self._lengths[ended] = np.inf, 0.0, 0

    def _drawn(self, rng: np.random.Generator) -> Array:
        """An allowed action for each row, all as likely."""
        space, masks = self.batch.action_space, self.batch.masks
        if isinstance(space, spaces.Box):
            return rng.uniform(space.low, space.high, (self.num_envs, *space.shape))
        if masks is None:
            return rng.integers(0, int(space.n), self.num_envs)
        chosen: NDArray[np.int64] = (rng.random(masks.shape) * masks).argmax(axis=1)
        return chosen

    def _nothing(self) -> list[dict[str, Any]]:
        """One empty info for each row."""
        return [{} for _ in range(self.num_envs)]

    def _row_mask(self, row: int) -> NDArray[np.bool_]:
        mask: NDArray[np.bool_] = self._masks()[row].astype(np.bool_)
        return mask

    def _masks(self) -> NDArray[np.int8]:
        if self.batch.masks is None:
            raise ConfigError("the actions of this environment are amounts: none is masked")
        return self.batch.masks

    def _final_infos(self, dones: Array, infos: dict[str, Any]) -> list[dict[str, Any]]:
        row_infos = self._nothing()
        kpi = infos["final_info"]["kpi"]
        names = [name for name in kpi if not name.startswith("_")]
        for row in np.flatnonzero(dones):
            row_infos[row] = {
                "terminal_observation": infos["final_obs"][row],
                "TimeLimit.truncated": True,
                "episode": {
                    "r": float(self._returns[row]),
                    "l": int(self._lengths[row]),
                    "t": 0.0,
                },
                "kpi": {name: float(kpi[name][row]) for name in names},
            }
        self._returns[dones] = 0.0
        self._lengths[dones] = 0
        return row_infos


def make_vec_env(
    env_id: str,
    n_envs: int = 1,
    *,
    seed: int | None = None,
    reward_scale: float | Literal["auto"] = 1.0,
    staggered: bool = False,
    spread_rows: bool | None = None,
    **env_kwargs: Any,
) -> NativeVecEnv:
    """A Stable-Baselines3 environment of many rows.

    Args:
        env_id: a registered id, such as `twin_gym/SliceAdmission-v0`.
        n_envs: rows.
        seed: row i begins with the first episode of seed + i.
        reward_scale: see `NativeVecEnv`; `auto` makes a critic's targets near 1 whatever the unit
            (see `Batch.usual_reward_scale`).
        staggered: see `NativeVecEnv`.
        spread_rows: the former name of `staggered`; it warns.
        env_kwargs: arguments of the environment, such as `scenario`.

    Returns:
        The environment, seeded.

    Raises:
        ConfigError: if an argument is not valid.
    """
    venv = gymnasium.make_vec(
        env_id,
        num_envs=n_envs,
        vectorization_mode="vector_entry_point",
        autoreset_mode=AutoresetMode.SAME_STEP,
        copy=False,
        **env_kwargs,
    )
    batch: Batch = venv.batch  # type: ignore[attr-defined]
    scale = batch.usual_reward_scale if reward_scale == "auto" else float(reward_scale)
    env = NativeVecEnv(venv, reward_scale=scale, staggered=staggered or bool(spread_rows))
    if spread_rows is not None:
        _warn_of_former_keyword()
    if seed is not None:
        env.seed(seed)
    return env


def _warn_of_former_keyword() -> None:
    """Names the caller of the function that was given `spread_rows`."""
    message = "spread_rows is now staggered; the old keyword goes in 0.2.0"
    warnings.warn(message, DeprecationWarning, stacklevel=3)


def native_env(env: VecEnv) -> NativeVecEnv:
    """The native environment under Stable-Baselines3's wrappers.

    Raises:
        ConfigError: if there is none.
    """
    inner: Any = env
    while not isinstance(inner, NativeVecEnv):
        if not hasattr(inner, "venv"):
            raise ConfigError(
                "this needs an environment from twin_gym.sb3.make_vec_env, got "
                f"{type(env).__name__}"
            )
        inner = inner.venv
    return inner
