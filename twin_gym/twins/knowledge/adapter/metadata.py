"""Metadata of a trained adapter, saved beside its weights: its backbone, and what it learned."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from twin_gym.errors import ConfigError
from twin_gym.scenario.base import FrozenModel
from twin_gym.twins.knowledge.adapter.settings import (
    MAX_BOTTLENECK,
    MAX_RANK,
    MAX_RELATIONS,
    MAX_WIDTH,
    AdapterSettings,
)
from twin_gym.twins.metadata import Digest, Short
from twin_gym.twins.strict_json import read_object

_Count = Annotated[int, Field(strict=True, ge=0, le=10**12)]
_Relations = Annotated[
    tuple[Short, ...], Field(strict=False, min_length=1, max_length=MAX_RELATIONS)
]


class AdapterMetadata(FrozenModel):
    """Everything about an adapter but its weights.

    Attributes:
        format: of the two files; this class reads one.
        backbone: name of the frozen model whose features it learned on.
        backbone_digest: its digest; on features of another one the adapter says nothing.
        width: of the features.
        relations: names of the relations, in order.
        bottleneck: see `AdapterSettings`, as the next three.
        rank: likewise.
        epochs: likewise.
        learning_rate: likewise.
        task: digest of entities, texts and facts.
        num_facts: that were learned from.
        seed: of the training.
        versions: of the packages that made it.
        weights_sha256: of the file of weights; "" unsaved.
    """

    format: Literal["twin_gym adapter 1"] = "twin_gym adapter 1"
    backbone: Short
    backbone_digest: Digest
    width: Annotated[int, Field(strict=True, ge=1, le=MAX_WIDTH)]
    relations: _Relations
    bottleneck: Annotated[int, Field(strict=True, ge=0, le=MAX_BOTTLENECK)]
    rank: Annotated[int, Field(strict=True, ge=1, le=MAX_RANK)]
    epochs: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    learning_rate: Annotated[float, Field(strict=True, gt=0.0, le=1.0, allow_inf_nan=False)]
    task: Digest
    num_facts: _Count
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**63)] = 0
    versions: Annotated[Mapping[Short, Short], Field(max_length=32)] = {}
    weights_sha256: Annotated[str, Field(strict=True, pattern=r"^([0-9a-f]{64})?$")] = ""

    @property
    def settings(self) -> AdapterSettings:
        """How the network is built."""
        return AdapterSettings(
            bottleneck=self.bottleneck, rank=self.rank, epochs=self.epochs,
            learning_rate=self.learning_rate,
        )  # fmt: skip

    def to_json(self) -> str:
        """The metadata as text that `from_json` reads."""
        return json.dumps(self.model_dump(mode="json"), indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, *, origin: str = "the text") -> AdapterMetadata:
        """The metadata in a JSON text, with every key and value checked.

        Raises:
            ConfigError: if it is no JSON, or a key is unknown, missing or has a wrong value.
        """
        values = read_object(text, origin)
        missing = sorted(cls.model_fields.keys() - values.keys())
        if missing:
            raise ConfigError(f"{origin} is not the metadata of an adapter: {missing} missing")
        try:
            return cls(**values)
        except ConfigError as error:
            raise ConfigError(f"{origin}: {error}") from None
