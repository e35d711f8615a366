"""Settings of learners that tuning found, by agent and track."""

from __future__ import annotations

from typing import Any

from benchmarks.protocol import Track


def tuned_settings(agent: str, track: Track) -> dict[str, Any]:
    """What differs from the defaults of `TrainSettings`.

    Args:
        agent: name of a learner.
        track: where it learns.

    Returns:
        Names and values for `TrainSettings.with_`; empty where the defaults stay.
    """
    return {}
