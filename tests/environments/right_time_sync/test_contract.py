"""The contract of synchronisation, besides that of every environment."""

import gymnasium
import numpy as np
import pytest

from tests.environments.right_time_sync.case import CASE
from twin_gym.environments.right_time_sync import kpi


@pytest.mark.parametrize("action", ["pick", "rounds"])
@pytest.mark.parametrize("error", ["expected", "realised"])
def test_budget_is_kept_and_masks_say_so(action, error):
    """An update beyond the budget is not sent; picking one is counted and changes nothing else."""
    scenario = CASE.scarce(CASE.scenario(action))
    env = gymnasium.make("twin_gym/RightTimeSync-v0", scenario=scenario, action=action, error=error)
    _, info = env.reset(seed=1)
    truncated, disallowed = False, 0
    while not truncated:
        if action == "pick":
            disallowed += info["action_mask"][3] == 0
            chosen = 3
        else:
            chosen = np.ones(50, np.float32)
        _, _, _, truncated, info = env.step(chosen)
    assert info["kpi"]["updates"] == 4.0
    assert tuple(info["kpi"]) == kpi.NAMES
    assert info["disallowed_actions"] == disallowed == (8 if action == "pick" else 0)
    if action == "pick":
        assert info["action_mask"].tolist() == [0] * 50 + [1]
