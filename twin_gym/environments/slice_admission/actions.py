"""Actions of slice admission: a slice, or a position in a queue."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.forms import ActionForm, Names
from twin_gym.environments.slice_admission.observation import field_names
from twin_gym.environments.slice_admission.scenario import AdmissionScenario


def _by_slice(scenario: AdmissionScenario) -> tuple[Names, NDArray[np.int64]]:
    names = (*scenario.slice_names, "wait")
    return names, np.arange(len(names))


def _by_slice_of_place(scenario: AdmissionScenario) -> tuple[Names, NDArray[np.int64]]:
    """Places of the queues are counted by their slice."""
    names, by_slice = _by_slice(scenario)
    places = [*(max(one.queue_limit, 1) for one in scenario.slices), 1]
    return names, np.repeat(by_slice, places)


# The number of actions follows from the fields, and may change with the queues.
ACTION_FORMS = (
    ActionForm(
        "slice",
        field_names=lambda scenario: field_names(scenario, "slice"),
        action_names=lambda _: (),
        is_masked=True,
        mask_group="admissible",
        classes=_by_slice,
    ),
    ActionForm(
        "slot",
        field_names=lambda scenario: field_names(scenario, "slot"),
        action_names=lambda _: (),
        is_masked=True,
        classes=_by_slice_of_place,
        by_position=True,
    ),
)
"""The forms, the default first."""
