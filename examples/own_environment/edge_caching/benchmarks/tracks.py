"""Tracks of edge caching."""

from benchmarks.protocol import Track
from edge_caching import KIND

TRACKS = (
    Track(
        "caching-small", "50 items by Zipf's law, of which 8 fit.",
        ("caching-small",), ("caching-small",), 65_536, environment=KIND.id, objective="hit",
    ),
)  # fmt: skip
