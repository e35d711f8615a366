"""The layer rule, read off every import statement, inside functions and type checks too."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from twin_gym.environments.kinds import kinds

ROOT = Path(__file__).parents[2]

# From left to right; what stands together on a line may not import one another.
LAYERS = (
    ("errors", "moved"),
    ("kinds", "files"),
    ("scenario",),
    ("core",),
    ("environments",),
    ("policies", "testing"),
    ("twins",),
    ("sb3",),
    ("console",),
    ("cli", "__main__"),
)
RANKS = {name: rank for rank, names in enumerate(LAYERS) for name in names}

# The files that an environment may have, from left to right. A file imports those to its left, and
# those beside it; a folder counts as the file of its name.
ENVIRONMENT_ORDER = (
    ("openb", "replay", "work", "links", "series", "bins", "registers", "emptyings",
     "deposits", "roads", "road_files", "graphml", "data_files"),
    ("scenario",),
    ("layout", "tables", "workload", "world", "heap", "normal", "replayed", "topology", "kpi",
     "reports", "overflow", "rules", "reference", "theory"),
    ("observation", "actions", "rows", "indicators"),
    ("batch", "env", "vector", "snapshot", "render", "picture", "bound", "futures"),
    ("policies", "learning"),
    ("twin", "estimation", "parameters", "feasible_states", "request_windows",
     "signalling"),
    ("view",),
)  # fmt: skip
PLACES = {name: place for place, names in enumerate(ENVIRONMENT_ORDER) for name in names}
# Up to which layer of the package a file of an environment looks, by its place above.
LOOKS_AT = ("scenario", "scenario", "core", "core", "core", "policies", "twins", "cli")
CHECKOUT_ONLY = ("agents", "benchmarks", "examples", "tests")


def imported_modules(source: str) -> list[str]:
    """Dotted names a source imports; `from a import b` gives `a.b`, for b may be a module."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            names += [f"{base}.{alias.name}" for alias in node.names]
    return names


def layer_faults(layer: str, source: str) -> list[str]:
    """Imports that a file of a layer of twin_gym may not have."""
    return _faults(source, layer, RANKS[layer] - 1)


def environment_faults(folder: str, file: str, source: str) -> list[str]:
    """Imports that a file of an environment may not have."""
    faults = _faults(source, "environments", RANKS[LOOKS_AT[PLACES[file]]])
    for name in imported_modules(source):
        parts = name.split(".")
        if parts[:2] != ["twin_gym", "environments"] or parts[2] in (
            "kinds",
            "factory",
            "arguments",
        ):
            continue
        if parts[2] != folder:
            faults.append(f"{name}: another environment")
        elif PLACES[parts[3]] > PLACES[file]:
            faults.append(f"{name}: not to the left of {file}")
    return faults


def _faults(source: str, layer: str, most: int) -> list[str]:
    """Imports of layers over a rank, of the checkout, and relative ones."""
    faults = []
    for name in imported_modules(source):
        package, _, rest = name.partition(".")
        target = layer_of(rest)
        if package == "":
            faults.append(f"{name}: relative")
        elif package in CHECKOUT_ONLY:
            faults.append(f"{name}: not in the wheel")
        elif package != "twin_gym" or target == layer:
            continue
        elif target not in RANKS:
            faults.append(f"{name}: name the layer it comes from")
        elif RANKS[target] > most:
            faults.append(f"{name}: {target} is not to the left of {layer}")
    return faults


def layer_of(module: str) -> str:
    """Layer of a module of twin_gym, named without the package."""
    parts = module.split(".")
    is_lowest = parts[0] == "environments" and parts[1:2] in (["kinds"], ["arguments"])
    return "kinds" if is_lowest else parts[0]


def checkout_faults(folder: str, source: str) -> list[str]:
    """Imports that a file of agents/ or benchmarks/ may not have."""
    faults = []
    for name in imported_modules(source):
        package, *parts = name.split(".")
        private = [part for part in parts if part.startswith("_") and not part.endswith("__")]
        if package == "twin_gym" and private:
            faults.append(f"{name}: {private[0]} is private")
        if folder == "agents" and parts[:1] == ["cli"]:
            faults.append(f"{name}: the command line is not for agents")
        if package == "tests" or (folder == "agents" and package == "benchmarks"):
            faults.append(f"{name}: not to the left of {folder}")
    return faults


def package_files() -> Iterator[tuple[str, Path]]:
    """Each file of twin_gym that belongs to a layer, with the layer."""
    for path in sorted((ROOT / "twin_gym").rglob("*.py")):
        parts = path.relative_to(ROOT / "twin_gym").with_suffix("").parts
        if parts != ("__init__",):
            yield layer_of(".".join(parts)), path


def environment_files() -> Iterator[tuple[str, str, Path]]:
    """Each file of an environment: folder, file (or folder in it), path."""
    for path in sorted((ROOT / "twin_gym" / "environments").rglob("*.py")):
        parts = path.relative_to(ROOT / "twin_gym" / "environments").with_suffix("").parts
        if len(parts) > 1 and parts[1] != "__init__":
            yield parts[0], parts[1], path


def test_every_file_has_a_layer():
    """A new folder of twin_gym takes its place in the order, here and in the design."""
    assert {layer for layer, _ in package_files()} <= RANKS.keys()


def test_every_file_of_an_environment_has_a_place():
    """A newcomer guesses the file from the tree: an environment has no files of other names."""
    assert {file for _, file, _ in environment_files()} <= PLACES.keys()


def test_layers_import_only_to_their_left():
    """No file of the package imports a layer to the right of its own, or beside it."""
    inside = {path for _, _, path in environment_files()}
    faults = {
        str(path.relative_to(ROOT)): forbidden
        for layer, path in package_files()
        if path not in inside and (forbidden := layer_faults(layer, path.read_text()))
    }
    assert not faults


def test_files_of_an_environment_import_only_to_their_left():
    """The order inside a folder, and what of the package each place may look at."""
    faults = {
        str(path.relative_to(ROOT)): forbidden
        for folder, file, path in environment_files()
        if (forbidden := environment_faults(folder, file, path.read_text()))
    }
    assert not faults


# What has only the one kind to speak of, with the reason; nothing else outside its folder names it.
NAMES_A_KIND = {
    "twin_gym/cli/reservation_search.py": "the thresholds of the reservation rule are searched",
    "twin_gym/twins/decision_space.py": "`only_admission`, for the four below",
    "twin_gym/twins/history/export.py": "transitions of a store",
    "twin_gym/twins/minari_data.py": "transitions as a Minari data set",
    "twin_gym/twins/transition_recording.py": "transitions for offline learning",
    "twin_gym/twins/transitions.py": "likewise",
    "agents/offline.py": "offline learning: slice admission alone records transitions",
    "agents/offline_cql.py": "likewise",
}


def test_no_module_outside_an_environment_names_a_kind():
    """Who needs to know which kinds there are reads `twin_gym.environments.kinds`."""
    modules = {
        path.relative_to(ROOT).as_posix()
        for folder in ("twin_gym", "agents", "benchmarks")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not {"environments", "experiments"} & {*path.parts} and named_kinds(path.read_text())
    }
    assert modules == NAMES_A_KIND.keys()


def named_kinds(source: str) -> set[str]:
    """Kinds that a source names: a folder that it imports from, or a word for a kind or its id."""
    folders = {
        name.split(".")[2] for name in imported_modules(source) if is_of_an_environment(name)
    }
    words = {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    } & {word for one in kinds() for word in (one.name, one.id)}
    return folders | words


def is_of_an_environment(name: str) -> bool:
    """Whether a dotted name is inside an environment's folder."""
    parts = name.split(".")
    folders = {one.package.rpartition(".")[2] for one in kinds()}
    return len(parts) > 2 and parts[1] == "environments" and parts[2] in folders


@pytest.mark.parametrize("folder", ["agents", "benchmarks", "examples"])
def test_checkout_uses_public_names(folder):
    """Agents and benchmarks have nothing of twin_gym that a user has not."""
    faults = {
        str(path.relative_to(ROOT)): forbidden
        for path in sorted((ROOT / folder).rglob("*.py"))
        if (forbidden := checkout_faults(folder, path.read_text()))
    }
    assert not faults


def test_lowest_layer_imports_nothing_else_of_twin_gym():
    """Errors and kinds stand below all; kinds names the environments in strings."""
    for path in ("errors.py", "environments/kinds.py", "environments/arguments.py"):
        imported = imported_modules((ROOT / "twin_gym" / path).read_text())
        ours = {name for name in imported if name.startswith("twin_gym")}
        assert all(
            name.startswith(("twin_gym.errors", "twin_gym.environments.arguments")) for name in ours
        )


@pytest.mark.parametrize(
    ("layer", "source"),
    [
        ("core", "from twin_gym.environments import factory"),  # to the right
        ("policies", "import twin_gym.testing"),  # beside
        ("testing", "from twin_gym import policies"),  # beside, named by the package
        ("environments", "def f():\n    import twin_gym.sb3"),  # hidden in a function
        ("scenario", "from twin_gym import load"),  # by way of the face of the package
        ("scenario", "from .base import FrozenModel"),  # relative
        ("policies", "import agents.a2c"),  # not in the wheel
    ],
)
def test_wrong_import_is_found(layer, source):
    """The rule above sees each way of breaking it."""
    assert len(layer_faults(layer, source)) == 1


@pytest.mark.parametrize(
    ("layer", "source"),
    [
        ("core", "from twin_gym.scenario import Scenario"),
        ("core", "from twin_gym.core.clock import advance"),
        ("scenario", "from twin_gym.errors import ConfigError"),
        ("cli", "import twin_gym.sb3, torch"),
    ],
)
def test_right_import_is_accepted(layer, source):
    """The rule above lets its own folder, layers to the left and other packages pass."""
    assert not layer_faults(layer, source)


def test_private_import_is_found():
    """A private module, a private name and a reach to the right are seen; a version is public."""
    assert checkout_faults("agents", "from twin_gym._hidden import name")
    assert checkout_faults("benchmarks", "from twin_gym.core import _advance")
    assert checkout_faults("agents", "import benchmarks.runner")
    assert checkout_faults("agents", "from twin_gym.cli.app import app")
    assert not checkout_faults("agents", "from twin_gym import __version__")
