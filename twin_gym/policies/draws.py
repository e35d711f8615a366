"""Random numbers for policies: those of row i depend only on seed, number of the call, and i."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError

_SEEDS = 2**64
_CALL_SHIFT = 16


def checked_policy_seed(seed: int) -> int:
    """The seed of a policy, validated.

    Raises:
        ConfigError: if it is not a non-negative integer.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ConfigError(f"a seed is a whole number from 0 on, got {seed!r}")
    return int(seed)


class Draws:
    """A new random generator for every call of a policy, derived from the seed.

    Rows must be the first axis of everything that is drawn. Then row i draws the same numbers for
    any number of rows, any observations, and any subset of ended rows.

    Args:
        purpose: separates these draws from others with the same seed, such as those of a policy
            inside a policy; 0 to 65,535.
    """

    def __init__(self, purpose: int = 0) -> None:
        self._purpose = purpose
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Restarts the draws; the same seed gives the same draws.

        Args:
            seed: a non-negative integer; used modulo 2^64, as in environments.

        Raises:
            ConfigError: if it is not a non-negative integer.
        """
        self._seed, self._calls = checked_policy_seed(seed) % _SEEDS, 0

    def next(self) -> np.random.Generator:
        """The generator of the next call; take all draws of that call from it."""
        call = self._calls
        self._calls += 1
        word = self._purpose + (call << _CALL_SHIFT) if self._purpose else call
        key = np.array([self._seed, word], np.uint64)
        return np.random.Generator(np.random.Philox(key=key))


def evenly(
    drawn: NDArray[np.float64], allowed: NDArray[np.bool_], *, or_none: bool = False
) -> NDArray[np.int64]:
    """A uniformly random choice among the allowed ones, for each row.

    Args:
        drawn: uniform on [0, 1); shape (rows,).
        allowed: shape (rows, choices).
        or_none: whether choosing none is as likely as each allowed choice.

    Returns:
        Indices of choices; the number of choices for none, also if none is allowed; shape (rows,).
    """
    counted = allowed.cumsum(axis=1)
    # Of c allowed choices, 0 to c - 1 is the how-manieth of them, and c is none.
    which = np.floor(drawn * (counted[:, -1] + or_none)).astype(np.int64)
    places: NDArray[np.int64] = (counted <= which[:, None]).sum(axis=1)
    return places
