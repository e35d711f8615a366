"""Credit in simulated time: discount and trace decay by the seconds that a decision took.

Decisions of an event-driven network are not equally far apart: several can fall on one instant,
and then a second can pass. A discount a step makes the agent short-sighted exactly where it decides
often. Here a reward t seconds ahead counts exp(-t / discount_time_s), and the trace of generalised
advantage estimation (Schulman et al., 2016) decays by exp(-t / trace_time_s), so that decisions of
one instant share their credit in full (semi-Markov decision processes: Bradtke and Duff, 1994).
Rewards are centred (see `RewardCentre`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.buffers import MaskableRolloutBuffer
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv
from stable_baselines3.common.vec_env import VecEnv

from twin_gym.errors import ConfigError
from twin_gym.sb3.guided import guided_rows
from twin_gym.sb3.vec_env import NativeVecEnv, native_env
from twin_gym.scenario import Scenario

Array = NDArray[np.float32]

DISCOUNT_HOLDING_TIMES = 4.0
TRACE_HOLDING_TIMES = 1.2


def credit_times_s(scenario: Scenario) -> tuple[float, float]:
    """Discount time and trace time that suit a scenario: 4 and 1.2 of its time units."""
    unit_s = scenario.time_unit_s
    return DISCOUNT_HOLDING_TIMES * unit_s, TRACE_HOLDING_TIMES * unit_s


@dataclass
class RewardCentre:
    """Takes the average reward a second off every reward (Naik et al., Reward Centering, 2024).

    What all states have in common is then not the critic's to learn: it sees only by how much a
    state is better than another one. Without it the critic of a busy network explains nothing for
    a long time, and its errors drive the actor into corners that it does not leave.

    Attributes:
        rate_per_s: running average, or None before the first rollout.
        step_size: share of a new rollout in the average.
    """

    rate_per_s: float | None = None
    step_size: float = 0.1

    def apply(self, rewards: Array, elapsed_s: NDArray[np.float64]) -> Array:
        """Takes a rollout into the average, and the average off the rollout's rewards.

        Args:
            rewards: shape (steps, rows).
            elapsed_s: simulated seconds of each step; same shape.

        Returns:
            Centred rewards; same shape.
        """
        seconds = float(elapsed_s.sum())
        if seconds > 0.0:
            rate = float(rewards.sum()) / seconds
            known = rate if self.rate_per_s is None else self.rate_per_s
            self.rate_per_s = known + self.step_size * (rate - known)
        return rewards - np.float32(self.rate_per_s or 0.0) * elapsed_s.astype(np.float32)


class _SemiMarkovBuffer:
    """The base of both rollout buffers: stores elapsed times, and discounts advantages by them."""

    clock: NativeVecEnv
    centre: RewardCentre
    discount_time_s: float
    trace_time_s: float
    guided: NDArray[np.bool_] | None  # rows whose decisions are not the learner's
    elapsed_s: NDArray[np.float64]

    def reset(self: Any) -> None:
        """Empties the buffer."""
        super().reset()  # type: ignore[misc]
        self.elapsed_s = np.zeros((self.buffer_size, self.n_envs))

    def add(self: Any, *args: Any, **kwargs: Any) -> None:
        """Keeps a step and how long it took."""
        self.elapsed_s[self.pos] = self.clock.elapsed_s
        super().add(*args, **kwargs)  # type: ignore[misc]

    def get(self: Any, batch_size: int | None = None) -> Any:  # noqa: ANN401 - of two base classes
        """Batches of the learner's own decisions, in a drawn order."""
        if self.guided is None:
            yield from super().get(batch_size)  # type: ignore[misc]
            return
        laid_out = super().get(1)  # type: ignore[misc]
        next(laid_out)  # row after row
        laid_out.close()
        own = np.random.permutation(np.flatnonzero(~np.repeat(self.guided, self.buffer_size)))  # noqa: NPY002 - as Stable-Baselines3 draws
        size = batch_size or len(own)
        for first in range(0, len(own), size):
            yield self._get_samples(own[first : first + size])

    def compute_returns_and_advantage(
        self: Any, last_values: torch.Tensor, dones: NDArray[np.bool_]
    ) -> None:
        """Advantages and returns of the rollout."""
        rewards = self.centre.apply(self.rewards, self.elapsed_s)
        discounts = np.exp(-self.elapsed_s / self.discount_time_s).astype(np.float32)
        traces = discounts * np.exp(-self.elapsed_s / self.trace_time_s).astype(np.float32)
        last = last_values.detach().cpu().numpy().reshape(1, -1)
        ends = np.concatenate([self.episode_starts[1:], dones[None].astype(np.float32)])
        self.advantages, self.returns = semi_markov_advantages(
            rewards, np.concatenate([self.values, last]), ends, discounts, traces
        )


def semi_markov_advantages(
    rewards: Array, values: Array, ends: Array, discounts: Array, traces: Array
) -> tuple[Array, Array]:
    """Generalised advantages with a discount and a decay of its own for each step.

    delta_t = r_t + d_t V_{t+1} (1 - e_t) - V_t and A_t = delta_t + c_t (1 - e_t) A_{t+1}.

    Args:
        rewards: shape (steps, rows).
        values: of the states, one more than steps; shape (steps + 1, rows).
        ends: e, 1 where an episode ended with the step; shape (steps, rows).
        discounts: d; shape (steps, rows).
        traces: c, discount times trace decay; shape (steps, rows).

    Returns:
        Advantages, and returns (advantages plus values); shape (steps, rows) each.
    """
    advantages = np.empty_like(rewards)
    ahead = np.zeros(rewards.shape[1], rewards.dtype)
    goes_on = 1.0 - ends
    deltas = rewards + discounts * values[1:] * goes_on - values[:-1]
    decay = traces * goes_on
    for step in range(len(rewards) - 1, -1, -1):
        ahead = deltas[step] + decay[step] * ahead
        advantages[step] = ahead
    return advantages, advantages + values[:-1]


class SemiMarkovRolloutBuffer(_SemiMarkovBuffer, RolloutBuffer):
    """A rollout buffer for A2C and PPO that discounts by simulated time."""


class SemiMarkovMaskableRolloutBuffer(_SemiMarkovBuffer, MaskableRolloutBuffer):
    """A rollout buffer for MaskablePPO that discounts by simulated time."""


_CRITIC = ("mlp_extractor.value_net.", "value_net.")


class _SemiMarkovAlgorithm:
    """Mixin: the buffer reads the clock of the model's environment.

    Args:
        policy: as for the algorithm.
        env: from `make_vec_env`.
        discount_time_s: a reward so far ahead counts 1/e. None: 4 mean holding times.
        trace_time_s: the trace of an advantage decays to 1/e in it. None: 1.2 mean holding times.
        critic_rate_ratio: learning rate of the critic over that of the actor.
        kwargs: as for the algorithm. `gamma` is 1 unless given: only the last value of a truncated
            episode still uses it.

    Raises:
        ConfigError: if a time is not positive, or the environment is not a native one.
    """

    buffer_class: ClassVar[type[RolloutBuffer]]
    discount_time_s: float
    trace_time_s: float

    def __init__(
        self,
        policy: str | type[BasePolicy],
        env: GymEnv | str | None,
        *args: Any,
        discount_time_s: float | None = None,
        trace_time_s: float | None = None,
        critic_rate_ratio: float = 1.0,
        **kwargs: Any,
    ) -> None:
        self.critic_rate_ratio = critic_rate_ratio
        self.reward_centre = RewardCentre()
        self.discount_time_s, self.trace_time_s = _credit_times(env, discount_time_s, trace_time_s)
        defaults = {"gamma": 1.0, "rollout_buffer_class": self.buffer_class}
        super().__init__(policy, env, *args, **(defaults | kwargs))  # type: ignore[call-arg]

    def _setup_model(self: Any) -> None:
        super()._setup_model()  # type: ignore[misc]
        if self.critic_rate_ratio != 1.0:
            self._split_rates()
        if self.env is not None:
            self._connect()

    def _split_rates(self: Any) -> None:
        """Gives the optimiser a group for the actor and one for the critic."""
        actor: list[torch.nn.Parameter] = []
        critic: list[torch.nn.Parameter] = []
        for name, parameter in self.policy.named_parameters():
            (critic if name.startswith(_CRITIC) else actor).append(parameter)
        self.policy.optimizer = self.policy.optimizer_class(
            [{"params": actor, "ratio": 1.0}, {"params": critic, "ratio": self.critic_rate_ratio}],
            lr=self.lr_schedule(1.0),
            **self.policy.optimizer_kwargs,
        )

    def _update_learning_rate(
        self: Any, optimizers: list[torch.optim.Optimizer] | torch.optim.Optimizer
    ) -> None:
        super()._update_learning_rate(optimizers)  # type: ignore[misc]
        for group in self.policy.optimizer.param_groups:
            group["lr"] *= group.get("ratio", 1.0)

    def set_env(self: Any, env: GymEnv, force_reset: bool = True) -> None:
        """Another environment of the same spaces."""
        super().set_env(env, force_reset)  # type: ignore[misc]
        self._connect()

    def _connect(self: Any) -> None:
        self.rollout_buffer.clock = native_env(self.env)
        self.rollout_buffer.centre = self.reward_centre
        self.rollout_buffer.guided = guided_rows(self.env)
        self.rollout_buffer.discount_time_s = self.discount_time_s
        self.rollout_buffer.trace_time_s = self.trace_time_s


class SemiMarkovA2C(_SemiMarkovAlgorithm, A2C):
    """A2C with discounting in simulated time."""

    buffer_class = SemiMarkovRolloutBuffer


class SemiMarkovPPO(_SemiMarkovAlgorithm, PPO):
    """PPO with discounting in simulated time."""

    buffer_class = SemiMarkovRolloutBuffer


class SemiMarkovMaskablePPO(_SemiMarkovAlgorithm, MaskablePPO):
    """MaskablePPO with discounting in simulated time."""

    buffer_class = SemiMarkovMaskableRolloutBuffer


def _credit_times(
    env: object, discount_time_s: float | None, trace_time_s: float | None
) -> tuple[float, float]:
    """The times as given, or what suits the scenario; checked."""
    # Without an environment it is a model being loaded: what it was saved with comes next.
    usual = credit_times_s(native_env(env).scenario) if isinstance(env, VecEnv) else (1.0, 1.0)
    times_s = (
        usual[0] if discount_time_s is None else discount_time_s,
        usual[1] if trace_time_s is None else trace_time_s,
    )
    for name, value in zip(("discount_time_s", "trace_time_s"), times_s, strict=True):
        if not 0.0 < value < float("inf"):
            raise ConfigError(f"{name} must be positive and finite, got {value!r}")
    return times_s
