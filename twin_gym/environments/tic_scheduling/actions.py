"""Actions of TIC scheduling: the weights of a frame, or the queue of the next grant."""

from __future__ import annotations

from typing import Literal

from twin_gym.core.forms import NOBODY, ActionForm
from twin_gym.environments.tic_scheduling.observation import (
    WEIGHT_NAMES,
    field_names,
    pick_field_names,
    queue_names,
)

ActionName = Literal["weights", "pick"]

ACTION_FORMS = (
    ActionForm(
        "weights",
        field_names=lambda _: field_names(),
        action_names=lambda _: WEIGHT_NAMES,
        is_continuous=True,
    ),
    ActionForm(
        "pick",
        field_names=lambda scenario: pick_field_names(scenario.num_sensors),
        action_names=lambda scenario: (*queue_names(scenario.num_sensors), NOBODY),
        is_masked=True,
        mask_group="fill",
        candidate_groups=("slack", "fill", "channel"),
        common_groups=("grants", "phase", "time"),
    ),
)
"""The forms, the default first."""
