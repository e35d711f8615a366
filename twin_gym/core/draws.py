"""Randomness outside the network: every draw is a pure function of (world, stream, index).

A world is named by a 64-bit key. Its streams are disjoint stretches of one SplitMix64 sequence
(Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014), so that any draw
can be made at any time, in any order, by the kernel and by the SimPy model alike.
"""

from __future__ import annotations

import math

import numpy as np

from twin_gym.core.compiled import inlined

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

_EXPONENT_BITS = np.int64(0x7FF0000000000000) | np.int64(-(2**63))
_ROOT_HALF_BITS = np.int64(0x3FE6A09E00000000)
_FRACTION_BITS = np.int64(52)
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
# Coefficients of s^2, s^4, ... in log((1 + s) / (1 - s)) / s - 2, |s| < 0.1716.
_LOG_ODD = (
    6.666666666666735130e-01,
    2.857142874366239149e-01,
    1.818357216161805012e-01,
    1.479819860511658591e-01,
)
_LOG_EVEN = (3.999999999940941908e-01, 2.222219843214978396e-01, 1.531383769920937332e-01)


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
def natural_log(x: float) -> float:
    """The logarithm of a positive normal number, within one unit in the last place.

    The method and coefficients of FreeBSD's `e_log.c` (Sun Microsystems, 1993): x = 2^k (1 + f)
    with 1 + f between sqrt(1/2) and sqrt(2), then a polynomial in s = f / (2 + f). It is made of
    additions, multiplications and one division, so that every machine has the same draws, which
    the logarithms of C libraries do not promise.
    """
    bits = np.float64(x).view(np.int64)
    exponent_bits = (bits - _ROOT_HALF_BITS) & _EXPONENT_BITS
    k = np.float64(exponent_bits >> _FRACTION_BITS)
    f = np.int64(bits - exponent_bits).view(np.float64) - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (_LOG_EVEN[0] + w * (_LOG_EVEN[1] + w * _LOG_EVEN[2]))
    odd = z * (_LOG_ODD[0] + w * (_LOG_ODD[1] + w * (_LOG_ODD[2] + w * _LOG_ODD[3])))
    half_square = 0.5 * f * f
    remainder = s * (half_square + even + odd) + k * _LN2_LOW
    return k * _LN2_HIGH - ((half_square - remainder) - f)


@inlined
def unit_exponential(world: np.uint64, stream: int, index: int) -> float:
    """An exponential draw of mean 1."""
    return -natural_log(uniform(world, stream, index))


@inlined
def unit_normal(world: np.uint64, stream: int, index: int) -> float:
    """A standard normal draw (Box-Muller: two uniforms a draw, the second one not reused)."""
    radius = math.sqrt(2.0 * unit_exponential(world, stream, 2 * index))
    return radius * math.cos(2.0 * math.pi * uniform(world, stream, 2 * index + 1))
