"""Exact results of edge caching."""

from __future__ import annotations

from edge_caching.scenario import CachingScenario


def most_hits(scenario: CachingScenario) -> float:
    """The highest hit probability of a request: that of a cache of the most popular items.

    A request is independent of what is cached, so that its chance of a hit is the sum of the
    popularity of the items held, which is greatest for the most popular ones.

    Args:
        scenario: of the cache.

    Returns:
        In (0, 1); no policy exceeds it on average in any slot.
    """
    return float(scenario.popularity[: scenario.num_places].sum())
