"""What the page on starts from a twin says of curves."""

import numpy as np
import pytest

from benchmarks.experiments.warm_starts import Start, page
from benchmarks.runs import steps_to_stay


def start(agent, deployed, learner=None, guard_share=0.2):
    """Trainings with these shares, a row a seed."""
    deployed = np.array(deployed)
    return Start(
        "tic-pick", agent, "edf", np.array([0.0, 10.0, 20.0]), deployed,
        deployed if learner is None else np.array(learner),
        np.array([[np.nan, 0.5, 0.75]] * len(deployed)), guard_share,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "steps"),
    [([5, 5, 5], 0.0), ([5, 1, 5], 20.0), ([1, 5, 5], 10.0), ([5, 5, 1], float("inf"))],
)
def test_level_counts_from_where_it_is_kept(values, steps):
    """A dip on the way puts it off."""
    assert steps_to_stay([0.0, 10.0, 20.0], values, 4.0) == steps


def test_default_is_reached_by_the_mean_over_seeds():
    """One seed may lag behind."""
    assert start("ppo-twin", [[1.0, 0.97, 1.2], [1.0, 1.02, 1.2]]).steps_to_default == 0.0
    assert start("ppo", [[-4.0, 0.9, 1.2], [-4.0, 0.9, 1.0]]).steps_to_default == 20.0


def test_page_names_what_fell_below_and_shows_what_was_deployed():
    """The lowest point of any seed; the learner behind the guard apart."""
    safe = start("ppo-twin", [[1.0, 1.0, 1.3]], learner=[[1.0, 0.4, 1.3]])
    risky = start("a2c-twin", [[1.0, 0.9, 0.97]])
    text = page([safe, risky, start("ppo", [[-4.0, 0.5, 1.1]], guard_share=0.0)])
    assert "2 agents on tracks, 1 of them never below a share of 0.95" in text
    assert "`a2c-twin` on `tic-pick` is: 0.900." in text
    assert "The learner of `ppo-twin` behind the guard sinks to 0.40" in text
    row = next(line for line in text.splitlines() if line.startswith("| ppo-twin |"))
    assert row.split(" | ")[2:8] == ["1.000", "1.000", "1.300", "0.400", "1.300", "0.500"]
