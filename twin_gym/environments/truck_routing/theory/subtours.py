"""Cuts for tours from a depot: sets of bins that too little leads into."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_UNIT = 1e-6
"""Weights are rounded to this for the maximum flow, which is in whole numbers."""
_LEAST_VISITED = 1e-3


def subtour_sets(weights: Floats, visited: Floats, tolerance: float) -> Iterator[Bools]:
    """Sets of bins with too little leading into them for one of their bins to be visited.

    A tour from the depot that visits a bin of a set crosses the border of the set at least twice:
    Σ of the weights across it >= 2 visited (generalised subtour elimination; M. Fischetti,
    J. J. Salazar González, P. Toth 1998, Solving the orienteering problem through branch-and-cut).
    The most violated set for a bin is a minimum cut between the depot and the bin.

    Args:
        weights: how often each way between two places is driven; symmetric, shape (N + 1, N + 1),
            the depot last.
        visited: share of each bin, in [0, 1]; shape (N,).
        tolerance: of the violation.

    Yields:
        Members, shape (N,). Only the bin with the largest share in each set was asked for.
    """
    depot = len(visited)
    capacities = np.round(weights / _UNIT).astype(np.int32)
    graph = csr_array(capacities)
    seen = np.zeros(depot, bool)
    for target in np.argsort(-visited, kind="stable"):
        needed = 2.0 * visited[target]
        if visited[target] < _LEAST_VISITED or seen[target]:
            continue
        members = np.zeros(depot, bool)
        if capacities[target].any():
            found = maximum_flow(graph, depot, int(target))
            if found.flow_value * _UNIT >= needed - tolerance:
                continue
            members = _side_of(graph - found.flow, int(target))[:depot]
        members[target] = True
        seen |= members
        yield members


def overloaded_set(weights: Floats, trips: Floats, tolerance: float) -> Bools | None:
    """The set of bins with least leading into it for what is collected in it.

    Each trip that collects in a set crosses its border at least twice and holds one truck load:
    Σ of the weights across it >= 2 Σ loads. The most violated set is a minimum cut between the
    depot and a source that leads to each bin by twice its load.

    Args:
        weights: as above.
        trips: truck loads collected from each bin, not negative; shape (N,).
        tolerance: of the violation.

    Returns:
        Members, shape (N,); None if no set is violated.
    """
    depot = len(trips)
    extended = np.zeros((depot + 2, depot + 2))
    extended[:-1, :-1] = weights
    extended[-1, :depot] = 2.0 * trips
    graph = csr_array(np.round(extended / _UNIT).astype(np.int32))
    found = maximum_flow(graph, depot + 1, depot)
    if found.flow_value * _UNIT >= 2.0 * trips.sum() - tolerance:
        return None
    members: Bools = _side_of((graph - found.flow).T.tocsr(), depot + 1)[:depot]
    return members if members.any() else None


def _side_of(residual: csr_array, node: int) -> Bools:
    """Nodes from which a node can still be reached through what a flow leaves free."""
    free = csr_array(residual.T)
    free.eliminate_zeros()
    order = breadth_first_order(free, node, return_predecessors=False)
    members = np.zeros(residual.shape[0], bool)
    members[order] = True
    return members
