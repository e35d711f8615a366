"""Old names of modules and of what packages had, for one version: see `moved.toml`.

Each warns once, with the new name. Nothing is read before an old name is asked for.
"""

from __future__ import annotations

import importlib
import sys
import tomllib
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

GONE_FOLDERS = (
    "twin_gym.cli.views", "twin_gym.envs", "twin_gym.sim", "twin_gym.theory",
    "twin_gym.twins.scenarios.watching",
)  # fmt: skip
"""Folders that an updated checkout may still have, with nothing but caches in them: Python would
take them for packages without files."""


class MovedFinder(MetaPathFinder):
    """Finds old modules and packages of twin_gym.

    Args:
        within: beginnings of the names that it looks for.
    """

    def __init__(self, within: tuple[str, ...] = ("twin_gym.",)) -> None:
        self.within = within

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Spec of an old name; None where there is none."""
        if not fullname.startswith(self.within):
            return None
        if fullname in _table()["packages"]:
            return ModuleSpec(fullname, _GonePackage(), is_package=True)
        new = _new_module(fullname)
        return ModuleSpec(fullname, _MovedModule(new)) if new else None


class _GonePackage(Loader):
    """Makes an empty package whose names come from where they are now."""

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__getattr__"] = moved_names(module.__name__)


class _MovedModule(Loader):
    """Gives the module of the new name itself, so that what is set on it is set on both."""

    def __init__(self, new: str) -> None:
        self.new = new

    def exec_module(self, module: ModuleType) -> None:
        _warn(module.__name__, self.new)
        found = importlib.import_module(self.new)
        for old, new in _table()["renamed"].items():
            if hasattr(found, new) and old not in vars(found):
                setattr(found, old, getattr(found, new))
        sys.modules[module.__name__] = found


def moved_names(package: str, stacklevel: int = 3) -> Callable[[str], Any]:
    """A `__getattr__` for a package: the names that it had, from where they are now.

    Args:
        package: dotted name of the package.
        stacklevel: of the warning; one more where a `__getattr__` of the package calls this one.
    """

    def __getattr__(name: str) -> Any:  # noqa: ANN401, N807 - whatever has the name
        # Python and its tools ask every module for names such as `__path__`.
        home = None if name.startswith("__") else _homes(package).get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)
        module = importlib.import_module(home)
        new = name if hasattr(module, name) else _table()["renamed"].get(name, name)
        _warn(f"{package}.{name}", f"{home}.{new}", stacklevel)
        value = getattr(module, new)
        setattr(sys.modules[package], name, value)  # asked for, and warned of, once
        return value

    return __getattr__


def _new_module(old: str) -> str | None:
    """Where a module of an old name is now; None if there never was one."""
    if old in _table()["modules"]:
        return str(_table()["modules"][old])
    package, _, name = old.rpartition(".")
    folder = _table()["packages"].get(package)
    new = f"{folder}.{name}"
    return new if folder and find_spec(new) else None


@cache
def _homes(package: str) -> dict[str, str]:
    """Where the names of a package are now."""
    homes = _table()["names"].get(package, {})
    return {name: home for home, names in homes.items() for name in names}


@cache
def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def _warn(old: str, new: str, stacklevel: int = 3) -> None:
    message = f"{old} is now {new}; the old name goes in 0.2.0"
    warnings.warn(message, DeprecationWarning, stacklevel)
