"""Tracks of truck routing: which bin is worth the way, seen through sensors that are late."""

from __future__ import annotations

from benchmarks.protocol import Track

_STEPS = 131_072
_FORMS = {
    "truck-grid-20": ("truck-grid-20", "pick"),
    "truck-grid-20-nearest": ("truck-grid-20", "nearest"),
    "truck-edinburgh-30": ("truck-edinburgh-30", "pick"),
}
"""By track, its scenario and the form of the actions."""

_TITLES = {
    "truck-grid-20": "20 bins, one truck that is hardly enough: any bin, or back to the depot.",
    "truck-grid-20-nearest": "The same bins: one of the ten nearest that are worth it, or back.",
    "truck-edinburgh-30": "30 of Edinburgh's sensored bins on its roads: any bin, or back.",
}

TRACKS = tuple(
    Track(
        name, _TITLES[name], (scenario,), (scenario,), _STEPS,
        environment="twin_gym/TruckRouting-v0", objective="balanced", action=action, worlds=16,
    )
    for name, (scenario, action) in _FORMS.items()
)  # fmt: skip
"""Bounds of 50 bins and more take many minutes: those scenarios are left to experiments."""
