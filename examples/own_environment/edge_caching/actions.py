"""Observation and action: one list of fields, and the place that a missed item takes."""

from __future__ import annotations

from edge_caching.scenario import CachingScenario
from twin_gym.core.forms import NOBODY, ActionForm


def field_names(scenario: CachingScenario) -> tuple[str, ...]:
    """Names of the observed values; a value is in [0, 1].

    `age/place k`: requests since its item was asked for, x / (x + places). `uses/place k` and
    `uses of the request`: how often the item was asked for, x / (x + 10). `miss`: whether the item
    asked for is not cached. `time`: share of the episode that is over.
    """
    places = range(scenario.num_places)
    ages = (f"age/place {k}" for k in places)
    uses = (f"uses/place {k}" for k in places)
    return (*ages, *uses, "uses of the request", "miss", "time")


def action_names(scenario: CachingScenario) -> tuple[str, ...]:
    """A place a number; the last action leaves the cache as it is."""
    return (*(f"replace place {k}" for k in range(scenario.num_places)), NOBODY)


ACTION_FORMS = (
    ActionForm("replace", field_names, action_names, is_masked=True, mask_group="miss"),
)
