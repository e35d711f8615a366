"""The track of what can be learned from a log alone, without another step of the network."""

from __future__ import annotations

from benchmarks.protocol import LoggedData, Track

TRACKS = (
    Track(
        "offline",
        "Learn from 100,000 logged decisions of density, three in ten drawn at random.",
        ("contention",),
        ("contention",),
        0,
        data=LoggedData("density", 0.3, 100_000),
    ),
)
