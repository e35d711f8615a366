"""What gives features of texts: frozen, told apart by a digest, and asked once for each text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float32]
"""A row a text; shape (texts, width)."""


class Backbone(Protocol):
    """A frozen model of text. Adapters learn on its features and never change it."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits of all that its features depend on."""

    def features(self, texts: Sequence[str]) -> Features:
        """Features of texts; the same text has the same ones, whatever is beside it."""


def digest_of(*parts: str | bytes) -> str:
    """Sixteen hexadecimal digits of some parts, of which none runs into the next.

    Example:
        >>> digest_of("a", "bc") == digest_of("ab", "c")
        False
    """
    hashed = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        hashed.update(len(content).to_bytes(8, "little"))
        hashed.update(content)
    return hashed.hexdigest()[:16]
