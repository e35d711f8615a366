"""Conservative Q-learning on logged transitions, in simulated time, under a mask.

Kumar, Zhou, Tucker and Levine, Conservative Q-Learning for Offline Reinforcement Learning, NeurIPS
2020, equation (4), CQL(H): half the squared error of the Bellman optimality equation, plus a weight
times log sum exp Q(s, .) - Q(s, a), which holds down the value of what the log does not show. Both
the maximum and the sum go over allowed actions alone.

Decisions are not equally far apart, so that the discount of a step is exp(-elapsed / discount time)
(semi-Markov decision processes: Bradtke and Duff, 1994). What every state earns on average is taken
off the rewards, elapsed seconds times a reward rate, and the rate follows the errors of the values
(Naik, Wan, Tomar and Sutton, Reward Centering, 2024, the value-based form): else most of what the
network learns is a constant that no decision depends on. Episodes are truncated and never
terminate, so that every step looks ahead.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import ConfigError
from twin_gym.twins import SliceNetwork, Transitions

_LEAST = -1e9  # stands for the value of an action that is not allowed
_REWARD_SPREADS = 5.0  # one unit of value is so many standard deviations of a reward
_LAST_LEARNING_RATE = 0.01
_RANGES = (
    ("steps", 1, 10**7),
    ("batch_size", 1, 10**6),
    ("learning_rate", 1e-9, 1.0),
    ("weight", 0.0, 1e3),
    ("discount_holding_times", 1e-3, 1e6),
    ("tau", 1e-6, 1.0),
    ("rate_step", 0.0, 1.0),
)

Progress = Callable[[int], None]


@dataclass(frozen=True)
class CQLSettings:
    """The settings of conservative Q-learning.

    Attributes:
        steps: gradient steps.
        batch_size: transitions a step, drawn evenly with replacement.
        learning_rate: of Adam, at the start; it falls to a hundredth along a cosine.
        weight: of the conservative term; 0 gives plain Q-learning.
        discount_holding_times: a reward so many mean holding times ahead counts 1/e.
        tau: share of the way to the learned weights that the target network goes in a step.
        rate_step: how fast the average reward a second follows the errors; 0 keeps that of the log.
        hidden: widths of the network.

    Raises:
        ConfigError: if a value is out of range.
    """

    steps: int = 3_000
    batch_size: int = 256
    learning_rate: float = 1e-3
    weight: float = 0.03
    discount_holding_times: float = 4.0
    tau: float = 0.01
    rate_step: float = 0.02
    hidden: tuple[int, ...] = (64, 64)

    def __post_init__(self) -> None:
        """Refuses settings out of their ranges."""
        for name, least, most in _RANGES:
            if not least <= getattr(self, name) <= most:
                raise ConfigError(
                    f"`{name}` of CQL is {least:g} to {most:g}, got {getattr(self, name)!r}"
                )


_DEFAULTS = CQLSettings()


def learn_values(
    data: Transitions,
    scenario: AdmissionScenario,
    *,
    settings: CQLSettings = _DEFAULTS,
    seed: int = 0,
    on_step: Progress | None = None,
) -> SliceNetwork:
    """A network that gives each action the value it has from there on, up to a constant.

    No global random state is read or touched; the same arguments give the same weights on the
    same machine with the same number of threads.

    Args:
        data: transitions of the form of action `slice`.
        scenario: what was recorded.
        settings: how it learns.
        seed: of the first weights and the batches; 0 or more.
        on_step: told the number of gradient steps done, after each.

    Returns:
        The target network, whose values err less from one moment to the next; act greedily on
        them among what is allowed.

    Raises:
        ConfigError: if the data are of another scenario or form of action.
    """
    data.check_fits(scenario)
    if data.action != "slice":
        raise ConfigError(f"values are learned of the action 'slice', got data of {data.action!r}")
    generator = torch.Generator().manual_seed(seed)
    buffer = ReplayBuffer.of(data, settings.discount_holding_times * scenario.mean_holding_time_s)
    fields, actions = data.observations.shape[1], data.masks.shape[1]
    learned = SliceNetwork(fields, actions, settings.hidden, generator)
    target = copy.deepcopy(learned)
    optimiser = torch.optim.Adam(learned.parameters(), settings.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimiser, settings.steps, settings.learning_rate * _LAST_LEARNING_RATE
    )
    rate_above = torch.zeros(())  # what the greedy policy earns a second above the log
    for step in range(1, settings.steps + 1):
        batch = buffer.draw(settings.batch_size, generator)
        targets = batch.targets(target, rate_above)
        values = learned(batch.observations).masked_fill(~batch.allowed, _LEAST)
        taken = values.gather(1, batch.actions.unsqueeze(1)).squeeze(1)
        errors = targets - taken
        conservative = (torch.logsumexp(values, 1) - taken).mean()
        loss = 0.5 * errors.square().mean() + settings.weight * conservative
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            rate_above += settings.rate_step * errors.mean() / buffer.mean_elapsed_s
            for slow, fast in zip(target.parameters(), learned.parameters(), strict=True):
                slow.lerp_(fast, settings.tau)
        if on_step is not None:
            on_step(step)
    return target.eval()


@dataclass(frozen=True)
class ReplayBuffer:
    """Transitions as tensors: rewards centred and scaled, times as discounts."""

    observations: Tensor
    allowed: Tensor
    actions: Tensor
    rewards: Tensor
    elapsed_s: Tensor
    discounts: Tensor
    next_observations: Tensor
    next_allowed: Tensor

    @classmethod
    def of(cls, data: Transitions, discount_time_s: float) -> ReplayBuffer:
        """The buffer of all transitions of the data."""
        centred = data.rewards - data.reward_rate * data.elapsed_s
        unit = _REWARD_SPREADS * max(float(centred.std()), 1e-12)
        return cls(
            torch.from_numpy(data.observations),
            torch.from_numpy(data.masks > 0),
            torch.from_numpy(data.actions),
            torch.from_numpy((centred / unit).astype(np.float32)),
            torch.from_numpy(data.elapsed_s.astype(np.float32)),
            torch.from_numpy(np.exp(-data.elapsed_s / discount_time_s).astype(np.float32)),
            torch.from_numpy(data.next_observations),
            torch.from_numpy(data.next_masks > 0),
        )

    @property
    def mean_elapsed_s(self) -> float:
        """Average seconds a step."""
        return float(self.elapsed_s.mean())

    def draw(self, count: int, generator: torch.Generator) -> ReplayBuffer:
        """A batch of transitions, drawn uniformly with replacement."""
        chosen = torch.randint(len(self.actions), (count,), generator=generator)
        return ReplayBuffer(*(tensor[chosen] for tensor in vars(self).values()))

    @torch.no_grad()
    def targets(self, target: SliceNetwork, rate_above: Tensor) -> Tensor:
        """The targets of the values: the reward plus the discounted best allowed next value."""
        values: Tensor = target(self.next_observations)
        ahead = values.masked_fill(~self.next_allowed, _LEAST).amax(1)
        return self.rewards - rate_above * self.elapsed_s + self.discounts * ahead
