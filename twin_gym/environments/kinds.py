"""The one table of environments: an `EnvironmentKind` for each, and `register_kind` for yours.

A kind is strings: nothing of an environment is imported before one of its facets is asked for.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import gymnasium

from twin_gym.environments.arguments import Arguments
from twin_gym.errors import ConfigError, unknown_name

ENTRY_POINT_GROUP = "twin_gym.kinds"
"""Entry points of installed packages that name an `EnvironmentKind`, such as `my_package:KIND`."""

KINDS_VARIABLE = "TWIN_GYM_KINDS"
"""Environment variable that names kinds of packages that are not installed, such as
`my_package:KIND,other:KIND`: they are imported as those of entry points are, by every command."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_ID = re.compile(r"[A-Za-z][\w-]*/[A-Za-z]\w*-v\d+")

Status = Literal["there", "default", "missing"]


class Facet(NamedTuple):
    """One thing that is asked of an environment.

    Attributes:
        module: file of the environment's folder, without `.py`.
        attribute: name in that file; `{title}` stands for the title of the kind.
        meaning: what it is.
        without: what holds where it is missing; empty: nothing works without it.
        default: what makes it for a kind that brings none, such as `package.module:function`.
        needed_without: facets of which all must be there for this one not to be needed.
    """

    module: str
    attribute: str
    meaning: str
    without: str = ""
    default: str = ""
    needed_without: tuple[str, ...] = ()


_FORMS = "twin_gym.environments.factory"

FACETS = MappingProxyType(
    {
        "scenario": Facet("scenario", "SCENARIO", "model of the scenarios"),
        "action_forms": Facet("actions", "ACTION_FORMS", "forms of the action, the default first"),
        "batch": Facet(
            "batch", "BATCH", "`NumPyBatch` of its own", "the forms bring their own rows",
            needed_without=("env", "vector"),
        ),
        "env": Facet(
            "env", "{title}Env", "single form", "made of the batch", f"{_FORMS}:single_form_of"
        ),
        "vector": Facet(
            "vector", "{title}VectorEnv", "vector form", "made of the batch",
            f"{_FORMS}:vector_form_of",
        ),
        "policies": Facet(
            "policies", "POLICIES", "classical policies by name, `random` among them"
        ),
        "default_policy": Facet("policies", "DEFAULT_POLICY", "name of the policy that runs today"),
        "logged_policy": Facet(
            "learning", "LOGGED_POLICY", "policy that is logged to make a policy twin",
            "the default policy",
        ),
        "recorded": Facet(
            "kpi", "RECORDED", "indicators that training curves keep", "the score alone"
        ),
        "score": Facet(
            "kpi", "SCORE", "indicator that agents are judged by", "the return a second"
        ),
        "credit": Facet(
            "learning", "CREDIT", "credit times that suit learners", "those of the time unit"
        ),
        "settings": Facet(
            "learning", "settings_of", "settings of learners that suit it", "those of all kinds"
        ),
        "view": Facet(
            "view", "VIEW", "what the command line tells", "fields and indicators",
            "twin_gym.cli.plain_view:PlainView",
        ),
        "adapter": Facet(
            "twin", "ADAPTER", "telemetry of the real-time twin", "the indicators",
            "twin_gym.twins.realtime.adapters.plain:adapter_for",
        ),
        "parameters": Facet(
            "parameters", "parameters_of", "what generators may vary",
            "scenario generators refuse it",
        ),
        "estimation": Facet(
            "estimation", "estimate_parameters", "parameters from telemetry",
            "no history of parameters is estimated",
        ),
        "windows_are_episodes": Facet(
            "estimation", "WINDOWS_ARE_EPISODES", "whether an episode is one window", "no"
        ),
        "futures": Facet(
            "futures", "redraw_futures", "futures drawn anew from a state",
            "rollout policies refuse it",
        ),
        "states": Facet(
            "feasible_states", "draw_feasible_states", "states for GANs",
            "GANs learn from recorded states alone",
        ),
        "signalling": Facet(
            "signalling", "SIGNALLING", "its events as procedures of a core network",
            "no signalling is recorded",
        ),
    }
)  # fmt: skip
"""Facets that an environment may have, by name."""


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
        entry = FACETS[facet]
        return f"{self.package}.{entry.module}", entry.attribute.format(title=self.title)

    def has(self, facet: str) -> bool:
        """Whether the environment brings this facet itself."""
        module, attribute = self.where(facet)
        try:
            is_there = importlib.util.find_spec(module) is not None
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"the environment {self.name!r} is in the package {self.package!r}, which cannot "
                f"be imported ({error}): install it, or add its folder to PYTHONPATH"
            ) from None
        return is_there and hasattr(importlib.import_module(module), attribute)

    def status(self, facet: str) -> Status:
        """Whether a facet is there, has a default in its place, or is missing and needed.

        Raises:
            UnknownNameError: if no facet has this name.
        """
        if self.has(facet):
            return "there"
        others = FACETS[facet].needed_without
        is_needed = not FACETS[facet].without or (
            bool(others) and not all(self.has(one) for one in others)
        )
        return "missing" if is_needed else "default"

    def to_write(self, facet: str) -> str:
        """The file that would bring a facet, and what would stand in it."""
        module, attribute = self.where(facet)
        return f"{module.replace('.', '/')}.py with {attribute}"

    def facet(self, facet: str, default: Any = None) -> Any:  # noqa: ANN401 - one type a facet
        """A facet, imported when it is asked for.

        Args:
            facet: one of `FACETS`.
            default: for a facet that is neither there nor needed, and of which nothing makes one.

        Returns:
            The environment's own, or else the default.

        Raises:
            ConfigError: if a facet is missing and needed; the message names the file to write.
        """
        status = self.status(facet)
        if status == "there":
            module, attribute = self.where(facet)
            return getattr(importlib.import_module(module), attribute)
        if status == "missing":
            raise ConfigError(
                f"the environment {self.name!r} has no {FACETS[facet].meaning}: write "
                f"{self.to_write(facet)}"
            )
        if FACETS[facet].default:
            module, _, attribute = FACETS[facet].default.partition(":")
            return getattr(importlib.import_module(module), attribute)(self)
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
        _ours("truck", "TruckRouting", "truck_routing"),
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
    by_id = {one.id: one for one in kinds()}
    if env_id not in by_id:
        raise unknown_name("environment", env_id, by_id)
    return by_id[env_id]


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
    if not (_NAME.fullmatch(kind.name) and _ID.fullmatch(kind.id)):
        raise ConfigError(
            f"a kind has a name such as 'my-network' and an id such as 'my_package/MyNetwork-v0', "
            f"got {kind.name!r} and {kind.id!r}"
        )
    taken = next((one for one in _TABLE.values() if kind.id == one.id), known)
    if taken is not None:
        raise ConfigError(
            f"{kind.name!r} ({kind.id}) cannot be registered: {taken.name!r} ({taken.id}) has the "
            "same name or id; choose another one"
        )
    _TABLE[kind.name] = kind
    _make_known(kind, f"{_FORMS}:{kind.name}-env", f"{_FORMS}:{kind.name}-vector")


def register_environments() -> None:
    """Makes the ids of this package known to Gymnasium; doing it again changes nothing."""
    for one in _TABLE.values():
        if one.package.startswith("twin_gym."):
            _make_known(one, *(":".join(one.where(facet)) for facet in ("env", "vector")))


def _make_known(kind: EnvironmentKind, single: str, vector: str) -> None:
    if kind.id not in gymnasium.registry:
        gymnasium.register(
            kind.id, entry_point=single, vector_entry_point=vector, kwargs=Arguments()
        )


_READ: list[bool] = []


def _read_entry_points() -> None:
    """Registers what installed packages and the environment variable bring; once a process."""
    if _READ:
        return
    _READ.append(True)
    try:
        for origin, name in (*_installed(), *_named()):
            register_kind(_imported(origin, name))
    except BaseException:
        _READ.clear()  # the next call says it again
        raise


def _installed() -> Iterator[tuple[str, str]]:
    for one in entry_points(group=ENTRY_POINT_GROUP):
        yield f"the entry point {one.name!r} of {ENTRY_POINT_GROUP}", one.value


def _named() -> Iterator[tuple[str, str]]:
    for name in filter(None, map(str.strip, os.environ.get(KINDS_VARIABLE, "").split(","))):
        yield KINDS_VARIABLE, name


def _imported(origin: str, name: str) -> EnvironmentKind:
    module, _, attribute = name.partition(":")
    try:
        kind = getattr(importlib.import_module(module), attribute or "KIND")
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"{origin} names {name!r}, which cannot be imported ({error}): it should be such as "
            "'my_package:KIND'; the folder of a package that is not installed is on PYTHONPATH"
        ) from None
    if not isinstance(kind, EnvironmentKind):
        raise ConfigError(
            f"{origin} names {name!r}, which is of the type {type(kind).__name__} and not an "
            "EnvironmentKind"
        )
    return kind
