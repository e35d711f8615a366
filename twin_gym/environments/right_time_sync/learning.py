"""Default settings of learners of right-time synchronisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PPO_TWIN = {"smoothing": 0.5, "n_steps": 32}


def settings_of(scenario: object, agent: str) -> Mapping[str, Any]:
    """What differs for an agent from the settings of all kinds, by name.

    Args:
        scenario: what is learned on.
        agent: its name.

    Returns:
        For PPO from a twin: of many entities each needs a share of what smoothing leaves, and short
        rollouts make updates enough.
    """
    return _PPO_TWIN if agent.endswith("ppo-twin") else {}
