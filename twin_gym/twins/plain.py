"""Conversion of foreign values to `float`, `int`, `bool`, `str` and `list`, or their refusal.

SQL takes a number of NumPy's for bytes, JSON refuses it, and a comparison with a text ends in a
`TypeError`. So whatever comes from outside is made a `float`, `int`, `bool` or `str` here, of the
same value, or is refused in words: NumPy's scalars, arrays of no dimension, fractions and decimals
are numbers; truth values, texts and durations with a unit of their own (`numpy.timedelta64`) are
none.
"""

from __future__ import annotations

import math
import numbers
import operator
import os
import reprlib
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError

MAX_WHOLE = 2**63 - 1
"""Largest whole number that SQL has."""

_MAX_EXACT = 2**53

_SHOWN = reprlib.Repr()
_SHOWN.maxstring = _SHOWN.maxother = _SHOWN.maxlong = 80


def shown(value: object) -> str:
    """A value for an error: short, however long, deep or odd it is.

    Args:
        value: anything.

    Returns:
        Its `repr`, cut; its type where it has none.

    Example:
        >>> shown([[[[[[[[]]]]]]]])
        '[[[[[[[...]]]]]]]'
    """
    try:
        return _SHOWN.repr(value)
    except Exception:
        return f"a {type(value).__name__} that cannot be shown"


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever someone gives
    """A number or text of any library as Python's own; everything else as it is.

    Args:
        value: anything.

    Returns:
        A `float`, `int`, `bool` or `str` of the same value where there is one.

    Example:
        >>> plain(np.float32(0.5)), plain(np.array(3)), plain(Decimal("0.013")), plain(b"3")
        (0.5, 3, 0.013, b'3')
    """
    found = value
    if (
        isinstance(found, np.ndarray)
        and found.ndim == 0
        and not isinstance(found, np.ma.MaskedArray)
    ):
        found = found[()]
    if isinstance(found, np.timedelta64):
        return found
    if isinstance(found, bool | np.bool_):
        return bool(found)
    if isinstance(found, numbers.Integral):
        return operator.index(found)
    if isinstance(found, numbers.Real | Decimal):
        try:
            return float(found)
        except (OverflowError, ValueError):  # beyond floats, or a signalling NaN
            return value
    return str.__str__(found) if isinstance(found, str) else found


def number(value: Any, what: str, low: float = -math.inf, high: float = math.inf) -> float:  # noqa: ANN401
    """A number.

    Args:
        value: what was given.
        what: it is called, with its unit.
        low: least that is allowed.
        high: most that is allowed.

    Returns:
        It.

    Raises:
        ConfigError: if it is none, not a number (NaN), or out of range.

    Example:
        >>> number(np.int64(3), "`time_s`")
        3.0
    """
    found = value if type(value) is float else plain(value)
    if type(found) is int:
        try:
            found = float(found)
        except OverflowError:
            found = math.nan
    if type(found) is float and low <= found <= high:
        return found
    raise ConfigError(f"{what} is a number, {low:g} to {high:g}; got {shown(value)}")


def is_finite(value: float) -> bool:
    """Whether a number is finite, and not too large a whole number for a float.

    Args:
        value: plain.
    """
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def whole(value: Any, what: str, low: int = 0, high: int = MAX_WHOLE) -> int:  # noqa: ANN401
    """A whole number.

    Args:
        value: what was given.
        what: it is called.
        low: least that is allowed.
        high: most that is allowed.

    Returns:
        It.

    Raises:
        ConfigError: if it is none (3.0 is none either), or out of range.

    Example:
        >>> whole(np.uint8(3), "`episode`")
        3
    """
    found = value if type(value) is int else plain(value)
    if type(found) is int and low <= found <= high:
        return found
    most = "" if high >= MAX_WHOLE else f", at most {high:,}"
    raise ConfigError(f"{what} is a whole number, {low:,} or more{most}; got {shown(value)}")


def keep_within(settings: object, what: str, *ranges: tuple[str, float, float]) -> None:
    """Refuses fields of frozen settings that are out of range, and makes them plain numbers.

    Args:
        settings: a dataclass.
        what: has them, such as "a clone".
        ranges: name, least and most of each; between whole numbers it is a whole number.

    Raises:
        ConfigError: if a field is no number, or out of its range.
    """
    for name, low, high in ranges:
        told, given = f"`{name}` of {what}", getattr(settings, name)
        if isinstance(low, int) and isinstance(high, int):
            found: float = whole(given, told, low, high)
        else:
            found = number(given, told, low, high)
        object.__setattr__(settings, name, found)


def text(value: Any, what: str, least: int = 0, most: int = 1_000) -> str:  # noqa: ANN401
    """A text.

    Args:
        value: what was given.
        what: it is called.
        least: letters that it has.
        most: letters that it has.

    Returns:
        It.

    Raises:
        ConfigError: if it is none, too short or too long, or cannot be written as UTF-8.

    Example:
        >>> text(np.str_("gateway/0"), "a twin")
        'gateway/0'
    """
    found = value if type(value) is str else plain(value)
    if type(found) is str and least <= len(found) <= most and is_writable(found):
        return found
    raise ConfigError(
        f"{what} is a text of {least:,} to {most:,} letters, without halves of surrogate pairs; "
        f"got {shown(value)}"
    )


def is_writable(found: str) -> bool:
    """Whether a text has a form in UTF-8: halves of surrogate pairs have none."""
    try:
        found.encode()
    except UnicodeEncodeError:
        return False
    return True


def numbers_of(values: Any, what: str) -> NDArray[np.float64]:  # noqa: ANN401
    """A column of numbers.

    Args:
        values: an array or a sequence of numbers of any library.
        what: they are called.

    Returns:
        A copy or the array itself; infinite ones stay.

    Raises:
        ConfigError: if something is no number, not a number (NaN), or a whole number that a float
            does not have (over 2^53), some are masked, or they are no column.
    """
    found = _column(values, what)
    if found.dtype.kind not in "iuf" or found.dtype.itemsize > np.dtype(np.float64).itemsize:
        return np.array([number(one, what) for one in found.tolist()], np.float64)
    column = found.astype(np.float64, copy=False)
    if found.dtype.kind != "f" and ((found > _MAX_EXACT) | (found < -_MAX_EXACT)).any():
        raise ConfigError(f"{what} are numbers, whole ones up to 2^53; got a larger one")
    if np.isnan(column).any():
        raise ConfigError(f"{what} are numbers; got one that is not a number (NaN)")
    return column


def wholes_of(values: Any, what: str) -> NDArray[np.int64]:  # noqa: ANN401
    """A column of whole numbers.

    Args:
        values: an array or a sequence of whole numbers of any library.
        what: they are called.

    Returns:
        A copy or the array itself.

    Raises:
        ConfigError: if something is no whole number, some are masked, or they are no column.
    """
    found = _column(values, what)
    if found.dtype.kind == "i" or (found.dtype.kind == "u" and found.dtype != np.uint64):
        return found.astype(np.int64, copy=False)
    low = -MAX_WHOLE - 1
    return np.array([whole(one, what, low) for one in found.tolist()], np.int64)


def _column(values: Any, what: str) -> NDArray[Any]:  # noqa: ANN401
    try:
        found = values if isinstance(values, np.ndarray) else np.array(values, dtype=object)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{what} are a column of numbers: {error!s:.200}") from None
    if found.ndim != 1 or isinstance(found, np.ma.MaskedArray):
        raise ConfigError(
            f"{what} are a column of numbers, none of them masked; got {type(values).__name__} of "
            f"the shape {found.shape}"
        )
    return found


def listed(values: Any, what: str, kind: type | None = None) -> list[Any]:  # noqa: ANN401
    """The values of an iterable as a list.

    Args:
        values: anything that can be gone through.
        what: they are called.
        kind: of each; None: not looked at.

    Raises:
        ConfigError: if it cannot be gone through, or one is of another kind.
    """
    is_single = isinstance(values, str | bytes | dict) or getattr(values, "ndim", 1) == 0
    if is_single or not isinstance(values, Iterable):
        raise ConfigError(f"{what} are several, such as a list; got {shown(values)}")
    found = list(values)
    for one in found if kind is not None else ():
        if not isinstance(one, kind or object):
            name = kind.__name__ if kind else ""
            raise ConfigError(f"{what} are each a {name}; got {shown(one)}")
    return found


def file_path(value: Any, what: str) -> Path:  # noqa: ANN401
    """A path of a file or folder.

    Args:
        value: a text, or anything with a path of text.
        what: it is called.

    Returns:
        It.

    Raises:
        ConfigError: if it is none, is empty, or the system has no such names.
    """
    try:
        told = plain(os.fspath(value))
        if not isinstance(told, str) or not told or "\0" in told or not is_usable(told):
            raise TypeError
        found = Path(told)
        found.exists()  # a name that is too long, a loop of links
    except TypeError:
        raise ConfigError(f"{what} is a text without NUL, got {shown(value)}") from None
    except OSError as error:
        raise ConfigError(f"{what} {shown(value)}: {error.strerror}") from None
    return found


def is_usable(told: str) -> bool:
    """Whether the system can have a file of this name."""
    try:
        os.fsencode(told)
    except UnicodeEncodeError:
        return False
    return True
