"""The rules of slice admission, compiled: one function advances one network to its next decision.

Events happen in order of time; at equal times departures, then timeouts, then arrivals, then by
slice. After each event there is a decision epoch if a waiting request fits. Everything that a
function here touches is a record or an array of fixed size: no object is made, none is looked up,
so that the same functions could be compiled for a GPU. `twin_gym.sim.reference` tells the same
rules in SimPy.

Arguments that recur: `network`, the record of the scenario; `row`, the record of the running
network; `queue`, its places for waiting requests, one ring a slice; `departures`, its heap of
packed departures; `outside`, the arrays of the outside world; `s`, a slice.
"""

from __future__ import annotations

import numpy as np

from twin_gym.sim.compiled import compiled, inlined

from twin_gym.sim.admission import heap, layout, workload
from twin_gym.sim.clock import NEVER, SECONDS_PER_TICK, later

NO_SLICE = -1
_NEVER_EVENT = (NEVER << layout.TICK_SHIFT) + 63
_ARRIVAL_BITS = layout.ARRIVAL << layout.KIND_SHIFT
_TIMEOUT_BITS = layout.TIMEOUT << layout.KIND_SHIFT
_KIND_MASK = 3


@compiled
def begin(row, networks, num_networks, outside):
    """Empties the network and starts the world of the row's seed and episode."""
    workload.begin_world(row, networks, num_networks)
    network = networks[row.network]
    row.now = 0
    row.is_over = layout.RUNNING
    row.num_in_service = 0
    row.pending = NO_SLICE
    row.waiting = 0
    row.carried_share = 0.0
    row.disallowed = 0
    for k in range(network.num_resources):
        row.free[k] = network.capacity[k]
    for s in range(row.next_arrival.shape[0]):
        row.next_arrival[s] = _NEVER_EVENT
        row.next_timeout[s] = _NEVER_EVENT
    for s in range(network.num_slices):
        row.in_service[s] = 0
        row.queue_head[s] = 0
        row.queue_length[s] = 0
        tick = workload.first_arrival(network, row, s, outside)
        row.next_arrival[s] = (tick << layout.TICK_SHIFT) + _ARRIVAL_BITS + s
        row.offered[s] = 0
        row.admitted[s] = 0
        row.blocked[s] = 0
        row.expired[s] = 0
        row.declined[s] = 0
        row.waited[s] = 0
        row.busy[s] = 0
    row.fitting = fitting_slices(network, row)
    forget_last_step(row)


@inlined
def forget_last_step(row):
    """Sets what is counted from decision to decision back to zero."""
    row.elapsed = 0
    row.revenue = 0.0
    row.penalty = 0.0
    row.carried = 0.0
    row.fairness = 0.0
    row.cost = 0.0


@inlined
def fitting_slices(network, row):
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
def decide(network, row, queue, departures, s, place, outside):
    """Carries out one decision and runs the network to its next one, or to the horizon.

    Args:
        network: see above.
        row: see above.
        queue: see above.
        departures: see above.
        s: the slice whose request is admitted, or `NO_SLICE` to wait for the next event. A slice
            of which no waiting request fits is treated as waiting, and counted.
        place: the place in the queue, 0 for the oldest.
        outside: see above.
    """
    if s != NO_SLICE:
        if (row.waiting & row.fitting) >> s & 1 and place < row.queue_length[s]:
            _admit(network, row, queue, departures, s, place, outside)
            if row.waiting & row.fitting:
                return
        else:
            row.disallowed += 1
    run_to_decision(network, row, queue, departures, outside)


@compiled
def run_to_decision(network, row, queue, departures, outside):
    """Lets events happen until a waiting request fits, or the horizon is reached."""
    if row.pending != NO_SLICE:
        _turn_away(network, row, queue)
    while True:
        event = _next_event(network, row, departures)
        tick = event >> layout.TICK_SHIFT
        if tick >= network.horizon:
            _pass_time(row, network.horizon)
            row.is_over = layout.OVER
            return
        _pass_time(row, tick)
        s = event & layout.SLICE_MASK
        kind = (event >> layout.KIND_SHIFT) & _KIND_MASK
        if kind == layout.DEPARTURE:
            _depart(network, row, departures, s)
        elif kind == layout.ARRIVAL:
            _arrive(network, row, queue, s, tick, outside)
        else:
            _expire(network, row, queue, s, tick)
        if row.waiting & row.fitting:
            return


@inlined
def _next_event(network, row, departures):
    event = departures[0] if row.num_in_service > 0 else np.int64(_NEVER_EVENT)
    for s in range(row.next_arrival.shape[0]):
        event = min(event, min(row.next_arrival[s], row.next_timeout[s]))
    return event


@inlined
def _pass_time(row, tick):
    ticks = tick - row.now
    row.carried += row.carried_share * (ticks * SECONDS_PER_TICK)
    row.elapsed += ticks
    row.now = tick


@inlined
def _admit(network, row, queue, departures, s, place, outside):
    at = network.queue_start[s] + ((row.queue_head[s] + place) & network.queue_mask[s])
    row.waited[s] += row.now - queue[at].arrival
    ticks = workload.holding_ticks(network, row, s, queue[at].request, outside)
    _leave_queue(network, row, queue, s, place)
    end = later(row.now, ticks)
    heap.push(departures, row.num_in_service, (end << layout.TICK_SHIFT) + s)
    row.num_in_service += 1
    row.busy[s] += min(end, network.horizon) - row.now
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
def _depart(network, row, departures, s):
    heap.pop(departures, row.num_in_service)
    row.num_in_service -= 1
    row.in_service[s] -= 1
    row.carried_share -= network.share[s]
    for k in range(row.free.shape[0]):
        row.free[k] += network.demand[s, k]
    row.fitting = fitting_slices(network, row)


@inlined
def _arrive(network, row, queue, s, tick, outside):
    request = row.offered[s]
    row.offered[s] = request + 1
    following = workload.arrival_after(network, row, s, tick, request + 1, outside)
    row.next_arrival[s] = (following << layout.TICK_SHIFT) + _ARRIVAL_BITS + s
    limit = network.queue_limit[s]
    if limit == 0:
        if not row.fitting >> s & 1:
            row.blocked[s] += 1
            _lose(network, row, s)
            return
        row.pending = s
        _join_queue(network, row, queue, s, tick, NEVER, request)
    elif row.queue_length[s] >= limit:
        row.blocked[s] += 1
        _lose(network, row, s)
    else:
        expiry = later(tick, workload.patience_ticks(network, row, s, request))
        _join_queue(network, row, queue, s, tick, expiry, request)
        event = (expiry << layout.TICK_SHIFT) + _TIMEOUT_BITS + s
        row.next_timeout[s] = min(row.next_timeout[s], event)


@inlined
def _expire(network, row, queue, s, tick):
    """The oldest request of slice s whose patience ends now leaves."""
    start, head, mask = network.queue_start[s], row.queue_head[s], network.queue_mask[s]
    place = 0
    while queue[start + ((head + place) & mask)].expiry != tick:
        place += 1
    _leave_queue(network, row, queue, s, place)
    row.expired[s] += 1
    _lose(network, row, s)


@inlined
def _turn_away(network, row, queue):
    """The pending arrival, which has no place to wait and was not admitted, is lost."""
    s = row.pending
    row.pending = NO_SLICE
    _leave_queue(network, row, queue, s, 0)
    row.declined[s] += 1
    _lose(network, row, s)


@inlined
def _lose(network, row, s):
    """Books a lost request: its penalty, and its cost if the slice loses more than was agreed."""
    row.penalty += network.lost_penalty[s]
    lost = row.blocked[s] + row.expired[s] + row.declined[s]
    if lost > network.agreed_loss_ratio[s] * row.offered[s]:
        row.cost += 1.0


@inlined
def _join_queue(network, row, queue, s, arrival, expiry, request):
    at = network.queue_start[s] + (
        (row.queue_head[s] + row.queue_length[s]) & network.queue_mask[s]
    )
    queue[at].arrival = arrival
    queue[at].expiry = expiry
    queue[at].request = request
    if row.queue_length[s] == 0:
        row.oldest[s] = arrival
    row.queue_length[s] += 1
    row.waiting |= np.int64(1) << s


@inlined
def _leave_queue(network, row, queue, s, place):
    """Closes the gap at a place by moving the older requests up, and looks for the next timeout."""
    start, head, mask = network.queue_start[s], row.queue_head[s], network.queue_mask[s]
    while place > 0:
        at, before = start + ((head + place) & mask), start + ((head + place - 1) & mask)
        queue[at].arrival = queue[before].arrival
        queue[at].expiry = queue[before].expiry
        queue[at].request = queue[before].request
        place -= 1
    row.queue_head[s] = (head + 1) & mask
    row.queue_length[s] -= 1
    if row.queue_length[s] == 0:
        row.waiting &= ~(np.int64(1) << s)
        row.next_timeout[s] = _NEVER_EVENT
        return
    row.oldest[s] = queue[start + row.queue_head[s]].arrival
    if network.queue_limit[s] > 0:
        expiry = _earliest_expiry(network, row, queue, s)
        row.next_timeout[s] = (expiry << layout.TICK_SHIFT) + _TIMEOUT_BITS + s


@inlined
def _earliest_expiry(network, row, queue, s):
    start, head, mask = network.queue_start[s], row.queue_head[s], network.queue_mask[s]
    earliest = queue[start + head].expiry
    if network.patience_law == layout.PATIENCE_EXPONENTIAL:
        for place in range(1, row.queue_length[s]):
            earliest = min(earliest, queue[start + ((head + place) & mask)].expiry)
    return earliest
