"""Default settings of learners of right-time synchronisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LOGGED_POLICY = "oldest-first"
"""A function of the observed ages, and better than the round robin that runs today, whose turn the
observation does not show."""

_TWIN = {"smoothing": 0.5, "temperature": 1.0, "clone_epochs": 60}
"""A score that tells ages sharply apart is learned away from slowly: smoothing makes it flat, where
a temperature divides one that is steep, and with more passes it is as faithful."""
_PPO_FROM_TWIN = _TWIN | {"n_steps": 32}


def settings_of(scenario: object, agent: str) -> Mapping[str, Any]:
    """What differs for an agent from the settings of all kinds, by name.

    Args:
        scenario: what is learned on.
        agent: its name.

    Returns:
        Of a twin, how its log is learned. Of PPO from one, short rollouts, which make updates
        enough.
    """
    if agent.endswith("ppo-twin"):
        return _PPO_FROM_TWIN
    return _TWIN if agent == "clone" or agent.endswith("-twin") else {}
