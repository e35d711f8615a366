"""A reader of documents about nodes: in which order it is given them, and what it then states.

A document tells what a node is, in h tokens, and each relation that it has a part in, in r tokens
each. A relation between a sensor and its gateway is in two documents. The reader remembers all that
it has read. It also knows one rule, which it uses once it has read three cases of it and no
exception: a sensor serves in the service of its gateway.
"""

from __future__ import annotations

import heapq
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import unknown_name
from twin_gym.twins.knowledge import (
    KnowledgeGraph,
    Relation,
    Topology,
    entity_text,
    pool,
    timeless,
)

ORDERS = ("priority", "weight", "both", "degree", "greedy coverage", "file", "random")
SUPPORT = 3
"""Cases after which the reader uses its rule."""

CONNECTED, SERVES = "connected_to", "serves_in"
_TOKEN = re.compile(r"\w+|[^\w\s]")

Edge = tuple[str, str, str]


@dataclass(frozen=True)
class Document:
    """What is said of a node.

    Attributes:
        node: its id.
        tokens: how long it is.
        relations: those that it tells.
    """

    node: str
    tokens: int
    relations: tuple[Edge, ...]


@dataclass(frozen=True)
class Round:
    """What the reader states after a round.

    Attributes:
        stated: distinct relations that are true and that it states of the nodes of the round.
        false: relations that it states of them and that are not true.
        held_out: distinct held-out relations that it has stated up to now.
        coverage: share of the relations in all documents that it has read up to now.
    """

    stated: int
    false: int
    held_out: int
    coverage: float


def count_tokens(text: str) -> int:
    """Words, numbers and punctuation marks of a text.

    Example:
        >>> count_tokens("sensor/3 is connected to gateway/0.")
        10
    """
    return len(_TOKEN.findall(text))


def hold_out(edges: Sequence[Edge], seed: int, share: float) -> set[Edge]:
    """A share of the relations, drawn without replacement and rounded down.

    Args:
        edges: relations.
        seed: of the draw.
        share: in [0, 1].

    Returns:
        A set.
    """
    rng = np.random.default_rng([seed, 1])
    drawn = rng.permutation(len(edges))[: math.floor(share * len(edges))]
    return {edges[i] for i in drawn.tolist()}


def relations_of(graph: KnowledgeGraph, topology: Topology) -> list[Edge]:
    """Relations in which sensors and gateways have a part, sorted."""
    nodes = {*topology.names}
    return sorted(edge for edge in graph.edges() if edge[0] in nodes)


def documents_of(
    graph: KnowledgeGraph, topology: Topology, edges: Sequence[Edge], head_tokens: int | None
) -> list[Document]:
    """A document a node, in the order of the topology, which has sensors first.

    Args:
        graph: that tells what the nodes are.
        topology: nodes.
        edges: relations that may be told.
        head_tokens: length of what is said of a node itself; None: that of its text.

    Returns:
        Documents.
    """
    of_node: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        for node in {edge[0], edge[2]}:
            of_node[node].append(edge)
    lengths = {edge: count_tokens(timeless(Relation(*edge, 0.0))) for edge in edges}
    made = []
    for name in topology.names:
        head = count_tokens(entity_text(graph, name)) if head_tokens is None else head_tokens
        tokens = head + sum(lengths[edge] for edge in of_node[name])
        made.append(Document(name, tokens, tuple(of_node[name])))
    return made


def order_of(name: str, topology: Topology, documents: Sequence[Document], seed: int) -> list[int]:
    """The order in which documents are given.

    Args:
        name: one of `ORDERS`.
        topology: nodes, one a document.
        documents: theirs.
        seed: of the random order.

    Returns:
        A permutation.

    Raises:
        UnknownNameError: if there is no such order.
    """
    count = len(documents)
    order: NDArray[Any]
    if name in ("priority", "weight", "both"):
        order = pool(topology).order(name)  # type: ignore[arg-type]
    elif name == "degree":
        order = np.argsort(-topology.num_relations, kind="stable")
    elif name == "file":
        order = np.arange(count)
    elif name == "random":
        order = np.random.default_rng([seed, 2]).permutation(count)
    elif name == "greedy coverage":
        return greedy_order(documents)
    else:
        raise unknown_name("order", name, ORDERS)
    return [int(i) for i in order]


def greedy_order(documents: Sequence[Document]) -> list[int]:
    """The order in which each next document has most unread relations a token.

    Args:
        documents: in their order, which decides between equal ones.

    Returns:
        A permutation.
    """
    seen: set[Edge] = set()

    def gain(i: int) -> float:
        return sum(edge not in seen for edge in documents[i].relations) / documents[i].tokens

    heap = [(-gain(i), i) for i in range(len(documents))]
    heapq.heapify(heap)
    order = []
    while heap:
        _, i = heapq.heappop(heap)
        now = -gain(i)
        if heap and (now, i) > heap[0]:  # gains only fall: it is looked at again later
            heapq.heappush(heap, (now, i))
            continue
        order.append(i)
        seen.update(documents[i].relations)
    return order


def batches(
    documents: Sequence[Document], order: Sequence[int], budget: float, rounds: int
) -> Iterator[list[Document]]:
    """The documents of each round; after the last document the first one follows again.

    Args:
        documents: all of them.
        order: see `order_of`.
        budget: tokens a round; a document belongs to the round that its last token is in.
        rounds: how many.

    Yields:
        Documents.
    """
    at, end = 0, 0
    for number in range(1, rounds + 1):
        given = []
        while end + documents[order[at % len(order)]].tokens <= number * budget + 1e-9:
            given.append(documents[order[at % len(order)]])
            end += given[-1].tokens
            at += 1
        yield given


def read(
    given: Iterator[list[Document]], true: set[Edge], held_out: set[Edge], *, support: int = SUPPORT
) -> Iterator[Round]:
    """Reads round after round.

    Args:
        given: the documents of each round.
        true: all relations.
        held_out: those that no document tells.
        support: cases of the rule, without an exception, before it is used.

    Yields:
        What is stated.
    """
    known: set[Edge] = set()
    found: set[Edge] = set()
    told = len(true) - len(held_out)
    for documents in given:
        said = {edge for one in documents for edge in one.relations}
        known |= said
        derived = follow(known, support)
        nodes = {one.node for one in documents}
        stated = said | {edge for edge in derived if edge[0] in nodes}
        found |= derived & held_out
        yield Round(len(stated & true), len(stated - true), len(found), len(known) / told)


def follow(known: set[Edge], support: int) -> set[Edge]:
    """What the rule derives: a sensor serves in the service of its gateway.

    Args:
        known: relations that were read.
        support: cases needed; nothing follows after fewer, or after an exception.

    Returns:
        Relations that were not read.
    """
    service = {source: target for source, name, target in known if name == SERVES}
    gateways = [(source, target) for source, name, target in known if name == CONNECTED]
    derived = set()
    cases = 0
    for sensor, gateway in gateways:
        if gateway not in service:
            continue
        if sensor not in service:
            derived.add((sensor, SERVES, service[gateway]))
        elif service[sensor] == service[gateway]:
            cases += 1
        else:
            return set()
    return derived if cases >= support else set()


def derivable(true: set[Edge], held_out: set[Edge]) -> int:
    """Held-out relations that follow by the rule once all documents are read: no order has more."""
    return len(follow(true - held_out, SUPPORT) & held_out)


def expected_coverage(sensors: int, gateways: int, documents: int) -> float:
    """Distinct relations in so many random documents of a city in closed form.

    Of n documents k are read. A connection is unread if both its documents are among the n - k
    others (hypergeometric), a service if its only document is:

        E = sensors (1 - (n - k) (n - k - 1) / (n (n - 1))) + n k / n

    Args:
        sensors: each with a connection and a service.
        gateways: each with a service.
        documents: k.

    Returns:
        Relations.

    Example:
        >>> round(expected_coverage(250, 50, 300)), round(expected_coverage(250, 50, 56), 1)
        (550, 140.7)
    """
    count = sensors + gateways
    left = count - documents
    unread = left * (left - 1) / (count * (count - 1))
    return sensors * (1.0 - unread) + documents


def expected_rule(
    sensors: int, gateways: int, documents: int, *, edges: int, held_out: int
) -> float:
    """Held-out services of sensors that follow after so many random documents, by the given rule.

    The document of the gateway must be read, and tell both the connection and the service of the
    gateway: with m relations of which d are held out, each sensor has probability

        k / n * d (m - d) (m - d - 1) / (m (m - 1) (m - 2))

    if the connection is read in either document and the service of the gateway in its own.

    Args:
        sensors: number of sensors.
        gateways: number of gateways.
        documents: k of n = sensors + gateways.
        edges: m.
        held_out: d.

    Returns:
        Relations.
    """
    share = documents / (sensors + gateways)
    kept = edges - held_out
    chance = held_out * kept * (kept - 1) / (edges * (edges - 1) * (edges - 2))
    return sensors * share * chance


def first_gain(head: float, sensors_of: int = 5) -> float:
    """By how much gateways first beats a random order at the beginning, relations a token.

    A gateway with s sensors tells s + 1 relations, a sensor two; the mean over documents is that of
    a random order. With h in units of r:

        gain = (s + 1) / (h + s + 1) * ((s + 1) h + 3 s + 1) / (3 s + 1) - 1

    Args:
        head: tokens of what is said of a node itself, h, in tokens a relation, r.
        sensors_of: s, sensors a gateway.

    Returns:
        Relative gain in relations told, equal ones told twice counted twice.

    Example:
        >>> round(first_gain(1.0755), 3), first_gain(0.0)
        (0.19, 0.0)
    """
    told, nodes = 3 * sensors_of + 1, sensors_of + 1
    return nodes / (head + nodes) * (nodes * head + told) / told - 1.0
