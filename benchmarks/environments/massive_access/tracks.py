"""Tracks of massive access: a barring probability each 5 ms, and a backlog that nobody sees."""

from __future__ import annotations

from benchmarks.protocol import Track

_STEPS = 65_536

_WHERE = {
    "access-large-45": "450 of 1,000 devices ask at one moment, which nobody foretells.",
    "access-large-70": "700 of 1,000 devices ask at one moment, which nobody foretells.",
    "access-beta-30000": "30,000 devices within ten seconds: collapse without barring.",
}

TRACKS = tuple(
    Track(
        name, title, (name,), (name,), _STEPS,
        environment="twin_gym/MassiveAccess-v0", objective="balanced",
    )
    for name, title in _WHERE.items()
)  # fmt: skip
