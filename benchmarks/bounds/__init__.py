"""Upper bounds of what a policy can earn in an episode: what 100 means on the board."""

from benchmarks.bounds.kinds import bound_of
from benchmarks.bounds.tightest import Bound, tightest

__all__ = ["Bound", "bound_of", "tightest"]
