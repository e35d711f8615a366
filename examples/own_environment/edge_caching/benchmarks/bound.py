"""Upper bound of edge caching: the hit rate of a cache that holds the most popular items."""

from benchmarks.bounds.bound import Bound
from edge_caching.scenario import CachingScenario
from edge_caching.theory import most_hits

OBJECTIVE = "hit"


def bound_of(scenario: CachingScenario, action: str | None = None) -> Bound:
    """Hits a second of a cache of the most popular items; the same for every form of the action."""
    proof = "edge_caching.theory.most_hits: requests are independent of what is cached"
    return Bound("service ceiling", most_hits(scenario) / scenario.slot_s, 0.0, proof)
