"""Default settings of learners of slice admission."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.scenario.laws import Daily

_FROM_TWIN = {"smoothing": 0.6, "learning_rate": 1.5e-3}
_OF_DAYS = {"n_envs": 64, "n_steps": 32, "n_epochs": 6}
_BY_THE_CLOCK = {
    "staggered": True, "anneal": True, "ent_coef": 0.02,
    "discount_holding_times": 8.0, "trace_holding_times": 2.4,
}  # fmt: skip
"""A rollout is a small part of a day. Networks that begin together show the same part of it all at
once: what is learned by day is unlearned by night, and the learner ends as a rule without a clock.
What to turn away pays later, and to admit all is a local optimum: longer credit, more entropy."""
_PPO_BY_THE_CLOCK = {"n_envs": 32, "n_steps": 128, "batch_size": 256, "learning_rate": 1e-3}


def settings_of(scenario: AdmissionScenario, agent: str) -> Mapping[str, Any]:
    """What differs for an agent from the settings of all kinds, by name.

    Args:
        scenario: what is learned on.
        agent: its name.

    Returns:
        Of PPO from a twin: its twin is smoothed much, for a default policy that never turns a slice
        away must be tried otherwise; where requests follow the hours of a day, few decisions are
        made in a rollout, and each rollout is gone through more often. Of all that learn by
        themselves, where a slice is absent at some hours: networks at different hours, longer
        credit. Nothing otherwise.
    """
    profiles = [one.arrival for one in scenario.slices if isinstance(one.arrival, Daily)]
    settings: dict[str, Any] = {}
    if agent.endswith("ppo-twin"):
        is_of_days = scenario.trace is not None or bool(profiles)
        settings |= _FROM_TWIN | (_OF_DAYS if is_of_days else {})
    if agent != "clone" and any(0.0 in one.factors for one in profiles):
        settings |= _BY_THE_CLOCK | (_PPO_BY_THE_CLOCK if agent.endswith("ppo") else {})
    return settings
