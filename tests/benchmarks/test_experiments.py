"""Code shared by the experiments: cells measured once, tables, and names beside lines."""

import json

import numpy as np
import pytest

from benchmarks.experiments import blocks
from benchmarks.experiments.blocks import Cell, measure_all, over_blocks, policy_cell, worlds_of
from benchmarks.experiments.drawing import spread
from benchmarks.experiments.pages import format_interval, places
from benchmarks.statistics import Interval
from twin_gym.errors import ConfigError
from twin_gym.policies import make_policy, world_seeds
from twin_gym.scenario.loading import load

CELL = load("tic-small-20")


class Counted:
    """A measurement that counts how often it is made."""

    def __init__(self, *values):
        self.values, self.times = list(values), 0

    def __call__(self, cell):
        self.times += 1
        return {"kpi": self.values[: len(cell.blocks)]}


def cell(measure, label="a", block_numbers=(0, 1), setting=""):
    """A cell of two blocks."""
    return Cell(label, CELL, tuple(block_numbers), 4, measure, setting)


def test_what_is_kept_is_not_measured_again(tmp_path):
    """The second run reads its values, the same ones, from the file."""
    kept, measure = tmp_path / "kept.jsonl", Counted(0.25, 0.75)
    first = measure_all([cell(measure)], kept)
    second = measure_all([cell(measure)], kept)
    assert measure.times == 1
    assert second[0].values["kpi"].tolist() == first[0].values["kpi"].tolist() == [0.25, 0.75]


def test_line_that_a_kill_cut_short_is_measured_anew(tmp_path):
    """The whole lines before it still count."""
    kept, one, other = tmp_path / "kept.jsonl", Counted(1.0, 2.0), Counted(3.0, 4.0)
    cells = [cell(one), cell(other, "b")]
    measure_all(cells, kept)
    kept.write_text(kept.read_text()[:-9])
    measured = measure_all(cells, kept)
    assert (one.times, other.times) == (1, 2)
    assert measured[1].values["kpi"].tolist() == [3.0, 4.0]
    assert all(json.loads(line) for line in kept.read_text().splitlines())
    kept.write_text(kept.read_text().replace("4.0", "9.0"))
    with pytest.raises(ConfigError, match=r"kept.jsonl, line 2: the check sum is not that"):
        measure_all(cells, kept)


@pytest.mark.parametrize(
    "other",
    [
        cell(Counted(), label="b"),
        cell(Counted(), setting="price 1"),
        cell(Counted(), block_numbers=(0, 2)),
        Cell("a", CELL, (0, 1), 5, Counted()),
        Cell("a", load("tic-small-45"), (0, 1), 4, Counted()),
    ],
)
def test_cell_is_named_by_all_that_it_depends_on(other):
    """A change of any of these is another measurement."""
    assert other.digest != cell(Counted()).digest


def test_blocks_that_are_measured_apart_are_put_together_in_order(tmp_path):
    """Such as an agent of each seed."""
    measured = measure_all(
        [cell(Counted(5.0), block_numbers=(1,)), cell(Counted(4.0), block_numbers=(0,))]
    )
    assert len(measured) == 1
    assert measured[0].values["kpi"].tolist() == [4.0, 5.0]


def test_worlds_of_blocks_are_apart_from_each_other_and_from_tuning():
    """No world is in two blocks, nor among those that anything is tuned on."""
    worlds = [set(worlds_of(block, 100)) for block in range(5)]
    assert len(set.union(*worlds)) == 500
    assert not set.union(*worlds) & set(world_seeds("validation", 2**20))


def test_policies_meet_the_same_worlds_block_by_block():
    """Values that no policy decides are equal in each block, and differ between blocks."""
    measured = measure_all(
        [
            policy_cell(name, CELL.replace(horizon_s=0.05),
                        lambda scenario, name=name: make_policy(name, scenario),
                        ("offered/uplink", "delivered"), blocks=range(3), worlds=2)
            for name in ("edf", "random")
        ]
    )  # fmt: skip
    offered = [one.values["offered/uplink"] for one in measured]
    np.testing.assert_array_equal(offered[0], offered[1])
    assert len(set(offered[0])) == 3


def test_means_of_blocks_are_over_their_own_worlds():
    """Worlds stand block after block."""
    assert blocks.block_means([1.0, 3.0, 10.0, 20.0], 2).tolist() == [2.0, 15.0]


def test_interval_over_blocks_is_students():
    """Of 1, 2, 3 it is 2 plus or minus 4.3027 / sqrt(3)."""
    interval = over_blocks(np.array([1.0, 2.0, 3.0]))
    assert (interval.estimate, interval.high) == (
        2.0,
        pytest.approx(2.0 + 4.30265 / 3**0.5, rel=1e-5),
    )
    assert not over_blocks(np.array([7.0])).is_known
    assert format_interval(over_blocks(np.array([7.0])), 1) == "7.0 (one value)"


def test_quick_run_publishes_nothing(tmp_path):
    """Unless it is told where."""
    assert "results/experiments" in str(places("x", None, None, quick=True, again=False)[0])
    assert places("x", tmp_path, None, quick=True, again=False)[0] == tmp_path


def test_option_again_forgets_what_is_kept(tmp_path):
    """And nothing else does."""
    kept = tmp_path / "kept.jsonl"
    kept.write_text("x")
    places("x", tmp_path, kept, quick=False, again=False)
    assert kept.exists()
    places("x", tmp_path, kept, quick=False, again=True)
    assert not kept.exists()


def test_estimate_is_told_with_half_its_interval():
    """In the unit that is asked for."""
    assert format_interval(Interval(0.5, 0.4, 0.6), 1, scale=100.0) == "50.0 ± 10.0"


@pytest.mark.parametrize(
    "heights", [[0.5, 0.5, 0.5], [0.0, 0.01, 0.9], [0.95, 0.96, 0.99], [0.2, 0.4, 0.6]]
)
def test_names_beside_lines_keep_their_order_and_a_gap(heights):
    """They stay in the panel, and stand still where there is room."""
    moved = spread(np.array(heights), 0.05)
    assert (np.diff(moved) >= 0.05 - 1e-12).all()
    assert moved[0] >= 0.0 - 1e-12
    assert moved[-1] <= 1.0
    if heights[0] == 0.2:
        assert moved.tolist() == heights
