"""The description of truck routing on the board."""

from __future__ import annotations

TITLE = "Truck routing"
INDICATORS = {
    "service_level": "service level",
    "overflow_l": "overflow",
    "distance_km": "driven",
    "stops": "stops",
    "wasted_stops": "wasted stops",
    "fill_at_stop": "fill at a stop",
}
COUNTS = frozenset({"stops", "wasted_stops"})
