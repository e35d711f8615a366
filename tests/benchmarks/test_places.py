"""Every command of the checkout looks at its places first, and refuses them in one line."""

import importlib

import pytest
from typer.testing import CliRunner

from benchmarks.experiments.blocks import Cell, measure_all
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
    ("benchmarks.throughput.__main__", ["--quick"], "--result"),
    *(
        (f"benchmarks.experiments.{name}", ["--quick"], option)
        for name in (
            "access_barring", "right_time", "scripted_llm", "tic_loss", "tic_throughput",
            "what_if_pairs", "scenario_accuracy.__main__",
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
