"""The layer rule, read off every import statement, inside functions and type checks too."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# From left to right; what stands together on a line may not import one another.
LAYERS = (
    ("errors", "registration"),
    ("files",),
    ("scenario",),
    ("sim", "theory"),
    ("envs",),
    ("policies", "testing"),
    ("twins",),
    ("sb3",),
    ("cli", "__main__"),
)
RANKS = {name: rank for rank, names in enumerate(LAYERS) for name in names}
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
    faults = []
    for name in imported_modules(source):
        package, _, rest = name.partition(".")
        target = rest.partition(".")[0]
        if package == "":
            faults.append(f"{name}: relative")
        elif package in CHECKOUT_ONLY:
            faults.append(f"{name}: not in the wheel")
        elif package != "twin_gym" or target == layer:
            continue
        elif target not in RANKS:
            faults.append(f"{name}: name the layer it comes from")
        elif RANKS[target] >= RANKS[layer]:
            faults.append(f"{name}: {target} is not to the left of {layer}")
    return faults


def checkout_faults(folder: str, source: str) -> list[str]:
    """Imports that a file of agents/ or benchmarks/ may not have."""
    faults = []
    for name in imported_modules(source):
        package, *parts = name.split(".")
        private = [part for part in parts if part.startswith("_") and not part.endswith("__")]
        if package == "twin_gym" and private:
            faults.append(f"{name}: {private[0]} is private")
        if package == "tests" or (folder == "agents" and package == "benchmarks"):
            faults.append(f"{name}: not to the left of {folder}")
    return faults


def package_files() -> Iterator[tuple[str, Path]]:
    """Each file of twin_gym that belongs to a layer, with the layer."""
    for path in sorted((ROOT / "twin_gym").rglob("*.py")):
        parts = path.relative_to(ROOT / "twin_gym").with_suffix("").parts
        if parts != ("__init__",):
            yield parts[0], path


def test_every_file_has_a_layer():
    """A new folder of twin_gym takes its place in the order, here and in the design."""
    assert {layer for layer, _ in package_files()} <= RANKS.keys()


def test_layers_import_only_to_their_left():
    """No file of the package imports a layer to the right of its own, or beside it."""
    faults = {
        str(path.relative_to(ROOT)): found
        for layer, path in package_files()
        if layer in RANKS and (found := layer_faults(layer, path.read_text()))
    }
    assert not faults


@pytest.mark.parametrize("folder", ["agents", "benchmarks", "examples"])
def test_checkout_uses_public_names(folder):
    """Agents and benchmarks have nothing of twin_gym that a user has not."""
    faults = {
        str(path.relative_to(ROOT)): found
        for path in sorted((ROOT / folder).rglob("*.py"))
        if (found := checkout_faults(folder, path.read_text()))
    }
    assert not faults


@pytest.mark.parametrize("name", LAYERS[0])
def test_lowest_layer_imports_nothing_of_twin_gym(name):
    """errors and registration stand below all; registration names the environments in strings."""
    path = ROOT / "twin_gym" / f"{name}.py"
    source = path.read_text() if path.exists() else ""
    assert not [found for found in imported_modules(source) if found.startswith("twin_gym")]


@pytest.mark.parametrize(
    ("layer", "source"),
    [
        ("sim", "from twin_gym.envs import admission"),  # to the right
        ("sim", "import twin_gym.theory"),  # beside
        ("theory", "from twin_gym import sim"),  # beside, named by the package
        ("envs", "def f():\n    import twin_gym.sb3"),  # hidden in a function
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
        ("sim", "from twin_gym.scenario import AdmissionScenario"),
        ("sim", "from twin_gym.core.clock import advance"),
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
    assert checkout_faults("benchmarks", "from twin_gym.sim import _advance")
    assert checkout_faults("agents", "import benchmarks.runner")
    assert not checkout_faults("agents", "from twin_gym import __version__")
