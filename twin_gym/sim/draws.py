"""Randomness outside the network: every draw is a pure function of (world, stream, index).

A world is named by a 64-bit key. Its streams are disjoint stretches of one SplitMix64 sequence
(Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014), so that any draw
can be made at any time, in any order, by the kernel and by the SimPy model alike.
"""

from __future__ import annotations

import math

import numpy as np

from twin_gym.sim.compiled import inlined

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLIER_1 = np.uint64(0xBF58476D1CE4E5B9)
_MULTIPLIER_2 = np.uint64(0x94D049BB133111EB)
_SHIFT_30 = np.uint64(30)
_SHIFT_27 = np.uint64(27)
_SHIFT_31 = np.uint64(31)
_SHIFT_11 = np.uint64(11)
_STREAM_SHIFT = np.uint64(48)
_ONE = np.uint64(1)
_TWO_TO_MINUS_53 = 2.0**-53


@inlined
def mix(bits: np.uint64) -> np.uint64:
    """The SplitMix64 finaliser: every input bit moves about half of the output bits."""
    bits = (bits ^ (bits >> _SHIFT_30)) * _MULTIPLIER_1
    bits = (bits ^ (bits >> _SHIFT_27)) * _MULTIPLIER_2
    return bits ^ (bits >> _SHIFT_31)


@inlined
def world_key(seed: np.uint64, episode: int) -> np.uint64:
    """The key of the world that a lane with this seed meets in its n-th episode."""
    return mix(mix(np.uint64(seed) + GOLDEN) + GOLDEN * np.uint64(episode))


@inlined
def uniform(world: np.uint64, stream: int, index: int) -> float:
    """A uniform draw in (0, 1]: its logarithm is finite.

    Args:
        world: the key of the world.
        stream: 0 to 65,535; what the draw is for.
        index: 0 to 2^48 - 2; the how-manieth of its kind.

    Returns:
        A multiple of 2^-53.
    """
    counter = (np.uint64(stream) << _STREAM_SHIFT) + np.uint64(index) + _ONE
    bits = mix(world + GOLDEN * counter)
    return np.float64((bits >> _SHIFT_11) + _ONE) * _TWO_TO_MINUS_53


@inlined
def unit_exponential(world: np.uint64, stream: int, index: int) -> float:
    """An exponential draw of mean 1."""
    return -math.log(uniform(world, stream, index))


@inlined
def unit_normal(world: np.uint64, stream: int, index: int) -> float:
    """A standard normal draw (Box-Muller: two uniforms a draw, the second one not reused)."""
    radius = math.sqrt(2.0 * unit_exponential(world, stream, 2 * index))
    return radius * math.cos(2.0 * math.pi * uniform(world, stream, 2 * index + 1))
