"""Comparison of results, and a check that global random state does not change."""

from __future__ import annotations

import random  # noqa: TID251 - only to see that it stays as it was
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import TwinGymError

_SCALARS = (int, float, str, np.number, np.bool_)


class CheckFailed(TwinGymError, AssertionError):  # noqa: N818 - as in "the check failed"
    """An environment violates its contract."""


def fail(seen: str, contract: str) -> CheckFailed:
    """The error for a violated contract, with observed and required behaviour."""
    return CheckFailed(f"{seen}. The contract: {contract}")


def first_difference(one: object, other: object, where: str) -> str | None:
    """The first difference between two nested results, or None if they are bit-identical.

    Args:
        one: mappings, sequences, arrays and scalars.
        other: the same.
        where: name of the results in the message.

    Returns:
        A sentence with both values. NaN equals NaN; numbers of NumPy and of Python may mix.
    """
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        if one.keys() != other.keys():
            return f"{where} has the keys {sorted(one)} and {sorted(other)}"
        return _first_of((one[key], other[key], where, key) for key in one)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return _array_difference(one, other, where)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        if len(one) != len(other):
            return f"{where} has {len(one)} and {len(other)} entries"
        pairs = enumerate(zip(one, other, strict=True))
        return _first_of((a, b, where, place) for place, (a, b) in pairs)
    is_equal = bool(np.all(one == other)) or bool(one != one and other != other)
    return None if is_equal else f"{where} is {one!r:.80} and {other!r:.80}"


def _first_of(entries: Iterable[tuple[object, object, str, object]]) -> str | None:
    """The first difference of entries, each with the name of the whole and its own place there."""
    for one, other, where, place in entries:
        if isinstance(one, _SCALARS) and isinstance(other, _SCALARS) and one == other:
            continue  # most entries: without a name for each
        if difference := first_difference(one, other, f"{where}[{place!r}]"):
            return difference
    return None


def _array_difference(one: NDArray[Any], other: NDArray[Any], where: str) -> str | None:
    if (one.shape, one.dtype) != (other.shape, other.dtype):
        return f"{where} is {one.dtype}{one.shape} and {other.dtype}{other.shape}"
    if one.dtype == object:
        return first_difference(one.tolist(), other.tolist(), where)
    if one.tobytes() == other.tobytes():
        return None
    differing = one != other
    if one.dtype.kind in "fc":
        differing &= ~(np.isnan(one) & np.isnan(other))
    if not differing.any():
        return None
    at = tuple(int(index[0]) for index in np.nonzero(np.atleast_1d(differing)))
    values = [np.atleast_1d(array)[at].item() for array in (one, other)]
    return f"{where}{list(at)} is {values[0]!r} and {values[1]!r}"


@contextmanager
def untouched_global_state() -> Iterator[None]:
    """Fails if the global random state of Python or NumPy moves in between.

    Raises:
        CheckFailed: at the end, with the module at fault.
    """
    before = random.getstate(), np.random.get_state()  # noqa: NPY002
    yield
    after = random.getstate(), np.random.get_state()  # noqa: NPY002
    for module, one, other in zip(("random", "numpy.random"), before, after, strict=True):
        if first_difference(one, other, module) is not None:
            raise fail(
                f"the global state of {module} has changed",
                "all randomness comes from the seed given to reset, none from global generators",
            )
