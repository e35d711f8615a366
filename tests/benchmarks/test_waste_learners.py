"""Learners of waste collection beside planners and a bound: figures that are known by hand."""

import numpy as np
import pytest

from benchmarks.experiments import waste_learners, waste_rows
from benchmarks.experiments.blocks import Measured, measure_all
from benchmarks.experiments.waste_rows import BASE, BOUND, trainings
from twin_gym.scenario.loading import load

GRID = load("truck-grid-20")


def measured(label, **values):
    """Something measured in as many blocks as there are values."""
    arrays = {name: np.array(one, np.float64) for name, one in values.items()}
    return {(label, GRID.name): Measured(label, GRID.name, 0.0, arrays)}


def test_scores_are_paired_by_blocks():
    """Half of the way from random to the bound is 50, in each block between its own two ends."""
    points = {
        **measured("random", **{"return": [-100.0, -400.0]}),
        **measured(BOUND, **{"return": [0.0, -200.0]}),
        **measured("a", **{"return": [-50.0, -250.0]}),
    }
    np.testing.assert_allclose(waste_learners.scores(points, "a", GRID.name), [50.0, 75.0])


def test_parts_of_the_cost_are_what_the_return_is_less():
    """Driving, stops and overflow of a real policy add up to what it pays a day."""
    days = GRID.replace(horizon_s=86_400.0)
    cells = [one for one in waste_rows.rule_cells(2, 1, days) if one.label == "nearest-full"]
    (one,) = measure_all(cells)
    paid = sum(waste_learners.costs(one, days).values())
    assert paid == pytest.approx(-float(waste_learners.a_day(one, days, "return").mean()), rel=0.02)


def test_bound_is_above_every_rule_block_by_block():
    """In the same worlds, one day of the grid."""
    days = GRID.replace(horizon_s=86_400.0)
    found = {one.label: one.values["return"] for one in measure_all(
        [
            *(one for one in waste_rows.rule_cells(2, 1, days) if "svm" not in one.label),
            *waste_rows.bound_cells(2, 1, days),
        ]
    )}  # fmt: skip
    for label, returns in found.items():
        assert (returns <= found[BOUND] + 1e-6).all(), label


def test_seers_and_the_bound_stand_last_and_the_others_by_their_return():
    """The order of tables and bars."""
    points = {}
    for label, value in ((BOUND, 0.0), ("clairvoyant-pyvrp", -1.0), (BASE, -2.0), ("a", -9.0)):
        points |= measured(label, **{"return": [value]})
    names = waste_learners.labels_of(points, GRID.name)
    assert names == ["a", BASE, "clairvoyant-pyvrp", BOUND]


@pytest.mark.parametrize("label", trainings("truck-grid-20"))
def test_trainings_are_allowed(label):
    """Their settings are valid, and another seed is another training."""
    training = trainings("truck-grid-20")[label]
    assert training.settings(1).digest != training.settings(0).digest
    assert training.settings(0).action == training.given["action"]
