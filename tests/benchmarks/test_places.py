"""Every command of the checkout looks at its places first, and refuses them in one line."""

import importlib

import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app as board
from benchmarks.experiments.blocks import Cell, measure_all
from benchmarks.protocol import read_anchors
from twin_gym.errors import ConfigError
from twin_gym.files.locks import adding_to
from twin_gym.scenario.loading import load

BOARD = "benchmarks.__main__"
PLACES = [
    (BOARD, ["run", "--agents", "fifo", "--tracks", "teletraffic-small"], "--out"),
    (BOARD, ["test", "--why", "to see", "--agents", "fifo"], "--out"),
    (BOARD, ["leaderboard"], "--out"),
    (BOARD, ["anchors"], "--out"),
    (BOARD, ["tune"], "--kept"),
    ("benchmarks.bounds.__main__", [], "--out"),
    ("benchmarks.demo", [], "--out"),
    ("benchmarks.history_store", ["--quick"], "--output"),
    ("benchmarks.knowledge_graph", ["--quick"], "--output"),
    ("benchmarks.throughput.__main__", ["--quick"], "--result"),
    *(
        (f"benchmarks.experiments.{name}", ["--quick"], option)
        for name in (
            "access_barring", "right_time", "tic_loss", "tic_throughput",
            "what_if_pairs", "scenario_accuracy.__main__", "waste_learners",
            "knowledge_adapter.__main__",
        )
        for option in ("--out", "--kept")
    ),
    ("benchmarks.experiments.what_if_training.__main__", ["--quick"], "--work"),
    ("benchmarks.experiments.twin_init", [], "--out"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "command", "option"), PLACES)
@pytest.mark.parametrize("place", ["file/x.json", "file/x.toml", "n" * 300])
def test_places_are_looked_at_before_anything_runs(
    module, command, option, place, tmp_path, monkeypatch
):
    """A place under a file, and one whose name is too long."""
    (tmp_path / "file").write_text("x")
    monkeypatch.chdir(tmp_path)
    app = importlib.import_module(module).app
    done = CliRunner().invoke(app, [*command, option, place])
    assert done.exit_code == 2, done.output
    assert isinstance(done.exception, SystemExit)
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("twin-gym: ")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["file"]


def test_two_experiments_do_not_add_to_one_file(tmp_path):
    """The second is refused before it measures, and the first goes on."""
    path = tmp_path / "kept.jsonl"

    def measure(_):
        pytest.fail("it measured")

    cell = Cell("x", load("teletraffic-small"), (0,), 1, measure)
    with adding_to(path), pytest.raises(ConfigError, match="another file with --kept"):
        measure_all([cell], path)


@pytest.mark.parametrize(
    "content", ['{"x', "[1]", '{"a": 1}', '{"parts": 3}', '{"parts": {"sync": 1}}']
)
@pytest.mark.parametrize(
    ("module", "command", "option"),
    [
        ("benchmarks.bounds.__main__", ["--scenario", "mild"], "--out"),
        ("benchmarks.throughput.__main__", ["--quick", "--only", "growth"], "--result"),
    ],
)
def test_what_is_added_to_is_read_before_anything_runs(
    module, command, option, content, tmp_path, monkeypatch
):
    """A damaged file, or one of another program, is named, refused and left as it is."""
    monkeypatch.setattr(
        "benchmarks.environments.slice_admission.bound_rows.rows_of",
        lambda *_, **__: pytest.fail("ran"),
    )
    monkeypatch.setattr("benchmarks.throughput.growth.points", lambda _: pytest.fail("ran"))
    path = tmp_path / "mine.json"
    path.write_text(content, "utf-8", "surrogateescape")
    done = CliRunner().invoke(importlib.import_module(module).app, [*command, option, str(path)])
    assert done.exit_code == 2, done.output
    (line,) = done.stderr.splitlines()
    assert f"{str(path)!r} holds no" in line
    assert path.read_text("utf-8", "surrogateescape") == content


@pytest.mark.parametrize("content", ["anchors = 3", "[[anchors]]\nx = 1", "anchors = [1]"])
def test_a_file_that_holds_no_anchors_is_named(content, tmp_path):
    """Before the first one is worked out."""
    path = tmp_path / "anchors.toml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"anchors.toml' holds no anchors"):
        read_anchors(path)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["tune", "--trials", "1"], "at least 2 trials"),
        (["tune-rules", "--tracks", "mild", "--methods", "x"], "unknown method 'x'"),
        (["verify", "folder", "--family", "test", "--why", "a test", "--out", "file/x"], "file"),
    ],
)
def test_what_can_be_refused_is_refused_before_a_bar_is_shown(command, said, tmp_path, monkeypatch):
    """One line, and nothing else, on standard error."""
    (tmp_path / "file").write_text("x")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(board, command)
    assert done.exit_code == 2, done.output
    (line,) = done.stderr.splitlines()
    assert line.startswith("twin-gym: ")
    assert said in line


@pytest.mark.parametrize("name", ["STUDIES_FILE", "LEARNED_FILE"])
def test_places_in_the_checkout_are_looked_at_before_a_study(name, tmp_path, monkeypatch):
    """Settings that were found by hours of trainings are not lost at the end."""
    module = "summary" if name == "STUDIES_FILE" else "settings"
    monkeypatch.setattr(f"benchmarks.tuning.{module}.{name}", tmp_path)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(board, ["tune"])
    assert done.exit_code == 2, done.output
    assert "is a folder" in done.stderr
