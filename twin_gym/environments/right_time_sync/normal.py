"""Standard normal draws that are quick, and the same on every machine.

The values of an entity take some ten normal draws each. Box and Muller's method needs two uniforms,
a logarithm and a cosine for one, and an inversion some thirty operations and a branch that is
foretold badly. The ziggurat covers the density with layers of equal area, so that a draw of a layer
and of a place in it is nearly always an answer: 99 in 100 take one uniform and one comparison.

G. Marsaglia and W. W. Tsang, The Ziggurat Method for Generating Random Variables, Journal of
Statistical Software 5(8), 2000; layer and place come from different bits, as J. A. Doornik, An
Improved Ziggurat Method to Generate Normal Random Samples, 2005, asks for. The densities are not
normalised: exp(-x^2 / 2).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.compiled import Integer, compiled, inlined
from twin_gym.core.draws import GOLDEN, mix, natural_log, uniform

_NUM_LAYERS = 256
_TAIL = 3.6541528853610088  # where the lowest layer's rectangle ends and the tail begins
_AREA = 0.0049286732339746554  # of every layer, the lowest one with the tail
_TAIL_DENSITY = 0.0012602859304985976

_LAYER_BITS = np.uint64(_NUM_LAYERS - 1)
_STREAM_SHIFT = np.uint64(48)
_ONE = np.uint64(1)
_SHIFT_11: Integer = np.int64(11)
_TWO_TO_MINUS_52 = 2.0**-52
_FIRST: Integer = np.int64(0)


def _layers() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Right ends of the layers from the lowest up, and the densities there.

    Each layer is a rectangle that is _AREA over its width higher than the one below. The logarithm
    is the simulator's own, for those of C libraries differ in the last bit; it is not compiled, for
    that would take longer than the 254 calls.
    """
    log = getattr(natural_log, "py_func", natural_log)
    ends, densities = np.zeros(_NUM_LAYERS + 1), np.ones(_NUM_LAYERS + 1)
    ends[0], densities[0] = _AREA / _TAIL_DENSITY, 0.0
    ends[1], densities[1] = _TAIL, _TAIL_DENSITY
    for k in range(2, _NUM_LAYERS):
        densities[k] = densities[k - 1] + _AREA / ends[k - 1]
        ends[k] = math.sqrt(-2.0 * log(densities[k]))
    return ends, densities


_ENDS, _DENSITIES = _layers()


@inlined
def normal(world: np.uint64, stream: int, index: int) -> float:
    """A standard normal draw, a pure function of its arguments (see `sim.draws.uniform`)."""
    counter = (np.uint64(stream) << _STREAM_SHIFT) + np.uint64(index) + _ONE
    bits = mix(world + GOLDEN * counter)
    layer: Integer = np.int64(bits & _LAYER_BITS)
    value: float = _placed(bits, layer)
    if abs(value) < _ENDS[layer + 1]:
        return value
    return _outside(bits, layer, value)


@inlined
def _placed(bits: np.uint64, layer: int) -> float:
    """A place in the rectangle of a layer, on either side."""
    share = np.float64(np.int64(bits) >> _SHIFT_11) * _TWO_TO_MINUS_52
    return share * float(_ENDS[layer])


@compiled
def _outside(bits: np.uint64, layer: Integer, value: float) -> float:
    """A place beyond the part of its layer that lies under the density: it is kept or drawn anew.

    Args:
        bits: of the draw; they name the world that all further draws are from.
        layer: of the place.
        value: the place.
    """
    draw: Integer = _FIRST
    while True:
        if layer == 0:
            return math.copysign(_beyond_tail(bits, draw), value)
        share = uniform(bits, _FIRST, draw)
        height = _DENSITIES[layer] + share * (_DENSITIES[layer + 1] - _DENSITIES[layer])
        if natural_log(height) < -0.5 * value * value:
            return value
        again = mix(bits + GOLDEN * np.uint64(draw + 2))
        draw += 2
        layer = np.int64(again & _LAYER_BITS)
        value = _placed(again, layer)
        if abs(value) < _ENDS[layer + 1]:
            return value


@inlined
def _beyond_tail(bits: np.uint64, draw: int) -> float:
    """A draw of the density beyond _TAIL (Marsaglia 1964): exponential ones, some refused."""
    while True:
        x = -natural_log(uniform(bits, _FIRST, draw)) / _TAIL
        y = -natural_log(uniform(bits, _FIRST, draw + 1))
        draw += 2
        if y + y >= x * x:
            return _TAIL + x
