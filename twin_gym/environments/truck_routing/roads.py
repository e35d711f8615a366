"""The roads of a scenario, and the distances that trucks drive on them.

==========  =========================================================================
law         roads
==========  =========================================================================
`straight`  none: beelines, longer by a detour factor
`grid`      straight streets at equal distances in both directions
`file`      a road network, read from CSV or GraphML; shortest paths
==========  =========================================================================

On a grid and on a network a point is joined to the nearest crossing, and a truck drives the way to
it too, so that distances obey the triangle inequality.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from twin_gym.environments.truck_routing.road_files import (
    RoadFile,
    nearest_nodes,
    read_roads,
    shortest_ways_m,
)
from twin_gym.errors import ConfigError
from twin_gym.scenario.base import FrozenModel

Length = Annotated[float, Field(strict=True, ge=1.0, le=1e6, allow_inf_nan=False)]
Floats = NDArray[np.float64]


class StraightRoads(FrozenModel):
    """Beelines, longer by a factor.

    Attributes:
        detour: length of a way over the length of the beeline.
    """

    law: Literal["straight"] = "straight"
    detour: Annotated[float, Field(strict=True, ge=1, le=10, allow_inf_nan=False)] = 1.3


class GridRoads(FrozenModel):
    """Streets at equal distances; the crossings lie at multiples of `block_m` from the origin.

    Attributes:
        columns: streets that run north.
        rows: streets that run east.
        block_m: from one crossing to the next.
    """

    law: Literal["grid"] = "grid"
    columns: Annotated[int, Field(strict=True, ge=1, le=1000)]
    rows: Annotated[int, Field(strict=True, ge=1, le=1000)]
    block_m: Length


Roads = Annotated[StraightRoads | GridRoads | RoadFile, Field(discriminator="law")]


def distances_m(
    roads: StraightRoads | GridRoads | RoadFile, x_m: Floats, y_m: Floats, names: Sequence[str] = ()
) -> Floats:
    """Lengths of the shortest ways between points.

    Args:
        roads: that are driven on.
        x_m: eastings of the points; shape (points,).
        y_m: northings; shape (points,).
        names: how errors call the points, in order; the rest are called by their numbers.

    Returns:
        Metres, symmetric, 0 on the diagonal, read-only; shape (points, points).

    Raises:
        ConfigError: if a point lies too far from the roads.
        TraceError: if a file is not there, breaks its format, or holds roads that are not
            connected.

    Example:
        >>> grid = GridRoads(columns=3, rows=3, block_m=100.0)
        >>> distances_m(grid, np.array([0.0, 200.0]), np.array([0.0, 100.0]))[0, 1]
        np.float64(300.0)
    """
    if isinstance(roads, StraightRoads):
        beelines = np.sqrt((x_m[:, None] - x_m) ** 2 + (y_m[:, None] - y_m) ** 2)
        return _frozen(roads.detour * beelines)
    if isinstance(roads, GridRoads):
        return _frozen(_on_grid(roads, x_m, y_m, names))
    network = read_roads(roads)
    nodes, way_m = nearest_nodes(network, x_m, y_m)
    check_near(way_m, roads.snap_limit_m, names, "move it, or raise `snap_limit_m`")
    return _frozen(joined(shortest_ways_m(network, nodes), way_m))


def road_lines(roads: StraightRoads | GridRoads | RoadFile) -> Floats:
    """The streets as straight lines, for pictures.

    Args:
        roads: straight ones have no lines.

    Returns:
        x and y of one end and of the other; shape (lines, 4).
    """
    if isinstance(roads, StraightRoads):
        return np.zeros((0, 4))
    if isinstance(roads, RoadFile):
        network = read_roads(roads)
        first, second = network.ends.T
        ends = (network.x_m[first], network.y_m[first], network.x_m[second], network.y_m[second])
        return np.column_stack(ends)
    right, top = (roads.columns - 1) * roads.block_m, (roads.rows - 1) * roads.block_m
    norths = [(k * roads.block_m, 0.0, k * roads.block_m, top) for k in range(roads.columns)]
    easts = [(0.0, k * roads.block_m, right, k * roads.block_m) for k in range(roads.rows)]
    return np.array(norths + easts)


def _on_grid(roads: GridRoads, x_m: Floats, y_m: Floats, names: Sequence[str]) -> Floats:
    column = np.clip(np.rint(x_m / roads.block_m), 0, roads.columns - 1)
    row = np.clip(np.rint(y_m / roads.block_m), 0, roads.rows - 1)
    way_m = np.abs(x_m - column * roads.block_m) + np.abs(y_m - row * roads.block_m)
    check_near(way_m, roads.block_m, names, "move it, or enlarge the grid")
    blocks = np.abs(column[:, None] - column) + np.abs(row[:, None] - row)
    return joined(blocks * roads.block_m, way_m)


def check_near(way_m: Floats, limit_m: float, names: Sequence[str], advice: str) -> None:
    """Refuses points that have no street.

    Args:
        way_m: from each point to its crossing; shape (points,).
        limit_m: longest allowed.
        names: of the points.
        advice: what to do.

    Raises:
        ConfigError: with the farthest point.
    """
    far = int(way_m.argmax())
    if way_m[far] > limit_m:
        name = repr(names[far]) if far < len(names) else f"number {far}"
        raise ConfigError(
            f"the point {name} lies {way_m[far]:.1f} m from the nearest crossing and at most "
            f"{limit_m:g} m are allowed: {advice}"
        )


def joined(between_m: Floats, way_m: Floats) -> Floats:
    """Distances of points from those of their crossings.

    Args:
        between_m: between the crossings; shape (points, points).
        way_m: from each point to its crossing; shape (points,).

    Returns:
        Symmetric to the last bit, 0 on the diagonal; shape (points, points).
    """
    ways = between_m + (way_m[:, None] + way_m)
    shortest: Floats = np.minimum(ways, ways.T)
    np.fill_diagonal(shortest, 0.0)
    return shortest


def _frozen(distances: Floats) -> Floats:
    distances.flags.writeable = False
    return distances
