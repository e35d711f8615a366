"""Default settings of learners of right-time synchronisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LOGGED_POLICY = "oldest-first"
"""A function of the observed ages, and better than the round robin that runs today, whose turn the
observation does not show."""

_TWIN = {"clone_epochs": 60}
_PPO_FROM_TWIN = _TWIN | {"n_steps": 32}


def settings_of(scenario: object, agent: str) -> Mapping[str, Any]:
    """What differs for an agent from the settings of all kinds, by name.

    Args:
        scenario: what is learned on.
        agent: its name.

    Returns:
        Of a twin, more passes over its log: ages of many entities differ little. For PPO from a
        twin, short rollouts, which make updates enough.
    """
    if agent.endswith("ppo-twin"):
        return _PPO_FROM_TWIN
    return _TWIN if agent == "clone" or agent.endswith("-twin") else {}
