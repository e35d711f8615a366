"""The fingerprint of a trajectory changes with everything that happens."""

import numpy as np
import pytest

from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.policies.trajectory import TrajectoryHash
from twin_gym.scenario.loading import load

STEP = (np.array([1, 2]), np.array([0.5, 0.25]), np.array([1.0, 2.0]))
EVERY = np.ones(2, np.bool_)


def digest(*steps) -> str:
    """Of two rows."""
    trajectory = TrajectoryHash(2)
    for running, step in steps:
        trajectory.add(running, *step)
    return trajectory.digest()


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("row", [0, 1])
def test_each_value_of_each_row_counts(which, row):
    """Action, reward and time."""
    changed = [values.copy() for values in STEP]
    changed[which][row] += 1
    assert digest((EVERY, STEP)) != digest((EVERY, changed))


def test_order_counts_and_a_row_that_is_over_does_not():
    """Two steps in another order are another trajectory."""
    other = tuple(values[::-1].copy() for values in STEP)
    assert digest((EVERY, STEP), (EVERY, other)) != digest((EVERY, other), (EVERY, STEP))
    nobody = np.zeros(2, np.bool_)
    assert digest((EVERY, STEP), (nobody, other)) == digest((EVERY, STEP))


def test_minus_zero_is_zero():
    """They are equal, and so are their trajectories."""
    zero = (STEP[0], np.array([0.0, 0.0]), STEP[2])
    minus = (STEP[0], np.array([-0.0, 0.0]), STEP[2])
    assert digest((EVERY, zero)) == digest((EVERY, minus))


def test_rows_do_not_depend_on_one_another_and_engines_agree():
    """The kernel's trajectory is SimPy's."""
    scenario = load("contention").replace(horizon_s=5.0)
    policy = make_policy("density", scenario)
    digests = [
        evaluate(policy, scenario, world_seeds("train", 2), engine=engine).trajectory
        for engine in ("kernel", "simpy")
    ]
    assert digests[0] == digests[1]
