"""The twin adapter: a trained adapter with its lineage, which ranks entities never seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from twin_gym.errors import ConfigError, unknown_name
from twin_gym.files.reading import read_bytes
from twin_gym.twins.knowledge.adapter.backbone import Backbone, Features
from twin_gym.twins.knowledge.adapter.metadata import AdapterMetadata
from twin_gym.twins.knowledge.adapter.network import AdapterNetwork, blank_network
from twin_gym.twins.knowledge.adapter.settings import AdapterSettings
from twin_gym.twins.knowledge.adapter.task import RelationTask, Split
from twin_gym.twins.knowledge.adapter.training import Progress, train_network
from twin_gym.twins.metadata import package_versions
from twin_gym.twins.plain import file_path
from twin_gym.twins.saved_pair import read_named, save_pair
from twin_gym.twins.weights import load_weights

METADATA_FILE, WEIGHTS_FILE = "adapter.json", "adapter.safetensors"
MAX_METADATA_BYTES, MAX_WEIGHTS_BYTES = 1_000_000, 2**30


@dataclass(frozen=True)
class TwinAdapter:
    """Says how well entities follow others by a relation, from the features of their texts.

    Attributes:
        network: adapter and relation head.
        metadata: backbone, training and facts.
    """

    network: AdapterNetwork
    metadata: AdapterMetadata

    def scores(self, heads: Features, relation: str, tails: Features) -> NDArray[np.float64]:
        """Logits of the tails of each head.

        Args:
            heads: features of the backbone that the metadata name; shape (heads, width).
            relation: name of a relation that was learned.
            tails: likewise; shape (tails, width).

        Returns:
            Shape (heads, tails).

        Raises:
            ConfigError: if the relation is unknown, or the features have another width.
        """
        names = self.metadata.relations
        if relation not in names:
            raise unknown_name("relation", relation, names)
        for part in (heads, tails):
            if part.ndim != 2 or part.shape[1] != self.metadata.width:  # noqa: PLR2004 - a matrix
                raise ConfigError(
                    f"features of {self.metadata.backbone!r} are rows of {self.metadata.width} "
                    f"numbers, got an array of shape {part.shape}"
                )
        told = (torch.from_numpy(np.ascontiguousarray(part, np.float32)) for part in (heads, tails))
        with torch.no_grad():
            found: torch.Tensor = self.network(*told, names.index(relation))
        return np.asarray(found.numpy(), np.float64)

    def rank(
        self, backbone: Backbone, head: str, relation: str, tails: Sequence[str]
    ) -> list[tuple[str, float]]:
        """Texts of entities, the likeliest first, for an entity that may be new.

        Args:
            backbone: the one that the adapter learned on.
            head: text of the entity that has the relation.
            relation: its name.
            tails: texts of the entities that it may lead to.

        Returns:
            Each text with its probability among them.

        Raises:
            ConfigError: if it is another backbone, the relation is unknown, or there are no tails.
        """
        if backbone.digest != self.metadata.backbone_digest:
            raise ConfigError(
                f"this adapter learned on features of {self.metadata.backbone!r} "
                f"({self.metadata.backbone_digest}), not of {backbone.name!r} "
                f"({backbone.digest}): take that backbone, or train another adapter"
            )
        if not tails:
            raise ConfigError("there is nothing to rank: give the texts of one entity or more")
        found = backbone.features([head, *tails])
        logits = self.scores(found[:1], relation, found[1:])[0]
        weights = np.exp(logits - logits.max())
        order = np.argsort(-logits, kind="stable")
        return [(tails[i], float(weights[i] / weights.sum())) for i in order]

    def save(self, folder: str | Path) -> None:
        """Writes `adapter.safetensors` and `adapter.json`, each aside first and then renamed.

        Args:
            folder: made if it does not exist; an adapter that is there already is replaced.
        """
        save_pair(folder, WEIGHTS_FILE, METADATA_FILE, self.network, self.metadata)

    @classmethod
    def load(cls, folder: str | Path) -> TwinAdapter:
        """An adapter from its two files, everything checked; nothing in them is executed.

        Args:
            folder: what `save` wrote.

        Returns:
            The adapter.

        Raises:
            ConfigError: if a file is missing, too large, damaged, or they do not belong together.
        """
        folder = file_path(folder, "the folder of an adapter")
        origin = repr(str(folder / METADATA_FILE))
        text = read_bytes(folder / METADATA_FILE, MAX_METADATA_BYTES)
        metadata = AdapterMetadata.from_json(text, origin=origin)
        content = read_named(
            folder / WEIGHTS_FILE, metadata.weights_sha256, origin, limit=MAX_WEIGHTS_BYTES,
            otherwise="train the adapter again",
        )  # fmt: skip
        network = blank_network(metadata.width, len(metadata.relations), metadata.settings)
        weights = load_weights(content, network, repr(str(folder / WEIGHTS_FILE)))
        network.to_empty(device="cpu").load_state_dict(weights)
        return cls(network.eval(), metadata)


def train_adapter(
    task: RelationTask,
    features: Features,
    split: Split,
    backbone: Backbone,
    settings: AdapterSettings = AdapterSettings(),  # noqa: B008 - frozen
    *,
    seed: int = 0,
    on_epoch: Progress | None = None,
) -> TwinAdapter:
    """Trains an adapter on the features of a frozen backbone.

    Args:
        task: entities and facts.
        features: of the entities, by the backbone; see `cached_features`.
        split: facts that are learned from, and facts that are judged only.
        backbone: that the features are of.
        settings: how it is built and trained.
        seed: of weights and batches; 0 or more.
        on_epoch: told of the progress.

    Returns:
        The adapter.

    Raises:
        ConfigError: if there is nothing to learn from, or features are missing.
    """
    network = train_network(task, features, split, settings, seed=seed, on_epoch=on_epoch)
    metadata = AdapterMetadata(
        backbone=backbone.name,
        backbone_digest=backbone.digest,
        width=int(features.shape[1]),
        relations=task.relations,
        bottleneck=settings.bottleneck,
        rank=settings.rank,
        epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        task=task.digest,
        num_facts=len(split.train),
        seed=seed,
        versions=package_versions(),
    )
    return TwinAdapter(network, metadata)
