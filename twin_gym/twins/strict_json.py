"""JSON of strangers, read once and strictly: one object, each key once, plain and finite values."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

from twin_gym.errors import ConfigError

MAX_DEPTH = 32
"""Greatest nesting depth of lists and objects in a metadata file."""

_DEEP = f"lists and objects lie in one another more than {MAX_DEPTH} deep"


def read_object(text: str | bytes, origin: str) -> dict[str, Any]:
    """The JSON object that a text is.

    Args:
        text: all of it; bytes are UTF-8.
        origin: how errors call it.

    Returns:
        The object. Its numbers are finite, and no key of it or in it stands twice.

    Raises:
        ConfigError: if it is no UTF-8, no JSON or no object, a key stands twice, a number is not
            finite or has thousands of digits, or it is nested more than 32 deep.

    Example:
        >>> read_object('{"width": 64}', "the metadata")
        {'width': 64}
        >>> read_object('{"width": 64, "width": 8}', "the metadata")
        Traceback (most recent call last):
        twin_gym.errors.ConfigError: the metadata is not valid JSON: the key 'width' stands twice
    """
    try:
        told = text.decode("utf-8") if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise ConfigError(f"{origin} is not UTF-8 text: {error}") from None
    try:
        found = json.loads(
            told, object_pairs_hook=each_once, parse_float=_finite, parse_constant=_finite
        )
    except RecursionError:
        raise ConfigError(f"{origin} is not valid JSON: {_DEEP}") from None
    except ValueError as error:
        raise ConfigError(f"{origin} is not valid JSON: {error}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{origin} is not valid JSON: it must be one object {{...}}")
    if is_deeper_than(found, MAX_DEPTH):
        raise ConfigError(f"{origin} is not valid JSON: {_DEEP}")
    return found


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs of a JSON object, for `object_pairs_hook`.

    Raises:
        ValueError: if a key stands twice: programs differ in which of the two they take.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {twice!r:.80} stands twice")
    return found


def is_deeper_than(value: object, depth: int) -> bool:
    """Whether lists and dictionaries of a value lie in one another more than `depth` deep.

    Example:
        >>> is_deeper_than([[1]], 1), is_deeper_than([[1]], 2)
        (True, False)
    """
    level = [value]
    for _ in range(depth):
        level = [part for one in level for part in _parts(one) if isinstance(part, list | dict)]
        if not level:
            return False
    return True


def _parts(value: object) -> Any:  # noqa: ANN401 - values of any JSON
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _finite(text: str) -> float:
    """A number of JSON; also called with `NaN` and `Infinity`, which are none."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text!r:.40} is no finite number")
    return value
