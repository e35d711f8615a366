"""Everything that decides what an agent becomes: the same settings give the same training."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from twin_gym.errors import ConfigError, unknown_name

AgentName = Literal["clone", "a2c", "a2c-twin", "a2c-gan-twin", "maskable-ppo"]
AGENTS: dict[AgentName, str] = {
    "clone": "The policy twin of the default policy as it is, greedy.",
    "a2c": "A2C from scratch.",
    "a2c-twin": "A2C whose initial actor is the policy twin, cloned from the log alone.",
    "a2c-gan-twin": "The same, the log augmented by a GAN (paper B).",
    "maskable-ppo": "sb3-contrib's MaskablePPO from scratch.",
}


@dataclass(frozen=True)
class TrainSettings:
    """Settings of one training; the defaults suit every admission preset.

    Attributes:
        agent: one of `AGENTS`.
        scenario: preset name or path of a TOML file.
        seed: of weights, draws and worlds.
        total_steps: environment steps.
        leg_steps: a training is cut into legs, each with worlds and draws of its own named by
            (seed, leg), so that one that was killed goes on as if it had not been.
        num_rows: networks side by side.
        rollout_steps: decisions of each row between two updates.
        learning_rate: of Adam.
        entropy_weight: of the entropy in the loss.
        hidden: widths of actor and critic.
        discount_holding_times: a reward so many mean holding times ahead counts 1/e.
        trace_holding_times: the trace of an advantage decays to 1/e in it.
        default_policy: what runs on the physical network and is logged.
        num_decisions: length of the log.
        smoothing: label smoothing of the clone.
        temperature: the twin's logits are divided by it.
        synthetic_share: GAN pairs for each logged one (`a2c-gan-twin`).
        centre_rewards: whether the average reward a second is taken off.
        simulated_time: whether credit runs in simulated time; otherwise a discount of 0.99 and a
            trace of 0.95 a step, as is usual.
        critic_warm_up_steps: environment steps with the actor frozen, at the beginning.
    """

    agent: AgentName = "a2c-twin"
    scenario: str = "contention"
    seed: int = 0
    total_steps: int = 262_144
    leg_steps: int = 131_072
    num_rows: int = 128
    rollout_steps: int = 32
    learning_rate: float = 2e-3
    entropy_weight: float = 0.01
    hidden: tuple[int, ...] = (64, 64)
    discount_holding_times: float = 4.0
    trace_holding_times: float = 1.2
    default_policy: str = "density"
    num_decisions: int = 10_000
    smoothing: float = 0.6
    temperature: float = 1.0
    synthetic_share: float = 1.0
    centre_rewards: bool = True
    simulated_time: bool = True
    critic_warm_up_steps: int = 0

    def __post_init__(self) -> None:
        """Refuses what cannot be trained."""
        if self.agent not in AGENTS:
            raise unknown_name("agent", self.agent, AGENTS)
        rollout = self.num_rows * self.rollout_steps
        for name in ("total_steps", "leg_steps"):
            value = getattr(self, name)
            if value < rollout or value % rollout:
                raise ConfigError(
                    f"`{name}` must be a multiple of num_rows x rollout_steps = {rollout}, got "
                    f"{value}: round it to {max(1, round(value / rollout)) * rollout}"
                )
        if self.seed < 0:
            raise ConfigError(f"a seed must not be negative, got {self.seed}")

    @property
    def num_legs(self) -> int:
        """How many legs the training has, the last one perhaps shorter."""
        return -(-self.total_steps // self.leg_steps)

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that name these settings."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def with_(self, **changes: Any) -> TrainSettings:
        """A copy with some values changed."""
        unknown = set(changes) - set(asdict(self))
        if unknown:
            raise unknown_name("setting", sorted(unknown)[0], asdict(self))
        return replace(self, **changes)
