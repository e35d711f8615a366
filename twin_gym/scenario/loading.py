"""Scenarios by name or from a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar, overload

from twin_gym.environments.kinds import kind_named, kind_names, kinds
from twin_gym.errors import ConfigError, shown, unknown_name
from twin_gym.files.reading import read_text
from twin_gym.scenario.base import Scenario
from twin_gym.scenario.documents import MAX_DOCUMENT_BYTES, parse_toml

MAX_FILE_BYTES = MAX_DOCUMENT_BYTES

Kind = TypeVar("Kind", bound=Scenario)

ScenarioLike = str | Path | Mapping[str, Any] | Scenario
"""One scenario, as environments are given it."""


def names(kind: str | None = None) -> tuple[str, ...]:
    """Names of the presets that come with the package, sorted.

    Args:
        kind: only those of one kind, such as `admission`, or all.

    Returns:
        Names that `load` takes.

    Raises:
        UnknownNameError: if there is no such kind.
    """
    return tuple(sorted(_files(kind)))


def _files(kind: str | None = None) -> dict[str, Traversable]:
    """By name, where each preset is: every environment has its own folder of them."""
    chosen = kinds() if kind is None else (kind_named(kind),)
    return {
        entry.name.removesuffix(".toml"): entry for one in chosen for entry in _presets(one.package)
    }


def _presets(package: str) -> list[Traversable]:
    folder = resources.files(package) / "presets"
    if not folder.is_dir():
        return []
    return [entry for entry in folder.iterdir() if entry.name.endswith(".toml")]


@overload
def load(name_or_path: str | Path) -> Scenario: ...
@overload
def load(name_or_path: str | Path, kind: type[Kind]) -> Kind: ...
def load(name_or_path: str | Path, kind: type[Scenario] = Scenario) -> Scenario:
    """A scenario by its preset name, or from a TOML file.

    Args:
        name_or_path: a name out of `names()`, or a path that ends in `.toml`.
        kind: the class that it must be of; `Scenario` is every kind.

    Returns:
        The validated scenario.

    Raises:
        UnknownNameError: if it is no preset; the message has the nearest one.
        ConfigError: if the file is missing, too large, no TOML, or describes no valid scenario; or
            it is of another kind.

    Example:
        >>> load("contention").slice_names
        ('immersive', 'hrllc', 'massive', 'ubiquitous')
    """
    loaded = _load(name_or_path)
    if not isinstance(loaded, kind):
        raise ConfigError(
            f"{str(name_or_path)!r} is a scenario of the kind {loaded.kind!r}, and here one of the "
            f"kind {kind.kind!r} is needed: {', '.join(names(kind.kind))}"
        )
    return loaded


def _load(name_or_path: str | Path) -> Scenario:
    if not isinstance(name_or_path, str | Path):
        raise ConfigError(
            f"a scenario is called by a preset name or a path, got {shown(name_or_path)}: "
            "a scenario that is already built needs no loading"
        )
    if isinstance(name_or_path, Path) or name_or_path.endswith(".toml"):
        text = read_text(Path(name_or_path), MAX_FILE_BYTES, "scenario file")
        if not text.strip():
            raise ConfigError(f"{shown(str(name_or_path), 200)} is empty: name a scenario file")
        return parse(text, origin=str(name_or_path))
    known = _files()
    if name_or_path not in known:
        raise unknown_name("scenario", name_or_path, sorted(known))
    entry = known[name_or_path]
    return parse(entry.read_text("utf-8"), origin=name_or_path)


def parse(text: str, *, origin: str = "the text") -> Scenario:
    """A scenario from TOML.

    Args:
        text: the TOML document; `kind` says which model the rest describes.
        origin: how errors call the text.

    Returns:
        The validated scenario.

    Raises:
        ConfigError: if it is no TOML or describes no valid scenario.
    """
    return from_values(parse_toml(text, origin, MAX_FILE_BYTES), origin=origin)


def from_values(values: Mapping[str, Any], *, origin: str = "the scenario") -> Scenario:
    """A scenario from plain values, as JSON and TOML have them.

    Args:
        values: by name of the field; `kind` says which model they describe.
        origin: how errors call them.

    Returns:
        The validated scenario.

    Raises:
        ConfigError: if they describe no valid scenario.

    Example:
        >>> from_values(load("contention").as_values()) == load("contention")
        True
    """
    for key in values:
        if not isinstance(key, str):
            raise ConfigError(f"{origin}: keys are names of fields, got {shown(key)}")
    fields = dict(values)
    kind = fields.pop("kind", None)
    if not isinstance(kind, str) or kind not in kind_names():
        raise ConfigError(
            f"{origin} needs `kind`, one of {', '.join(kind_names())}; got {shown(kind)}"
        )
    model: type[Scenario] = kind_named(kind).facet("scenario")
    try:
        return model(**fields)
    except ConfigError as error:
        raise ConfigError(f"{origin}: {error}") from None


def scenarios_of(
    given: ScenarioLike | Sequence[ScenarioLike], kind: type[Kind]
) -> tuple[Kind, ...]:
    """Scenarios from whatever the `scenario` argument of an environment takes.

    Args:
        given: a preset name, a path of a TOML file, a scenario, its plain values (see
            `Scenario.as_values`), or a sequence of these.
        kind: the class that they must be of; `Scenario` takes every kind.

    Returns:
        At least one scenario.

    Raises:
        ConfigError: if the sequence is empty, an entry is none of those, or of another kind.
    """
    several = given if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    if not several:
        raise ConfigError("scenario is an empty sequence: give at least one")
    return tuple(_scenario_of(one, kind) for one in several)


def _scenario_of(given: object, kind: type[Kind]) -> Kind:
    if isinstance(given, kind):
        return given
    if isinstance(given, str | Path):
        return load(given, kind)
    scenario = from_values(given) if isinstance(given, Mapping) else given
    if not isinstance(scenario, kind):
        article = "an" if kind.__name__[0] in "AEIO" else "a"
        raise ConfigError(
            f"a scenario is a preset name, a path of a TOML file, or {article} {kind.__name__} or "
            f"its values; got {shown(given)}"
        )
    return scenario
