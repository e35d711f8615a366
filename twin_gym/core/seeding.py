"""From the seeds that users give to the seeds of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.counts import as_index, whole_number
from twin_gym.errors import ConfigError

Seeds = int | list[int | None] | None


def checked_seed(seed: Any) -> int | None:  # noqa: ANN401
    """One seed, or None where none is given.

    Raises:
        ConfigError: if it is no whole number from 0 on.
    """
    return None if seed is None else whole_number("a seed", seed, 0)


def checked_seeds(seed: Any, num_rows: int) -> Seeds:  # noqa: ANN401
    """Seeds as Gymnasium's vector `reset` takes them: one number, one a row, or None.

    Args:
        seed: a whole number, a sequence of them and of None, or None.
        num_rows: how many a sequence must have.

    Returns:
        The same in Python's own types.

    Raises:
        ConfigError: if a sequence has another length, or one is no whole number from 0 on.
    """
    is_sequence = isinstance(seed, Sequence) or (isinstance(seed, np.ndarray) and seed.ndim > 0)
    if not is_sequence or as_index(seed) is not None:
        return checked_seed(seed)
    seeds = [checked_seed(one) for one in seed]
    if len(seeds) != num_rows:
        raise ConfigError(f"{num_rows} rows need {num_rows} seeds, got {len(seeds)}")
    return seeds


def row_seeds(seed: Seeds, num_rows: int, rng: np.random.Generator) -> NDArray[np.uint64]:
    """One seed a row: a number s gives s, s + 1, …; a sequence gives its entries.

    Args:
        seed: as `checked_seeds` gives it; None entries are drawn.
        num_rows: how many are needed.
        rng: draws what is not given.

    Returns:
        Seeds modulo 2^64; shape (num_rows,).
    """
    if not isinstance(seed, list):
        start = int(rng.integers(2**63)) if seed is None else seed
        return np.array([(start + row) % 2**64 for row in range(num_rows)], np.uint64)
    drawn = [int(rng.integers(2**63)) if one is None else one for one in seed]
    return np.array([one % 2**64 for one in drawn], np.uint64)
