"""The description of right-time synchronisation on the board."""

from __future__ import annotations

TITLE = "Right-time synchronisation"
INDICATORS = {
    "scenario_accuracy": "accuracy of the twin",
    "mean_age_s": "mean age",
    "alignment_ratio": "alignment of the twin",
    "updates": "updates",
}
COUNTS = frozenset({"updates"})
