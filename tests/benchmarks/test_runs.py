"""Trainings side by side: kept one by one, not done twice, the same in parallel as in a row."""

import json
from pathlib import Path

import pytest

from agents.settings import TrainSettings
from benchmarks.runs import Judging, Run, run_all, run_one
from twin_gym.errors import ConfigError
from twin_gym.files.sealed import sealed

TINY = Judging(every_steps=256, curve_worlds=2, final_worlds=2)


def _cells(tmp_path: Path) -> list[TrainSettings]:
    """Two agents on a network that is over in two seconds."""
    from twin_gym.scenario import to_toml
    from twin_gym.scenario.loading import load

    path = tmp_path / "short.toml"
    path.write_text(to_toml(load("contention").replace(horizon_s=2.0, name="short")))
    base = TrainSettings(
        scenario=str(path), total_timesteps=512, leg_steps=512, n_envs=8, n_steps=16,
        num_decisions=100,
    )  # fmt: skip
    return [base.with_(agent="a2c"), base.with_(agent="a2c-twin")]


@pytest.mark.slow
def test_runs_in_processes_equal_runs_in_a_row_and_are_kept(tmp_path: Path) -> None:
    """A second call trains nothing: it reads what the first one kept."""
    cells = _cells(tmp_path)
    kept = tmp_path / "runs.jsonl"
    together = run_all(cells, TINY, jobs=2, kept=kept)
    alone = run_one(cells[1], TINY)
    assert [point["revenue_rate"] for point in together[1].points] == [
        point["revenue_rate"] for point in alone.points
    ]
    assert together[1].final == alone.final
    assert together[0].final != together[1].final
    assert "loaded 6 tensors" in together[1].warm_start
    content = kept.read_text()
    again = run_all(cells, TINY, jobs=1, kept=kept)
    assert kept.read_text() == content
    assert [repr(run) for run in again] == [repr(run) for run in together]


def test_a_line_cut_short_by_a_kill_is_done_again(tmp_path: Path) -> None:
    """Half a line is not a result; the whole ones before it are."""
    cells = _cells(tmp_path)
    kept = tmp_path / "runs.jsonl"
    run = Run(cells[0], [], {"revenue_rate": 1.0}, "", 0.0)
    half = Run(cells[1], [], {"revenue_rate": 2.0}, "", 0.0)
    kept.write_text(sealed(json.dumps(run.as_record())) + "\n" + json.dumps(half.as_record())[:40])
    runs = run_all(cells[:1], TINY, jobs=1, kept=kept)
    assert runs[0].final == {"revenue_rate": 1.0}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (lambda text: sealed(text).replace("1.0", "1.5"), "line 1: the check sum is not that"),
        (lambda text: text, "line 1: there is no check sum"),
        (lambda _: sealed('{"digest": 1}'), "line 1, is no finished training"),
    ],
)
def test_a_kept_run_that_was_changed_is_refused(tmp_path: Path, line, said: str) -> None:
    """Before anything is trained, with its place."""
    kept = tmp_path / "runs.jsonl"
    run = Run(_cells(tmp_path)[0], [], {"revenue_rate": 1.0}, "", 0.0)
    kept.write_text(line(json.dumps(run.as_record())) + "\n")
    with pytest.raises(ConfigError, match=said):
        run_all([run.settings], TINY, jobs=1, kept=kept)
