"""From the seeds that users give to the seeds of rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError


def row_seeds(
    seed: int | Sequence[int | None] | None, num_rows: int, rng: np.random.Generator
) -> NDArray[np.uint64]:
    """One seed a row: a number s gives s, s + 1, …; a sequence gives its entries.

    Args:
        seed: as Gymnasium's vector `reset` takes it; None entries are drawn.
        num_rows: how many are needed.
        rng: draws what is not given.

    Returns:
        Seeds modulo 2^64; shape (num_rows,).

    Raises:
        ConfigError: if a sequence has another length, or a seed is negative.
    """
    if seed is None or isinstance(seed, int | np.integer):
        start = int(rng.integers(2**63)) if seed is None else int(seed)
        wanted: list[int | None] = [start + row for row in range(num_rows)]
    else:
        wanted = [*seed] if isinstance(seed, Sequence | np.ndarray) else [seed]
    for one in wanted:
        if one is not None and not isinstance(one, int | np.integer):
            raise ConfigError(f"a seed is a whole number, 0 or more, got {one!r}")
    if len(wanted) != num_rows:
        raise ConfigError(f"{num_rows} rows need {num_rows} seeds, got {len(wanted)}")
    drawn = [int(rng.integers(2**63)) if one is None else int(one) for one in wanted]
    if min(drawn) < 0:
        raise ConfigError(f"a seed must not be negative, got {min(drawn)}")
    return np.array([one % 2**64 for one in drawn], np.uint64)
