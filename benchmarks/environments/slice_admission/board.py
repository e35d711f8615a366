"""The description of slice admission on the board, and the length of its short episodes."""

from __future__ import annotations

from twin_gym.environments.slice_admission.scenario import AdmissionScenario

TITLE = "Slice admission"
INDICATORS = {
    "utilisation": "utilisation",
    "fairness": "fairness",
    "loss_ratio": "loss",
    "mean_wait_s": "mean wait",
}
SHORT_HOLDING_TIMES = 45.0
"""After so many mean holding times a network has settled."""


def short_horizon_s(scenario: AdmissionScenario) -> float:
    """Length of the episodes that curves and studies are judged on."""
    return min(scenario.horizon_s, SHORT_HOLDING_TIMES * scenario.mean_holding_time_s)


def num_events(scenario: AdmissionScenario) -> float:
    """Requests of an episode, on average."""
    return sum(one.arrival_rate_hz for one in scenario.slices) * scenario.horizon_s
