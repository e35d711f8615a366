"""Whole numbers as users give them: Python's and NumPy's, but neither truth values nor floats."""

from __future__ import annotations

import operator
from typing import Any

from twin_gym.errors import ConfigError


def whole_number(name: str, given: Any, least: int, most: int | None = None) -> int:  # noqa: ANN401
    """The number as Python's own, if it is one and in range.

    Args:
        name: what it is, for the error.
        given: an integer of Python or NumPy, or an array of one without a dimension.
        least: the smallest that is allowed.
        most: the largest that is allowed; None: there is none.

    Returns:
        The number.

    Raises:
        ConfigError: if it is anything else, or out of range.

    Example:
        >>> import numpy as np
        >>> whole_number("num_envs", np.int64(3), 1, 8)
        3
    """
    number = as_index(given)
    if number is None or number < least or (most is not None and number > most):
        allowed = f"{least} or more" if most is None else f"{least} to {most}"
        raise ConfigError(f"{name} is a whole number, {allowed}; got {given!r:.80}")
    return number


def as_index(given: object) -> int | None:
    """The whole number that something is, or None if it is none; True and False are none."""
    if given is True or given is False:
        return None
    try:  # NumPy's truth values refuse
        return operator.index(given)  # type: ignore[arg-type]  # that is what is asked
    except TypeError:
        return None
