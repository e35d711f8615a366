"""How an adapter is built and trained."""

from __future__ import annotations

from dataclasses import dataclass

from twin_gym.twins.plain import keep_within

MAX_WIDTH, MAX_BOTTLENECK, MAX_RANK, MAX_RELATIONS = 65_536, 16_384, 4_096, 1_000
"""Largest values of a saved adapter."""


@dataclass(frozen=True)
class AdapterSettings:
    """How an adapter is built and trained.

    Attributes:
        bottleneck: width l of the down-projection; 0: no adapter, the relation head alone.
        rank: of the bilinear form of each relation.
        epochs: how often it meets each fact.
        batch_size: facts a step.
        learning_rate: of Adam; it falls to zero as a half cosine.
        weight_decay: of AdamW.

    Raises:
        ConfigError: if a value is out of range.
    """

    bottleneck: int = 32
    rank: int = 32
    epochs: int = 60
    batch_size: int = 128
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2

    def __post_init__(self) -> None:
        """Refuses what cannot be built or trained."""
        keep_within(
            self,
            "an adapter",
            ("bottleneck", 0, MAX_BOTTLENECK),
            ("rank", 1, MAX_RANK),
            ("epochs", 1, 1_000_000),
            ("batch_size", 1, 1_000_000),
            ("learning_rate", 1e-9, 1.0),
            ("weight_decay", 0.0, 10.0),
        )
