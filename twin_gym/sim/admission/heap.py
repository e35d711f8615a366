"""A binary heap of packed events in a stretch of memory of fixed size: the requests in service."""

from __future__ import annotations


from twin_gym.sim.compiled import inlined


@inlined
def push(heap, size, event):
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
def pop(heap, size):
    """Removes the earliest event from a heap of `size` events, `heap[0]`."""
    last = heap[size - 1]
    size -= 1
    place = 0
    child = 1
    while child < size:
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if last <= heap[child]:
            break
        heap[place] = heap[child]
        place = child
        child = 2 * place + 1
    heap[place] = last
