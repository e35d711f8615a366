"""A lower bound on the cost of an episode, which holds for planners with perfect information too.

Whatever trucks do in a world is a point of the linear programme below, and it costs no less than
the programme says. A policy that does not know the world cannot do better in it than one that does,
so the mean over worlds of the least costs bounds the mean cost of every policy (information
relaxation without a penalty; D. B. Brown, J. E. Smith, P. Sun 2010, Information relaxations and
duality in stochastic dynamic programs).

*Visits.* A bin is emptied at the ends of stops, at the earliest when a truck can have come from the
depot and at the latest when it can still return. Divide each shift into parts. For each bin, the
parts in which it is emptied are the inner nodes of a path from the beginning to the horizon, and a
path is a flow of one unit over arcs f. Between the last visit in part a and the first one in a
later part b at least v litres are thrown in, those from the latest time of a to the earliest time
of b. Whatever was left in the bin at a, at least (v - c)^+ of them find no room in the capacity c.
So the overflow costs at least the sum of these over the arcs, times the penalty.

*Tours.* Count by shift how often the way between two places is driven (x), the stops at each bin
(y) and the trips from the depot and back to it (z). Every truck is back at the depot when the shift
ends, for no stop is allowed that leaves no time for that. So Σ of x at a bin is 2 y, and 2 z at the
depot. A bin is stopped at in every part in which it is emptied: y >= Σ of f into its parts.
Driving, stops and unloading after each trip take at most the time of all trucks. If a bin of a set
is visited in a shift, some trip crosses the border of the set twice: Σ of x across it >= 2 (Σ of f
into the shift from before it, which is 1 for a visited bin).

*Loads.* Let q be what is collected from a bin in a shift and r >= 0 what is left in it when a shift
ends, if it was visited. With the arc of a visited bin, its content at the first visit of a shift is
at least min(c, v) + r' - e with r' what was left, if e >= 0 of the overflow is put down to r'. This
is true for e = (w - (v' - min(c, v)))^+, with v' >= v the litres that were thrown in and w those
that overflowed, and then (v - c)^+ + e <= w, so that e may be charged beside the arc. As no bin
holds more than c, r' - e <= c - min(c, v). A trip holds one truck load: Σ q <= z loads, and across
the border of a set Σ of x >= 2 Σ q over it in loads.

*Parts.* If a truck ends stops within some parts of a shift, then from the first of these ends to
the last one it needs for each stop its service and at least the shortest way to that bin.

The cost of kilometres and stops is linear in x and y. That x, y, z and f are whole numbers is given
up, and cuts for sets of bins are added where they are violated. The bound is proven by the prices
of the rows, whatever the tolerances of the solver (see `LinearProgramme`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from twin_gym.environments.truck_routing.theory.known_episode import KnownEpisode
from twin_gym.environments.truck_routing.theory.linear_programme import Solution
from twin_gym.environments.truck_routing.theory.relaxation import Relaxation
from twin_gym.environments.truck_routing.theory.subtours import overloaded_sets, subtour_sets
from twin_gym.errors import ConfigError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_NEAREST = 8
"""Ways from a bin to so many others are in use from the first round on."""
_VIOLATION = 1e-3
_NEGATIVE = 1e-7
_NEW_COLUMNS = 2_000
_MOST_ROUNDS = 80
_PATIENCE = 4
"""Rounds over which a gain is measured, and for which a cut of no effect is kept."""


@dataclass(frozen=True)
class CostBound:
    """A lower bound on the cost of an episode, and where it lies.

    Attributes:
        cost: no sequence of decisions costs less.
        km: kilometres driven in the relaxed optimum.
        stops: in it; they need not be a whole number, as what follows.
        trips: from the depot and back to it.
        overflow_l: litres that find no room.
        rounds: linear programmes that were solved.
        num_cuts: in the last one.
    """

    cost: float
    km: float
    stops: float
    trips: float
    overflow_l: float
    rounds: int
    num_cuts: int


@dataclass
class _Cut:
    """An added row.

    Attributes:
        row: see `LinearProgramme.solve`.
        idle_rounds: in which it has made no difference, up to now.
    """

    row: csr_array
    idle_rounds: int = 0


def least_cost_bound(
    episode: KnownEpisode, *, parts_per_shift: int = 1, relative_gain: float = 3e-4
) -> CostBound:
    """A lower bound on the cost of an episode of which everything is known (see the module).

    Args:
        episode: with everything known.
        parts_per_shift: parts of a shift by which the times of visits are told apart, >= 1. More
            of them bring a tighter bound in more time.
        relative_gain: it ends when four rounds together gain less than this share.

    Returns:
        The bound. All numbers repeat exactly with the same version of the solver.

    Raises:
        ConfigError: if there is no part, or a stop takes no time.
        TwinGymError: if the solver fails.
    """
    if parts_per_shift < 1:
        raise ConfigError(f"`parts_per_shift` must be at least 1, got {parts_per_shift!r}")
    relaxation = Relaxation(episode, parts_per_shift)
    programme = relaxation.programme()
    in_use = _first_columns(relaxation)
    cuts: list[_Cut] = []
    best, optima = 0.0, []
    while True:
        found = programme.solve(in_use, [cut.row for cut in cuts])
        best = max(best, found.bound)
        optima.append(found.optimum)
        added = list(_violated_cuts(relaxation, found))
        missing = _columns_to_add(in_use, found)
        nothing_new = not added and not len(missing)
        if nothing_new or len(optima) == _MOST_ROUNDS or _ends(optima, best, relative_gain):
            return _described(relaxation, found, best, len(optima), len(cuts))
        in_use[missing] = True
        cuts = _still_useful(cuts, found) + added


def _ends(optima: list[float], best: float, relative_gain: float) -> bool:
    """Whether the last rounds gained little, and the bound is near the optimum in use."""
    least = optima[-1] * (1.0 - relative_gain)
    return len(optima) > _PATIENCE and optima[-1 - _PATIENCE] >= least and best >= least


def _first_columns(relaxation: Relaxation) -> Bools:
    """Columns in use at first: ways to the depot and the nearest bins; arcs of like parts."""
    episode, arcs = relaxation.episode, relaxation.given_arcs
    near = np.argsort(episode.distance_m[:-1, :-1], axis=1, kind="stable")[:, : _NEAREST + 1]
    pairs = relaxation.pair_of[np.arange(episode.num_bins)[:, None], near]
    drives = relaxation.ends[1] == episode.num_bins
    drives[pairs[pairs >= 0]] = True
    alike = arcs.first % arcs.parts_per_shift == arcs.second % arcs.parts_per_shift
    in_use = np.ones(relaxation.num_columns, bool)
    in_use[relaxation.driven] = drives
    in_use[relaxation.arcs] = alike | (arcs.first < 0) | (arcs.second == arcs.num_parts)
    return in_use


def _columns_to_add(in_use: Bools, found: Solution) -> NDArray[np.int64]:
    """Columns that are not in use and might lower the cost, the most promising ones."""
    missing = np.flatnonzero(~in_use & (found.reduced_costs < -_NEGATIVE))
    order = np.argsort(found.reduced_costs[missing], kind="stable")
    return missing[order[:_NEW_COLUMNS]]


def _still_useful(cuts: list[_Cut], found: Solution) -> list[_Cut]:
    """Cuts that made a difference of late."""
    for cut, price in zip(cuts, found.cut_prices, strict=True):
        cut.idle_rounds = 0 if price < 0.0 else cut.idle_rounds + 1
    return [cut for cut in cuts if cut.idle_rounds < _PATIENCE]


def _violated_cuts(relaxation: Relaxation, found: Solution) -> Iterator[_Cut]:
    """Cuts that the optimum violates, of all shifts."""
    for shift in range(len(relaxation.trips)):
        driven = found.values[relaxation.driven[shift]]
        weights = np.where(relaxation.pair_of < 0, 0.0, driven[relaxation.pair_of])
        visited = found.values[relaxation.visited[shift]]
        for members in subtour_sets(weights, visited, _VIOLATION):
            target = int(np.where(members, visited, -1.0).argmax())
            yield _Cut(relaxation.subtour_cut(shift, members, target))
        if np.isfinite(relaxation.episode.truck_capacity_l):
            loads = found.values[relaxation.taken[shift]]
            for members in overloaded_sets(weights, loads, _VIOLATION):
                yield _Cut(relaxation.load_cut(shift, members))


def _described(
    relaxation: Relaxation, found: Solution, best: float, rounds: int, num_cuts: int
) -> CostBound:
    """The bound with what the relaxed optimum does."""
    metres = relaxation.episode.distance_m[tuple(relaxation.ends)]
    litres = relaxation.given_arcs.least_overflow_l
    spilt = found.values[relaxation.spilt].sum() * relaxation.load_l
    return CostBound(
        best,
        float((found.values[relaxation.driven] @ metres).sum()) / 1_000.0,
        float(found.values[relaxation.stops].sum()),
        float(found.values[relaxation.trips].sum()),
        float(found.values[relaxation.arcs] @ litres + spilt),
        rounds,
        num_cuts,
    )
