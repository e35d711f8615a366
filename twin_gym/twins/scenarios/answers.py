"""Parses and validates answers of a language model; they are data and never executed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from twin_gym.errors import ConfigError
from twin_gym.twins.scenarios.parameters import Coordinates, ParameterSpace
from twin_gym.twins.strict_json import each_once, is_deeper_than

_MOST = 1e300  # also leaves out infinities and what is not a number
_MOST_NAMED = 5
_MAX_DEPTH = 32
_FENCE = re.compile("`{3,}|~{3,}")
_LANGUAGE = re.compile(r"[\w.+-]+(?=\s|[{\[])")
_ONE_BLOCK = 3  # parts: before, within and after
_WANTED = "answer with one JSON object, alone or in one code block"


def entries_of(text: str) -> tuple[list[Any], str]:
    r"""The list `scenarios` of an answer.

    An answer must be one JSON object, alone or in one code block with any text around it. Several
    code blocks are ambiguous and therefore rejected.

    Args:
        text: the answer.

    Returns:
        The entries, not validated yet, and the error if there are none.

    Example:
        >>> entries_of('Here it is:\n```json\n{"scenarios": [{"num_sensors": 5}]}\n```')
        ([{'num_sensors': 5}], '')
    """
    inside, reason = _json_in(text)
    if reason:
        return [], reason
    try:
        document = json.loads(inside, object_pairs_hook=each_once)
    except RecursionError:
        return [], "the answer is nested too deeply"
    except ValueError as error:
        return [], f"the answer is no JSON ({error}): {_WANTED}"
    if is_deeper_than(document, _MAX_DEPTH):
        return [], "the answer is nested too deeply"
    entries = document.get("scenarios") if isinstance(document, Mapping) else None
    if not isinstance(entries, list):
        return [], "the answer has no list `scenarios`"
    return entries, "" if entries else "the list `scenarios` is empty"


def _json_in(text: str) -> tuple[str, str]:
    """The part of an answer that should be JSON, and the error if that is ambiguous."""
    text = text.strip().removeprefix("\ufeff").strip()
    if text.startswith(("{", "[")):
        return text, ""  # fences within it are within its strings
    parts = _FENCE.split(text)
    if len(parts) == 1:
        return text, ""
    if len(parts) != _ONE_BLOCK:
        return "", f"the answer has several code blocks or one that does not end: {_WANTED}"
    inside = parts[1].strip()
    language = _LANGUAGE.match(inside)
    return inside[language.end() :] if language else inside, ""


def point_of(
    entry: object,
    space: ParameterSpace,
    bounds: Coordinates,
    hide: Callable[[str], str] = str,
) -> Coordinates:
    """The coordinates of an entry, after validation.

    Args:
        entry: an entry from `entries_of`.
        space: the parameters.
        bounds: lower and upper bounds of the coordinates.
        hide: removes a secret from quotations of the entry, before they are cut.

    Returns:
        Coordinates; shape (parameters,).

    Raises:
        ConfigError: if it is not an object of exactly these finite numbers, or out of range.
    """
    values = _numbers(entry, space.paths, hide)
    for one in space.parameters:
        value = values[one.path]
        if not one.low <= value <= one.high:
            raise ConfigError(f"{one.path} must be {one.low:g} to {one.high:g}, got {value:g}")
        if one.is_whole and value != round(value):
            raise ConfigError(f"{one.path} must be a whole number, got {value:g}")
    point = space.coordinates_of(np.array([values[path] for path in space.paths]))
    wrong = np.flatnonzero((point < bounds[0] - 1e-9) | (point > bounds[1] + 1e-9))
    if wrong.size:
        path = space.paths[wrong[0]]
        raise ConfigError(f"{path} does not meet what is demanded, got {values[path]:g}")
    return point


def _numbers(entry: object, paths: tuple[str, ...], hide: Callable[[str], str]) -> dict[str, float]:
    if not isinstance(entry, Mapping):
        raise ConfigError(f"a scenario must be an object, got {type(entry).__name__}")
    unknown, missing = set(entry) - set(paths), set(paths) - set(entry)
    if unknown or missing:
        raise ConfigError(
            f"unknown keys {hide(repr(sorted(unknown)[:_MOST_NAMED])):.200}, missing keys "
            f"{sorted(missing)[:_MOST_NAMED]}"
        )
    for path in paths:
        value = entry[path]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not abs(value) < _MOST:
            raise ConfigError(f"{path} must be a finite number, got {hide(repr(value)):.80}")
    return {path: float(entry[path]) for path in paths}
