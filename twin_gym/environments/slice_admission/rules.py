"""The rules of slice admission, compiled: one function advances one network to its next decision.

Events happen in order of time; at equal times departures, then timeouts, then arrivals, then by
slice. After each event there is a decision epoch if a waiting request fits. Everything that a
function here touches is a record or an array of fixed size: no object is made, none is looked up,
so that the same functions could be compiled for a GPU. `slice_admission.reference` tells the same
rules in SimPy.

An argument that recurs: `s`, a slice.

What a request brings is drawn when it comes, and when the slice's next one comes is known two
arrivals ahead. Both are for speed: a draw takes some fifty instructions that wait for one another,
and this way nothing else waits for them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.clock import NEVER, SECONDS_PER_TICK, later
from twin_gym.core.compiled import Integer, Record, Records, compiled, inlined
from twin_gym.environments.slice_admission import heap, layout, workload
from twin_gym.environments.slice_admission.workload import Outside

NO_SLICE = layout.NO_SLICE
NEVER_EVENT = (NEVER << layout.TICK_SHIFT) + 63
_ARRIVAL_BITS = layout.ARRIVAL << layout.KIND_SHIFT
_TIMEOUT_BITS = layout.TIMEOUT << layout.KIND_SHIFT
_KIND_MASK = 3
# Typed, for Numba compiles a function anew for each literal number that it is called with.
_HEAD: Integer = np.int64(0)
_SECOND: Integer = np.int64(1)


class Running(NamedTuple):
    """A running network: what every rule looks at or changes.

    Attributes:
        network: record of the scenario.
        row: counters.
        queue: places for waiting requests, one ring a slice.
        departures: heap of packed departures, `NEVER_EVENT` where there is none.
        outside: arrays of the outside world.
    """

    network: Record
    row: Record
    queue: Records
    departures: NDArray[np.int64]
    outside: Outside


@compiled
def begin(running: Running) -> None:
    """Empties the network, whose world has begun (see `workload.begin_world`)."""
    network, row, outside = running.network, running.row, running.outside
    row.now = 0
    row.is_over = layout.RUNNING
    row.num_in_service = 0
    row.pending = NO_SLICE
    row.waiting = 0
    row.carried_share = 0.0
    row.disallowed = 0
    running.departures[:] = NEVER_EVENT
    for k in range(network.num_resources):
        row.free[k] = network.capacity[k]
    for s in range(row.next_arrival.shape[0]):
        row.next_arrival[s] = NEVER_EVENT
        row.next_timeout[s] = NEVER_EVENT
        row.in_service[s] = 0
        row.queue_head[s] = 0
        row.queue_length[s] = 0
        row.oldest[s] = 0
        row.offered[s] = 0
        row.admitted[s] = 0
        row.blocked[s] = 0
        row.expired[s] = 0
        row.declined[s] = 0
        row.waited[s] = 0
        row.busy[s] = 0
    for s in range(network.num_slices):
        tick = workload.first_arrival(network, row, s, outside)
        row.next_arrival[s] = (tick << layout.TICK_SHIFT) + _ARRIVAL_BITS + s
        row.following_arrival[s] = workload.arrival_after(network, row, s, tick, _SECOND, outside)
    row.fitting = fitting_slices(network, row)
    forget_last_step(row)


@inlined
def forget_last_step(row: Record) -> None:
    """Sets what is counted from decision to decision back to zero."""
    row.elapsed = 0
    row.revenue = 0.0
    row.penalty = 0.0
    row.carried = 0.0
    row.fairness = 0.0
    row.cost = 0.0


@inlined
def fitting_slices(network: Record, row: Record) -> Integer:
    """Bit s: what a request of slice s needs is free."""
    room, resources = network.demand.shape  # constants: the loops are unrolled
    fitting = np.int64(0)
    for s in range(room):
        fits = np.int64(1)
        for k in range(resources):
            fits &= np.int64(row.free[k] >= network.demand[s, k])
        fitting |= fits << s
    return fitting


@inlined
def decide(running: Running, s: int, place: int) -> bool:
    """Carries out one decision; says if the next one is due at the same instant.

    Args:
        running: the running network.
        s: the slice whose request is admitted, or `NO_SLICE` to wait for the next event. A slice
            of which no waiting request fits is treated as waiting, and counted.
        place: the place in the queue, 0 for the oldest.

    Returns:
        Whether a request was admitted and another one fits. If not, `run_to_decision` goes on.
    """
    row = running.row
    if (row.waiting & row.fitting) >> s & 1 and place < row.queue_length[s]:
        _admit(running, s, place)
        return bool(row.waiting & row.fitting)
    row.disallowed += np.int64(s != NO_SLICE)
    return False


@inlined
def run_to_decision(running: Running, most_events: int) -> Integer:
    """Lets events happen until a waiting request fits, or the horizon is reached.

    Args:
        running: the running network.
        most_events: after so many it stops and can be called again, to go on from there.

    Returns:
        How many events more could have happened; -1 if it is to be called again.
    """
    network, row = running.network, running.row
    if row.pending != NO_SLICE:
        _turn_away(running)
    left: Integer = np.int64(most_events)
    while left > 0:
        left -= 1
        event = _next_event(row, running.departures)
        tick = event >> layout.TICK_SHIFT
        if tick >= network.horizon:
            _pass_time(row, network.horizon)
            row.is_over = layout.OVER
            return left
        _pass_time(row, tick)
        s = event & layout.SLICE_MASK
        kind = (event >> layout.KIND_SHIFT) & _KIND_MASK
        if kind == layout.DEPARTURE:
            _depart(running, s)
        elif kind == layout.ARRIVAL:
            _arrive(running, s, tick)
        else:
            _expire(running, s, tick)
        if row.waiting & row.fitting:
            return left
    return np.int64(-1)


@inlined
def _next_event(row: Record, departures: NDArray[np.int64]) -> Integer:
    event = departures[0]
    for s in range(row.next_arrival.shape[0]):
        event = min(event, min(row.next_arrival[s], row.next_timeout[s]))
    return event


@inlined
def _pass_time(row: Record, tick: int) -> None:
    ticks = tick - row.now
    row.carried += row.carried_share * (ticks * SECONDS_PER_TICK)
    row.elapsed += ticks
    row.now = tick


@inlined
def _admit(running: Running, s: int, place: int) -> None:
    network, row, queue = running.network, running.row, running.queue
    arrival, holding = row.oldest[s], row.oldest_holding[s]
    if place > 0:
        at = network.queue_start[s] + ((row.queue_head[s] + place) & network.queue_mask[s])
        arrival, holding = queue[at].arrival, queue[at].holding
    row.waited[s] += row.now - arrival
    end = later(row.now, holding)
    heap.push(running.departures, row.num_in_service, (end << layout.TICK_SHIFT) + s)
    row.num_in_service += 1
    row.busy[s] += min(end, network.horizon) - row.now
    _leave_queue(running, s, place)
    row.in_service[s] += 1
    row.carried_share += network.share[s]
    for k in range(row.free.shape[0]):
        row.free[k] -= network.demand[s, k]
    row.fitting = fitting_slices(network, row)
    row.admitted[s] += 1
    row.revenue += network.revenue[s]
    row.fairness += 1.0 / (network.num_slices * row.admitted[s])
    if row.pending == s:
        row.pending = NO_SLICE


@inlined
def _depart(running: Running, s: int) -> None:
    network, row = running.network, running.row
    heap.pop(running.departures, row.num_in_service, NEVER_EVENT)
    row.num_in_service -= 1
    row.in_service[s] -= 1
    row.carried_share -= network.share[s]
    for k in range(row.free.shape[0]):
        row.free[k] += network.demand[s, k]
    row.fitting = fitting_slices(network, row)


@inlined
def _arrive(running: Running, s: int, tick: int) -> None:
    network, row, outside = running.network, running.row, running.outside
    request = row.offered[s]
    row.offered[s] = request + 1
    following = row.following_arrival[s]
    row.next_arrival[s] = (following << layout.TICK_SHIFT) + _ARRIVAL_BITS + s
    row.following_arrival[s] = workload.arrival_after(
        network, row, s, following, request + 2, outside
    )
    limit = network.queue_limit[s]
    fits = row.fitting >> s & 1
    if row.queue_length[s] >= max(limit, fits):
        row.blocked[s] += 1
        _lose(network, row, s)
        return
    holding = workload.holding_ticks(network, row, s, request, outside)
    expiry: Integer = np.int64(NEVER)
    if limit == 0:
        row.pending = s
    else:
        expiry = later(tick, workload.patience_ticks(network, row, s, request))
        event = (expiry << layout.TICK_SHIFT) + _TIMEOUT_BITS + s
        row.next_timeout[s] = min(row.next_timeout[s], event)
    _join_queue(running, s, tick, expiry, holding)


@inlined
def _expire(running: Running, s: int, tick: int) -> None:
    """The oldest request of slice s whose patience ends now leaves."""
    network, row, queue = running.network, running.row, running.queue
    place: Integer = _HEAD
    if network.patience_law == layout.PATIENCE_EXPONENTIAL:
        start, head, mask = network.queue_start[s], row.queue_head[s], network.queue_mask[s]
        while queue[start + ((head + place) & mask)].expiry != tick:
            place += 1
    _leave_queue(running, s, place)
    row.expired[s] += 1
    _lose(network, row, s)


@compiled
def _turn_away(running: Running) -> None:
    """The pending arrival, which has no place to wait and was not admitted, is lost."""
    row = running.row
    s = row.pending
    row.pending = NO_SLICE
    _leave_queue(running, s, _HEAD)
    row.declined[s] += 1
    _lose(running.network, row, s)


@inlined
def _lose(network: Record, row: Record, s: int) -> None:
    """Books a lost request: its penalty, and its cost if the slice loses more than was agreed."""
    row.penalty += network.lost_penalty[s]
    lost = row.blocked[s] + row.expired[s] + row.declined[s]
    row.cost += np.float64(lost > network.agreed_loss_ratio[s] * row.offered[s])


@inlined
def _join_queue(running: Running, s: int, arrival: int, expiry: int, holding: int) -> None:
    network, row, queue = running.network, running.row, running.queue
    at = network.queue_start[s] + (
        (row.queue_head[s] + row.queue_length[s]) & network.queue_mask[s]
    )
    queue[at].arrival = arrival
    queue[at].expiry = expiry
    queue[at].holding = holding
    if row.queue_length[s] == 0:
        row.oldest[s] = arrival
        row.oldest_holding[s] = holding
    row.queue_length[s] += 1
    row.waiting |= np.int64(1) << s


@inlined
def _leave_queue(running: Running, s: int, place: int) -> None:
    """Closes the gap at a place by moving the older requests up, and looks for the next timeout."""
    network, row, queue = running.network, running.row, running.queue
    start, head, mask = network.queue_start[s], row.queue_head[s], network.queue_mask[s]
    while place > 0:
        at, before = start + ((head + place) & mask), start + ((head + place - 1) & mask)
        queue[at].arrival = queue[before].arrival
        queue[at].expiry = queue[before].expiry
        queue[at].holding = queue[before].holding
        place -= 1
    head = (head + 1) & mask
    row.queue_head[s] = head
    row.queue_length[s] -= 1
    if row.queue_length[s] == 0:
        row.waiting &= ~(np.int64(1) << s)
        row.next_timeout[s] = NEVER_EVENT
        return
    row.oldest[s] = queue[start + head].arrival
    row.oldest_holding[s] = queue[start + head].holding
    expiry = _earliest_expiry(running, s)
    row.next_timeout[s] = (expiry << layout.TICK_SHIFT) + _TIMEOUT_BITS + s


@inlined
def _earliest_expiry(running: Running, s: int) -> Integer:
    network, row, queue = running.network, running.row, running.queue
    start, head, mask = network.queue_start[s], row.queue_head[s], network.queue_mask[s]
    earliest = queue[start + head].expiry
    if network.patience_law == layout.PATIENCE_EXPONENTIAL:
        for place in range(1, row.queue_length[s]):
            earliest = min(earliest, queue[start + ((head + place) & mask)].expiry)
    return earliest
