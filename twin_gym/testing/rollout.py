"""Runs of vector environments, with copies of all that they return."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import iterate
from numpy.typing import NDArray

from twin_gym.testing.actions import Chooser, batched

_ACTIONS = 7919


@dataclass(frozen=True)
class StepRecord:
    """All that one reset or step returned.

    Attributes:
        observations: a copy.
        rewards: a copy; zeros for a reset.
        terminated: a copy; False for a reset.
        truncated: a copy; False for a reset.
        infos: a copy.
        sub_envs: the same observations, one for each sub-environment.
        actions: what each sub-environment did, None for a reset.
        was_reset: for a reset, which sub-environments.
        live: observations, rewards, terminated, truncated and infos as they were returned.
    """

    observations: Any
    rewards: Any
    terminated: Any
    truncated: Any
    infos: dict[str, Any]
    sub_envs: tuple[Any, ...]
    actions: list[Any] | None
    was_reset: NDArray[np.bool_] | None
    live: tuple[Any, ...]

    def parts(self) -> tuple[Any, ...]:
        """Copies of what a step returned, in its order."""
        return self.observations, self.rewards, self.terminated, self.truncated, self.infos

    @property
    def ended(self) -> NDArray[np.bool_]:
        """Which episodes ended; shape (num_envs,)."""
        either: NDArray[np.bool_] = np.logical_or(self.terminated, self.truncated)
        return either

    def of_sub_env(self, sub_env: int) -> tuple[Any, ...]:
        """Observation, reward, terminated and truncated of one sub-environment."""
        return (
            self.sub_envs[sub_env],
            self.rewards[sub_env],
            self.terminated[sub_env],
            self.truncated[sub_env],
        )


class Rollout:
    """Steps a vector environment with actions drawn from a fixed seed, always the same ones.

    Args:
        env: is reset here.
        seed: of the reset.
        same_action: whether all sub-environments take the action that sub-environment 0 draws.
        other_after_end: whether a sub-environment takes another action in the step after its end.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        seed: int,
        *,
        same_action: bool = False,
        other_after_end: bool = False,
    ) -> None:
        self._env = env
        self._same_action = same_action
        self._other_after_end = other_after_end
        space = env.single_action_space
        self._choosers = [Chooser(space, _ACTIONS + sub_env) for sub_env in range(env.num_envs)]
        self.first = self._reset(np.ones(env.num_envs, np.bool_), seed=seed)
        self._last = self.first

    def step(self) -> list[StepRecord]:
        """One step; if autoreset is disabled, also a reset of the sub-environments that ended."""
        actions = self._choose()
        returned = self._env.step(batched(self._env.single_action_space, actions))
        records = [self._record(tuple(returned), actions, None)]
        ended = records[0].ended
        if self._env.metadata["autoreset_mode"] is AutoresetMode.DISABLED and ended.any():
            records.append(self._reset(ended, options={"reset_mask": ended.copy()}))
        self._last = records[-1]
        return records

    def on(self, env: VectorEnv[Any, Any, Any]) -> Rollout:
        """The same run, from here on, on a copy of the environment."""
        twin = copy.copy(self)
        twin.__dict__.update(_env=env, _choosers=copy.deepcopy(self._choosers))
        return twin

    def _choose(self) -> list[Any]:
        before = self._last
        masks = before.infos.get("action_mask")
        known = before.infos.get("_action_mask")
        actions = []
        for sub_env, chooser in enumerate(self._choosers):
            has_mask = masks is not None and known is not None and known[sub_env]
            action = chooser.choose(masks[sub_env] if masks is not None and has_mask else None)
            if self._other_after_end and before.ended[sub_env]:
                action = chooser.other_than(action)
            actions.append(action)
        return [actions[0]] * len(actions) if self._same_action else actions

    def _reset(self, sub_envs: NDArray[np.bool_], **arguments: Any) -> StepRecord:
        observations, infos = self._env.reset(**arguments)
        nothing = np.zeros(self._env.num_envs), sub_envs & False, sub_envs & False
        return self._record((observations, *nothing, infos), None, sub_envs)

    def _record(
        self,
        live: tuple[Any, ...],
        actions: list[Any] | None,
        was_reset: NDArray[np.bool_] | None,
    ) -> StepRecord:
        observations, rewards, terminated, truncated, infos = copy.deepcopy(live)
        try:
            sub_envs = tuple(iterate(self._env.observation_space, observations))
        except (TypeError, ValueError, KeyError):
            sub_envs = ()  # not in the space; the check of the form says so
        return StepRecord(
            observations, rewards, terminated, truncated, infos, sub_envs, actions, was_reset, live
        )
