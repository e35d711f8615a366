"""The class docstring is the page of the environment: it must have every part, and the fields."""

import gymnasium
import numpy as np
import pytest

from twin_gym.environments.slice_admission.env import SliceAdmissionEnv
from twin_gym.environments.slice_admission.observation import FIELDS

HEADINGS = (
    "Story",
    "State",
    "Action Space",
    "Observation Space",
    "Dynamics",
    "Reward",
    "Starting State",
    "Episode End",
    "Info",
    "Arguments",
    "Known answers",
    "References",
    "Version History",
)


def test_docstring_has_every_heading_in_order() -> None:
    """A reader finds each part where the parts of every environment are."""
    text = SliceAdmissionEnv.__doc__ or ""
    places = [text.find(f"## {heading}\n") for heading in HEADINGS]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_docstring_lists_every_observed_field(field) -> None:
    """The table of the docstring is made from the list that makes the space."""
    assert f"| `{field.name}` | {field.per} | {field.meaning} |" in (
        SliceAdmissionEnv.__doc__ or ""
    )


def test_human_mode_draws_at_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    """Gymnasium expects `human` to draw without being asked."""
    env = gymnasium.make("twin_gym/SliceAdmission-v0", render_mode="human")
    env.reset(seed=0)
    first = capsys.readouterr().out
    env.step(np.int64(0))
    assert first
    assert capsys.readouterr().out
    env.close()
