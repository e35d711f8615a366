"""The random draws of devices: when they ask, and everything else that is random.

Each draw is named by (world, purpose, device and how-manieth): device k asks at the same moment
whatever is broadcast, draws the same preamble at its n-th try, and is as patient with the barring
of a given opportunity.
"""

from __future__ import annotations

import math

import numpy as np

from twin_gym.core.compiled import Integer, Record, compiled, inlined
from twin_gym.core.draws import uniform
from twin_gym.environments.massive_access import layout

# Typed, for Numba compiles a function anew for each literal number that it is called with.
_ARRIVAL: Integer = np.int64(0)
_BURST: Integer = np.int64(1)
_BARRING: Integer = np.int64(2)
_PREAMBLE: Integer = np.int64(3)
_BACKOFF: Integer = np.int64(4)

DEVICE_ROOM: Integer = np.int64(2**15)
TRY_ROOM: Integer = np.int64(2**8)
_SAMPLE = 6


@compiled
def joining_opportunity(network: Record, world: np.uint64, device: int) -> Integer:
    """The first opportunity that a device can use: the end of the slot in which it asks.

    Args:
        network: record of the scenario.
        world: the key of the world.
        device: its number.

    Returns:
        0 to the number of opportunities - 1.
    """
    if network.law == layout.ARRIVALS_BETA:
        share = _third_smallest(world, device)
    elif device < network.burst_devices:
        burst = device % network.bursts
        share = (burst + uniform(world, _BURST, burst)) / network.bursts
    else:
        share = uniform(world, _ARRIVAL, device * _SAMPLE)
    slot = np.int64(math.ceil(share * network.window)) - 1
    return min(max(slot, np.int64(0)), network.num_opportunities - 1)


@inlined
def _third_smallest(world: np.uint64, device: int) -> float:
    """The third smallest of six uniform draws has exactly the law Beta(3, 4)."""
    first, second, third = 2.0, 2.0, 2.0
    for j in range(_SAMPLE):
        drawn = uniform(world, _ARRIVAL, device * _SAMPLE + j)
        if drawn < first:
            first, second, third = drawn, first, second
        elif drawn < second:
            second, third = drawn, second
        elif drawn < third:
            third = drawn
    return third


@inlined
def barring_draw(world: np.uint64, device: int, opportunity: int) -> float:
    """In (0, 1]: the device may try in this opportunity if it is at most the barring probability.

    A probability of 1 lets everybody pass, and 0 nobody.
    """
    return uniform(world, _BARRING, opportunity * DEVICE_ROOM + device)


@inlined
def preamble_drawn(network: Record, world: np.uint64, device: int, tries: int) -> Integer:
    """The preamble that a device sends after so many collisions."""
    drawn = uniform(world, _PREAMBLE, device * TRY_ROOM + tries) * network.preambles
    return np.int64(math.ceil(drawn)) - 1


@inlined
def backoff_drawn(network: Record, world: np.uint64, device: int, tries: int) -> Integer:
    """Opportunities from a device's collision to its next try, at least one.

    The time is even over 0 to the longest backoff; the device tries at the first opportunity when
    it is over: with 20 ms and an opportunity each 5 ms, one to four of them, all as likely.
    """
    drawn = uniform(world, _BACKOFF, device * TRY_ROOM + tries) * network.backoff
    return max(np.int64(math.ceil(drawn)), np.int64(1))
