"""The facets that the board and the speed tables read of each environment, one folder for each.

A facet is found by its name: that of an environment of this package in the folder here that is
called as its package, that of an environment of your own in `<package>.benchmarks`, such as
`my_package.benchmarks.tracks:TRACKS`.
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from twin_gym.environments.kinds import EnvironmentKind, kind_named
from twin_gym.errors import ConfigError, unknown_name
from twin_gym.scenario import Scenario

_OURS = "twin_gym.environments."
_NEEDED = object()


class Facet(NamedTuple):
    """One thing that the benchmarks ask of an environment.

    Attributes:
        module: file of the environment's folder, without `.py`.
        attribute: name in that file.
        meaning: what it is.
    """

    module: str
    attribute: str
    meaning: str


FACETS = MappingProxyType(
    {
        "title": Facet("board", "TITLE", "name in the tables of the board"),
        "indicators": Facet("board", "INDICATORS", "indicators that the board tells, with words"),
        "counts": Facet("board", "COUNTS", "those of them that are counts"),
        "short_horizon_s": Facet("board", "short_horizon_s", "episodes that suffice to judge by"),
        "num_events": Facet("board", "num_events", "events of an episode, for the time left"),
        "tracks": Facet("tracks", "TRACKS", "tracks of the board"),
        "objective": Facet("bound", "OBJECTIVE", "objective that bounds are proven for"),
        "bound": Facet("bound", "bound_of", "bound of a scenario, which is a score of 100"),
        "bound_rows": Facet("bound_rows", "rows_of", "every bound of a scenario"),
        "bound_notes": Facet("bound_rows", "NOTES", "how the page of bounds is read"),
        "tunable_rules": Facet("tuning", "RULES", "rules that have parameters"),
        "tuning_weight": Facet("tuning", "weight_per_s", "what several scenarios are weighed by"),
        "tuning_horizon_s": Facet("tuning", "horizon_s", "length of an episode in tuning"),
        "subject": Facet("speed", "SUBJECT", "cases of the speed tables"),
        "speed_lines": Facet("speed", "speed_lines", "table of speeds of its own"),
        "growth": Facet("speed", "GROWTH", "networks of other sizes"),
        "c_source": Facet("c_source", "C_SOURCE", "description of rules.c"),
    }
)
"""The facets that an environment may provide, by name."""


def facet(kind: str, name: str, default: Any = _NEEDED) -> Any:  # noqa: ANN401 - one type a facet
    """A facet of an environment, imported when it is asked for.

    Args:
        kind: of scenario, such as `tic`.
        name: one of `FACETS`.
        default: for an environment without it; without a default it is needed.

    Returns:
        It.

    Raises:
        UnknownNameError: if there is no such kind or facet.
        ConfigError: if it is needed and missing; the message names the file to write.
    """
    if name not in FACETS:
        raise unknown_name("facet", name, FACETS)
    entry = FACETS[name]
    folder = _folder(kind_named(kind))
    module = f"{folder}.{entry.module}"
    if _is_there(folder) and _is_there(module):
        value = getattr(importlib.import_module(module), entry.attribute, default)
    else:
        value = default
    if value is _NEEDED:
        raise ConfigError(
            f"the benchmarks know no {entry.meaning} of the environment {kind!r}: write "
            f"{module.replace('.', '/')}.py with {entry.attribute}"
        )
    return value


def short_horizon_s(scenario: Scenario) -> float:
    """Length of an episode that suffices to judge by; the whole one where no shorter one does."""
    shortened = facet(scenario.kind, "short_horizon_s", None)
    return scenario.horizon_s if shortened is None else float(shortened(scenario))


def own_file(kind: str, name: str) -> Path | None:
    """A file beside what an environment of your own tells the benchmarks.

    Args:
        kind: of scenario.
        name: of the file.

    Returns:
        Its path, whether or not it is there; None for an environment of this package.

    Raises:
        ConfigError: if the environment tells the benchmarks nothing.
    """
    folder = _folder(kind_named(kind))
    if folder.startswith(f"{__name__}."):
        return None
    spec = importlib.util.find_spec(folder)
    if spec is None or spec.origin is None:
        raise ConfigError(
            f"the benchmarks know nothing of the environment {kind!r}: write "
            f"{folder.replace('.', '/')}/__init__.py"
        )
    return Path(spec.origin).with_name(name)


def _folder(kind: EnvironmentKind) -> str:
    if kind.package.startswith(_OURS):
        return f"{__name__}.{kind.package.removeprefix(_OURS)}"
    return f"{kind.package}.benchmarks"


def _is_there(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
