"""Transitions for offline learning: recorded from a running network, with rewards and times.

A `DecisionLog` says what was done, which is enough to clone. To do better than the operator one
must also know what came of it: the reward, the simulated seconds until the next decision, and what
was seen then.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.slice_admission.observation import ActionName
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import ConfigError
from twin_gym.twins.decision_log import MAX_DECISIONS, DecisionLog

# By name: type, and number of dimensions. Those of `_SEEDS` are one an episode.
_ARRAYS = {
    "observations": (np.float32, 2),
    "masks": (np.int8, 2),
    "actions": (np.int64, 1),
    "rewards": (np.float64, 1),
    "elapsed_s": (np.float64, 1),
    "next_observations": (np.float32, 2),
    "next_masks": (np.int8, 2),
    "truncated": (np.bool_, 1),
}
_SEEDS = "seeds"


@dataclass(frozen=True)
class Transitions:
    """Steps of episodes, one episode after the other, each from its start.

    Nothing terminates: every episode was truncated, at the horizon or where the recording ended,
    and what would have followed still has a value.

    Attributes:
        observations: what was seen; shape (steps, fields), float32 in [0, 1].
        masks: 1 = allowed; shape (steps, actions), int8.
        actions: what was done, allowed; shape (steps,), int64.
        rewards: what it brought, in revenue; shape (steps,), float64.
        elapsed_s: simulated seconds until the next step; shape (steps,), float64, 0 or more.
        next_observations: what was seen then; shape (steps, fields), float32.
        next_masks: what was allowed then; shape (steps, actions), int8.
        truncated: whether the episode ended with the step; shape (steps,), bool.
        seeds: of the world of each episode, for `reset`; shape (episodes,), int64.
        scenario_digest: of the scenario that ran.
        action: form of the actions.
        policy: name of the policy that decided.
        epsilon: chance of each of its decisions to have been replaced (see `Exploring`).

    Raises:
        ConfigError: if the arrays do not fit together.
    """

    observations: NDArray[np.float32]
    masks: NDArray[np.int8]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float64]
    elapsed_s: NDArray[np.float64]
    next_observations: NDArray[np.float32]
    next_masks: NDArray[np.int8]
    truncated: NDArray[np.bool_]
    seeds: NDArray[np.int64]
    scenario_digest: str
    action: ActionName
    policy: str
    epsilon: float = 0.0

    def __post_init__(self) -> None:
        """Checks everything: transitions may come from a file of someone else's."""
        self._check_arrays()
        self._check_episodes()
        if not 0.0 <= self.epsilon <= 1.0:
            raise ConfigError(f"`epsilon` of transitions is 0 to 1, got {self.epsilon!r}")
        self._log(np.ones(len(self), np.bool_))  # checks observations, masks and actions

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def episodes(self) -> NDArray[np.int64]:
        """Number of the episode of each step, from 0 on; shape (steps,)."""
        ends: NDArray[np.int64] = np.cumsum(self.truncated, dtype=np.int64)
        return ends - self.truncated

    @property
    def reward_rate(self) -> float:
        """Reward a simulated second, over all steps."""
        return float(self.rewards.sum() / self.elapsed_s.sum())

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that name these transitions, to the last bit."""
        found = hashlib.sha256()
        for name in (*_ARRAYS, _SEEDS):
            array = np.ascontiguousarray(getattr(self, name))
            found.update(f"{name} {array.dtype.str} {array.shape}".encode())
            found.update(array.tobytes())
        about = [self.scenario_digest, self.action, self.policy, self.epsilon]
        found.update(json.dumps(about).encode())
        return found.hexdigest()[:16]

    def decisions(self) -> DecisionLog:
        """The decisions as a log to clone from; each episode counts as a network.

        Steps in which nothing but waiting is allowed teach nothing and are left out.

        Returns:
            The log.

        Raises:
            ConfigError: if there was never anything to decide.
        """
        is_open: NDArray[np.bool_] = self.masks[:, :-1].max(axis=1) > 0
        if not is_open.any():
            raise ConfigError("nothing but waiting was ever allowed: there is nothing to clone")
        return self._log(is_open)

    def check_fits(self, scenario: AdmissionScenario) -> None:
        """Refuses another scenario than the one that was recorded.

        Raises:
            ConfigError: if the digests differ.
        """
        if self.scenario_digest != scenario.digest:
            raise ConfigError(
                f"the transitions are of the scenario {self.scenario_digest}, and "
                f"{scenario.name!r} is {scenario.digest}: give the scenario that was recorded"
            )

    def _log(self, chosen: NDArray[np.bool_]) -> DecisionLog:
        """Some of the steps as a log, their episodes numbered without gaps."""
        _, networks = np.unique(self.episodes[chosen], return_inverse=True)
        return DecisionLog(
            self.observations[chosen],
            self.masks[chosen],
            self.actions[chosen],
            networks.astype(np.int64),
            self.scenario_digest,
            self.action,
            self.policy,
        )

    def _check_arrays(self) -> None:
        steps = self.actions.shape[:1]
        for name, (kind, dimensions) in _ARRAYS.items():
            array: NDArray[Any] = getattr(self, name)
            if array.dtype != kind or array.ndim != dimensions or array.shape[:1] != steps:
                raise ConfigError(
                    f"`{name}` of transitions must be {kind.__name__} with {dimensions} "
                    f"dimension(s) and one row a step, got {array.dtype} of shape {array.shape}"
                )
        if not 1 <= len(self.actions) <= MAX_DECISIONS:
            raise ConfigError(
                f"transitions have 1 to {MAX_DECISIONS:,} steps, got {len(self.actions)}"
            )
        for name in ("rewards", "elapsed_s"):
            if not np.isfinite(getattr(self, name)).all():
                raise ConfigError(f"`{name}` of transitions must be finite")
        if self.elapsed_s.min() < 0.0 or self.elapsed_s.sum() <= 0.0:
            raise ConfigError("`elapsed_s` of transitions are 0 or more, and not all of them 0")

    def _check_episodes(self) -> None:
        """Inside an episode, what comes next is what the next step sees."""
        if not self.truncated[-1]:
            raise ConfigError("the last step of transitions ends an episode: set `truncated` there")
        ended = int(self.truncated.sum())
        if self.seeds.dtype != np.int64 or self.seeds.shape != (ended,) or self.seeds.min() < 0:
            raise ConfigError(
                f"`seeds` of transitions must be int64, 0 or more, one an episode ({ended}), got "
                f"{self.seeds.dtype} of shape {self.seeds.shape}"
            )
        goes_on = ~self.truncated[:-1]
        for name in ("observations", "masks"):
            now, then = getattr(self, name), getattr(self, f"next_{name}")
            if now.shape != then.shape or (then[:-1][goes_on] != now[1:][goes_on]).any():
                raise ConfigError(
                    f"`next_{name}` of transitions must be the `{name}` of the step that follows "
                    "in the same episode"
                )
