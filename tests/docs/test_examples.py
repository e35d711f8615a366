"""Every example runs as a user would run it, with few steps."""

import re
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FEW_STEPS = {
    "bar_massive_access.py": (["--steps", "3000", "--worlds", "1"], ["genie", "A2C", "bound"]),
    "numpy_loop.py": (["--steps", "60"], ["density", "keep radio free"]),
    "route_trucks.py": (["--worlds", "1"], ["overflow-pyvrp", "clairvoyant-pyvrp"]),
    "schedule_tiny_messages.py": (["--steps", "2048", "--worlds", "1"], ["first-come", "PPO"]),
    "synchronise_a_twin.py": (
        ["--steps", "4096", "--worlds", "1"],
        ["whittle", "MaskablePPO", "bound"],
    ),
    "train_with_maskable_ppo.py": (
        ["--steps", "100", "--scenario", "teletraffic-small"],
        ["revenue a second", "disallowed actions: 0"],
    ),
    "train_with_sb3.py": (["--steps", "2000", "--worlds", "1"], ["revenue a second", "A2C"]),
    "warm_start_from_a_twin.py": (
        ["--steps", "2000", "--decisions", "300", "--worlds", "1"],
        ["warm start from twin-of-density", "from the twin, from nothing"],
    ),
    "your_own_agent.py": (["--steps", "2", "--worlds", "2"], ["mine - density", "reservation"]),
}


def test_every_example_is_run():
    """A new example takes its place in the table above."""
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == set(FEW_STEPS)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(FEW_STEPS))
def test_example_runs(name, tmp_path, monkeypatch, capsys):
    """With no warning, in another folder, saying what its docstring promises."""
    arguments, said = FEW_STEPS[name]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_path(str(ROOT / "examples" / name), run_name="__main__")
    printed = capsys.readouterr().out
    for words in said:
        assert words in printed


@pytest.mark.parametrize("name", list(FEW_STEPS))
def test_example_says_what_it_shows(name):
    """Its docstring has what it shows, what it prints, and the command; it needs no other import.

    What registers the environments is imported already where tests run.
    """
    source = (ROOT / "examples" / name).read_text()
    docstring = source.split('"""')[1]
    assert "\nShows: " in docstring
    assert "\nPrints " in docstring
    assert f"    python examples/{name} --" in docstring
    assert re.search(r"^(import|from) twin_gym\b", source, re.MULTILINE)
