"""The description of tiny instant communication on the board."""

from __future__ import annotations

TITLE = "Tiny instant communication"
INDICATORS = {
    "on_time_share": "on time",
    "loss_ratio": "loss",
    "latency_p999_s": "99.9 % latency",
    "throughput_stability": "stability of throughput",
    "grant_utilisation": "grant utilisation",
}
