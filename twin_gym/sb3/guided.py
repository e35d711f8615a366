"""Rows in which what runs today goes on deciding, while a learner tries things in the others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from twin_gym.errors import ConfigError
from twin_gym.policies import Policy
from twin_gym.sb3.vec_env import native_env


class GuidedRows(VecEnvWrapper):
    """A policy acts in most rows and the learner in a share of them, spread evenly.

    What a learner tries costs something in the networks where it acts. With a share of a quarter
    the other networks earn what the policy earns, and all of them count as steps.

    The algorithms in simulated time (`SemiMarkovA2C`, `SemiMarkovPPO`, `SemiMarkovMaskablePPO`)
    leave the decisions of guided rows out of their losses, for they are not the learner's: actor
    and critic learn from its own rows alone, in as many fewer gradient steps. Other algorithms
    would take them for their own: give this environment to none.

    Args:
        env: from `make_vec_env`.
        policy: acts in the guided rows, such as a `PolicyTwin`; it fits scenario and actions.
        learner_share: of the rows, above 0 to 1; at least one is the learner's.

    Raises:
        ConfigError: if the share is out of range, or the environment is none of `make_vec_env`.

    Attributes:
        guided: which rows the policy acts in; shape (num_envs,).

    Example:
        >>> from twin_gym.policies import make_policy
        >>> from twin_gym.sb3 import make_vec_env
        >>> env = make_vec_env("twin_gym/SliceAdmission-v0", 4, scenario="mild", seed=0)
        >>> GuidedRows(env, make_policy("density", env.scenario), 0.5).guided.tolist()
        [False, True, False, True]
    """

    def __init__(self, env: VecEnv, policy: Policy, learner_share: float) -> None:
        if not 0.0 < learner_share <= 1.0:
            raise ConfigError(f"learner_share must be above 0 to 1, got {learner_share!r}")
        self._batch = native_env(env).batch
        super().__init__(env)
        own = max(1, round(learner_share * env.num_envs))
        self.guided = np.ones(env.num_envs, np.bool_)
        self.guided[np.arange(own) * env.num_envs // own] = False
        self._policy = policy

    def reset(self) -> VecEnvObs:
        """Begins all episodes."""
        return self.venv.reset()

    def step_async(self, actions: NDArray[Any]) -> None:
        """Puts the policy's actions in the place of the learner's in the guided rows."""
        if self.guided.any():
            masks = self._batch.masks
            if masks is None:
                masks = np.ones((self.num_envs, 0), np.int8)
            theirs = self._policy.actions(self._batch.observations, masks)
            actions = np.array(actions)
            actions[self.guided] = theirs[self.guided]
        self.venv.step_async(actions)

    def step_wait(self) -> VecEnvStepReturn:
        """Carries out the actions."""
        return self.venv.step_wait()


def guided_rows(env: VecEnv) -> NDArray[np.bool_] | None:
    """The rows that a policy acts in; None where the learner acts in all.

    Args:
        env: with or without wrappers.
    """
    inner: Any = env
    while not isinstance(inner, GuidedRows):
        if not hasattr(inner, "venv") or not isinstance(inner, VecEnvWrapper):
            return None
        inner = inner.venv
    return inner.guided if inner.guided.any() else None
