"""The one table of environments: an `EnvironmentKind` for each, and `register_kind` for yours.

A kind is strings: nothing of an environment is imported before one of its facets is asked for.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any, NamedTuple

import gymnasium

from twin_gym.environments.arguments import Arguments
from twin_gym.errors import ConfigError, unknown_name

ENTRY_POINT_GROUP = "twin_gym.kinds"
"""Entry points of installed packages that name an `EnvironmentKind`, such as `my_package:KIND`."""


class Facet(NamedTuple):
    """One thing that is asked of an environment.

    Attributes:
        module: file of the environment's folder, without `.py`.
        attribute: name in that file; `{title}` stands for the title of the kind.
        meaning: what it is.
        is_required: whether nothing works without it; else there is a default.
    """

    module: str
    attribute: str
    meaning: str
    is_required: bool = True


FACETS = MappingProxyType(
    {
        "scenario": Facet("scenario", "SCENARIO", "model of the scenarios"),
        "env": Facet("env", "{title}Env", "single form"),
        "vector": Facet("vector", "{title}VectorEnv", "vector form"),
        "action_forms": Facet("actions", "ACTION_FORMS", "forms of the action, the default first"),
        "policies": Facet(
            "policies", "POLICIES", "classical policies by name, `random` among them"
        ),
        "default_policy": Facet("policies", "DEFAULT_POLICY", "name of the policy that runs today"),
        "recorded": Facet("kpi", "RECORDED", "indicators that training curves keep", False),
        "score": Facet("kpi", "SCORE", "indicator that agents are judged by", False),
        "credit": Facet("learning", "CREDIT", "credit times that suit learners", False),
        "view": Facet("view", "VIEW", "what the command line tells", False),
        "adapter": Facet("twin", "ADAPTER", "telemetry of the real-time twin", False),
        "parameters": Facet("parameters", "parameters_of", "what generators may vary", False),
        "windows_are_episodes": Facet(
            "estimation", "WINDOWS_ARE_EPISODES", "whether an episode is one window", False
        ),
        "states": Facet("feasible_states", "draw_feasible_states", "states for GANs", False),
        "evidence": Facet("estimation", "evidence_of", "parameters from telemetry", False),
    }
)
"""What an environment may bring, by name."""


@dataclass(frozen=True)
class EnvironmentKind:
    """An environment, by name: where each of its facets is found.

    Attributes:
        name: `kind` of its scenarios, such as `tic`.
        id: Gymnasium's, such as `twin_gym/TicScheduling-v0`.
        package: dotted name of the folder with its files (see `FACETS`).
    """

    name: str
    id: str
    package: str

    @property
    def title(self) -> str:
        """The middle of the id, such as `TicScheduling`; its classes begin with it."""
        return self.id.rpartition("/")[2].partition("-v")[0]

    def where(self, facet: str) -> tuple[str, str]:
        """Module and attribute of a facet.

        Raises:
            UnknownNameError: if no facet has this name.
        """
        if facet not in FACETS:
            raise unknown_name("facet", facet, FACETS)
        found = FACETS[facet]
        return f"{self.package}.{found.module}", found.attribute.format(title=self.title)

    def has(self, facet: str) -> bool:
        """Whether the environment brings this facet itself."""
        module, attribute = self.where(facet)
        if importlib.util.find_spec(module) is None:
            return False
        return hasattr(importlib.import_module(module), attribute)

    def facet(self, facet: str, default: Any = None) -> Any:  # noqa: ANN401 - one type a facet
        """A facet, imported when it is asked for.

        Args:
            facet: one of `FACETS`.
            default: for a facet that is not required and not there.

        Returns:
            It.

        Raises:
            ConfigError: if a required facet is missing; the message names the file to write.
        """
        module, attribute = self.where(facet)
        if self.has(facet):
            return getattr(importlib.import_module(module), attribute)
        if FACETS[facet].is_required:
            raise ConfigError(
                f"the environment {self.name!r} has no {FACETS[facet].meaning}: write "
                f"{module.replace('.', '/')}.py with {attribute}"
            )
        return default


def _ours(name: str, title: str, folder: str) -> EnvironmentKind:
    return EnvironmentKind(name, f"twin_gym/{title}-v0", f"twin_gym.environments.{folder}")


_TABLE: dict[str, EnvironmentKind] = {
    one.name: one
    for one in (
        _ours("admission", "SliceAdmission", "slice_admission"),
        _ours("access", "MassiveAccess", "massive_access"),
        _ours("tic", "TicScheduling", "tic_scheduling"),
        _ours("sync", "RightTimeSync", "right_time_sync"),
    )
}


FIRST_KIND = "admission"
"""The kind of files that were written before there were others, and say none."""


def kinds() -> tuple[EnvironmentKind, ...]:
    """Every kind that is known, in the order of tables; those of installed packages last."""
    _read_entry_points()
    return tuple(_TABLE.values())


def kind_names() -> tuple[str, ...]:
    """The names of all kinds, in the order of tables."""
    return tuple(one.name for one in kinds())


def kind_named(name: str) -> EnvironmentKind:
    """The kind of a name.

    Raises:
        UnknownNameError: if there is none; the message has the nearest name.

    Example:
        >>> kind_named("tic").id
        'twin_gym/TicScheduling-v0'
    """
    if name not in _TABLE:
        _read_entry_points()
    if name not in _TABLE:
        raise unknown_name("kind of scenario", str(name), _TABLE)
    return _TABLE[name]


def kind_of_id(env_id: str) -> EnvironmentKind:
    """The kind of an environment's id.

    Raises:
        UnknownNameError: if no kind has it.
    """
    found = {one.id: one for one in kinds()}
    if env_id not in found:
        raise unknown_name("environment", env_id, found)
    return found[env_id]


def register_kind(kind: EnvironmentKind) -> None:
    """Makes an environment of your own known to Gymnasium and to every part of this package.

    Args:
        kind: of a package that can be imported; doing it again changes nothing.

    Raises:
        ConfigError: if another kind has its name or its id.
    """
    known = _TABLE.get(kind.name)
    if known == kind:
        return
    taken = next((one for one in _TABLE.values() if kind.id == one.id), known)
    if taken is not None:
        raise ConfigError(
            f"{kind.name!r} ({kind.id}) cannot be registered: {taken.name!r} ({taken.id}) has the "
            "same name or id; choose another one"
        )
    _TABLE[kind.name] = kind
    _make_known(kind)


def register_environments() -> None:
    """Makes the ids of this package known to Gymnasium; doing it again changes nothing."""
    for one in _TABLE.values():
        _make_known(one)


def _make_known(kind: EnvironmentKind) -> None:
    if kind.id not in gymnasium.registry:
        single, vector = (":".join(kind.where(facet)) for facet in ("env", "vector"))
        gymnasium.register(
            kind.id, entry_point=single, vector_entry_point=vector, kwargs=Arguments()
        )


_READ: list[bool] = []


def _read_entry_points() -> None:
    """Registers what installed packages bring; once a process."""
    if _READ:
        return
    _READ.append(True)
    for kind in _installed():
        register_kind(kind)


def _installed() -> Iterator[EnvironmentKind]:
    for one in entry_points(group=ENTRY_POINT_GROUP):
        found = one.load()
        if not isinstance(found, EnvironmentKind):
            raise ConfigError(
                f"the entry point {one.name!r} of {ENTRY_POINT_GROUP} is {type(found).__name__}, "
                "not an EnvironmentKind"
            )
        yield found
