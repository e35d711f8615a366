"""Actions of truck routing: the next bin, or one of the nearest that are worth it, or the depot."""

from __future__ import annotations

from typing import Literal

from twin_gym.core.forms import ActionForm
from twin_gym.environments.truck_routing.observation import (
    BIN_FIELDS,
    TRUCK_FIELDS,
    candidate_field_names,
    candidate_names,
    field_names,
)

ActionName = Literal["pick", "nearest"]

_OF_BINS = tuple(one.name for one in BIN_FIELDS)
_OF_THE_TRUCK = tuple(one.name for one in TRUCK_FIELDS)

ACTION_FORMS = (
    ActionForm(
        "pick",
        field_names=field_names,
        action_names=lambda scenario: scenario.place_names,
        is_masked=True,
        mask_group="allowed",
        candidate_groups=_OF_BINS,
        common_groups=_OF_THE_TRUCK,
    ),
    ActionForm(
        "nearest",
        field_names=candidate_field_names,
        action_names=lambda scenario: (*candidate_names(scenario), "depot"),
        is_masked=True,
        mask_group="allowed",
        candidate_groups=_OF_BINS,
        common_groups=_OF_THE_TRUCK,
    ),
)
"""The forms, the default first."""
