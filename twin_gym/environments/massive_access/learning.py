"""Default settings of learners of barring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twin_gym.core.credit import Credit

CREDIT = Credit("slot", discount=3.0, trace=1.0)
"""Whom a barring probability lets through shows in the same opportunity, and the genie, which looks
no further, is near the bound: longer credit has more noise and nothing more to say."""


def settings_of(scenario: object, agent: str) -> Mapping[str, Any]:
    """What differs for an agent from the settings of all kinds, by name.

    Args:
        scenario: what is learned on.
        agent: its name.

    Returns:
        For A2C from a twin, rollouts as short as credit is: many small updates tell busy
        opportunities from idle ones, where a few large ones let everybody through in all.
    """
    is_a2c_from_twin = agent.startswith("a2c") and agent.endswith("-twin")
    return {"n_steps": 4} if is_a2c_from_twin else {}
