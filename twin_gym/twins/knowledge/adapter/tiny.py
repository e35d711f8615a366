"""`tiny`: the backbone that tests use, pre-trained in seconds to minutes, seeded, saved safely."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import safetensors.torch
import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy

from twin_gym.errors import ConfigError
from twin_gym.files.reading import read_bytes
from twin_gym.scenario.base import FrozenModel
from twin_gym.twins.knowledge.adapter.backbone import Features, digest_of
from twin_gym.twins.knowledge.adapter.tiny_network import (
    BEGIN,
    TinyNetwork,
    TinySettings,
    blank_tiny,
    new_tiny,
)
from twin_gym.twins.metadata import Digest, Short, package_versions
from twin_gym.twins.plain import file_path
from twin_gym.twins.saved_pair import read_named, save_pair
from twin_gym.twins.strict_json import read_object
from twin_gym.twins.weights import load_weights

Progress = Callable[[int, float], None]
"""Called after every step with its number and its loss in nats a byte."""

METADATA_FILE, WEIGHTS_FILE = "tiny.json", "tiny.safetensors"
_MAX_METADATA_BYTES, _MAX_WEIGHTS_BYTES = 100_000, 2**28
_LARGEST_GRADIENT, _WARM_UP = 1.0, 0.05
_BATCH = 64

_Positive = Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]


class TinyMetadata(FrozenModel):
    """Everything about a small model but its weights.

    Attributes:
        format: of the two files; this class reads one.
        layers: see `TinySettings`, as the next five.
        width: likewise.
        heads: likewise.
        window: likewise.
        num_steps: likewise.
        corpus: digest of what it has read.
        seed: of weights and batches.
        versions: of the packages that made it.
        weights_sha256: of the file of weights; "" unsaved.
    """

    format: Literal["twin_gym tiny 1"] = "twin_gym tiny 1"
    layers: _Positive
    width: _Positive
    heads: _Positive
    window: _Positive
    num_steps: Annotated[int, Field(strict=True, ge=0, le=10_000_000)]
    corpus: Digest
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**63)]
    versions: Annotated[Mapping[Short, Short], Field(max_length=32)] = {}
    weights_sha256: Annotated[str, Field(strict=True, pattern=r"^([0-9a-f]{64})?$")] = ""

    @property
    def settings(self) -> TinySettings:
        """How the network is built."""
        return TinySettings(
            layers=self.layers, width=self.width, heads=self.heads, window=self.window,
            num_steps=self.num_steps,
        )  # fmt: skip

    def to_json(self) -> str:
        """The metadata as text."""
        return json.dumps(self.model_dump(mode="json"), indent=1, allow_nan=False) + "\n"


@dataclass(frozen=True)
class TinyBackbone:
    """The mean of the last states of a small model over the bytes of a text.

    Attributes:
        network: frozen.
        metadata: how it was built and pre-trained.
    """

    network: TinyNetwork
    metadata: TinyMetadata

    @property
    def name(self) -> str:
        """`tiny`, or `random tiny` if it has read nothing."""
        return "tiny" if self.metadata.num_steps else "random tiny"

    @cached_property
    def digest(self) -> str:
        """Sixteen hexadecimal digits of its weights."""
        return digest_of("mean of last states 1", safetensors.torch.save(self.network.state_dict()))

    def features(self, texts: Sequence[str]) -> Features:
        """Shape (texts, width); of a text longer than the window its beginning counts."""
        found = []
        with torch.no_grad():
            for start in range(0, len(texts), _BATCH):
                tokens, lengths = _tokens(texts[start : start + _BATCH], self.metadata.window)
                states = self.network(tokens)
                is_text = torch.arange(tokens.shape[1])[None] < lengths[:, None]
                summed = (states * is_text[:, :, None]).sum(1)
                found.append((summed / lengths[:, None]).numpy())
        return np.concatenate(found)

    def save(self, folder: str | Path) -> None:
        """Writes `tiny.safetensors` and `tiny.json`; what is there already is replaced."""
        save_pair(folder, WEIGHTS_FILE, METADATA_FILE, self.network, self.metadata)

    @classmethod
    def load(cls, folder: str | Path) -> TinyBackbone:
        """A small model from its two files, everything checked; nothing in them is executed.

        Raises:
            ConfigError: if a file is missing, too large, damaged, or they do not belong together.
        """
        folder = file_path(folder, "the folder of a small model")
        origin = repr(str(folder / METADATA_FILE))
        values = read_object(read_bytes(folder / METADATA_FILE, _MAX_METADATA_BYTES), origin)
        try:
            metadata = TinyMetadata(**values)
            settings = metadata.settings
        except (ConfigError, TypeError) as error:
            raise ConfigError(f"{origin}: {error}") from None
        content = read_named(
            folder / WEIGHTS_FILE, metadata.weights_sha256, origin, limit=_MAX_WEIGHTS_BYTES,
            otherwise="pre-train the model again",
        )  # fmt: skip
        network = blank_tiny(settings)
        weights = load_weights(content, network, repr(str(folder / WEIGHTS_FILE)))
        network.to_empty(device="cpu").load_state_dict(weights)
        return cls(network.eval().requires_grad_(requires_grad=False), metadata)


def pretrain_tiny(
    sentences: Iterable[str],
    settings: TinySettings = TinySettings(),  # noqa: B008 - frozen
    *,
    seed: int = 0,
    on_step: Progress | None = None,
) -> TinyBackbone:
    """Pre-trains a small model to say the next byte of sentences.

    Args:
        sentences: that it reads.
        settings: how it is built and trained.
        seed: of weights and batches; 0 or more.
        on_step: told of the progress.

    Returns:
        The model, frozen. The same arguments give the same one on the same machine.

    Raises:
        ConfigError: if there are no sentences.
    """
    read = list(sentences)
    if not read:
        raise ConfigError("a small model is pre-trained on sentences, got none")
    generator = torch.Generator().manual_seed(seed)
    network = new_tiny(settings, generator)
    optimiser = torch.optim.Adam(network.parameters(), settings.learning_rate, betas=(0.9, 0.98))
    rise = max(round(_WARM_UP * settings.num_steps), 1)
    for step in range(1, settings.num_steps + 1):
        chosen = torch.randint(len(read), (settings.batch_size,), generator=generator)
        tokens, lengths = _tokens([read[i] for i in chosen.tolist()], settings.window)
        loss = _loss(network, tokens, lengths)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), _LARGEST_GRADIENT)
        falling = 0.5 * (1.0 + math.cos(math.pi * step / settings.num_steps))
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * min(step / rise, falling)
        optimiser.step()
        if on_step is not None:
            on_step(step, loss.item())
    about = asdict(settings)
    about.pop("batch_size")
    about.pop("learning_rate")
    metadata = TinyMetadata(
        **about, corpus=digest_of(*read), seed=seed, versions=package_versions()
    )
    return TinyBackbone(network.eval().requires_grad_(requires_grad=False), metadata)


def _tokens(texts: Sequence[str], window: int) -> tuple[Tensor, Tensor]:
    """Bytes behind the token of the beginning, filled up with it, and their numbers."""
    rows = [[BEGIN, *text.encode()][:window] for text in texts]
    longest = max(len(row) for row in rows)
    tokens = torch.tensor([row + [BEGIN] * (longest - len(row)) for row in rows])
    return tokens, torch.tensor([len(row) for row in rows])


def _loss(network: TinyNetwork, tokens: Tensor, lengths: Tensor) -> Tensor:
    """Negative log-likelihood in nats a byte."""
    logits = network.logits(network(tokens[:, :-1]))
    is_text = torch.arange(1, tokens.shape[1])[None] < lengths[:, None]
    return cross_entropy(logits[is_text], tokens[:, 1:][is_text])
