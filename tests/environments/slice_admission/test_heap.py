"""The heap of departures gives back what was put in, earliest first."""

import heapq

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from twin_gym.environments.slice_admission.heap import pop, push

NOTHING = 2**62

events = st.integers(0, 50)
changes = st.lists(st.one_of(events, st.none()), max_size=80)


@given(changes)
def test_heap_is_that_of_the_standard_library(entries):
    """Any sequence of events put in and (None) taken out."""
    heap = np.full(80, NOTHING, np.int64)
    known = []
    for event in entries:
        if event is not None:
            push(heap, len(known), event)
            heapq.heappush(known, event)
        elif known:
            pop(heap, len(known), NOTHING)
            heapq.heappop(known)
        assert heap[0] == (known[0] if known else NOTHING)
        assert sorted(heap[: len(known)]) == sorted(known)
        assert (heap[len(known) :] == NOTHING).all()


@given(st.lists(events, min_size=1, max_size=40))
def test_full_heap_is_emptied_in_order(times):
    """No place is needed beyond the last one."""
    heap = np.full(len(times), NOTHING, np.int64)
    for size, event in enumerate(times):
        push(heap, size, event)
    popped = []
    for size in range(len(times), 0, -1):
        popped.append(int(heap[0]))
        pop(heap, size, NOTHING)
    assert popped == sorted(times)
