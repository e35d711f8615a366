"""The gain of common worlds: the estimate, its interval, coverage, and the questions."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.experiments import blocks, what_if_pairs
from benchmarks.experiments.blocks import measure_all
from benchmarks.experiments.pairing import (
    coverage,
    reduction,
    reduction_interval,
    reductions_of_blocks,
    share_interval,
)
from benchmarks.experiments.what_if_questions import BASE, SUBJECTS, Subject, questions, short
from twin_gym.errors import ConfigError
from twin_gym.policies.what_if import what_if
from twin_gym.scenario.loading import load

SMALL = Subject(
    "sync-small", "round-robin", ("mean_error", "mean_age_s"),
    "groups.load.process.variance_rate_hz", {"delivery 0.9": {"delivery_probability": 0.9}},
    ("whittle",), (100.0,),
)  # fmt: skip


def sides(seed: int, count: int, common: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Two sides with a common part of that deviation, and parts of deviation 1 of their own."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(0.0, common, count)
    return shared + rng.normal(0.0, 1.0, count), shared + rng.normal(0.5, 1.0, count)


def test_reduction_is_the_known_one():
    """(9 + 1) + (9 + 1) over 1 + 1 is ten; nothing in common saves nothing."""
    assert reduction(*sides(1, 200_000)) == pytest.approx(10.0, rel=0.02)
    assert reduction(*sides(2, 200_000, common=0.0)) == pytest.approx(1.0, rel=0.02)


def test_sides_that_go_against_each_other_cost_something():
    """Of x and -x the difference varies twice as much as that of unrelated worlds."""
    x = np.random.default_rng(1).normal(size=100)
    assert reduction(x, -x) == pytest.approx(0.5)


def test_a_difference_that_does_not_vary_has_no_reduction():
    """Not a number, and so is its interval: nothing is divided by rounding."""
    x = np.random.default_rng(1).normal(size=100)
    assert np.isnan(reduction(x, x + 0.1))
    assert np.isnan(reduction(np.ones(9), np.ones(9)))
    interval = reduction_interval(x, x + 0.1, np.random.default_rng(2))
    assert np.isnan([interval.estimate, interval.low, interval.high]).all()


def test_interval_of_the_reduction_holds_it_as_often_as_it_says():
    """Of 200 intervals over 128 worlds; of 95 %, less than 88 % is seen once in 20,000 times."""
    held = 0
    for seed in range(200):
        reduction = reduction_interval(
            *sides(seed, 128), np.random.default_rng(seed), resamples=400
        )
        assert reduction.low < reduction.estimate < reduction.high
        held += reduction.low <= 10.0 <= reduction.high
    assert held >= 176


def test_answers_are_those_of_whole_blocks():
    """Each from its own worlds; what is left over is left out."""
    before, after = sides(3, 70)
    reductions = reductions_of_blocks(before, after, 32)
    assert reductions.tolist() == [
        reduction(before[:32], after[:32]), reduction(before[32:64], after[32:64])
    ]  # fmt: skip


def test_both_kinds_of_intervals_cover_and_cost_what_the_reduction_claims():
    """With normal values: 95 % each, and ten times the squared errors with unrelated worlds."""
    counts = coverage(*sides(4, 8_000), 8)
    assert counts.tries == 1000
    assert counts.paired / counts.tries == pytest.approx(0.95, abs=0.025)
    assert counts.unrelated / counts.tries == pytest.approx(0.95, abs=0.025)
    assert counts.squared_errors == pytest.approx(10.0, rel=0.15)
    # Student's quantile with 7 and with about 14 degrees of freedom.
    assert counts.squared_widths == pytest.approx(10.0 * (2.145 / 2.365) ** 2, rel=0.05)


def test_coverage_sees_answers_that_miss():
    """A rare difference, which most answers of eight worlds do not meet, has no interval there."""
    before = np.random.default_rng(5).normal(size=800)
    rare = (np.arange(800) % 80 == 0).astype(float)
    counts = coverage(before, before + rare, 8)
    assert counts.paired <= 0.2 * counts.tries


def test_coverage_needs_worlds_that_an_answer_has_not_seen():
    """Four blocks of two worlds."""
    before, after = sides(6, 24)
    with pytest.raises(ConfigError, match="four blocks of two worlds, got 3 of 8"):
        coverage(before, after, 8)
    with pytest.raises(ConfigError, match="got 24 of 1"):
        coverage(before, after, 1)


def test_share_has_wilsons_interval():
    """Of 8 in 10: 0.490 to 0.943."""
    interval = share_interval(8, 10)
    assert (interval.low, interval.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)


@pytest.mark.parametrize("subject", SUBJECTS, ids=[one.scenario for one in SUBJECTS])
def test_questions_change_what_they_say_and_nothing_else(subject):
    """Small and large, of a rate, of capacity and of the policy; all labels differ."""
    asked = questions(subject, (1.05, 2.0))
    groups = [one.group for one in asked]
    assert groups[:2] == ["rate", "rate"]
    assert {"capacity", "policy"} <= set(groups)
    assert len({one.label for one in asked}) == len(asked)
    for one in asked:
        before, after = one.before, one.after
        assert before.label.startswith(BASE)
        assert after.base == before.base
        if one.group == "policy":
            assert after.scenario == before.scenario
            assert after.policy != before.policy
        else:
            assert after.policy == before.policy
            given, new = before.scenario.model_dump(), after.scenario.model_dump()
            assert sum(given[key] != new[key] for key in given) == 1


def test_labels_have_no_structure_of_scenarios():
    """The words of a path that a reader needs."""
    assert short("groups.load.process.variance_rate_hz") == "load variance_rate_hz"
    assert short("num_devices") == "num_devices"


def test_what_is_judged_is_what_a_what_if_answer_tells():
    """Mean and reduction of the same worlds, and the policy stays as it was configured."""
    one = questions(SMALL, (1.05,))[1]
    cells = [side.cell(SMALL.kpis, 32) for side in (one.before, one.after)]
    assert cells[0].seeds == cells[1].seeds
    measured = measure_all(cells)
    by_side = {(m.scenario, m.label): m for m in measured}
    base = load("sync-small")
    answer = what_if("round-robin", base, one.after.scenario, seeds=cells[0].seeds)
    for kpi in SMALL.kpis:
        judged = what_if_pairs.judged("sync-small", one, kpi, by_side, 16)
        expected = answer.by_change[kpi]
        assert judged.difference.estimate == pytest.approx(expected.mean, rel=1e-6)
        assert judged.reduction.estimate == pytest.approx(expected.variance_reduction, rel=1e-4)
        assert len(judged.answers) == 2


@pytest.mark.slow
def test_run_writes_its_page_and_goes_on_where_it_was(tmp_path, monkeypatch):
    """Page, figure and numbers; the second run measures nothing and writes the same page."""
    monkeypatch.setattr(what_if_pairs, "SUBJECTS", (SMALL,))
    monkeypatch.setattr(what_if_pairs, "FACTORS", (1.05, 2.0))
    options = ["--blocks", "1", "--worlds", "32", "--out", str(tmp_path)]
    options += ["--kept", str(tmp_path / "kept.jsonl")]
    result = CliRunner().invoke(what_if_pairs.app, options, catch_exceptions=False)
    assert result.exit_code == 0
    page = (tmp_path / "what_if_pairs.md").read_text()
    assert "nan" not in page.lower().split()
    assert "| `sync-small` | delivery 0.9 | mean error |" in page
    assert "does not vary" in page  # ages, when values move faster
    assert (tmp_path / "what_if_pairs.png").stat().st_size > 10_000
    entries = json.loads((tmp_path / "what_if_pairs.json").read_text())
    assert {one["group"] for one in entries} == {"rate", "capacity", "policy", "horizon"}
    aged = [one for one in entries if one["kpi"] == "mean_age_s" and one["group"] == "rate"]
    assert all(one["reduction"] == [None] * 3 and one["coverage"] == {} for one in aged)

    def refuse(*_, **__):
        raise AssertionError("measured again")

    monkeypatch.setattr(blocks, "evaluate", refuse)
    assert CliRunner().invoke(what_if_pairs.app, options, catch_exceptions=False).exit_code == 0
    assert (tmp_path / "what_if_pairs.md").read_text() == page
