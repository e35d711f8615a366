"""Actions of synchronisation: one entity or nobody, or a score for each of a round."""

from __future__ import annotations

from typing import Literal

from twin_gym.core.forms import NOBODY, ActionForm
from twin_gym.environments.right_time_sync.observation import field_names

ActionName = Literal["pick", "rounds"]

ACTION_FORMS = (
    ActionForm(
        "pick",
        field_names=field_names,
        action_names=lambda scenario: (*scenario.entity_names, NOBODY),
        is_masked=True,
        mask_group="budget",
        candidate_groups=("age", "rate", "change"),
        common_groups=("budget", "time"),
    ),
    ActionForm(
        "rounds",
        field_names=field_names,
        action_names=lambda scenario: scenario.entity_names,
        is_continuous=True,
    ),
)
"""The forms, the default first."""
