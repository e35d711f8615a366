"""Reader of road networks in GraphML, as OSMnx writes them."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.parsers import expat

from twin_gym.errors import TraceError, shown
from twin_gym.files.reading import read_bytes
from twin_gym.scenario.tables import MAX_TRACE_BYTES

if TYPE_CHECKING:
    import networkx as nx

MAX_COORDINATE_M = 1e8
MIN_LENGTH_M, MAX_LENGTH_M = 1e-3, 1e6
MAX_NODES = 200_000


class Edge(NamedTuple):
    """A road as it stands in a file: where, from and to which node, and its length."""

    where: str
    first: str
    second: str
    length_m: float


def read_graphml(path: Path) -> tuple[dict[str, tuple[float, float]], Iterator[Edge]]:
    """Nodes and roads of a GraphML file.

    Args:
        path: of the file; nodes have x and y in metres, edges have length.

    Returns:
        Coordinates of each node by its name, and the roads.

    Raises:
        TraceError: if the file is not there, no GraphML, or lacks a number, with node or edge.
    """
    graph = _parsed(path)
    crs = str(graph.graph.get("crs", ""))
    if "4326" in crs:
        raise TraceError(
            f"{path} has coordinates in degrees ({shown(crs)}): project the graph to metres first, "
            "with osmnx.project_graph"
        )
    if len(graph) > MAX_NODES:
        raise TraceError(
            f"{path} has {len(graph):,} nodes and at most {MAX_NODES:,} are read: cut out the part "
            "that is used"
        )
    nodes = {
        str(name): (
            _attribute(path, f"node {name!r}", data, "x", -MAX_COORDINATE_M, MAX_COORDINATE_M),
            _attribute(path, f"node {name!r}", data, "y", -MAX_COORDINATE_M, MAX_COORDINATE_M),
        )
        for name, data in graph.nodes(data=True)
    }
    return nodes, _edges(path, graph)


def _edges(path: Path, graph: nx.Graph[str]) -> Iterator[Edge]:
    for first, second, data in graph.edges(data=True):
        where = f"edge from {first!r} to {second!r}"
        length_m = _attribute(path, where, data, "length", MIN_LENGTH_M, MAX_LENGTH_M)
        yield Edge(f"{path}, {where}", str(first), str(second), length_m)


def _parsed(path: Path) -> nx.Graph[str]:
    import networkx as nx

    content = read_bytes(path, MAX_TRACE_BYTES, "road file", TraceError)
    try:
        _check_elements(path, content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # keys without a type: every number is checked later
            return nx.read_graphml(io.BytesIO(content))
    except TraceError:
        raise
    except (
        expat.ExpatError, nx.NetworkXError, ValueError, LookupError, SyntaxError, TypeError,
        AttributeError,
    ) as error:  # fmt: skip
        raise TraceError(
            f"{path} is no GraphML ({type(error).__name__}: {error!s:.200}): export it anew"
        ) from None


def _check_elements(path: Path, content: bytes) -> None:
    """Refuses what would be read in part, or without end.

    Entities of a document that declares a type could grow without bound. Of several graphs, and of
    several nodes of one name, one would be taken without a word.
    """
    names: set[str] = set()
    graphs = 0

    def look(tag: str, attributes: dict[str, str]) -> None:
        nonlocal graphs
        element = tag.rpartition(":")[2]
        graphs += element == "graph"
        if graphs > 1:
            raise TraceError(f"{path}, line {parser.CurrentLineNumber}: a second graph begins: "
                             "leave one of them out")  # fmt: skip
        if element != "node":
            return
        name = attributes.get("id", "")
        if not name or name in names:
            problem = f"stands in the file twice: {shown(name)}" if name else "has no `id`"
            raise TraceError(f"{path}, line {parser.CurrentLineNumber}: the node {problem}; "
                             "give each node a name of its own")  # fmt: skip
        names.add(name)

    def refuse(name: str, *_: object) -> None:
        raise TraceError(f"{path} declares the document type {shown(name)}: GraphML needs none")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = look
    parser.Parse(content, True)


def _attribute(
    path: Path, where: str, data: Mapping[str, Any], name: str, low: float, high: float
) -> float:
    if name not in data:
        raise TraceError(f"{path}, {where}: `{name}` is missing: give it a value in metres")
    try:
        value = float(data[name])
    except (TypeError, ValueError):
        value = math.nan
    if not low <= value <= high:
        raise TraceError(
            f"{path}, {where}: `{name}` must be a number of metres between {low:g} and {high:g}, "
            f"got {shown(data[name])}"
        )
    return value
