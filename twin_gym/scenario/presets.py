"""Scenarios by name or from a file."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, overload

from twin_gym.errors import ConfigError, unknown_name
from twin_gym.scenario.access import AccessScenario
from twin_gym.scenario.admission import AdmissionScenario
from twin_gym.scenario.base import Scenario
from twin_gym.scenario.sync import SyncScenario
from twin_gym.scenario.tic import TicScenario

MAX_FILE_BYTES = 4_000_000

_KINDS: dict[str, type[Scenario]] = {
    one.kind: one for one in (AdmissionScenario, AccessScenario, SyncScenario, TicScenario)
}

Kind = TypeVar("Kind", bound=Scenario)


def names(kind: str | None = None) -> tuple[str, ...]:
    """Names of the presets that come with the package, sorted.

    Args:
        kind: only those of one kind, such as `admission`, or all.

    Returns:
        Names that `load` takes.

    Raises:
        UnknownNameError: if there is no such kind.
    """
    if kind is not None and kind not in _KINDS:
        raise unknown_name("kind of scenario", kind, _KINDS)
    folder = resources.files("twin_gym.scenario") / "presets"
    found = (entry for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return tuple(
        sorted(
            entry.name.removesuffix(".toml")
            for entry in found
            if kind is None or tomllib.loads(entry.read_text("utf-8"))["kind"] == kind
        )
    )


@overload
def load(name_or_path: str | Path) -> AdmissionScenario: ...
@overload
def load(name_or_path: str | Path, kind: type[Kind]) -> Kind: ...
def load(name_or_path: str | Path, kind: type[Scenario] = AdmissionScenario) -> Scenario:
    """A scenario by its preset name, or from a TOML file.

    Args:
        name_or_path: a name out of `names()`, or a path that ends in `.toml`.
        kind: the class that it must be of; `Scenario` takes every kind.

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
    found = _load(name_or_path)
    if not isinstance(found, kind):
        raise ConfigError(
            f"{str(name_or_path)!r} is a scenario of the kind {found.kind!r}, and here one of the "
            f"kind {kind.kind!r} is needed: {', '.join(names(kind.kind))}"
        )
    return found


def _load(name_or_path: str | Path) -> Scenario:
    if not isinstance(name_or_path, str | Path):
        raise ConfigError(
            f"a scenario is called by a preset name or a path, got {name_or_path!r:.80}: "
            "a scenario that is already built needs no loading"
        )
    if isinstance(name_or_path, Path) or name_or_path.endswith(".toml"):
        return parse(_read(Path(name_or_path)), origin=str(name_or_path))
    known = names()
    if name_or_path not in known:
        raise unknown_name("scenario", name_or_path, known)
    entry = resources.files("twin_gym.scenario") / "presets" / f"{name_or_path}.toml"
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
    if len(text) > MAX_FILE_BYTES:
        raise ConfigError(f"{origin} has {len(text)} characters; at most {MAX_FILE_BYTES} are read")
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also numbers too long, tables too deep
        raise ConfigError(f"{origin} is not valid TOML: {error}") from None
    kind = values.pop("kind", None)
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ConfigError(f"{origin} needs `kind`, one of {', '.join(_KINDS)}; got {kind!r:.80}")
    try:
        return _KINDS[kind](**values)
    except ConfigError as error:
        raise ConfigError(f"{origin}: {error}") from None


def _read(path: Path) -> str:
    if not path.is_file():
        raise ConfigError(f"there is no scenario file {str(path)!r}")
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise ConfigError(f"{str(path)!r} has {size} bytes; at most {MAX_FILE_BYTES} are read")
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{str(path)!r} is not UTF-8 text: {error}") from None
