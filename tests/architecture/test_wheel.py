"""The wheel: the contents of `pip install twin-gym`."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "stable-baselines3", "sb3-contrib", "pandas", "matplotlib", "rl-zoo3"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from this checkout without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    built = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def test_wheel_contains_only_twin_gym(wheel):
    """No tests, agents, benchmarks or documentation land in site-packages."""
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"twin_gym"}
    assert len(tops) == 2


def test_wheel_contains_every_file_of_the_package(wheel):
    """Presets, `py.typed` and the environment to copy are in, compiled leftovers are not."""
    template = ROOT / "examples" / "own_environment"
    sources = {
        f"{place}/{path.relative_to(folder).as_posix()}"
        for folder, place in ((ROOT / "twin_gym", "twin_gym"), (template, "twin_gym/template"))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    assert {name for name in wheel.namelist() if name.startswith("twin_gym/")} == sources
    assert "twin_gym/py.typed" in sources


def test_core_needs_no_heavy_package(wheel):
    """Learning, plotting and tables are in extras."""
    (metadata,) = [name for name in wheel.namelist() if name.endswith("/METADATA")]
    lines = wheel.read(metadata).decode().splitlines()
    needed = [line.removeprefix("Requires-Dist: ") for line in lines if "Requires-Dist" in line]
    core = {re.split(r"[^\w-]", line)[0] for line in needed if "extra ==" not in line}
    assert "gymnasium" in core
    assert not core & HEAVY
