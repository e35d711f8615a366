"""The description of massive access on the board."""

from __future__ import annotations

TITLE = "Massive access"
INDICATORS = {
    "access_success_probability": "access success",
    "mean_delay_s": "mean delay",
    "p95_delay_s": "95 % delay",
}
