"""How the speed of truck routing is measured."""

import numpy as np

from benchmarks.environments.truck_routing.speed import Case, recorded_actions, vector_lines
from benchmarks.throughput.rows import vector_env


def test_recorded_actions_are_allowed_when_they_are_played_again():
    """The same worlds are met, through ends of episodes; a disallowed action would be counted."""
    actions = recorded_actions("truck-grid-20", 3, 400)
    env = vector_env("truck-grid-20", "truck", 3)
    ends = 0
    for taken in actions:
        masks = env.unwrapped.batch.masks
        assert (masks[np.arange(3), taken] == 1).all()
        ends += int(env.step(taken)[3].sum())
    assert ends > 0
    assert len(np.unique(actions)) == 21


def test_both_forms_are_measured():
    """The vector form and the loop alone, thousands of decisions a second at the least."""
    lines = list(vector_lines(Case("truck-grid-20", (2,), {2: "1 M"}), 2, 200))
    assert [line.unit for line in lines] == ["decisions/s"] * 2
    assert min(line.value for line in lines) > 1_000
    assert lines[1].target == "1 M"
