"""Default settings of learners of slice admission."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.scenario.laws import Daily

_FROM_TWIN = {"smoothing": 0.6, "learning_rate": 1.5e-3}
_OF_DAYS = {"n_envs": 64, "n_steps": 32, "n_epochs": 6}


def settings_of(scenario: AdmissionScenario, agent: str) -> Mapping[str, Any]:
    """What differs for an agent from the settings of all kinds, by name.

    Args:
        scenario: what is learned on.
        agent: its name.

    Returns:
        Nothing but for PPO from a twin: its twin is smoothed much, for a default policy that never
        turns a slice away must be tried otherwise; where requests follow the hours of a day, few
        decisions are made in a rollout, and each rollout is gone through more often.
    """
    if not agent.endswith("ppo-twin"):
        return {}
    is_of_days = scenario.trace is not None or any(
        isinstance(one.arrival, Daily) for one in scenario.slices
    )
    return _FROM_TWIN | (_OF_DAYS if is_of_days else {})
