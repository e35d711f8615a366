"""What clients do to other packages is undone after each test."""

import gymnasium
import pytest


@pytest.fixture(autouse=True)
def usual_time_limit(monkeypatch):
    """Importing rl_zoo3 replaces the time limit of Gymnasium, for the tests after it, too."""
    for module in (gymnasium.wrappers, gymnasium.wrappers.common):
        monkeypatch.setattr(module, "TimeLimit", module.TimeLimit)
