"""Scenarios of signalling by name or from a file."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from twin_gym.errors import ConfigError, shown, unknown_name
from twin_gym.scenario.documents import parse_toml, read_toml
from twin_gym.twins.signalling.scenario import SignallingScenario

_ENDING = ".toml"


def names() -> tuple[str, ...]:
    """Names of the presets, sorted.

    Example:
        >>> "signalling-four-slices" in names()
        True
    """
    folder = resources.files("twin_gym.twins.signalling") / "presets"
    found = (entry.name for entry in folder.iterdir() if entry.name.endswith(_ENDING))
    return tuple(sorted(name.removesuffix(_ENDING) for name in found))


def load(name_or_path: str | Path) -> SignallingScenario:
    """A scenario by its preset name, or from a TOML file.

    Args:
        name_or_path: out of `names()`, or a path that ends in `.toml`.

    Returns:
        The validated scenario.

    Raises:
        UnknownNameError: if it is no preset.
        ConfigError: if the file describes no scenario of signalling.

    Example:
        >>> len(load("signalling-four-slices").slices)
        4
    """
    if isinstance(name_or_path, Path) or str(name_or_path).endswith(_ENDING):
        values = read_toml(Path(name_or_path), what="scenario file")
    elif name_or_path in names():
        entry = resources.files("twin_gym.twins.signalling") / "presets" / f"{name_or_path}.toml"
        values = parse_toml(entry.read_text("utf-8"), name_or_path)
    else:
        raise unknown_name("scenario of signalling", name_or_path, names())
    if values.pop("kind", None) != SignallingScenario.kind:
        raise ConfigError(f"{shown(str(name_or_path))} needs `kind = {SignallingScenario.kind!r}`")
    try:
        return SignallingScenario(**values)
    except ConfigError as error:
        raise ConfigError(f"{name_or_path}: {error}") from None
