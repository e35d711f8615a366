"""Positions of sensors and gateways, and which gateway serves a sensor; as arrays, as a graph."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from twin_gym.core.draws import uniform, world_key
from twin_gym.environments.tic_scheduling.scenario import Placement, TicScenario
from twin_gym.errors import ConfigError, shown
from twin_gym.files.reading import read_bytes

MAX_FILE_BYTES = 50_000_000
MAX_TAGS = 500_000
"""Most tags of a GraphML file: some four times those of the largest topology."""

_SENSOR, _GATEWAY = 0, 1  # streams of the topology's own draws
_CANDIDATES = 16
_CHUNK = 512


@dataclass(frozen=True)
class Topology:
    """Positions, and which gateway serves a sensor.

    Attributes:
        sensors_m: shape (sensors, 2).
        gateways_m: shape (gateways, 2).
        gateway_of: number of each sensor's gateway; shape (sensors,).
        density: sensors in each sensor's square over those in the fullest one; shape (sensors,).
    """

    sensors_m: NDArray[np.float64]
    gateways_m: NDArray[np.float64]
    gateway_of: NDArray[np.int64]
    density: NDArray[np.float64]

    def graph(self) -> nx.Graph[str]:
        """Nodes `sensor 0`... and `gateway 0`... with `kind`, `x_m`, `y_m`; edges: who serves whom.

        Example:
            >>> from twin_gym.scenario.loading import load
            >>> topology_of(load("tic-small-45", TicScenario)).graph().number_of_edges()
            50
        """
        graph: nx.Graph[str] = nx.Graph()
        for kind, places in (("gateway", self.gateways_m), ("sensor", self.sensors_m)):
            for number, (x, y) in enumerate(places.tolist()):
                graph.add_node(f"{kind} {number}", kind=kind, x_m=x, y_m=y)
        for number, gateway in enumerate(self.gateway_of.tolist()):
            graph.add_edge(f"gateway {gateway}", f"sensor {number}")
        return graph


def topology_of(scenario: TicScenario) -> Topology:
    """The topology of a scenario: its placement, or drawn by its topology seed.

    Sensors stand evenly in the square. Gateways come one after the other, each at the one of 16
    even candidates that is farthest from the gateways before (the best-candidate sampling of
    Mitchell, SIGGRAPH 1991), for an operator does not put two side by side.

    Args:
        scenario: what to place.

    Returns:
        Positions, gateways and densities; the same for every call.
    """
    placed = scenario.placement
    if placed is not None:
        sensors, gateways = np.array(placed.sensors_m), np.array(placed.gateways_m)
        gateway_of = np.array(placed.gateway_of, np.int64)
    else:
        key = np.uint64(world_key(np.uint64(scenario.topology_seed), 0))
        sensors = scenario.side_m * np.array(
            [_point(key, _SENSOR, number) for number in range(scenario.num_sensors)]
        )
        gateways = scenario.side_m * _spread(key, scenario.num_gateways)
        gateway_of = _nearest(sensors, gateways)
    return Topology(sensors, gateways, gateway_of, _density(sensors, scenario.cells_per_side))


def read_graphml(path: str | Path) -> Placement:
    """A placement from a GraphML file.

    Every node needs the attributes `kind` (`sensor` or `gateway`), `x_m` and `y_m`; every sensor
    is joined to exactly one gateway, and to nothing else.

    Args:
        path: of the file.

    Returns:
        Sensors and gateways in the order of the file, to be given to a `TicScenario`.

    Raises:
        ConfigError: if the file is missing, too large, no GraphML, or no such topology.
    """
    content = _read(path)
    try:
        graph = nx.read_graphml(io.BytesIO(content))
    except Exception as error:  # networkx lets the errors of every parser through
        raise ConfigError(f"{str(path)!r} is not valid GraphML: {error!s:.200}") from None
    by_kind: dict[str, list[Any]] = {"sensor": [], "gateway": []}
    for node, data in graph.nodes(data=True):
        if data.get("kind") not in by_kind:
            raise ConfigError(
                f"node {node!r:.80} needs a kind, sensor or gateway; got {data.get('kind')!r:.80}"
            )
        by_kind[data["kind"]].append(node)
    number = {node: i for i, node in enumerate(by_kind["gateway"])}
    return Placement(
        sensors_m=tuple(_position(graph, node) for node in by_kind["sensor"]),
        gateways_m=tuple(_position(graph, node) for node in by_kind["gateway"]),
        gateway_of=tuple(_gateway_of(graph, node, number) for node in by_kind["sensor"]),
    )


def _read(path: str | Path) -> bytes:
    """The file, if a topology of the largest size fits what it holds."""
    if not isinstance(path, str | Path):
        raise ConfigError(f"a GraphML file is called by its path, got {shown(path)}")
    content = read_bytes(Path(path), MAX_FILE_BYTES, "GraphML file")
    if content.count(b"<") > MAX_TAGS:
        raise ConfigError(
            f"{str(path)!r} has {content.count(b'<'):,} tags and at most {MAX_TAGS:,} are read"
        )
    return content


def _position(graph: nx.Graph[Any], node: Any) -> tuple[float, float]:  # noqa: ANN401
    data = graph.nodes[node]
    try:
        x, y = float(data["x_m"]), float(data["y_m"])
    except (KeyError, TypeError, ValueError, OverflowError):  # the last: too many digits
        x = y = math.nan
    if not (math.isfinite(x) and math.isfinite(y)):
        raise ConfigError(f"node {node!r:.80} needs finite numbers x_m and y_m, got {data!r:.80}")
    return x, y


def _gateway_of(graph: nx.Graph[Any], node: Any, number: Mapping[Any, int]) -> int:  # noqa: ANN401
    near = set(nx.all_neighbors(graph, node))
    if len(near) != 1 or not near <= number.keys():
        raise ConfigError(
            f"sensor {node!r:.80} must be joined to exactly one gateway, got {sorted(near)!r:.80}"
        )
    return number[near.pop()]


def _point(key: np.uint64, stream: int, number: int) -> tuple[float, float]:
    """Even in the unit square."""
    return uniform(key, stream, 2 * number), uniform(key, stream, 2 * number + 1)


def _spread(key: np.uint64, count: int) -> NDArray[np.float64]:
    chosen: list[tuple[float, float]] = []
    for gateway in range(count):
        points = [_point(key, _GATEWAY, gateway * _CANDIDATES + i) for i in range(_CANDIDATES)]
        if chosen:
            apart = np.linalg.norm(np.array(points)[:, None] - np.array(chosen), axis=2)
            chosen.append(points[int(apart.min(axis=1).argmax())])
        else:
            chosen.append(points[0])
    return np.array(chosen)


def _nearest(sensors: NDArray[np.float64], gateways: NDArray[np.float64]) -> NDArray[np.int64]:
    parts = [
        ((sensors[at : at + _CHUNK, None] - gateways) ** 2).sum(axis=2).argmin(axis=1)
        for at in range(0, len(sensors), _CHUNK)
    ]
    return np.concatenate(parts)


def _density(sensors: NDArray[np.float64], cells: int) -> NDArray[np.float64]:
    low, high = sensors.min(axis=0), sensors.max(axis=0)
    size = np.maximum(high - low, 1e-9) / cells
    at = np.minimum(((sensors - low) / size).astype(np.int64), cells - 1)
    square = at[:, 0] * cells + at[:, 1]
    counts = np.bincount(square, minlength=cells * cells)
    density: NDArray[np.float64] = counts[square] / counts.max()
    return density
