"""Planning with the simulator as an experiment: a quick run."""

import json

import pytest
from typer.testing import CliRunner

from benchmarks.experiments import planning
from benchmarks.tracks import track_named
from twin_gym.environments.kinds import kind_named


@pytest.mark.slow
def test_quick_run_writes_its_page_and_goes_on_where_it_was(tmp_path, monkeypatch):
    """The second run measures nothing and writes the same page."""
    options = ["--quick", "--out", str(tmp_path), "--kept", str(tmp_path / "kept.jsonl")]
    assert CliRunner().invoke(planning.app, options, catch_exceptions=False).exit_code == 0
    page = (tmp_path / "planning.md").read_text()
    assert "| contention | `reservation` |" in page
    assert json.loads((tmp_path / "planning.json").read_text())

    def refuse(*_, **__):
        raise AssertionError("measured again")

    monkeypatch.setattr(planning, "evaluate", refuse)
    assert CliRunner().invoke(planning.app, options, catch_exceptions=False).exit_code == 0
    assert (tmp_path / "planning.md").read_text() == page


def test_every_plan_is_of_a_track_whose_futures_can_be_drawn_anew():
    """And of its only scenario."""
    for name, plan in planning.PLANS.items():
        (scenario,) = track_named(name).test_scenarios()
        assert kind_named(scenario.kind).facet("futures") is not None
        assert plan.lookahead_s < scenario.horizon_s
