"""What a bin costs and holds between two visits: arcs of a path through the shifts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.truck_routing.theory.known_episode import KnownEpisode

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class VisitArcs:
    """Arcs between successive visits of the bins, one entry an arc.

    The nodes of a bin are the beginning of the episode (-1), the parts of the shifts in which it
    can be emptied (0 to parts - 1), and the horizon (parts). A path from the beginning to the
    horizon has the parts in which the bin is emptied as its inner nodes.

    Attributes:
        bins: which bin.
        first: the node from which the arc leads.
        second: the node to which it leads, greater than the first.
        least_overflow_l: litres that overflow between the last visit of the first part and the
            first visit of the second, at whatever times in them.
        least_content_l: litres that the bin holds at the first visit of the second part, or at the
            horizon, even if it was left empty at the last visit of the first.
        num_parts: parts of all shifts together.
        parts_per_shift: of each shift.
    """

    bins: Ints
    first: Ints
    second: Ints
    least_overflow_l: Floats
    least_content_l: Floats
    num_parts: int
    parts_per_shift: int

    @property
    def shift_of_first(self) -> Ints:
        """Shift of the first node; -1 for the beginning."""
        return self.first // self.parts_per_shift

    @property
    def shift_of_second(self) -> Ints:
        """Shift of the second node; the number of shifts for the horizon."""
        return self.second // self.parts_per_shift


def visit_arcs(episode: KnownEpisode, parts_per_shift: int = 1) -> VisitArcs:
    """All arcs between parts of shifts in which bins can be emptied.

    Between the latest time of the first part and the earliest one of the second, v litres are
    thrown in. A bin of capacity c that held r >= 0 at first holds at least min(c, v) then, and at
    least max(0, v - c) has overflowed.

    Args:
        episode: with everything known.
        parts_per_shift: parts of equal length that every shift is divided into.

    Returns:
        The arcs, by first node, then by second node, then by bin.
    """
    earliest, latest = episode.visit_windows(parts_per_shift)
    usable = earliest <= latest
    parts, bins = earliest.shape
    before = np.vstack([episode.thrown_in_until(0.0) - episode.initial_l,
                        episode.thrown_in_until(latest)])  # fmt: skip
    after = np.vstack([episode.thrown_in_until(earliest),
                       episode.thrown_in_until(episode.horizon_s)])  # fmt: skip
    edge = np.ones((1, bins), bool)
    leaves, enters = np.vstack([edge, usable]), np.vstack([usable, edge])
    at = np.arange(parts + 1)
    allowed = (at[:, None] <= at)[:, :, None] & leaves[:, None] & enters[None]
    first, second, of_bin = np.nonzero(allowed)
    inflow = np.maximum(after[second, of_bin] - before[first, of_bin], 0.0)
    capacity = episode.capacity_l[of_bin]
    return VisitArcs(
        of_bin,
        first - 1,
        second,
        np.maximum(inflow - capacity, 0.0),
        np.minimum(inflow, capacity),
        parts,
        parts_per_shift,
    )
