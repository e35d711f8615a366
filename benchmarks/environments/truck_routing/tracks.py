"""Tracks of truck routing: which bin is worth the way, seen through sensors that are late."""

from __future__ import annotations

from benchmarks.protocol import Track

_STEPS = 131_072
_PICKS = {
    "truck-grid-20": "20 bins, one truck that is hardly enough: any bin, or back to the depot.",
    "truck-grid-50": "50 bins that fill in two and a half days, one truck: any bin, or back.",
    "truck-grid-50-fleet": "The same bins, two trucks in shifts of half the length.",
    "truck-edinburgh-30": "30 of Edinburgh's sensored bins on its roads: any bin, or back.",
    "truck-edinburgh-100": "100 of Edinburgh's sensored bins on its roads: any bin, or back.",
}
_CANDIDATES = {
    "truck-edinburgh-calibrated": "100 bins as Edinburgh's: one of the ten nearest, or back.",
}
_WORLDS = {"truck-edinburgh-100": 8}
"""Planners take seconds an episode."""

TRACKS = tuple(
    Track(
        name, title, (name,), (name,), _STEPS,
        environment="twin_gym/TruckRouting-v0", objective="balanced", action=action,
        worlds=_WORLDS.get(name, 16),
    )
    for group, action in ((_PICKS, "pick"), (_CANDIDATES, "nearest"))
    for name, title in group.items()
)  # fmt: skip
