"""Actions of massive access: a level of the barring probability, or the probability."""

from __future__ import annotations

from typing import Literal

from twin_gym.core.forms import ActionForm
from twin_gym.environments.massive_access.observation import field_names

ActionName = Literal["level", "probability"]

ACTION_FORMS = (
    ActionForm(
        "level",
        field_names=lambda _: field_names(),
        action_names=lambda scenario: tuple(
            f"barring {level:.9g}" for level in scenario.barring_probabilities
        ),
    ),
    ActionForm(
        "probability",
        field_names=lambda _: field_names(),
        action_names=lambda _: ("barring",),
        is_continuous=True,
    ),
)
"""The forms, the default first."""
