"""Embeddings without text: the row that no language helps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twin_gym.errors import ConfigError
from twin_gym.twins.knowledge.adapter.backbone import Features, digest_of


class IdentityBackbone:
    """An embedding of each entity without its text: as many numbers as there are texts, one set.

    A bilinear form on these is a table of embeddings that are learned from nothing but facts, so
    that an entity of no fact is one as good as any other.

    Args:
        texts: of the entities, in order.
    """

    name = "ids"

    def __init__(self, texts: Sequence[str]) -> None:
        self._count = len(texts)
        self.digest = digest_of("ids 1", *texts)

    def features(self, texts: Sequence[str]) -> Features:
        """Shape (texts, texts).

        Raises:
            ConfigError: if it is given another number of texts: it knows no text.
        """
        if len(texts) != self._count:
            raise ConfigError(
                f"embeddings without text are of {self._count} entities in their order, got "
                f"{len(texts)} texts"
            )
        return np.eye(self._count, dtype=np.float32)
