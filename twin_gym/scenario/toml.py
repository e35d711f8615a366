"""Values and scenarios as TOML text: what `parse_toml` and `parse` read back.

Written here and not by a package: a number is written so that the same number is read, long lists
are broken, and what is at its default is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from twin_gym.errors import ConfigError, shown, without_controls
from twin_gym.scenario.base import FrozenModel, Scenario

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_LINE_WIDTH = 100
_LAW = "law"


def to_toml(scenario: Scenario, comment: str = "") -> str:
    """The scenario as TOML; `parse` gives an equal one back.

    Fields at their default are left out.

    Args:
        scenario: of any kind.
        comment: what stands on top, without the comment marks.

    Returns:
        The document, with a line break at its end.
    """
    lines = [f"# {line}".rstrip() for line in without_controls(comment).splitlines()]
    return "\n".join([*lines, f'kind = "{scenario.kind}"', *_lines(scenario, "")]) + "\n"


def toml_pair(key: str, value: object) -> str:
    """A key and its value in one line, as every writer of TOML here writes them.

    Args:
        key: any text; it is quoted where it must be.
        value: text, a whole number, a number, a truth value, or lists and mappings of these.

    Returns:
        A line without its break; text that has line breaks takes several lines.

    Raises:
        ConfigError: if TOML has no word for the value.

    Example:
        >>> print(toml_pair("eMBB.v1", {"radio.dl": [1.0, True, "it's"]}))
        "eMBB.v1" = { "radio.dl" = [1.0, true, "it's"] }
    """
    return f"{_key(key)} = {_value(value, width=None)}"


def _lines(model: FrozenModel, place: str) -> Iterator[str]:
    """Plain fields first, then the models in it as tables of their own."""
    plain, inner = _given(model), {}
    for name in list(plain):
        value = getattr(model, name)
        if isinstance(value, FrozenModel) or _are_models(value):
            inner[name] = value
            del plain[name]
    yield from _pairs(plain, _LINE_WIDTH)
    for name, value in inner.items():
        path = f"{place}{_key(name)}"
        if isinstance(value, FrozenModel):
            yield from (*_space(place), f"[{path}]", *_lines(value, f"{path}."))
        else:
            for one in value:
                yield from ("", f"[[{path}]]", *_lines(one, f"{path}."))


def _are_models(value: object) -> bool:
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], FrozenModel)


def _space(place: str) -> tuple[str, ...]:
    return () if place else ("",)


def _given(model: FrozenModel) -> dict[str, Any]:
    """The fields that are not at their default, as plain values; a law is always named."""
    plain = model.model_dump(mode="json", exclude_none=True)
    fields = type(model).model_fields
    return {
        key: plain[key]
        for key in plain
        if key == _LAW or getattr(model, key) != fields[key].default
    }


def _pairs(values: Mapping[str, Any], width: int | None) -> Iterator[str]:
    for key, value in values.items():
        yield f"{_key(key)} = {_value(value, width)}"


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _quoted(key)


def _value(value: object, width: int | None) -> str:
    """The value; lists longer than the width are broken, but not inside of a table in braces."""
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_pairs(value, None)) + " }" if value else "{}"
    if isinstance(value, list | tuple):
        return _array([_value(item, None) for item in value], width)
    raise ConfigError(f"TOML has no word for {shown(value)}")


def _string(text: str) -> str:
    if "\n" not in text:
        return _quoted(text)
    lines = [_quoted(line)[1:-1] for line in text.split("\n")]
    # The line break after the opening quotes is no part of the string.
    return '"""\n' + "\n".join(lines) + '"""'


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _array(items: list[str], width: int | None) -> str:
    if width is None or sum(len(item) + 2 for item in items) < width // 2:
        return "[" + ", ".join(items) + "]"
    lines = [""]
    for item in items:
        if len(lines[-1]) + len(item) + 2 > width:
            lines.append("")
        lines[-1] += f" {item}," if lines[-1] else f"    {item},"
    return "[\n" + "\n".join(lines) + "\n]"
