"""Hashes of trajectories, to check whether two runs took the same steps."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ADD = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFT_30, _SHIFT_27, _SHIFT_31 = np.uint64(30), np.uint64(27), np.uint64(31)


class TrajectoryHash:
    """A 64-bit hash for each row of every action, reward and time so far, in order.

    It is not cryptographic: the mixing is the finaliser of SplitMix64 (Steele, Lea, Flood, 2014),
    applied after each value of a step.

    Args:
        rows: number of rows; the hash of a row does not depend on the others.
    """

    def __init__(self, rows: int) -> None:
        self.values: NDArray[np.uint64] = np.zeros(rows, np.uint64)

    def add(
        self,
        running: NDArray[np.bool_],
        actions: NDArray[Any],
        rewards: NDArray[np.float64],
        elapsed_s: NDArray[np.float64],
    ) -> None:
        """Adds one step of the running rows.

        Args:
            running: whether each row's episode is running; shape (rows,).
            actions: the actions; shape (rows,), or (rows, components) for Box actions.
            rewards: the rewards; shape (rows,).
            elapsed_s: simulated seconds of the step; shape (rows,).
        """
        mixed = self.values
        for part in (*_columns(actions), _doubles(rewards), _doubles(elapsed_s)):
            mixed = _mixed((mixed ^ part.view(np.uint64)) + _ADD)
        self.values = np.where(running, mixed, self.values)

    def digest(self) -> str:
        """Sixteen hexadecimal digits: the hash of all rows' hashes, in order."""
        return hashlib.sha256(self.values.astype("<u8").tobytes()).hexdigest()[:16]


def _columns(actions: NDArray[Any]) -> list[NDArray[Any]]:
    if actions.ndim == 1:
        return [actions.astype(np.int64)]
    return [_doubles(column) for column in actions.reshape(len(actions), -1).T]


def _doubles(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ascontiguousarray(values, np.float64) + 0.0  # -0.0 and 0.0 are one value


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    values = (values ^ (values >> _SHIFT_30)) * _FIRST
    values = (values ^ (values >> _SHIFT_27)) * _SECOND
    return values ^ (values >> _SHIFT_31)
