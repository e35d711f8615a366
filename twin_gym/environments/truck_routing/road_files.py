"""Files of road networks: checked readers, and shortest ways.

===========  ==========================================================================
format       files
===========  ==========================================================================
`roads`      two CSV files: nodes with node_id, x_m, y_m, and edges with u, v, length_m
`edinburgh`  likewise, with easting and northing in the place of x_m and y_m: made of OS
             Open Roads (Open Government Licence v3.0)
`graphml`    one GraphML file as OSMnx writes it: nodes with x and y in metres (of a
             projected graph), edges with length
===========  ==========================================================================

Every road is driven in both directions: one-way streets are not known. Of several roads between two
crossings the shortest counts.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

from twin_gym.environments.truck_routing.data_files import DataFile
from twin_gym.environments.truck_routing.graphml import (
    MAX_COORDINATE_M,
    MAX_LENGTH_M,
    MAX_NODES,
    MIN_LENGTH_M,
    Edge,
    read_graphml,
)
from twin_gym.errors import ConfigError, TraceError
from twin_gym.files.reading import found_file
from twin_gym.scenario.base import FrozenModel
from twin_gym.scenario.tables import Row, read_rows

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SHORTEST_SHARE = 0.9
"""A road may be this much shorter than the beeline between its ends: coordinates are rounded."""
ROUNDING_M = 5.0
"""And by this: very short roads."""
_MOST_WAYS = 10_000_000  # to all nodes, that are kept at once: 80 MB
_MOST_DETOUR = 1_000.0  # of all roads together: coordinates in degrees give 100,000


class RoadFile(FrozenModel):
    """A reference to a road network.

    Attributes:
        file: the edges, or the GraphML file.
        nodes: the file of the nodes; None for GraphML.
        format: `roads`, `edinburgh` or `graphml` (see the module).
        snap_limit_m: farthest that a bin or the depot may lie from the nearest crossing.
    """

    law: Literal["file"] = "file"
    file: DataFile
    nodes: DataFile | None = None
    format: Literal["roads", "edinburgh", "graphml"] = "roads"
    snap_limit_m: Annotated[float, Field(strict=True, gt=0, le=1e6, allow_inf_nan=False)] = 150.0

    @model_validator(mode="after")
    def _has_its_files(self) -> RoadFile:
        if self.format == "graphml" and self.nodes is not None:
            raise ConfigError("a GraphML file has its nodes itself: leave `nodes` out")
        if self.format != "graphml" and self.nodes is None:
            raise ConfigError(
                f"the format {self.format!r} has nodes and edges in two files: name the `nodes`"
            )
        return self


class RoadNetwork(NamedTuple):
    """A connected network; arrays are read-only.

    Attributes:
        x_m: eastings of the nodes; shape (nodes,).
        y_m: northings; shape (nodes,).
        ends: numbers of the two nodes of each road, the lower first; shape (roads, 2).
        length_m: of each road; shape (roads,).
    """

    x_m: Floats
    y_m: Floats
    ends: Integers
    length_m: Floats


def read_roads(roads: RoadFile) -> RoadNetwork:
    """The network that a reference stands for.

    Args:
        roads: files and format.

    Returns:
        The network, all of it connected.

    Raises:
        TraceError: if a file is not there or breaks its format (with the line), a road ends at a
            node that is not there or is shorter than the beeline, or a node is not connected.
    """
    files = (roads.file,) if roads.nodes is None else (roads.file, roads.nodes)
    paths = [one.locate().resolve() for one in files]
    states = [found_file(path, "road file", TraceError) for path in paths]
    version = tuple((state.st_mtime_ns, state.st_size) for state in states)
    return _read(tuple(paths), version, roads.format)


@functools.lru_cache(maxsize=4)
def _read(
    paths: tuple[Path, ...],
    version: tuple[tuple[int, int], ...],  # only part of the key
    file_format: str,
) -> RoadNetwork:
    if file_format == "graphml":
        nodes, edges = read_graphml(paths[0])
    else:
        columns = ("easting", "northing") if file_format == "edinburgh" else ("x_m", "y_m")
        nodes = _nodes(paths[1], *columns)
        edges = _csv_edges(paths[0])
    return _network(paths[0], nodes, edges)


def shortest_ways_m(network: RoadNetwork, nodes: Integers) -> Floats:
    """Lengths of the shortest ways between nodes (Dijkstra's algorithm from each of them).

    Args:
        network: that is driven on.
        nodes: numbers of nodes, some perhaps repeated; shape (points,).

    Returns:
        Metres; shape (points, points).
    """
    graph = _graph(network)
    places, of_point = np.unique(nodes, return_inverse=True)
    ways = np.empty((len(places), len(places)))
    at_once = max(_MOST_WAYS // len(network.x_m), 1)
    for first in range(0, len(places), at_once):
        some = slice(first, first + at_once)
        ways[some] = csgraph.dijkstra(graph, directed=False, indices=places[some])[:, places]
    distances: Floats = ways[np.ix_(of_point, of_point)]
    return distances


def nearest_nodes(network: RoadNetwork, x_m: Floats, y_m: Floats) -> tuple[Integers, Floats]:
    """The node nearest to each point.

    Args:
        network: whose nodes are meant.
        x_m: eastings of the points; shape (points,).
        y_m: northings; shape (points,).

    Returns:
        Numbers of the nodes and beelines to them in metres, each of shape (points,).
    """
    tree = cKDTree(np.column_stack((network.x_m, network.y_m)))
    away_m, nodes = tree.query(np.column_stack((x_m, y_m)))
    return np.asarray(nodes, np.int64), np.asarray(away_m, np.float64)


def _graph(network: RoadNetwork) -> sparse.csr_array:
    count = len(network.x_m)
    coordinates = (network.ends[:, 0], network.ends[:, 1])
    return sparse.csr_array((network.length_m, coordinates), shape=(count, count))


def _nodes(path: Path, x_m: str, y_m: str) -> dict[str, tuple[float, float]]:
    nodes: dict[str, tuple[float, float]] = {}
    for row in read_rows(path, ("node_id", x_m, y_m)):
        name = row.text("node_id")
        if name in nodes:
            raise row.error(f"the node {name!r} stands in the file twice: remove one")
        if len(nodes) == MAX_NODES:
            raise row.error(f"at most {MAX_NODES:,} nodes are read: cut out the part that is used")
        nodes[name] = (_coordinate(row, x_m), _coordinate(row, y_m))
    return nodes


def _coordinate(row: Row, column: str) -> float:
    return row.number(column, low=-MAX_COORDINATE_M, high=MAX_COORDINATE_M)


def _csv_edges(path: Path) -> Iterator[Edge]:
    for row in read_rows(path, ("u", "v", "length_m")):
        length_m = row.number("length_m", low=MIN_LENGTH_M, high=MAX_LENGTH_M)
        yield Edge(f"{path}, line {row.line}", row.text("u"), row.text("v"), length_m)


def _network(
    path: Path, nodes: Mapping[str, tuple[float, float]], edges: Iterable[Edge]
) -> RoadNetwork:
    if not nodes:
        raise TraceError(f"{path}: the network has no nodes: check that it is the right file")
    numbers = {name: k for k, name in enumerate(nodes)}
    x_m, y_m = np.array(list(nodes.values()), np.float64).T
    shortest: dict[tuple[int, int], float] = {}
    for edge in edges:
        for name in (edge.first, edge.second):
            if name not in numbers:
                raise TraceError(f"{edge.where}: there is no node {name!r}: add it to the nodes")
        ends = sorted((numbers[edge.first], numbers[edge.second]))
        first, second = ends
        if first == second:
            continue
        _check_length(edge, float(np.hypot(x_m[first] - x_m[second], y_m[first] - y_m[second])))
        known = shortest.get((first, second), np.inf)
        shortest[first, second] = min(known, edge.length_m)
    network = RoadNetwork(
        np.ascontiguousarray(x_m),
        np.ascontiguousarray(y_m),
        np.array(list(shortest), np.int64).reshape(-1, 2),
        np.array(list(shortest.values()), np.float64),
    )
    _check_connected(path, list(nodes), network)
    _check_metres(path, network)
    for array in network:
        array.flags.writeable = False
    return network


def _check_length(edge: Edge, beeline_m: float) -> None:
    if edge.length_m < SHORTEST_SHARE * beeline_m - ROUNDING_M:
        raise TraceError(
            f"{edge.where}: a road of {edge.length_m:g} m joins nodes that are {beeline_m:.1f} m "
            "apart: give lengths and coordinates in metres"
        )


def _check_metres(path: Path, network: RoadNetwork) -> None:
    """Refuses coordinates in degrees: distances to the nearest node would be far too small."""
    first, second = network.ends.T
    beelines_m = np.hypot(
        network.x_m[first] - network.x_m[second], network.y_m[first] - network.y_m[second]
    )
    length_m, beeline_m = network.length_m.sum(), beelines_m.sum()
    if length_m > _MOST_DETOUR * beeline_m > 0.0:
        raise TraceError(
            f"{path}: the roads are {length_m:.0f} m long and the beelines between their ends "
            f"{beeline_m:.3g} m: give the coordinates of nodes in metres, not in degrees"
        )


def _check_connected(path: Path, names: list[str], network: RoadNetwork) -> None:
    count, part = csgraph.connected_components(_graph(network), directed=False)
    if count > 1:
        sizes = np.bincount(part)
        lonely = int(np.flatnonzero(part != sizes.argmax())[0])
        raise TraceError(
            f"{path}: the roads are not connected: there is no way from node {names[lonely]!r} to "
            f"the largest part of {count}, which has {sizes.max():,} of {sizes.sum():,} nodes: "
            "leave the other parts out"
        )
