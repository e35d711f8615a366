"""Compiled sweeps over the states of an admission chain.

Imported when an optimum is computed and not before: Numba and its compilation take a moment.
Arguments are the arrays of `AdmissionChain`; values have the shape of its states.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., Any])
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def njit(function: Function) -> Function:
    """A function that is compiled at its first call, and kept on disk."""
    result: Any = numba.njit(cache=True, nogil=True)(function)
    return cast("Function", result)


@njit
def after_admissions(
    resting: Floats, up: Ints, waiting: Ints, stride: Ints, revenue: Floats, best: Floats
) -> None:
    """Value of each state if the best of the waiting requests that fit are admitted first.

    Args:
        resting: value of waiting for the next event in each state.
        up: see `AdmissionChain`.
        waiting: see `AdmissionChain`.
        stride: see `AdmissionChain`.
        revenue: see `AdmissionChain`.
        best: where the values go.
    """
    vectors, combinations = resting.shape
    for n in range(vectors - 1, -1, -1):
        for q in range(combinations):
            value = resting[n, q]
            for s in range(stride.size):
                if waiting[q, s] > 0 and up[n, s] >= 0:
                    admitted = revenue[s] + best[up[n, s], q - stride[s]]
                    value = max(value, admitted)
            best[n, q] = value


@njit
def until_next_event(
    resting: Floats,
    best: Floats,
    in_service: Ints,
    up: Ints,
    down: Ints,
    waiting: Ints,
    stride: Ints,
    queue_limit: Ints,
    arrival_rate_hz: Floats,
    service_rate_hz: Floats,
    abandon_rate_hz: Floats,
    revenue: Floats,
    penalty: Floats,
    uniform_rate_hz: float,
    result: Floats,
) -> tuple[float, float]:
    """One step of value iteration on the uniformised chain.

    Args:
        resting: value of waiting for the next event in each state.
        best: value of each state at a decision, from `after_admissions`.
        in_service: see `AdmissionChain`.
        up: see there.
        down: see there.
        waiting: see there.
        stride: see there.
        queue_limit: see there.
        arrival_rate_hz: see there.
        service_rate_hz: see there.
        abandon_rate_hz: see there.
        revenue: see there.
        penalty: see there.
        uniform_rate_hz: rate of the uniformised chain, no less than that of any state.
        result: where the new values of `resting` go.

    Returns:
        Least and greatest rise of the value in this step.
    """
    least, greatest = np.inf, -np.inf
    for n in range(resting.shape[0]):
        for q in range(resting.shape[1]):
            total = 0.0
            left_hz = uniform_rate_hz
            for s in range(stride.size):
                if queue_limit[s] > 0:
                    if waiting[q, s] < queue_limit[s]:
                        then = best[n, q + stride[s]]
                    else:
                        then = best[n, q] - penalty[s]
                else:
                    then = best[n, q] - penalty[s]
                    if up[n, s] >= 0:
                        then = max(then, revenue[s] + best[up[n, s], q])
                total += arrival_rate_hz[s] * then
                leave_hz = in_service[n, s] * service_rate_hz[s]
                if leave_hz > 0.0:
                    total += leave_hz * best[down[n, s], q]
                give_up_hz = waiting[q, s] * abandon_rate_hz[s]
                if give_up_hz > 0.0:
                    total += give_up_hz * (best[n, q - stride[s]] - penalty[s])
                left_hz -= arrival_rate_hz[s] + leave_hz + give_up_hz
            value = (total + left_hz * resting[n, q]) / uniform_rate_hz
            result[n, q] = value
            least = min(least, value - resting[n, q])
            greatest = max(greatest, value - resting[n, q])
    return least, greatest
