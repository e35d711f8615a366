"""Priority pooling: which nodes of a network matter most, in whole numbers.

Equations (1) to (7) of Duran et al., "GenTwin", IEEE Transactions on Cognitive Communications and
Networking, 2025, DOI 10.1109/TCCN.2025.3527719. With N_i the number of relations of node i, M the
number of relations, x_i the presence (1) of a node and n the number of nodes:

    priority (3)       p_i = N_i x_i / M                        presence="factor"
                       p_i = N_i ^ x_i / M                      presence="exponent", as printed
    pools (4)          high    p_i > 3 mean(p) / 4
                       medium  mean(p) / 2 < p_i <= 3 mean(p) / 4
                       low     p_i <= mean(p) / 2
    weights (5)        w_i = 1/n of a sensor, d_i/n of a gateway with d_i sensors
    weight of a pool   W = sum of w_i                           weights="node"
                       W = 1/n sum of (1 + d_i), (6)            weights="pool"
    trigger (7)        alpha = |W(t) - W(t + 1)|

As printed, the medium pool is 3 mean(p) / 4 <= p_i < mean(p) / 2 and therefore empty
(`medium="printed"`); nodes in between are then in no pool. A node of exactly 3/4 of the mean is
usual: each sensor is, in a network of five sensors a gateway. Floating-point numbers put it into
one pool or another by chance; so M is left out on both sides, and whole numbers are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError
from twin_gym.twins.plain import shown, whole

_MOST = 2**63 - 1


class Level(IntEnum):
    """A priority pool."""

    NONE = -1
    LOW = 0
    MEDIUM = 1
    HIGH = 2


POOLS = (Level.HIGH, Level.MEDIUM, Level.LOW)


@dataclass(frozen=True)
class PoolingSettings:
    """How the equations are read.

    Attributes:
        presence: whether presence is a factor of the number of relations in (3), or its exponent.
        weights: whether the weight of a pool is the sum of (5), or (6).
        medium: the bounds of the medium pool: `repaired`, or as `printed`.
        denominator: n of (5) and (6); None: the number of nodes. (In Fig. 2 of the paper it is the
            number of instances, 1000.)

    Raises:
        ConfigError: if a reading is unknown, or the denominator is below 1.
    """

    presence: Literal["factor", "exponent"] = "factor"
    weights: Literal["node", "pool"] = "node"
    medium: Literal["repaired", "printed"] = "repaired"
    denominator: int | None = None

    def __post_init__(self) -> None:
        for name, known in _READINGS.items():
            if getattr(self, name) not in known:
                raise ConfigError(f"`{name}` is one of {known}, got {shown(getattr(self, name))}")
        if self.denominator is not None:
            whole(self.denominator, "`denominator` of the weights", 1)


_READINGS = {
    "presence": ("factor", "exponent"),
    "weights": ("node", "pool"),
    "medium": ("repaired", "printed"),
}


class Topology(NamedTuple):
    """Sensors and gateways of a network as arrays; see `topology_of`.

    Attributes:
        names: ids of the n nodes.
        is_gateway: whether a node is a gateway; shape (n,).
        num_relations: relations that each node has a part in, N_i; shape (n,).
        total: number of relations, M.
        sensors: index of the sensor of each connection; shape (connections,).
        gateways: index of its gateway; shape (connections,).
    """

    names: tuple[str, ...]
    is_gateway: NDArray[np.bool_]
    num_relations: NDArray[np.int64]
    total: int
    sensors: NDArray[np.int64]
    gateways: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pools:
    """The pools of a network at one time.

    Attributes:
        levels: pool of each node, see `Level`; int8, shape (n,).
        priorities: p_i M, whole; shape (n,).
        weights: weight of each node times the denominator, whole; shape (n,).
        total: number of relations, M.
        denominator: n of the weights.
    """

    levels: NDArray[np.int8]
    priorities: NDArray[np.int64]
    weights: NDArray[np.int64]
    total: int
    denominator: int

    def priority(self, node: int) -> Fraction:
        """p_i of a node."""
        return Fraction(int(self.priorities[node]), self.total)

    @property
    def mean_priority(self) -> Fraction:
        """Mean of p_i over all nodes."""
        return Fraction(int(self.priorities.sum()), self.total * len(self.priorities))

    def members(self, level: Level) -> NDArray[np.int64]:
        """Indices of the nodes of a pool, in their order."""
        return np.flatnonzero(self.levels == level)

    def weight(self, level: Level) -> Fraction:
        """Weight W of a pool."""
        return Fraction(int(self.weights[self.levels == level].sum()), self.denominator)

    def order(self, by: Literal["priority", "weight", "both"] = "both") -> NDArray[np.int64]:
        """Indices of all nodes in the order in which a model is given them.

        Args:
            by: the pool of the highest priority first; the largest weight first; or both, by
                weight within a pool. Equal nodes stay in their order.

        Returns:
            A permutation; shape (n,).

        Raises:
            ConfigError: if `by` is none of these.
        """
        keys: dict[str, tuple[NDArray[Any], ...]] = {
            "priority": (-self.levels,),
            "weight": (-self.weights,),
            "both": (-self.weights, -self.levels),
        }
        if by not in keys:
            raise ConfigError(f"`by` is one of {tuple(keys)}, got {shown(by)}")
        return np.lexsort(keys[by])


def pool(
    topology: Topology,
    present: NDArray[np.bool_] | None = None,
    settings: PoolingSettings | None = None,
) -> Pools:
    """The priority pools of a network.

    Args:
        topology: sensors, gateways and their relations.
        present: whether each node is active; None: all are. Shape (n,).
        settings: readings of the equations; None: the default ones.

    Returns:
        The pools.

    Raises:
        ConfigError: if the network has no node or no relation, the arrays do not fit, or the
            numbers are too large for 64 bits.

    Example:
        >>> ends = np.array([0, 1]), np.array([2, 2])  # two sensors of one gateway
        >>> two = Topology(("s1", "s2", "g"), np.arange(3) == 2, np.array([1, 1, 2]), 2, *ends)
        >>> pools = pool(two)
        >>> pools.priority(2), pools.mean_priority, pools.weight(Level.HIGH)
        (Fraction(1, 1), Fraction(2, 3), Fraction(2, 3))
        >>> pools.levels.tolist()
        [1, 1, 2]
    """
    read = PoolingSettings() if settings is None else settings
    is_there = _checked(topology, present)
    values = topology.num_relations * is_there
    if read.presence == "exponent":
        values = np.where(is_there, topology.num_relations, 1)
    weights = _weights(topology, is_there, read)
    denominator = len(values) if read.denominator is None else read.denominator
    levels = _levels(values, read)
    return Pools(levels, values, weights, topology.total, denominator)


def _levels(values: NDArray[np.int64], read: PoolingSettings) -> NDArray[np.int8]:
    """(4), times 4 n M on both sides."""
    count, total = len(values), int(values.sum())
    scaled = 4 * count * values
    levels = np.full(count, Level.MEDIUM, np.int8)
    levels[scaled > 3 * total] = Level.HIGH
    levels[scaled <= 2 * total] = Level.LOW
    if read.medium == "printed":
        levels[levels == Level.MEDIUM] = Level.NONE
    return levels


def _weights(
    topology: Topology, present: NDArray[np.bool_], read: PoolingSettings
) -> NDArray[np.int64]:
    """(5) or (6), times n. As a factor, presence counts in d_i too."""
    gateways = topology.gateways
    if read.presence == "factor":
        gateways = gateways[present[topology.sensors]]
    sensors_of = np.bincount(gateways, minlength=len(present))
    if read.weights == "pool":
        return (1 + sensors_of).astype(np.int64)
    return np.where(topology.is_gateway, sensors_of, 1).astype(np.int64)


def _checked(topology: Topology, present: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    count = len(topology.names)
    shapes = {topology.is_gateway.shape, topology.num_relations.shape}
    if count == 0 or topology.total < 1 or shapes != {(count,)}:
        raise ConfigError(
            "pools are of a network of at least a node and a relation, with an entry of each array "
            f"for each node; got {count} nodes and {shown(topology.total)} relations"
        )
    most = max(int(topology.num_relations.max()), 1)
    if int(topology.num_relations.min()) < 0 or 4 * count * count * most > _MOST:
        raise ConfigError(f"numbers of relations are 0 to {_MOST // (4 * count * count):,} here")
    if present is None:
        return np.ones(count, np.bool_)
    found: NDArray[Any] = np.asarray(present)
    if found.shape != (count,) or found.dtype != np.bool_:
        raise ConfigError(
            f"`present` is a truth value for each of {count} nodes, got {found.dtype} of the shape "
            f"{found.shape}"
        )
    return found


class PoolTracker:
    """Keeps the pools of a network up to date: they are computed anew where presence changes.

    (7) as printed computes weights only after a change of weights, which would never be found; here
    a change of presence is the trigger.

    Args:
        topology: sensors, gateways and their relations.
        settings: readings of the equations; None: the default ones.

    Attributes:
        pools: the present pools.
        num_computed: how often they were computed.
    """

    def __init__(self, topology: Topology, settings: PoolingSettings | None = None) -> None:
        self._topology, self._settings = topology, settings
        self._present = np.ones(len(topology.names), np.bool_)
        self.pools = pool(topology, self._present, settings)
        self.num_computed = 1

    def update(self, present: NDArray[np.bool_]) -> dict[Level, Fraction]:
        """Takes note of who is there.

        Args:
            present: whether each node is active; shape (n,).

        Returns:
            alpha of each pool, (7); 0 if nobody came or left.

        Raises:
            ConfigError: if the array does not fit.
        """
        found = _checked(self._topology, present)
        if np.array_equal(found, self._present):
            return dict.fromkeys(POOLS, Fraction(0))
        before = self.pools
        self.pools = pool(self._topology, found, self._settings)
        self._present = found.copy()
        self.num_computed += 1
        return update_trigger(before, self.pools)


def update_trigger(before: Pools, after: Pools) -> dict[Level, Fraction]:
    """Alpha of (7): how much the weight of each pool changed.

    Args:
        before: the pools at t.
        after: those at t + 1.

    Returns:
        alpha by pool.
    """
    return {level: abs(before.weight(level) - after.weight(level)) for level in POOLS}
