"""Metadata of a message twin, saved beside its weights: its network, and what it learned from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from twin_gym.errors import ConfigError
from twin_gym.scenario.base import FrozenModel
from twin_gym.twins.metadata import Digest, Short
from twin_gym.twins.signalling.learned.checkpoint import vocabulary_digest
from twin_gym.twins.signalling.learned.settings import (
    MAX_HEADS,
    MAX_LAYERS,
    MAX_WIDTH,
    MAX_WINDOW,
    ContextName,
    MessageTwinSettings,
    NetworkName,
)
from twin_gym.twins.strict_json import read_object

_Count = Annotated[int, Field(strict=True, ge=0, le=10**12)]


class MessageMetadata(FrozenModel):
    """Everything about a message twin but its weights.

    Attributes:
        format: of the two files; this class reads one.
        network: see `MessageTwinSettings`, as the next six.
        vocabulary: digest of the kinds, causes and elements that codes stand for.
        scenario: where the log comes from.
        training_digest: of log, settings and seed.
        num_messages: of the log that was learned from.
        num_ues: of that log.
        seed: of the training.
        versions: of the packages that made it.
        weights_sha256: of the file of weights; "" unsaved.
    """

    format: Literal["twin_gym message twin 1"] = "twin_gym message twin 1"
    network: NetworkName
    context: ContextName
    layers: Annotated[int, Field(strict=True, ge=1, le=MAX_LAYERS)]
    width: Annotated[int, Field(strict=True, ge=4, le=MAX_WIDTH)]
    heads: Annotated[int, Field(strict=True, ge=1, le=MAX_HEADS)]
    window: Annotated[int, Field(strict=True, ge=1, le=MAX_WINDOW)]
    num_steps: Annotated[int, Field(strict=True, ge=1, le=10_000_000)]
    vocabulary: Digest
    scenario: Annotated[str, Field(strict=True, max_length=200)] = ""
    training_digest: Digest
    num_messages: _Count
    num_ues: _Count
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**63)] = 0
    versions: Annotated[Mapping[Short, Short], Field(max_length=32)] = {}
    weights_sha256: Annotated[str, Field(strict=True, pattern=r"^([0-9a-f]{64})?$")] = ""

    @property
    def settings(self) -> MessageTwinSettings:
        """How the network is built."""
        return MessageTwinSettings(
            network=self.network, context=self.context, layers=self.layers, width=self.width,
            heads=self.heads, window=self.window, num_steps=self.num_steps,
        )  # fmt: skip

    def to_json(self) -> str:
        """The metadata as text that `from_json` reads."""
        return json.dumps(self.model_dump(mode="json"), indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, *, origin: str = "the text") -> MessageMetadata:
        """The metadata in a JSON text, with every key and value checked.

        Raises:
            ConfigError: if it is no JSON, a key is unknown, missing or has a wrong value, or the
                vocabulary is that of another version.
        """
        values = read_object(text, origin)
        missing = sorted(cls.model_fields.keys() - values.keys())
        if missing:
            raise ConfigError(f"{origin} is not the metadata of a message twin: {missing} missing")
        try:
            found = cls(**values)
            found.settings  # noqa: B018 - checks what belongs together
        except ConfigError as error:
            raise ConfigError(f"{origin}: {error}") from None
        if found.vocabulary != vocabulary_digest():
            raise ConfigError(
                f"{origin} has another vocabulary of messages than this version: train it again"
            )
        return found
