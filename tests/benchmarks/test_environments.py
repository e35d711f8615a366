"""The benchmarks find everything about an environment by its name, wherever it stands."""

import ast
from pathlib import Path
from types import SimpleNamespace

import pytest

import benchmarks.environments
from benchmarks.bounds import bound_of
from benchmarks.contestants import contestants
from benchmarks.environments import FACETS, facet, short_horizon_s
from benchmarks.leaderboard.formatting import environment_name, indicator, indicator_value
from benchmarks.protocol import ANCHORS_FILE, has_trace, read_anchors, traces_of
from benchmarks.throughput.__main__ import lines_by_kind
from benchmarks.tracks import track_named, tracks
from benchmarks.tuning.methods import methods
from twin_gym.environments import kinds
from twin_gym.environments.kinds import EnvironmentKind, kind_names
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.scenario.loading import load

ID = "own_queue/OneQueue-v0"
BOARD = """
TITLE = "One queue"
INDICATORS = {"served": "customers", "mean_wait_s": "patience"}
COUNTS = {"served"}
"""
TRACKS = f"""
from benchmarks.protocol import Track

TRACKS = (Track("one-queue", "One.", ("a",), ("a",), 0, environment="{ID}", objective="served"),)
"""
BOUND = """
from benchmarks.bounds.bound import Bound

OBJECTIVE = "served"


def bound_of(scenario, action=None):
    return Bound("exact optimum", 2.0, 0.0, "by hand")
"""
POLICIES = """
POLICIES = {}
DEFAULT_POLICY = "random"
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A kind of a package of its own; gives the folder of its benchmarks."""
    folder = tmp_path / "own_queue" / "benchmarks"
    folder.mkdir(parents=True)
    (folder.parent / "policies.py").write_text(POLICIES)
    for name, text in (("board", BOARD), ("tracks", TRACKS), ("bound", BOUND)):
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(kinds._TABLE, "queue", EnvironmentKind("queue", ID, "own_queue"))
    return folder


def test_an_environment_of_ones_own_brings_its_tracks_bound_and_words(own):
    """The board asks the package of the kind; what is not there is left out."""
    assert list(tracks())[-1] == "one-queue"
    assert track_named("one-queue").kind == "queue"
    assert bound_of(SimpleNamespace(kind="queue"), "served").value_per_s == 2.0
    with pytest.raises(ConfigError, match="the objective 'served' alone"):
        bound_of(SimpleNamespace(kind="queue"), "revenue")
    assert environment_name(ID) == "One queue"
    assert indicator("served") == ("customers", "")
    assert indicator("mean_wait_s") == ("mean wait", "")  # that of another environment stands
    assert indicator_value("served", 7.0) == "7"
    assert short_horizon_s(SimpleNamespace(kind="queue", horizon_s=3.0)) == 3.0
    assert "queue" not in lines_by_kind()
    assert all(rule.kind != "queue" for rule in methods().values())
    assert "a2c" in contestants()


def test_no_tracks_are_left_when_the_kind_is_gone():
    """Results for another table of kinds are not cached."""
    assert "one-queue" not in tracks()
    assert {track.kind for track in tracks().values()} == set(kind_names())


def test_a_needed_facet_that_is_missing_is_said_with_the_file_to_write(own):
    """One without a default, of a package with and without a folder of benchmarks."""
    with pytest.raises(ConfigError, match=r"write own_queue/benchmarks/c_source\.py with C_SOURCE"):
        facet("queue", "c_source")
    assert facet("queue", "c_source", None) is None
    with pytest.raises(UnknownNameError, match="bound"):
        facet("queue", "bond")
    with pytest.raises(UnknownNameError, match="queue"):
        facet("quee", "bound")


def test_a_package_without_benchmarks_has_none(tmp_path, monkeypatch):
    """And the board goes on without it."""
    (tmp_path / "bare_queue").mkdir()
    (tmp_path / "bare_queue" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(kinds._TABLE, "bare", EnvironmentKind("bare", "bare/Q-v0", "bare_queue"))
    assert facet("bare", "tracks", ()) == ()
    assert tracks()
    with pytest.raises(ConfigError, match=r"write bare_queue/benchmarks/bound\.py with OBJECTIVE"):
        bound_of(SimpleNamespace(kind="bare"), "balanced")


@pytest.mark.parametrize("kind", kind_names())
def test_every_environment_of_the_package_has_what_the_board_needs(kind):
    """A row of the board, a bound, and a table of speeds."""
    for name in ("title", "indicators", "tracks", "objective", "bound"):
        assert facet(kind, name)
    assert kind in lines_by_kind()
    assert all(track.kind == kind for track in facet(kind, "tracks"))
    assert all(rule.kind == kind for rule in facet(kind, "tunable_rules"))


def test_every_facet_is_brought_by_some_environment():
    """None is asked for that nobody has."""
    assert all(any(facet(one, name, None) for one in kind_names()) for name in FACETS)


def test_proofs_of_anchors_are_those_that_the_code_gives():
    """Word by word, but for the worlds that a sampled one adds."""
    folder = Path(benchmarks.environments.__file__).parent
    said = {
        node.value
        for path in folder.glob("*/bound.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    proofs = {one.proof.partition("; upper end")[0] for one in read_anchors(ANCHORS_FILE).values()}
    assert proofs <= said


def test_traces_are_found_in_every_kind(monkeypatch):
    """Requests, series of entities, and links, wherever they stand in a scenario."""
    replayed = ("service-trace", "sync-beijing", "tic-campusiot")
    assert all(has_trace(load(name)) for name in replayed)
    assert not any(has_trace(load(name)) for name in ("contention", "sync-small", "tic-pick"))
    monkeypatch.setenv("TWIN_GYM_DATA", "/nowhere")
    for name in replayed:
        with pytest.raises(ConfigError, match="TWIN_GYM_DATA"):
            traces_of(load(name))
