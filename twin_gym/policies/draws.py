"""Draws of policies: what row i draws depends on the seed, the number of the call and i alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError

_SEEDS = 2**64
_CALL_SHIFT = 16


def checked_seed(seed: int) -> int:
    """A seed of a policy.

    Raises:
        ConfigError: if it is no whole number from 0 on.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ConfigError(f"a seed is a whole number from 0 on, got {seed!r}")
    return int(seed)


class Draws:
    """A generator of its own for every call of a policy, counted from a seed.

    Whatever is drawn has the rows as its first axis. So row i draws the same whatever the number of
    rows, whatever they show, and whichever of them have ended.

    Args:
        purpose: tells these draws from others with the same seed, such as those of a policy within
            a policy; 0 to 65,535.
    """

    def __init__(self, purpose: int = 0) -> None:
        self._purpose = purpose
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Begins anew: the same seed draws the same.

        Args:
            seed: a whole number from 0 on; taken modulo 2^64, as environments take it.

        Raises:
            ConfigError: if it is none.
        """
        self._seed, self._calls = checked_seed(seed) % _SEEDS, 0

    def next(self) -> np.random.Generator:
        """The generator of the next call, at its beginning; take all draws of the call from it."""
        call = self._calls
        self._calls += 1
        word = self._purpose + (call << _CALL_SHIFT) if self._purpose else call
        key = np.array([self._seed, word], np.uint64)
        return np.random.Generator(np.random.Philox(key=key))


def evenly(
    drawn: NDArray[np.float64], allowed: NDArray[np.bool_], *, or_none: bool = False
) -> NDArray[np.int64]:
    """One of the allowed choices of each row, all as likely.

    Args:
        drawn: uniform on [0, 1); shape (rows,).
        allowed: shape (rows, choices).
        or_none: whether to take none is as likely as each of them.

    Returns:
        Places of choices, or their number for none, as where nothing is allowed; shape (rows,).
    """
    counted = allowed.cumsum(axis=1)
    # Of c allowed choices, 0 to c - 1 is the how-manieth of them, and c is none.
    which = np.floor(drawn * (counted[:, -1] + or_none)).astype(np.int64)
    found: NDArray[np.int64] = (counted <= which[:, None]).sum(axis=1)
    return found
