"""Tracks of right-time synchronisation: whose update is worth the slot."""

from __future__ import annotations

from benchmarks.protocol import Track

_STEPS = 65_536
_ENVIRONMENT, _OBJECTIVE = "twin_gym/RightTimeSync-v0", "balanced"

TRACKS = (
    Track(
        "sync-small",
        "50 entities whose rates differ a hundredfold, one update a slot.",
        ("sync-small",),
        ("sync-small",),
        _STEPS,
        environment=_ENVIRONMENT,
        objective=_OBJECTIVE,
        action="pick",
    ),
    Track(
        "sync-rounds",
        "Twelve rounds of twinning: whom nobody has heard of comes first, as is proven.",
        ("sync-rounds",),
        ("sync-rounds",),
        0,
        environment=_ENVIRONMENT,
        objective=_OBJECTIVE,
        action="rounds",
    ),
    Track(
        "sync-beijing-calibrated",
        "The air of Beijing by laws that were fitted to it, one update an hour.",
        ("sync-beijing-calibrated",),
        ("sync-beijing-calibrated",),
        _STEPS,
        environment=_ENVIRONMENT,
        objective=_OBJECTIVE,
        action="pick",
    ),
    Track(
        "sync-beijing",
        "Replay of the air at twelve stations: rates are unknown, one update an hour.",
        ("sync-beijing",),
        ("sync-beijing",),
        _STEPS,
        environment=_ENVIRONMENT,
        objective=_OBJECTIVE,
        worlds=128,
        action="pick",
    ),
)
"""Nobody is trained on `sync-rounds`: a rule is within a hair of what is proven."""
