"""An environment that costs nothing: what remains is Stable-Baselines3's own time."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices

Array = NDArray[Any]


class FreeVecEnv(VecEnv):
    """Always shows the same, pays nothing and never ends.

    Args:
        num_envs: rows.
        observation_space: of one row.
        action_space: of one row.
    """

    def __init__(
        self,
        num_envs: int,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
    ) -> None:
        self.render_mode = None
        shape = (num_envs, *(observation_space.shape or ()))
        self._observations = np.full(shape, 0.5, np.float32)
        self._rewards = np.zeros(num_envs, np.float32)
        self._dones = np.zeros(num_envs, np.bool_)
        self._infos: list[dict[str, Any]] = [{}] * num_envs
        super().__init__(num_envs, observation_space, action_space)

    def reset(self) -> Array:
        """The one observation there is."""
        return self._observations

    def step_async(self, actions: Array) -> None:
        """Takes no notice."""

    def step_wait(self) -> tuple[Array, Array, Array, list[dict[str, Any]]]:
        """The same as ever."""
        return self._observations, self._rewards, self._dones, self._infos

    def close(self) -> None:
        """Nothing to close."""

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """The same value for each row."""
        return [getattr(self, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: object, indices: VecEnvIndices = None) -> None:
        """Nothing can be set."""
        raise NotImplementedError(f"{attr_name!r} cannot be set")

    def env_method(
        self, method_name: str, *args: object, indices: VecEnvIndices = None, **kwargs: object
    ) -> list[Any]:
        """There are no methods."""
        raise NotImplementedError(f"there is no method {method_name!r}")

    def env_is_wrapped(
        self,
        wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]],
        indices: VecEnvIndices = None,
    ) -> list[bool]:
        """False for each row."""
        return [False for _ in self._get_indices(indices)]
