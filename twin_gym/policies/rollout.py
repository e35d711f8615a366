"""One-step lookahead: try every action in futures of the simulator, then follow a base rule."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from twin_gym.core.batch import AUTORESET_NEXT_STEP, Batch
from twin_gym.core.counts import whole_number
from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError
from twin_gym.policies.base import Actions, Masks, Observations, Policy
from twin_gym.policies.draws import Draws

MAX_FUTURES = 4_096
MAX_PLANNED_ROWS = 100_000
_PURPOSE = 7_001


class RolloutPolicy:
    """Takes the action after which a base rule earns most, on average over drawn futures.

    At each decision the state of a row is copied once for each allowed action and each future. All
    actions meet the same futures (common random numbers), which are drawn anew from the laws of the
    scenario: what the true world will bring is known to nobody. After the action the base rule is
    followed until `lookahead_s` is over. The base rule's own action is kept unless another is
    better by more than `margin` standard errors of the paired difference.

    It is privileged: it copies the state of the rows, which in some environments is hidden from
    agents (see `redraw_futures` of the environment). It shows what planning with the simulator
    reaches, at the price of some thousands of simulated steps a decision.

    Args:
        base: the rule that is followed; it must decide by the observation and mask alone.
        lookahead_s: simulated time that a future lasts; positive.
        num_futures: futures that each action is tried in.
        margin: standard errors by which another action must be better; 0: the best mean.

    Raises:
        ConfigError: if a number is out of range.

    References:
        D. P. Bertsekas (2019), Reinforcement Learning and Optimal Control, section 2.4: rollout.
    """

    name = "rollout"

    def __init__(
        self, base: Policy, *, lookahead_s: float, num_futures: int = 16, margin: float = 1.0
    ) -> None:
        if not 0.0 < lookahead_s < float("inf"):
            raise ConfigError(f"`lookahead_s` must be positive and finite, got {lookahead_s!r}")
        if not 0.0 <= margin < float("inf"):
            raise ConfigError(f"`margin` must be 0 or more, and finite, got {margin!r}")
        self._base = base
        self._lookahead_s = lookahead_s
        self._num_futures = whole_number("`num_futures`", num_futures, 2, MAX_FUTURES)
        self._margin = margin
        self._draws = Draws(_PURPOSE)
        self._batch: Batch | None = None

    def bind(self, batch: Batch) -> None:
        """Gives it the rows that it decides for.

        Raises:
            ConfigError: if the environment cannot draw futures anew, actions are continuous, the
                reward is a vector or has a state of its own, or the engine is not compiled.
        """
        kind = kind_named(batch.scenario.kind)
        redraw = kind.facet("futures")
        if redraw is None:
            raise ConfigError(
                f"the environment {kind.name!r} cannot draw futures anew: write "
                f"{kind.to_write('futures')}"
            )
        if not isinstance(batch.action_space, spaces.Discrete) or batch.masks is None:
            raise ConfigError("a rollout tries every action: take a discrete form of the action")
        if batch.reward_model is not None or batch.is_vector_reward:
            raise ConfigError(
                "a rollout adds rewards up: take an objective of the environment that is one number"
            )
        if batch.settings.engine != "kernel":
            raise ConfigError("a rollout copies rows: take engine='kernel'")
        actions = int(batch.action_space.n)
        most = MAX_PLANNED_ROWS // (actions * self._num_futures)
        if most < 1:
            raise ConfigError(
                f"{actions} actions in {self._num_futures} futures are more than "
                f"{MAX_PLANNED_ROWS:,} rows: take fewer futures"
            )
        self._redraw, self._batch = redraw, batch
        self._rows_at_once = min(most, batch.num_rows)
        # One more than is needed: the arrays of rows are told from those of scenarios by length.
        planned = max(self._rows_at_once * actions * self._num_futures, len(batch.scenarios)) + 1
        self._plan = type(batch)(planned, batch.settings)

    def reset(self, seed: int) -> None:
        """Seeds the futures and the base rule."""
        self._draws.reset(seed)
        self._base.reset(seed)

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """The best action of each row.

        Raises:
            ConfigError: if it was not given the rows.
        """
        if self._batch is None:
            raise ConfigError(f"{self.name!r} copies the rows: call `bind(env.batch)` before use")
        drawn = self._draws.next()
        words = drawn.integers(0, 2**64, (len(observations), self._num_futures), dtype=np.uint64)
        chosen = np.array(self._base.actions(observations, masks))
        is_running = self._batch.outcomes["truncated"] == 0
        (deciding,) = np.nonzero((masks.sum(axis=1) > 1) & is_running)
        for first in range(0, len(deciding), self._rows_at_once):
            rows = deciding[first : first + self._rows_at_once]
            self._decide(rows, words[rows], masks[rows], chosen)
        return chosen

    def _decide(
        self, rows: NDArray[np.int64], words: NDArray[np.uint64], masks: Masks, chosen: Actions
    ) -> None:
        """Improves on the choices of some rows."""
        which, tried = np.nonzero(masks)
        sources = np.repeat(rows[which], self._num_futures)
        earned = self._simulate(sources, np.repeat(tried, self._num_futures), words[which].ravel())
        earned = earned.reshape(len(which), self._num_futures)
        for at, row in enumerate(rows.tolist()):
            mine = which == at
            actions, gains = tried[mine], earned[mine]
            gains = gains - gains[actions == chosen[row]]
            error = gains.std(axis=1, ddof=1) / np.sqrt(self._num_futures)
            better = gains.mean(axis=1) - self._margin * error
            if better.max() > 0.0:
                chosen[row] = actions[better.argmax()]

    def _simulate(
        self, sources: NDArray[np.int64], actions: NDArray[Any], words: NDArray[np.uint64]
    ) -> NDArray[np.float64]:
        """What copies of rows earn in their futures; shape (copies,)."""
        plan, count = self._plan, len(sources)
        copy_rows(self._source, plan, sources)
        self._redraw(plan, count, words)
        earned, left_s = np.zeros(count), np.full(count, self._lookahead_s)
        told = np.zeros(plan.num_rows, np.int64)
        told[:count] = actions
        running = np.ones(count, np.bool_)
        while True:
            plan.advance(told, AUTORESET_NEXT_STEP, 0, count)
            outcomes = plan.outcomes[:count]
            earned[running] += outcomes["reward"][running]
            left_s[running] -= outcomes["elapsed_s"][running]
            running &= (left_s > 0.0) & ~outcomes["truncated"].astype(np.bool_)
            if not running.any():
                return earned
            told[:count] = self._base.actions(plan.observations[:count], self._masks[:count])

    @property
    def _source(self) -> Batch:
        if self._batch is None:
            raise ConfigError(f"{self.name!r} copies the rows: call `bind(env.batch)` before use")
        return self._batch

    @property
    def _masks(self) -> Masks:
        masks = self._plan.masks
        if masks is None:
            raise ConfigError("a rollout tries every action: take a discrete form of the action")
        return masks


def copy_rows(source: Batch, target: Batch, rows: NDArray[np.int64]) -> None:
    """Copies the state of rows into the first rows of another batch of the same settings.

    Args:
        source: has the rows.
        target: has as many rows at least as are copied, and more than there are scenarios.
        rows: of the source, each as often as it is wanted.
    """
    count, copies = len(rows), target.arrays
    for name, array in source.arrays.items():
        if len(array) == source.num_rows and len(copies[name]) == target.num_rows:
            copies[name][:count] = array[rows]
