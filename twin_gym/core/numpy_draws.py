"""The draws of `twin_gym.core.draws` for many worlds at once, in NumPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin_gym.core.draws import GOLDEN

_MULTIPLIERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_ONE = np.uint64(1)
_STREAM_BITS, _UNUSED_BITS = np.uint64(48), np.uint64(11)
_TWO_TO_MINUS_53 = 2.0**-53

Keys = NDArray[np.uint64]


def world_keys(seeds: Keys, episodes: NDArray[np.int64]) -> Keys:
    """The keys of the worlds that rows with these seeds meet in these episodes; shape (rows,)."""
    return _mixed(_mixed(seeds + GOLDEN) + GOLDEN * episodes.astype(np.uint64))


def uniforms(worlds: Keys, stream: int, index: ArrayLike) -> NDArray[np.float64]:
    """Uniform draws in (0, 1], each a function of (world, stream, index) alone.

    Args:
        worlds: their keys; shape (rows,).
        stream: 0 to 65,534; what the draw is for.
        index: 0 to 2^48 - 2; the how-manieth of its kind, one number or one a row, or of the shape
            (rows, draws) for several a row.

    Returns:
        What `twin_gym.core.draws.uniform` gives; shape (rows,), or that of the index.
    """
    places = np.asarray(index, np.int64).astype(np.uint64)
    keys = worlds if places.ndim < 2 else worlds[:, None]  # noqa: PLR2004 - rows and draws
    counters = (np.uint64(stream) << _STREAM_BITS) + np.atleast_1d(places) + _ONE
    bits = _mixed(keys + GOLDEN * counters)
    numerators: NDArray[np.float64] = ((bits >> _UNUSED_BITS) + _ONE).astype(np.float64)
    return numerators * _TWO_TO_MINUS_53


def _mixed(bits: Keys) -> Keys:
    """The SplitMix64 finaliser; whole numbers of 64 bits wrap around."""
    for shift, multiplier in zip((30, 27), _MULTIPLIERS, strict=True):
        bits = (bits ^ (bits >> np.uint64(shift))) * multiplier
    return bits ^ (bits >> np.uint64(31))
