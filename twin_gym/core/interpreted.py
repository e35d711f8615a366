"""The simulator's functions as plain Python, to debug them: where `NUMBA_DISABLE_JIT=1` says so.

Compiled code has the fields of a record as attributes, and whole numbers that wrap around.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np


class Fields:
    """The fields of a record as attributes; writing one writes the record.

    Args:
        record: an entry of an array of records.
    """

    __slots__ = ("_record",)

    def __init__(self, record: np.void) -> None:
        object.__setattr__(self, "_record", record)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - of any type
        return self._record[name]

    def __setattr__(self, name: str, value: Any) -> None:  # noqa: ANN401
        self._record[name] = value


def interpreted(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that can be called as its compiled form is.

    Args:
        function: as it stands in the source.

    Returns:
        The same on arrays of records and records; overflow of whole numbers goes unsaid.
    """

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:  # noqa: ANN401
        with np.errstate(all="ignore"):
            return function(*(_readable(one) for one in arguments))

    return call


def _readable(one: Any) -> Any:  # noqa: ANN401
    if isinstance(one, np.ndarray) and one.dtype.names and not isinstance(one, np.recarray):
        return one.view(np.recarray)
    if isinstance(one, np.void) and not isinstance(one, np.record):
        return Fields(one)
    return one
