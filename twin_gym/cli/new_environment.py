"""`twin-gym new-environment`: a small environment that works, under a name of the user's."""

from __future__ import annotations

import importlib.util
import keyword
import re
import shutil
import tempfile
from pathlib import Path

from twin_gym.console.printing import output
from twin_gym.environments.kinds import KINDS_VARIABLE, kind_names
from twin_gym.errors import ConfigError, shown

_TEMPLATE, _KIND, _TITLE = "edge_caching", "caching", "EdgeCaching"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_PACKAGE = Path(__file__).parents[1]


def write(name: str, folder: Path) -> None:
    """Writes the package `name` and `test_<name>.py`, both of which work as they are.

    Args:
        name: of the package; small letters, digits and underscores.
        folder: where they are written; made if it is not there.

    Raises:
        ConfigError: if the name is no name of a package or is taken, or one of the two is there.
    """
    _check_name(name)
    targets = folder / name, folder / f"test_{name}.py"
    for target in targets:
        if target.exists():
            raise ConfigError(f"{str(target)!r} is there already: name another package or folder")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{name}-") as aside:
        written = _copy(template(), Path(aside), name)
        for source, target in zip(written, targets, strict=True):
            source.rename(target)
    output().print(
        f"{targets[0]} and {targets[1]} are written. Try them:\n"
        f"  cd {folder}\n"
        f"  python -m pytest test_{name}.py\n"
        f"  PYTHONPATH=. {KINDS_VARIABLE}={name} twin-gym kind {_slug(name)}",
        markup=False, soft_wrap=True,
    )  # fmt: skip


def template() -> Path:
    """The folder with the environment that is copied: in a checkout it is among the examples."""
    inside = _PACKAGE / "template"
    return inside if inside.is_dir() else _PACKAGE.parent / "examples" / "own_environment"


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise ConfigError(
            "a package has a name of small letters, digits and underscores, such as my_network; "
            f"got {shown(name)}"
        )
    if importlib.util.find_spec(name) is not None or _slug(name) in kind_names():
        raise ConfigError(f"there is a package or a kind {name!r} already: choose another name")


def _copy(source: Path, target: Path, name: str) -> tuple[Path, Path]:
    """The package and its tests, renamed inside and out."""
    package, tests = target / name, target / f"test_{name}.py"
    shutil.copytree(source / _TEMPLATE, package, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    shutil.copyfile(source / f"test_{_TEMPLATE}.py", tests)
    for path in sorted((tests, *package.rglob("*"))):
        if path.is_file():
            path.write_text(_renamed(path.read_text("utf-8"), name), "utf-8")
            path.rename(path.with_name(path.name.replace(f"{_KIND}-", f"{_slug(name)}-")))
    return package, tests


def _renamed(text: str, name: str) -> str:
    """The text with the name of the package, the kind, its classes and presets in their places."""
    title = "".join(part.capitalize() for part in name.split("_"))
    for pattern, replacement in (
        (_TEMPLATE, name),
        (_TITLE, title),
        (rf"\b{_KIND.capitalize()}(?=[A-Z])", title),
        (rf"(?<=[\"' ]){_KIND}(?=[-\"'`])", _slug(name)),
        (_TEMPLATE.replace("_", " "), name.replace("_", " ")),
        (_TEMPLATE.replace("_", " ").capitalize(), name.replace("_", " ").capitalize()),
    ):
        text = re.sub(pattern, replacement, text)
    return text


def _slug(name: str) -> str:
    return name.replace("_", "-")
