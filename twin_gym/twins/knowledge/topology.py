"""Sensors, gateways and their relations as arrays, from a knowledge graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError
from twin_gym.twins.knowledge.graph import KnowledgeGraph
from twin_gym.twins.knowledge.pooling import Topology
from twin_gym.twins.plain import shown

COUNTED = ("all", "connections")


class KeyValue(NamedTuple):
    """A pair of equation (2).

    Attributes:
        key: `:s` of a sensor, `:gw` of a gateway.
        node: id of the node.
        value: of a sensor the id of its gateway, of a gateway the number of its sensors.
    """

    key: str
    node: str
    value: str | int


def topology_of(
    graph: KnowledgeGraph,
    *,
    connection: str = "connected_to",
    from_gateway: bool = False,
    counted: Literal["all", "connections"] = "all",
) -> Topology:
    """The network of a graph: nodes that have a connection, sensors first.

    Args:
        graph: any knowledge graph.
        connection: the relationship between sensors and gateways.
        from_gateway: whether it leads from the gateway to the sensor, as `serves` of a network
            does.
        counted: whether N_i and M count all relations of sensors and gateways, such as those to
            services, or connections alone.

    Returns:
        Arrays for `pool`.

    Raises:
        ConfigError: if no relation is called so, or a node is a sensor and a gateway.
    """
    if counted not in COUNTED:
        raise ConfigError(f"`counted` is one of {COUNTED}, got {shown(counted)}")
    edges = list(graph.edges())
    pairs = [
        (target, source) if from_gateway else (source, target)
        for source, name, target in edges
        if name == connection
    ]
    sensors = dict.fromkeys(pair[0] for pair in pairs)
    gateways = dict.fromkeys(pair[1] for pair in pairs)
    both = sensors.keys() & gateways.keys()
    if not pairs or both:
        said = f"{shown(sorted(both)[0])} has both ends of it" if both else "there is none"
        raise ConfigError(f"sensors and gateways are told apart by {connection!r}: {said}")
    names = (*sensors, *gateways)
    place = {name: index for index, name in enumerate(names)}
    found = edges if counted == "all" else [edge for edge in edges if edge[1] == connection]
    outer = len(names)
    ends = np.array(
        [(place.get(source, outer), place.get(target, outer)) for source, _, target in found]
    )
    total = int((ends < outer).any(axis=1).sum())
    num_relations = np.bincount(ends.ravel(), minlength=outer + 1)[:outer].astype(np.int64)
    return Topology(
        names,
        np.arange(len(names)) >= len(sensors),
        num_relations,
        total,
        np.array([place[one] for one, _ in pairs], np.int64),
        np.array([place[other] for _, other in pairs], np.int64),
    )


def presence_of(graph: KnowledgeGraph, topology: Topology) -> NDArray[np.bool_]:
    """Whether each node is active, (1): it is there, and has not said that it is absent.

    Args:
        graph: the graph.
        topology: nodes, see `topology_of`.

    Returns:
        Truth values; shape (n,).
    """
    there, told = set(graph.entities()), graph.values("presence")
    return np.array(
        [name in there and told.get(name) is not False for name in topology.names], np.bool_
    )


def key_values(topology: Topology) -> Iterator[KeyValue]:
    """The pairs of (2), in the order of the nodes; a sensor has one a gateway.

    Args:
        topology: nodes and connections.

    Yields:
        Keys and values.
    """
    names = topology.names
    for sensor, gateway in zip(topology.sensors.tolist(), topology.gateways.tolist(), strict=True):
        yield KeyValue(":s", names[sensor], names[gateway])
    counts = np.bincount(topology.gateways, minlength=len(names))
    for gateway in np.flatnonzero(topology.is_gateway).tolist():
        yield KeyValue(":gw", names[gateway], int(counts[gateway]))
