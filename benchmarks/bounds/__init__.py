"""Upper bounds of what a policy can earn in an episode: what 100 means on the board."""

from benchmarks.bounds.bound import Bound, bound_of

__all__ = ["Bound", "bound_of"]
