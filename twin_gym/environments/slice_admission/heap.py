"""A binary heap of packed events in a stretch of memory of fixed size: the requests in service."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.compiled import inlined


@inlined
def push(heap: NDArray[np.int64], size: int, event: int) -> None:
    """Adds an event to a heap of `size` events.

    Args:
        heap: events, the earliest first; shape (places,), with room for one more.
        size: how many are in it.
        event: the packed event.
    """
    place = size
    while place > 0:
        parent = (place - 1) >> 1
        if heap[parent] <= event:
            break
        heap[place] = heap[parent]
        place = parent
    heap[place] = event


@inlined
def pop(heap: NDArray[np.int64], size: int, nothing: int) -> None:
    """Removes the earliest event, `heap[0]`, from a heap of `size` events.

    Args:
        heap: see `push`.
        size: at least one.
        nothing: what is put into the place that becomes free; not earlier than any event.
    """
    size -= 1
    last = heap[size]
    place = 0
    child = 1
    while child < size:
        # No branch: which child is earlier cannot be foretold. heap[size] is still `last`.
        child += int(heap[child + 1] < heap[child])
        if last <= heap[child]:
            break
        heap[place] = heap[child]
        place = child
        child = 2 * place + 1
    heap[place] = last
    heap[size] = nothing
