"""How a message twin is built and trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from twin_gym.errors import ConfigError, unknown_name
from twin_gym.twins.plain import keep_within

NetworkName = Literal["transformer", "lstm"]
ContextName = Literal["interleaved", "per-ue"]

MAX_WINDOW, MAX_WIDTH, MAX_LAYERS, MAX_HEADS = 1024, 1024, 12, 32
"""Largest values of a saved twin."""


@dataclass(frozen=True)
class MessageTwinSettings:
    """How a message twin is built and trained.

    Attributes:
        network: `transformer`, or `lstm` with as many parameters.
        context: `interleaved`, the newest messages of all UEs, or `per-ue`, those of the UE whose
            turn it is.
        layers: of the network.
        width: of an embedded message; a multiple of `heads`.
        heads: of the attention; the LSTM has none.
        window: messages that are seen.
        num_steps: how often the network learns.
        batch_size: windows a step.
        learning_rate: of Adam; it rises over the first 5 % of the steps and falls to zero.
        checkpoint_every: steps between two checkpoints.

    Raises:
        ConfigError: if a value is out of range.
    """

    network: NetworkName = "transformer"
    context: ContextName = "per-ue"
    layers: int = 2
    width: int = 64
    heads: int = 4
    window: int = 96
    num_steps: int = 1_000
    batch_size: int = 24
    learning_rate: float = 3e-3
    checkpoint_every: int = 100

    def __post_init__(self) -> None:
        """Refuses what cannot be built or trained."""
        if self.network not in get_args(NetworkName):
            raise unknown_name("network", str(self.network), get_args(NetworkName))
        if self.context not in get_args(ContextName):
            raise unknown_name("context", str(self.context), get_args(ContextName))
        keep_within(
            self,
            "a message twin",
            ("layers", 1, MAX_LAYERS),
            ("width", 4, MAX_WIDTH),
            ("heads", 1, MAX_HEADS),
            ("window", 1, MAX_WINDOW),
            ("num_steps", 1, 10_000_000),
            ("batch_size", 1, 100_000),
            ("learning_rate", 1e-9, 1.0),
            ("checkpoint_every", 1, 10_000_000),
        )
        if self.width % self.heads:
            raise ConfigError(
                f"`width` of a message twin is a multiple of its {self.heads} heads, got "
                f"{self.width}"
            )

    @property
    def num_slots(self) -> int:
        """Numbers that tell the UEs of a window apart, the one whose turn it is included."""
        return self.window + 1 if self.context == "interleaved" else 1
