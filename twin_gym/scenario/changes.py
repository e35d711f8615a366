"""Changing single values of a scenario by their path, as what-if questions name them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from twin_gym.errors import ConfigError, unknown_name
from twin_gym.scenario.base import FrozenModel, Scenario

Changed = TypeVar("Changed", bound=Scenario)

_MAX_DEPTH = 8
_MAX_ASSIGNMENT = 10_000


def changed(scenario: Changed, changes: Mapping[str, Any]) -> Changed:
    """A scenario with some values changed, validated as if built anew.

    Args:
        scenario: of any kind; left as it is.
        changes: new values by path. A path has the names of fields, joined by dots; an entry of a
            list is called by its `name`, or by its number where it has none.

    Returns:
        A scenario of the same class and name.

    Raises:
        ConfigError: if a path leads nowhere (the message has what is there), or the scenario with
            the new values is not valid.

    Example:
        >>> from twin_gym.scenario import load
        >>> busier = changed(load("contention"), {"slices.hrllc.arrival_rate_hz": 4.8})
        >>> busier.slices[1].arrival_rate_hz
        4.8
    """
    if not changes:
        raise ConfigError("nothing is changed: name a value, as in `horizon_s=60`")
    values = scenario.model_dump()
    for path, value in changes.items():
        _set(values, path, value)
    return type(scenario)(**values)


def value_at(scenario: Scenario, path: str) -> Any:  # noqa: ANN401 - whatever stands there
    """The value that a path of `changed` leads to.

    Args:
        scenario: of any kind.
        path: see `changed`.

    Returns:
        The value; tables and lists as dictionaries and lists.

    Raises:
        ConfigError: if the path leads nowhere.

    Example:
        >>> from twin_gym.scenario import load
        >>> value_at(load("contention"), "slices.hrllc.arrival_rate_hz")
        2.4
    """
    at: Any = scenario.model_dump()
    names = path.split(".")
    for depth, name in enumerate(names):
        at = _open(at)[_place(_open(at), name, ".".join(names[:depth]))]
    return _open(at)


def parse_assignment(text: str) -> tuple[str, Any]:
    """A path and its new value from text.

    Args:
        text: such as `slices.hrllc.arrival_rate_hz=4.8`; the value as TOML writes it, or a bare
            word.

    Returns:
        The path and the value.

    Raises:
        ConfigError: if there is no equals sign, or the value is empty or no TOML.

    Example:
        >>> parse_assignment("slices.hrllc.arrival_rate_hz=4.8")
        ('slices.hrllc.arrival_rate_hz', 4.8)
    """
    path, equals, value = text.partition("=")
    path, value = path.strip(), value.strip()
    if not equals or not path or not value or len(text) > _MAX_ASSIGNMENT or "\n" in text:
        raise ConfigError(
            f"a change is a path, an equals sign and a value, got {text!r:.80}: write it like "
            "slices.hrllc.arrival_rate_hz=4.8"
        )
    if value.replace("-", "_").isidentifier() and value not in ("true", "false", "nan", "inf"):
        return path, value
    try:
        return path, tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        raise ConfigError(
            f"the new value of {path} must be a number, true, false, a word or a TOML value, got "
            f"{value!r:.80}"
        ) from None


def _set(values: dict[str, Any], path: str, value: object) -> None:
    """Sets the value at a path of nested tables and lists."""
    names = path.split(".")
    if len(names) > _MAX_DEPTH:
        raise ConfigError(f"a path has at most {_MAX_DEPTH} names, got {path!r:.80}")
    at: Any = values
    for depth, name in enumerate(names):
        place = _place(at, name, ".".join(names[:depth]))
        if depth == len(names) - 1:
            at[place] = value
            return
        at[place] = _open(at[place])
        at = at[place]


def _open(inner: object) -> Any:  # noqa: ANN401 - a table, a list or a value
    """What lies on the way, as something that can be changed."""
    if isinstance(inner, FrozenModel):
        return inner.model_dump()
    if isinstance(inner, Mapping):
        return dict(inner)
    return list(inner) if isinstance(inner, tuple) else inner


def _place(at: object, name: str, where: str) -> Any:  # noqa: ANN401 - a key or an index
    """The key or index that a name means."""
    inside = f"in {where!r}" if where else "here"
    if isinstance(at, dict):
        if name not in at:
            raise unknown_name(f"field {inside}", name, at)
        return name
    if isinstance(at, Sequence) and not isinstance(at, str):
        known = {_name_of(entry, index): index for index, entry in enumerate(at)}
        if name not in known:
            raise unknown_name(f"entry {inside}", name, known)
        return known[name]
    raise ConfigError(f"{where!r} is a single value, and has no {name!r} in it: end the path there")


def _name_of(entry: object, index: int) -> str:
    named = entry.get("name") if isinstance(entry, Mapping) else None
    return str(index) if named is None else str(named)
