"""How the simulator's functions are compiled.

None of them owns memory: they work on records and arrays that are handed to them. So Numba's
reference counting is switched off for all of them, which halves the time of a step (and a GPU has
none either). Small helpers on the way of every step are inlined by LLVM; Numba's own
`inline="always"` is never used, because it gives wrong results inside `prange`.

Floating-point arithmetic stays strict (no `fastmath`), so that trajectories are the same on every
machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """A function that is called now and then from compiled code."""
    result: Function = njit(_nrt=False)(function)
    return result


def inlined(function: Function) -> Function:
    """A function that becomes part of its compiled callers."""
    result: Function = njit(_nrt=False, forceinline=True)(function)
    return result


def entry_point(function: Function) -> Function:
    """A function that Python calls: cached on disk, and other threads run beside it."""
    result: Function = njit(_nrt=False, cache=True, nogil=True)(function)
    return result
