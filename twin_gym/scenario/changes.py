"""Changing single values of a scenario by their path, as what-if questions name them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from twin_gym.errors import ConfigError, shown, unknown_name
from twin_gym.scenario.base import FrozenModel, Scenario
from twin_gym.scenario.documents import parse_toml

Changed = TypeVar("Changed", bound=Scenario)

_MAX_DEPTH = 8
_MAX_PATH = 500  # characters
_MAX_ASSIGNMENT = 10_000

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_PART = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^."']*?))\s*(?:\.|$)""")

_ASSIGNMENT = re.compile(r"""((?:"[^"]*"|'[^']*'|[^="'])*+)=(.*)""", re.DOTALL)


class _Part(NamedTuple):
    """A name of a path, and whether it stood in quotes: then it is whole."""

    name: str
    is_quoted: bool


def path_of(*names: str) -> str:
    """The path through these names, which `changed` and `value_at` read back.

    Args:
        names: of fields and entries, from the outside in.

    Returns:
        The names joined by dots; those that have a dot themselves stand in quotes, as in TOML.

    Example:
        >>> path_of("slices", "eMBB.v1", "arrival_rate_hz")
        'slices."eMBB.v1".arrival_rate_hz'
    """
    return ".".join(name if _BARE.fullmatch(name) else f'"{name}"' for name in names)


def names_of(path: str) -> tuple[str, ...]:
    """The names along a path of `path_of`.

    Args:
        path: names with dots in quotes.

    Returns:
        The names, from the outside in.

    Raises:
        ConfigError: if the quotes do not fit.

    Example:
        >>> names_of('slices."eMBB.v1".arrival_rate_hz')
        ('slices', 'eMBB.v1', 'arrival_rate_hz')
    """
    return tuple(part.name for part in _parts(path))


def changed(scenario: Changed, changes: Mapping[str, Any]) -> Changed:
    """A scenario with some values changed, validated as if built anew.

    Args:
        scenario: of any kind; left as it is.
        changes: new values by path. A path has the names of fields, joined by dots; an entry of a
            list is called by its `name`, or by its number where it has none. A name that has dots
            itself stands in quotes, as in TOML (`slices."eMBB.v1".revenue`); it may stand without
            them where only one reading of the path leads to something.

    Returns:
        A scenario of the same class and name.

    Raises:
        ConfigError: if a path leads nowhere (the message has what is there) or to several values,
            two paths lead to one value, or the scenario with the new values is not valid.

    Example:
        >>> from twin_gym.scenario.loading import load
        >>> busier = changed(load("contention"), {"slices.hrllc.arrival_rate_hz": 4.8})
        >>> busier.slices[1].arrival_rate_hz
        4.8
    """
    if not changes:
        raise ConfigError("nothing is changed: name a value, as in `horizon_s=60`")
    values = scenario.model_dump()
    done: dict[tuple[Any, ...], str] = {}
    for path, value in changes.items():
        keys = _places(values, path)
        if keys in done:
            raise ConfigError(f"{done[keys]!r} and {path!r} are one value: change it once")
        done[keys] = path
        _set(values, keys, value)
    return type(scenario)(**values)


def value_at(scenario: Scenario, path: str) -> Any:  # noqa: ANN401 - whatever stands there
    """The value that a path of `changed` leads to.

    Args:
        scenario: of any kind.
        path: see `changed`.

    Returns:
        The value; tables and lists as dictionaries and lists.

    Raises:
        ConfigError: if the path leads nowhere, or to several values.

    Example:
        >>> from twin_gym.scenario.loading import load
        >>> value_at(load("contention"), "slices.hrllc.arrival_rate_hz")
        2.4
    """
    at: Any = scenario.model_dump()
    for key in _places(at, path):
        at = _open(at)[key]
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
    cut = _ASSIGNMENT.fullmatch(text) if _is_one_line(text) else None
    path, value = ("", "") if cut is None else (cut[1].strip(), cut[2].strip())
    if not path or not value:
        raise ConfigError(
            f"a change is a path, an equals sign and a value, got {shown(text)}: write it like "
            "slices.hrllc.arrival_rate_hz=4.8"
        )
    if _is_word(value) and value not in ("true", "false", "nan", "inf"):
        return path, value
    try:
        return path, parse_toml(f"value = {value}", "the new value")["value"]
    except ConfigError:
        raise ConfigError(
            f"the new value of {path} must be a number, true, false, a word or a TOML value, got "
            f"{shown(value)}"
        ) from None


def _is_word(value: str) -> bool:
    """Whether a value is a bare word, such as `round-robin`; `-5` and `-inf` are numbers."""
    return not value.startswith("-") and value.replace("-", "_").isidentifier()


def _is_one_line(text: object) -> bool:
    return isinstance(text, str) and len(text) <= _MAX_ASSIGNMENT and "\n" not in text


def _set(values: dict[str, Any], keys: tuple[Any, ...], value: object) -> None:
    """Sets the value at a place in nested tables and lists."""
    at: Any = values
    for key in keys[:-1]:
        at[key] = _open(at[key])
        at = at[key]
    at[keys[-1]] = value


def _places(values: dict[str, Any], path: str) -> tuple[Any, ...]:
    """The keys and indices on the way that a path names."""
    parts = _parts(path)
    ways = list(_ways(values, parts))
    if len(ways) == 1:
        return ways[0][0]
    if ways:
        readings = " or ".join(path_of(*names) for _, names in ways)
        raise ConfigError(f"{path!r} may mean {readings}: put names that have dots in quotes")
    raise _nowhere(values, parts)


def _parts(path: str) -> list[_Part]:
    """The path cut at its dots, those in quotes left out."""
    if not isinstance(path, str):
        raise ConfigError(f"a path is a text such as 'horizon_s', got {shown(path)}")
    if len(path) > _MAX_PATH:
        raise ConfigError(f"a path has at most {_MAX_PATH} characters, got {shown(path)}")
    parts: list[_Part] = []
    place, ends_with_dot = 0, True
    while place < len(path) or ends_with_dot:
        match = _PART.match(path, place)
        if match is None:
            raise ConfigError(f"the quotes in {shown(path)} do not fit: write it as in TOML")
        quoted = match[1] if match[1] is not None else match[2]
        parts.append(_Part(match[3] or "" if quoted is None else quoted, quoted is not None))
        place, ends_with_dot = match.end(), match[0].endswith(".")
    return parts


def _ways(at: object, parts: Sequence[_Part]) -> Iterator[tuple[tuple[Any, ...], tuple[str, ...]]]:
    """Every reading of the parts that leads to something: its keys, and the names of the keys."""
    if not parts:
        yield (), ()
        return
    known = _known(at)
    for count in range(1, len(parts) + 1):
        if count > 1 and any(part.is_quoted for part in parts[:count]):
            return
        name = ".".join(part.name for part in parts[:count])
        if name in known:
            inner = _open(_open(at)[known[name]])
            for keys, names in _ways(inner, parts[count:]):
                yield (known[name], *keys), (name, *names)


def _nowhere(values: dict[str, Any], parts: Sequence[_Part]) -> ConfigError:
    """The error message for a path that leads nowhere, from the first unknown name on."""
    if len(parts) > _MAX_DEPTH:
        path = path_of(*(part.name for part in parts))
        return ConfigError(f"a path has at most {_MAX_DEPTH} names, got {shown(path)}")
    at: Any = values
    names: list[str] = []
    left = list(parts)
    while left:
        known, inside = _known(at), f"in {path_of(*names)!r}" if names else "here"
        lengths = range(len(left), 0, -1)
        joined = {k: ".".join(part.name for part in left[:k]) for k in lengths}
        count = next((k for k, name in joined.items() if name in known), None)
        if count is None:
            return _unknown(at, left[0].name, inside, path_of(*names))
        names.append(joined[count])
        at, left = _open(at)[known[joined[count]]], left[count:]
    return ConfigError(f"{path_of(*names)!r} has names in quotes that are not whole")


def _unknown(at: object, name: str, inside: str, where: str) -> ConfigError:
    known = _known(at)
    if not isinstance(_open(at), dict | list):
        return ConfigError(
            f"{where!r} is a single value, and has no {name!r} in it: end the path there"
        )
    return unknown_name(
        f"{'field' if isinstance(_open(at), dict) else 'entry'} {inside}", name, known
    )


def _open(inner: object) -> Any:  # noqa: ANN401 - a table, a list or a value
    """A container on the path, as one that can be changed."""
    if isinstance(inner, FrozenModel):
        return inner.model_dump()
    if isinstance(inner, Mapping):
        return dict(inner)
    return list(inner) if isinstance(inner, tuple) else inner


def _known(at: object) -> dict[str, Any]:
    """The names of what lies inside, and their keys or indices; none where it is a value."""
    at = _open(at)
    if isinstance(at, dict):
        return {name: name for name in at}
    if isinstance(at, list):
        return {_name_of(entry, index): index for index, entry in enumerate(at)}
    return {}


def _name_of(entry: object, index: int) -> str:
    named = entry.get("name") if isinstance(entry, Mapping) else None
    return str(index) if named is None else str(named)
