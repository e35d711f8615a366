"""A cell gives the same result each time, and a result says under which protocol."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import protocol
from benchmarks.anchors import as_toml
from benchmarks.cell import Cell, Result, run_cell
from benchmarks.protocol import PROTOCOL, Anchors, read_anchors
from twin_gym.errors import ConfigError
from twin_gym.scenario.loading import load

QUICK = "service-calibrated"


def without_times(result: Result) -> Result:
    """Everything but wall-clock and processor time."""
    cost = replace(result.cost, seconds=0.0, core_seconds=0.0)
    return replace(result, test_seconds=0.0, cost=cost)


def test_two_runs_of_a_rule_agree_to_the_last_bit(tmp_path):
    """Also where the policy draws."""
    first, again = (run_cell(Cell(QUICK, "random", 3), tmp_path / x) for x in "ab")
    assert without_times(first) == without_times(again)
    other = run_cell(Cell(QUICK, "random", 4), tmp_path / "c")
    assert other.trajectory != first.trajectory
    assert other.earned_per_s != first.earned_per_s


def test_agents_meet_the_same_worlds(tmp_path):
    """The offered load does not depend on who admits; the trajectory does."""
    one, two = (run_cell(Cell(QUICK, name, 0), tmp_path) for name in ("density", "fifo"))
    assert one.trajectory != two.trajectory
    assert len(one.earned_per_s[QUICK]) == len(two.earned_per_s[QUICK]) == 32


@pytest.mark.slow
def test_two_trainings_of_a_cell_agree_to_the_last_bit(tmp_path):
    """Weights, curve and trajectory; the second in the folder of the first trains nothing."""
    cell = Cell("teletraffic-small", "a2c-twin", 1)
    first, again = (run_cell(cell, tmp_path / x) for x in "ab")
    assert without_times(first) == without_times(again)
    last = first.curve[-1]  # steps of the training; those of its guard count as well
    assert last["step"] + last["guard_steps"] == first.cost.steps
    assert 0.9 * 32_768 < first.cost.steps <= 32_768
    assert run_cell(cell, tmp_path / "a").cost == first.cost


def test_a_result_is_read_back_to_the_last_bit(tmp_path):
    """From its line."""
    result = run_cell(Cell(QUICK, "density", 0), tmp_path)
    assert Result.from_json(result.to_json()) == result


@pytest.mark.parametrize("protocol_of_line", ["twin_gym board 0", None])
def test_a_result_without_this_protocol_is_refused(protocol_of_line):
    """Scores of two protocols are not compared."""
    line = json.dumps({"protocol": protocol_of_line})
    with pytest.raises(ConfigError, match="run the cell again"):
        Result.from_json(line)


def test_a_result_of_an_earlier_protocol_that_is_kept_counts(tmp_path):
    """Tracks and worlds are the same: what was earned is taken between the anchors of today."""
    result = run_cell(Cell(QUICK, "density", 0), tmp_path)
    for kept in protocol.KEPT_PROTOCOLS:
        read = Result.from_json(replace(result, protocol=kept).to_json())
        assert read.protocol == kept
        np.testing.assert_array_equal(read.scores(), result.scores())


@pytest.mark.parametrize("line", ["{", "[]", '"x"', "{}", '{"protocol": "twin_gym board 1"}'])
def test_a_line_that_is_no_result_is_refused(line):
    """A line with any fault is refused."""
    with pytest.raises(ConfigError):
        Result.from_json(line)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("machine",), 3),
        (("machine",), "\x1b[31mred"),
        (("versions",), ["numpy"]),
        (("versions",), {"\u202e": "2.0"}),
        (("cell", "agent"), ["density"]),
        (("cell", "seed"), "0"),
        (("cell", "family"), "train"),
        (("earned_per_s",), {"mild": ["1.0"]}),
        (("kpi",), {"utilisation": None}),
        (("kpi",), {"utilisation": float("nan")}),
        (("cost", "seconds"), "long"),
        (("curve",), "none"),
        (("curve",), [{"revenue_rate": 1.0}]),
    ],
)
def test_a_value_of_another_kind_is_refused_where_it_is_read(place, value):
    """And not in the middle of the leaderboard, nor shown on its page as it is."""
    values = json.loads(
        Result(PROTOCOL, Cell("mild", "density", 0), "0" * 16, {}, "", {}).to_json()
    )
    Result.from_json(json.dumps(values))
    inside = values
    for name in place[:-1]:
        inside = inside[name]
    inside[place[-1]] = value
    with pytest.raises(ConfigError) as refused:
        Result.from_json(json.dumps(values))
    assert str(refused.value).isprintable()


def test_scores_are_normalised_and_those_of_another_track_refused(tmp_path, monkeypatch):
    """Random at 5e-3, bound at 15e-3."""
    scenario = load(QUICK)
    anchors = Anchors(QUICK, scenario.digest, "revenue", 5e-3, 1e-4, 15e-3, "LP", "none")
    (tmp_path / "anchors.toml").write_text(as_toml([anchors]))
    monkeypatch.setattr(protocol, "ANCHORS_FILE", tmp_path / "anchors.toml")
    read_anchors.cache_clear()
    result = run_cell(Cell(QUICK, "density", 0), tmp_path)
    earned = np.array(result.earned_per_s[QUICK])
    assert result.scores() == pytest.approx((earned - 5e-3) / 1e-2 * 100)
    with pytest.raises(ConfigError, match="another version"):
        replace(result, track_digest="0" * 16).scores()


def test_an_agent_that_takes_no_part_says_why(tmp_path):
    """The exact optimum needs laws without memory."""
    with pytest.raises(ConfigError, match="does not take part"):
        run_cell(Cell(QUICK, "optimum", 0), tmp_path)
