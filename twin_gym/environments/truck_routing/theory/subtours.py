"""Cuts for tours from a depot: sets of bins that too little leads into."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, maximum_flow

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
        Members, shape (N,), each set once.
    """
    depot = len(visited)
    capacities = np.round(weights / _UNIT).astype(np.int32)
    graph = csr_array(capacities)
    seen: set[bytes] = set()
    for target in np.argsort(-visited, kind="stable"):
        needed = 2.0 * visited[target]
        if visited[target] < _LEAST_VISITED:
            break
        members = np.zeros(depot, bool)
        if capacities[target].any():
            found = maximum_flow(graph, depot, int(target))
            if found.flow_value * _UNIT >= needed - tolerance:
                continue
            members = _side_of(csr_array(graph - found.flow), int(target))[:depot]
        members[target] = True
        if members.tobytes() not in seen:
            seen.add(members.tobytes())
            yield members


def overloaded_sets(weights: Floats, loads: Floats, tolerance: float) -> Iterator[Bools]:
    """Sets of bins with too little leading into them for what is collected in them.

    Each trip that collects in a set crosses its border at least twice and holds one truck load:
    Σ of the weights across it >= 2 Σ loads. The most violated set is a minimum cut between the
    depot and a source that leads to each bin by twice its load. Parts of it that nothing leads
    between share its violation, so that each is a set of its own. Bins of sets that were found are
    then left out, and it is asked again.

    Args:
        weights: as above.
        loads: truck loads collected from each bin, not negative; shape (N,).
        tolerance: of the violation.

    Yields:
        Members, shape (N,).
    """
    depot, left = len(loads), loads.copy()
    while left.any():
        extended = np.zeros((depot + 2, depot + 2))
        extended[:-1, :-1] = weights
        extended[-1, :depot] = 2.0 * left
        graph = csr_array(np.round(extended / _UNIT).astype(np.int32))
        found = maximum_flow(graph, depot + 1, depot)
        if found.flow_value * _UNIT >= 2.0 * left.sum() - tolerance:
            return
        members = _side_of(csr_array((graph - found.flow).T), depot + 1)[:depot]
        for part in _parts(weights, members):
            inside = np.append(part, False)
            across = weights[inside][:, ~inside].sum()
            if across < 2.0 * loads[part].sum() - tolerance:
                yield part
        if not left[members].any():
            return
        left[members] = 0.0


def _parts(weights: Floats, members: Bools) -> Iterator[Bools]:
    """Parts of a set that no weights lead between."""
    numbers = np.flatnonzero(members)
    between = csr_array(np.where(weights > _UNIT, 1.0, 0.0)[np.ix_(numbers, numbers)])
    count, label = connected_components(between, directed=False)
    for one in range(count):
        part = np.zeros(len(members), bool)
        part[numbers[label == one]] = True
        yield part


def _side_of(residual: csr_array, node: int) -> Bools:
    """Nodes from which a node can still be reached through what a flow leaves free."""
    free = csr_array(residual.T)
    free.eliminate_zeros()
    order = breadth_first_order(free, node, return_predecessors=False)
    members = np.zeros(residual.shape[0], bool)
    members[order] = True
    return members
