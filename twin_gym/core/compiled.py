"""How the simulator's functions are compiled.

None of them owns memory: they work on records and arrays that are handed to them. So Numba's
reference counting is switched off for all of them, which halves the time of a step (and a GPU has
none either). Small helpers on the way of every step are inlined by LLVM; Numba's own
`inline="always"` is never used, because it gives wrong results inside `prange`.

Floating-point arithmetic stays strict (no `fastmath`), so that trajectories are the same on every
machine.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias, TypeVar

from numba import config, njit

from twin_gym.core.cache import LastingCache
from twin_gym.core.interpreted import interpreted

Record: TypeAlias = Any
"""One entry of an array of records, as compiled code has it: its fields are attributes."""

Records: TypeAlias = Any
"""An array of records."""

Integer: TypeAlias = Any
"""A whole number of 64 bits; an `int` or a NumPy one for who calls from Python."""

Function = TypeVar("Function", bound=Callable[..., Any])

_IS_INTERPRETED = bool(getattr(config, "DISABLE_JIT", False))

# Divisors are checked where they come from; nothing here is called from C.
_OPTIONS: dict[str, Any] = {"_nrt": False, "error_model": "numpy", "no_cfunc_wrapper": True}


def compiled(function: Function) -> Function:
    """A function that is called now and then from compiled code."""
    return _made(function, _options(function))


def inlined(function: Function) -> Function:
    """A function that is inlined into its compiled callers."""
    return _made(function, {**_options(function), "forceinline": True})


def entry_point(function: Function) -> Function:
    """A function that Python calls: cached on disk, and other threads run beside it.

    The cache is in `NUMBA_CACHE_DIR`, beside the source, or in the user's cache folder; where none
    of them can be written, the function is compiled anew in every process.
    """
    return _entry_point(function, "")


def entry_point_over(*modules: ModuleType) -> Callable[[Function], Function]:
    """`entry_point` for functions into which those of other modules are compiled.

    Numba looks for changes only in the file of an entry point: a change in one of these modules
    makes it compile anew, too.

    Args:
        modules: all of them, also those that are compiled into these.
    """
    digest = sources_digest(modules)
    return lambda function: _entry_point(function, digest)


def _entry_point(function: Function, sources: str) -> Function:
    result: Any = _made(function, {**_OPTIONS, "nogil": True})
    if not _IS_INTERPRETED:
        with contextlib.suppress(RuntimeError):  # Numba's answer where it finds no folder for it
            result._cache = LastingCache(function, sources)  # noqa: SLF001 - there is no other door
    made: Function = result
    return made


def sources_digest(modules: Iterable[ModuleType]) -> str:
    """Names the sources of modules.

    Args:
        modules: whose functions are compiled into an entry point.

    Returns:
        Hexadecimal digits.
    """
    digest = hashlib.sha256()
    for module in modules:
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()


def _made(function: Function, options: dict[str, Any]) -> Function:
    result: Any = interpreted(function) if _IS_INTERPRETED else njit(**options)(function)
    made: Function = result
    return made


def _options(function: Callable[..., Any]) -> dict[str, Any]:
    """Private functions get no door for Python, which saves a sixth of the time of compilation.

    Calling one of them from Python would end the process, so they keep their underscore.
    """
    return {**_OPTIONS, "no_cpython_wrapper": function.__name__.startswith("_")}
