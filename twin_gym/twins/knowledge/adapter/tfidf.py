"""Words of a text, weighted by how rare they are: the plain features beside those of a network.

Spärck Jones, A statistical interpretation of term specificity, Journal of Documentation 28(1),
1972; smoothed, and of unit length.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from twin_gym.errors import ConfigError
from twin_gym.twins.knowledge.adapter.backbone import Features, digest_of

_WORD = re.compile(r"[a-z]+|[0-9]+")


class TfidfBackbone:
    """TF-IDF of the words of a corpus.

    Args:
        corpus: texts without labels, that say which words there are and how rare each is.

    Raises:
        ConfigError: if they have no words.

    Example:
        >>> TfidfBackbone(["a bin", "a lane"]).features(["bin", "the bin"]).tolist()
        [[0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]
    """

    name = "TF-IDF"

    def __init__(self, corpus: Sequence[str]) -> None:
        counts = Counter(word for text in corpus for word in {*_words(text)})
        if not counts:
            raise ConfigError("a corpus for TF-IDF has words, got none")
        self._places = {word: i for i, word in enumerate(sorted(counts))}
        self._weights = np.array(
            [1.0 + math.log((1 + len(corpus)) / (1 + counts[word])) for word in self._places]
        )
        self.digest = digest_of("tf-idf 1", *self._places, self._weights.tobytes())

    def features(self, texts: Sequence[str]) -> Features:
        """Shape (texts, words of the corpus); a text of other words alone has zeros."""
        found = np.zeros((len(texts), len(self._places)))
        for row, text in zip(found, texts, strict=True):
            for word in _words(text):
                place = self._places.get(word)
                if place is not None:
                    row[place] += self._weights[place]
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        return (found / np.where(lengths > 0.0, lengths, 1.0)).astype(np.float32)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
