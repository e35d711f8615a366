"""Default settings of learners of right-time synchronisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LOGGED_POLICY = "oldest-first"
"""A function of the observed ages, and better than the round robin that runs today, whose turn the
observation does not show."""

_FROM_TWIN = {"smoothing": 0.5}
_PPO_FROM_TWIN = _FROM_TWIN | {"n_steps": 32}


def settings_of(scenario: object, agent: str) -> Mapping[str, Any]:
    """What differs for an agent from the settings of all kinds, by name.

    Args:
        scenario: what is learned on.
        agent: its name.

    Returns:
        From a twin: of many entities each needs a share of what smoothing leaves; short rollouts
        make updates enough for PPO.
    """
    if agent.endswith("ppo-twin"):
        return _PPO_FROM_TWIN
    return _FROM_TWIN if agent.endswith("-twin") else {}
