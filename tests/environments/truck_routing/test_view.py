"""What the command line tells of truck routing."""

import pytest
from typer.testing import CliRunner

from twin_gym.cli.app import app
from twin_gym.cli.view import view_of
from twin_gym.scenario.changes import changed
from twin_gym.scenario.loading import load

VIEW = view_of("truck")


def run(*arguments):
    """Output of a command, 80 columns wide."""
    done = CliRunner(env={"COLUMNS": "80", "TERM": "dumb"}).invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    assert max(map(len, done.output.splitlines())) <= 80
    return done.output


def test_bins_trucks_and_what_a_day_brings_are_described():
    """As much as is known by heart: 20 bins whose mean inflow is that of the table."""
    said = " ".join(run("describe", "truck-grid-20").split())
    assert "20 bins, 1 truck, 3 shifts of 8 h" in said
    assert "grid, 11 by 11 streets, 200 m apart" in said
    assert "8 h from 6:00 on, every day" in said
    assert "A day brings 3557 l on average" in said
    assert "2760 s old on average" in said  # 3600 (2 - 0.8) / 1.6 + 60


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"report_period_s": "never"}, "No bin reports"),
        ({"report_period_s": 14_400.0}, "3.02 h old on average"),
        ({"inflow_factor": 2.0}, "A day brings 7115 l"),
    ],
)
def test_what_is_known_follows_the_scenario(changes, words):
    """Reports that there are none of, or fewer; twice the inflow."""
    assert words in VIEW.known(changed(load("truck-grid-20"), changes))


@pytest.mark.parametrize("name", ["truck-edinburgh-334", "truck-edinburgh-replay"])
def test_networks_of_files_are_described_without_their_data(name, monkeypatch):
    """The tables say that the data are not here; the roads and the files are named."""
    monkeypatch.delenv("TWIN_GYM_DATA", raising=False)
    said = run("describe", name)
    assert "not known without the data" in said
    assert "edinburgh_waste/road_edges.csv" in said


def test_a_what_if_question_is_answered():
    """Seldom reports: older readings, a worse twin, the same waste."""
    said = run(
        "what-if", "--scenario", "truck-grid-20", "--set", "report_period_s=14400",
        "--worlds", "6",
    )  # fmt: skip
    lines = {line.split()[0]: line.split() for line in said.splitlines() if line}
    assert float(lines["age_s"][2].replace(",", "")) > 2 * float(lines["age_s"][1].replace(",", ""))
    assert float(lines["twin_error"][2]) > float(lines["twin_error"][1])
    assert lines["deposited_l"][-2:] == ["the", "same"]


def test_a_rollout_shows_the_main_figures():
    """Service, kilometres and stops of each policy, and all indicators of one."""
    said = run("rollout", "--scenario", "truck-grid-20", "--policy", "nearest-full", "--seeds", "3")
    assert "service %" in said
    assert "wasted_stops" in said


def test_all_presets_are_listed():
    """With the number of their bins."""
    said = run("list")
    assert "bins: number of bins" in said
    assert "truck-edinburgh-334" in said
