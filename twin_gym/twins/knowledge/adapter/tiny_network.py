"""A small causal language model of bytes: four layers, pre-trained here, for tests and as a row."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from twin_gym.errors import ConfigError
from twin_gym.twins.plain import keep_within
from twin_gym.twins.signalling.learned.networks import TransformerBody
from twin_gym.twins.signalling.learned.settings import (
    MAX_HEADS,
    MAX_LAYERS,
    MAX_WIDTH,
    MAX_WINDOW,
    MessageTwinSettings,
)

BEGIN, NUM_TOKENS = 256, 257
"""The token before the first byte, and all tokens."""

_SPREAD = 0.02


@dataclass(frozen=True)
class TinySettings:
    """How the small model is built and pre-trained.

    Attributes:
        layers: of the network.
        width: of its states; a multiple of `heads`.
        heads: of the attention.
        window: bytes that are seen at once; what a text has more is left out.
        num_steps: of the pre-training; 0: none, random weights.
        batch_size: windows a step.
        learning_rate: of Adam, at the start; it falls to zero as a half cosine.

    Raises:
        ConfigError: if a value is out of range.
    """

    layers: int = 4
    width: int = 128
    heads: int = 4
    window: int = 96
    num_steps: int = 300
    batch_size: int = 16
    learning_rate: float = 2e-3

    def __post_init__(self) -> None:
        """Refuses what cannot be built or trained."""
        keep_within(
            self,
            "a small model",
            ("layers", 1, MAX_LAYERS),
            ("width", 4, MAX_WIDTH),
            ("heads", 1, MAX_HEADS),
            ("window", 2, MAX_WINDOW),
            ("num_steps", 0, 10_000_000),
            ("batch_size", 1, 100_000),
            ("learning_rate", 1e-9, 1.0),
        )
        if self.width % self.heads:
            raise ConfigError(
                f"`width` of a small model is a multiple of its {self.heads} heads, got "
                f"{self.width}"
            )


class TinyNetwork(nn.Module):
    """Says the next byte at every place."""

    def __init__(self, settings: TinySettings) -> None:
        super().__init__()
        self.bytes = nn.Embedding(NUM_TOKENS, settings.width)
        self.body = TransformerBody(
            MessageTwinSettings(
                layers=settings.layers, width=settings.width, heads=settings.heads,
                window=settings.window,
            )
        )  # fmt: skip

    def forward(self, tokens: Tensor) -> Tensor:
        """States behind each token; shape (texts, places, width)."""
        states: Tensor = self.body(self.bytes(tokens))
        return states

    def logits(self, states: Tensor) -> Tensor:
        """Logits of the byte that comes next; shape (..., tokens)."""
        return states @ self.bytes.weight.T


def blank_tiny(settings: TinySettings) -> TinyNetwork:
    """A network of names and shapes alone, which takes no memory."""
    with torch.device("meta"):
        return TinyNetwork(settings)


def new_tiny(settings: TinySettings, generator: torch.Generator) -> TinyNetwork:
    """An untrained network whose weights are drawn from the generator alone."""
    network = blank_tiny(settings)
    network.to_empty(device="cpu")
    with torch.no_grad():
        for name, values in network.named_parameters():
            if name.endswith("bias"):
                values.zero_()
            elif "norm" in name:
                values.fill_(1.0)
            elif values.dim() > 1 and "bytes" not in name and "positions" not in name:
                values.normal_(0.0, values.shape[1] ** -0.5, generator=generator)
            else:
                values.normal_(0.0, _SPREAD, generator=generator)
    return network
