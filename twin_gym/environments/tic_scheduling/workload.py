"""The random draws: when sensors ask, and in which slots their channels let through.

Each draw is named by (world, purpose, sensor and moment), whatever the gateways do.
"""

from __future__ import annotations

import math

import numpy as np

from twin_gym.core.compiled import Integer, Record, inlined
from twin_gym.core.draws import natural_log, uniform

# Typed, for Numba compiles a function anew for each literal number that it is called with.
_BURST_START: Integer = np.int64(0)
_BURST_SENSOR: Integer = np.int64(1)
_BACKGROUND: Integer = np.int64(2)
_STATE: Integer = np.int64(3)
_SUCCESS: Integer = np.int64(4)
_TRACE_START: Integer = np.int64(5)
_FIRST: Integer = np.int64(0)

SENSOR_ROOM: Integer = np.int64(2**14)
NEVER: Integer = np.int64(2**50)


@inlined
def burst_slot(network: Record, world: np.uint64, burst: int) -> Integer:
    """When a burst begins: late by 0 to the most jitter, all as likely."""
    drawn = uniform(world, _BURST_START, burst) * (network.burst_jitter + 1)
    return burst * network.burst_period + np.int64(math.ceil(drawn)) - 1


@inlined
def asks_in_burst(world: np.uint64, burst: int, sensor: int, remaining: int, left: int) -> bool:
    """Whether a sensor is one of those that ask in a burst.

    Selection sampling (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S): sensors are
    gone through in order, and each is taken with the probability remaining / left, so that
    every set of the right size is as likely.

    Args:
        world: the key of the world.
        burst: its number.
        sensor: its number.
        remaining: how many are still to be taken.
        left: sensors from this one on.
    """
    return uniform(world, _BURST_SENSOR, burst * SENSOR_ROOM + sensor) * left <= remaining


@inlined
def background_gap(network: Record, world: np.uint64, count: int) -> Integer:
    """How many (slot, sensor) pairs lie from one background message to the next, at least one.

    Pairs are in the order of slots, then of sensors. As the gaps are geometric, each pair has a
    message with the same probability, independent of all others: a draw a message instead of one a
    sensor and slot.
    """
    if network.background >= 1.0:
        return np.int64(1)
    if network.background <= 0.0:
        return NEVER
    skipped = natural_log(uniform(world, _BACKGROUND, count)) * network.background_scale
    return np.int64(math.floor(min(skipped, 1e15))) + 1


@inlined
def success_probability(network: Record, world: np.uint64, sensor: int, slot: int) -> float:
    """Of a transmission from or to a sensor: the state of its channel in the block of the slot.

    Measured links are replayed from a block that the world draws, the same for all sensors.
    """
    block = slot // network.block_slots
    if network.num_links > 0:
        start = np.int64(math.ceil(uniform(world, _TRACE_START, _FIRST) * network.num_blocks)) - 1
        place = (start + block) % network.num_blocks
        measured: float = network.links[sensor % network.num_links * network.num_blocks + place]
        return measured
    is_bad = uniform(world, _STATE, block * SENSOR_ROOM + sensor) <= network.bad_share
    probability: float = network.bad if is_bad else network.good
    return probability


@inlined
def gets_through(network: Record, world: np.uint64, queue: int, slot: int) -> bool:
    """Whether a sensor's channel lets messages of one direction through in a slot."""
    drawn = uniform(world, _SUCCESS, slot * 2 * SENSOR_ROOM + queue)
    return drawn <= success_probability(network, world, queue >> 1, slot)
