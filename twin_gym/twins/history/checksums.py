"""Checksums: SQLite detects broken pages, but not a changed value within a page.

The checksum of an episode's telemetry is the sum, modulo 2^64, of the hashes of its rows, so that
rows can be added and dropped in any order. Texts and blobs have a CRC-32. Neither protects against
an attacker.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFT_30, _SHIFT_27, _SHIFT_31 = np.uint64(30), np.uint64(27), np.uint64(31)
_MODULUS, _HALF = 2**64, 2**63


def row_sum(
    channels: NDArray[np.int64],
    times_s: NDArray[np.float64],
    numbers: NDArray[np.int64],
    values: NDArray[np.float64],
) -> int:
    """Sum of the hashes of rows of telemetry.

    Each hash is the finaliser of SplitMix64 (Steele, Lea, Flood, 2014) applied after each column.

    Args:
        channels: channel of each row; shape (rows,), like all arguments.
        times_s: time in seconds.
        numbers: number of the event.
        values: value of the event.

    Returns:
        A signed 64-bit integer, the integer type of SQLite.
    """
    mixed = np.zeros(len(channels), np.uint64)
    for column in (channels, times_s + 0.0, numbers, values + 0.0):  # -0.0 and 0.0 are one value
        mixed = _mixed((mixed ^ np.ascontiguousarray(column).view(np.uint64)) + _GOLDEN)
    return signed(int(mixed.sum(dtype=np.uint64)))


def signed(total: int) -> int:
    """An integer modulo 2^64, as a number from -2^63 to 2^63 - 1."""
    return (total + _HALF) % _MODULUS - _HALF


def check_sum(parts: Iterable[object]) -> int:
    """CRC-32 of numbers, texts and blobs, each with its length.

    Args:
        parts: the values, in order.

    Returns:
        0 to 2^32 - 1.
    """
    total = 0
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        total = zlib.crc32(f"{len(data)}:".encode() + data, total)
    return total


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    bits = (bits ^ (bits >> _SHIFT_30)) * _FIRST
    bits = (bits ^ (bits >> _SHIFT_27)) * _SECOND
    return bits ^ (bits >> _SHIFT_31)
