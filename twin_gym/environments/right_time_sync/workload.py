"""The random draws: the value of every entity in every slot, and which updates arrive.

A value is a pure function of (world, entity, slot) that can be had at any slot in some ten draws,
without those before it: the first and the last value of an episode are drawn, and every one
between them by halving the stretch that it lies in (Levy's construction of Brownian motion, for any
Gaussian Markov chain and for the two-state chain; `layout.bridge_of` has the law of the middle).
The values have exactly the law of the chain that goes from slot to slot.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.compiled import Integer, Record, compiled, inlined
from twin_gym.core.draws import uniform
from twin_gym.environments.right_time_sync import layout
from twin_gym.environments.right_time_sync.normal import normal

# Typed, for Numba compiles a function anew for each literal number that it is called with.
_VALUE: Integer = np.int64(0)
_DELIVERY: Integer = np.int64(1)
_OFFSET: Integer = np.int64(2)

_FIRST: Integer = np.int64(0)
_EVEN = 0.5

NODE_ROOM: Integer = np.int64(2**18)
"""Draws of an entity's values; more than the slots of an episode, rounded up to a power of two."""

ENTITY_ROOM: Integer = np.int64(2**14)


@compiled
def entity_value(
    network: Record,
    entity: Record,
    bridge: NDArray[np.float64],
    series: NDArray[np.float64],
    world: np.uint64,
    offset: int,
    number: int,
    slot: int,
) -> float:
    """The true value of an entity at the beginning of a slot, in ranges around its mean.

    Args:
        network: record of the scenario.
        entity: its record.
        bridge: its table; shape (levels + 1, 2) at least.
        series: all replayed values.
        world: the key of the world.
        offset: slot of the replayed series with which the episode began.
        number: of the entity.
        slot: 0 to the number of slots.

    Returns:
        -1/2 or 1/2 of a two-state entity.
    """
    if entity.law == layout.REPLAYED:
        replayed: float = series[entity.series, offset + slot]
        return replayed
    levels: Integer = network.num_levels
    first = number * NODE_ROOM
    stretch: Integer = np.int64(1) << levels
    if entity.law == layout.TWO_STATE:
        return _state_at(bridge, world, first, levels, slot)
    left: float = entity.initial_sd * normal(world, _VALUE, first)
    if slot == 0:
        return left
    right: float = bridge[levels, 0] * left
    right += bridge[levels, 1] * normal(world, _VALUE, first + stretch)
    if slot == stretch:
        return right
    rest: Integer = np.int64(slot)  # beyond `left`
    node: Integer = np.int64(1)
    for level in range(levels):
        stretch >>= 1
        middle: float = bridge[level, 0] * (left + right)
        middle += bridge[level, 1] * normal(world, _VALUE, first + node)
        if rest == stretch:
            return middle
        # Without a jump: which half it is cannot be foretold.
        is_right = rest > stretch
        rest -= stretch * is_right
        node += node + is_right
        left = middle if is_right else left
        right = right if is_right else middle
    return left


@inlined
def _state_at(
    bridge: NDArray[np.float64],
    world: np.uint64,
    first: int,
    levels: int,
    slot: int,
) -> float:
    """The state at a slot, as -1/2 or 1/2."""
    left = 0.5 if uniform(world, _VALUE, first) <= _EVEN else -0.5
    if slot == 0:
        return left
    stretch: Integer = np.int64(1) << levels
    differs = uniform(world, _VALUE, first + stretch) <= bridge[levels, 0]
    right = -left if differs else left
    if slot == stretch:
        return right
    rest: Integer = np.int64(slot)  # beyond `left`
    node: Integer = np.int64(1)
    for level in range(levels):
        stretch >>= 1
        drawn = uniform(world, _VALUE, first + node)
        is_even = left != right
        differs = drawn <= (_EVEN if is_even else bridge[level, 0])
        middle = -left if differs != is_even else left
        if rest == stretch:
            return middle
        is_right = rest > stretch
        rest -= stretch * is_right
        node += node + is_right
        left = middle if is_right else left
        right = right if is_right else middle
    return left


@inlined
def offset_drawn(network: Record, world: np.uint64) -> Integer:
    """The slot of the replayed series with which the episode begins."""
    if network.has_replay == 0:
        return np.int64(0)
    drawn = np.int64(uniform(world, _OFFSET, _FIRST) * network.num_offsets)
    return min(drawn, network.num_offsets - 1)


@inlined
def is_delivered(
    entity: Record,
    lost: NDArray[np.bool_],
    spared: float,
    world: np.uint64,
    offset: int,
    number: int,
    slot: int,
) -> bool:
    """Whether an update that is sent in a slot arrives.

    Args:
        entity: its record.
        lost: slots of the replayed series whose frames were lost.
        spared: probability that the other updates of the slot leave this one alone.
        world: the key of the world.
        offset: see `entity_value`.
        number: of the entity.
        slot: in which it is sent.

    Returns:
        The answer, the same whatever was sent before.
    """
    if entity.has_losses:
        return not lost[entity.series, offset + slot]
    probability: float = entity.delivery * spared
    return uniform(world, _DELIVERY, slot * ENTITY_ROOM + number) <= probability
