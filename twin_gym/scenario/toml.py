"""Values and scenarios as TOML text: what `parse_toml` and `parse` read back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomli_w

from twin_gym.errors import ConfigError, shown, without_controls
from twin_gym.scenario.base import FrozenModel, Scenario

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
    return toml_text({"kind": scenario.kind, **_given(scenario)}, comment)


def toml_text(values: Mapping[str, Any], comment: str = "") -> str:
    """A document of TOML, as every writer of TOML here writes it.

    Args:
        values: by key: text, whole numbers, numbers, truth values, lists and mappings of these.
        comment: what stands on top, without the comment marks.

    Returns:
        The document, with a line break at its end.

    Raises:
        ConfigError: if TOML has no word for a value.

    Example:
        >>> print(toml_text({"eMBB.v1": {"radio.dl": 1.0, "is_on": True}}, "A slice."), end="")
        # A slice.
        ["eMBB.v1"]
        "radio.dl" = 1.0
        is_on = true
    """
    top = "".join(f"# {line}".rstrip() + "\n" for line in without_controls(comment).splitlines())
    try:
        # tomli_w writes text of several lines as such, but for the kinds of line breaks in it
        return top + tomli_w.dumps(values, multiline_strings="\\r" not in repr(values))
    except TypeError:
        raise ConfigError(f"TOML has no word for something in {shown(values)}") from None


def _given(model: FrozenModel) -> dict[str, Any]:
    """The fields that are not at their default, as plain values; a law is always named."""
    plain = model.model_dump(mode="json", exclude_none=True)
    fields = type(model).model_fields
    return {
        key: _plain(getattr(model, key), plain[key])
        for key in plain
        if key == _LAW or getattr(model, key) != fields[key].default
    }


def _plain(value: object, dumped: object) -> object:
    if isinstance(value, FrozenModel):
        return _given(value)
    if isinstance(value, tuple) and value and isinstance(value[0], FrozenModel):
        return [_given(one) for one in value]
    return dumped
