"""Several environments on one board: their scores are never mixed, and a seer is not ranked."""

from dataclasses import replace

import pytest

from benchmarks import protocol
from benchmarks.leaderboard.build_summary import summarise
from benchmarks.leaderboard.html import as_html
from benchmarks.leaderboard.markdown import as_markdown
from benchmarks.leaderboard.track_tables import Settings
from tests.benchmarks.made_board import board_of, write_anchors

ACCESS = ("access-large-45", "access-large-70")
ADMISSION = ("teletraffic-small", "contention")
MEANS = {
    "teletraffic-small": {"density": 80.0, "a2c": 70.0, "random": 0.0},
    "contention": {"density": 84.0, "a2c": 86.0, "random": 1.0},
    "access-large-45": {"genie": 99.5, "fixed": 90.0, "a2c": 40.0, "random": -1.0},
    "access-large-70": {"genie": 99.0, "fixed": 92.0, "a2c": 50.0, "random": 0.5},
    "tic-pick": {"edf": 40.0},
}


@pytest.fixture(scope="module")
def summary(tmp_path_factory):
    """Two tracks of each of two environments, whose second one has curves of returns; and one of
    a third, whose actions have a form."""
    path = write_anchors(tmp_path_factory.mktemp("anchors") / "anchors.toml", list(MEANS))
    results = [
        replace(
            one,
            curve=[{"step": p["step"], "return_per_s": p["revenue_rate"]} for p in one.curve],
        )
        if one.cell.track in ACCESS
        else one
        for one in board_of(MEANS, seeds=4, learners=("a2c",))
    ]
    patch = pytest.MonkeyPatch()
    patch.setattr(protocol, "ANCHORS_FILE", path)
    protocol.read_anchors.cache_clear()
    yield summarise(results, Settings(resamples=200))
    patch.undo()
    protocol.read_anchors.cache_clear()


def test_no_mean_is_taken_over_two_environments(summary):
    """Agents of both have a mean for each."""
    assert len(summary.overall) == 2
    tables = {(table.environment, table.tracks) for table in summary.overall}
    assert tables == {
        ("twin_gym/SliceAdmission-v0", ADMISSION),
        ("twin_gym/MassiveAccess-v0", ACCESS),
    }
    for table in summary.overall:
        assert {"a2c", "random"} < {row.agent for row in table.rows}


def test_a_seer_is_shown_and_ranked_nowhere(summary):
    """Nobody is compared with it, though it has the best scores."""
    for track in summary.tracks_of("twin_gym/MassiveAccess-v0"):
        assert [row.agent for row in track.seers] == ["genie"]
        assert [row.agent for row in track.rows] == ["fixed", "a2c", "random"]
        assert [row.rank for row in track.rows] == [1, 2, 3]
        assert {row.field for row in track.rows} == {3}
        assert track.reference == "fixed"
        assert "genie" not in {one.agent for one in track.skipped}
    for table in summary.overall:
        assert "genie" not in {row.agent for row in table.rows}
    assert "genie" not in {agent.name for agent in summary.agents}
    assert "genie" in as_markdown(summary)
    assert "sees what is hidden; not ranked" in as_html(summary)


def test_rules_of_other_environments_are_not_listed_as_missing(summary):
    """Only those who could have been there."""
    absent = {track.name: {one.agent for one in track.skipped} for track in summary.tracks}
    assert "edf" not in absent["access-large-45"] | absent["contention"]
    assert "idle-estimator" in absent["access-large-45"]
    assert "fifo" in absent["contention"]


def test_both_tellings_group_tracks_by_environment(summary):
    """A heading for each, its tracks below it, and tables of those agents alone."""
    text, page = as_markdown(summary), as_html(summary)
    admission, access = text.index("## Slice admission"), text.index("## Massive access")
    assert admission < text.index("### contention") < access < text.index("### access-large-45")
    for name in ("Slice admission", "Massive access"):
        assert f"<h3>{name}</h3>" in page
        assert f"{name}, over 2 tracks" in page
    first = page.split("<h3>Slice admission</h3>")[1].split("<h3>Massive access</h3>")[0]
    assert "agent=density" in first
    assert "agent=fixed" not in first


def test_curves_of_returns_are_drawn_as_those_of_revenue_are(summary):
    """Both names of the reward a second are drawn."""
    (agent,) = [one for one in summary.agents if one.name == "a2c"]
    curves = {entry.row.track: entry.curve for entry in agent.entries}
    assert set(curves) == {*ADMISSION, *ACCESS}
    assert all(curve is not None and len(curve.steps) == 6 for curve in curves.values())


def test_revenue_is_a_word_of_admission_alone(summary):
    """The part of the text on massive access speaks of what is earned."""
    text = as_markdown(summary)
    access = text[text.index("## Massive access") : text.index("## Tiny instant")]
    assert "revenue" not in access.lower()
