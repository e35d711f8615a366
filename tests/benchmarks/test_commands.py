"""The commands of the checkout, small: they run, and leave what they say."""

import math
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks import demo
from benchmarks.comparison import as_markdown
from benchmarks.environments.slice_admission.comparison import bound_row, classical_rows, columns
from twin_gym.scenario import to_toml
from twin_gym.scenario.loading import load


def test_rules_stand_between_random_and_the_bound() -> None:
    """On `contention` the order of the rows is known, and the bound is 29.1."""
    scenario = load("contention")
    rows = {row.name: row.values["revenue_rate"].estimate for row in classical_rows(scenario, 8)}
    bound = bound_row(scenario).values["revenue_rate"].estimate
    assert rows["fifo"] < rows["random"] < rows["density"] < rows["reservation"] < bound
    assert math.isclose(bound, 29.14, abs_tol=0.01)


def test_table_has_a_column_for_each_indicator() -> None:
    """Revenue, use of each resource, loss of each slice."""
    scenario = load("contention")
    text = as_markdown([bound_row(scenario)], columns(scenario))
    assert text.splitlines()[0].count("|") == len(columns(scenario)) + 3


@pytest.mark.slow
def test_demo_runs(tmp_path: Path) -> None:
    """One seed, one rollout, in short episodes: table and figure are there."""
    scenario = load("teletraffic-small")
    path = tmp_path / "short.toml"
    path.write_text(to_toml(scenario.replace(horizon_s=scenario.horizon_s / 20.0)), "utf-8")
    options = ["--seeds", "1", "--steps", "4096", "--jobs", "1"]
    places = ["--scenario", str(path), "--out", str(tmp_path)]
    done = CliRunner().invoke(demo.app, [*options, *places], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    folder = tmp_path / "teletraffic-small"
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    text = (folder / "table.md").read_text()
    assert "maskable-ppo-twin: from the twin" in text
    assert "density: what runs today" in text
    assert "warm start from" in done.stdout


def test_unknown_scenario_ends_the_demo_with_one_line() -> None:
    """No traceback, the nearest name, exit code 2."""
    done = CliRunner().invoke(demo.app, ["--scenario", "contenton"])
    assert done.exit_code == 2
    assert isinstance(done.exception, SystemExit)
    assert "contention" in done.stderr
    assert "Traceback" not in done.stderr
