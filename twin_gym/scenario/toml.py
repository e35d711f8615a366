"""Scenarios as TOML text: what `parse` reads back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from twin_gym.scenario.admission import AdmissionScenario
from twin_gym.scenario.base import FrozenModel

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_LINE_WIDTH = 100
_LAWS = ("arrival", "holding")


def to_toml(scenario: AdmissionScenario, comment: str = "") -> str:
    """The scenario as TOML; `parse` gives an equal one back.

    Fields at their default are left out.

    Args:
        scenario: the scenario.
        comment: what stands on top, without the comment marks.

    Returns:
        The document, with a line break at its end.
    """
    return "\n".join(_lines(scenario, comment)) + "\n"


def _lines(scenario: AdmissionScenario, comment: str) -> Iterator[str]:
    for line in comment.splitlines():
        yield f"# {line}".rstrip()
    yield 'kind = "admission"'
    values = _given(scenario)
    slices, trace = values.pop("slices"), values.pop("trace", None)
    yield from _pairs(values)
    if trace is not None:
        yield from ("", "[trace]", *_pairs(trace))
    for one, given in zip(scenario.slices, slices, strict=True):
        own = {key: value for key, value in given.items() if key in _given(one)}
        laws = {law: own.pop(law) for law in _LAWS if law in own}
        yield from ("", "[[slices]]", *_pairs(own))
        for law, parameters in laws.items():
            named = {"law": parameters.pop("law")} | parameters
            yield from (f"[slices.{law}]", *_pairs(named))


def _given(model: FrozenModel) -> dict[str, Any]:
    """The fields that are not at their default, as plain values."""
    plain = model.model_dump(mode="json", exclude_none=True)
    fields = type(model).model_fields
    return {key: plain[key] for key in plain if getattr(model, key) != fields[key].default}


def _pairs(values: Mapping[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        yield f"{_key(key)} = {_value(value)}"


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key)


def _value(value: object) -> str:
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_pairs(value)) + " }"
    if isinstance(value, list | tuple):
        return _array([_value(item) for item in value])
    return repr(value)


def _string(text: str) -> str:
    if "\n" not in text:
        return _quoted(text)
    lines = [_quoted(line)[1:-1] for line in text.split("\n")]
    # The line break after the opening quotes is no part of the string.
    return '"""\n' + "\n".join(lines) + '"""'


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _array(items: list[str]) -> str:
    if sum(len(item) + 2 for item in items) < _LINE_WIDTH // 2:
        return "[" + ", ".join(items) + "]"
    lines = [""]
    for item in items:
        if len(lines[-1]) + len(item) + 2 > _LINE_WIDTH:
            lines.append("")
        lines[-1] += f" {item}," if lines[-1] else f"    {item},"
    return "[\n" + "\n".join(lines) + "\n]"
