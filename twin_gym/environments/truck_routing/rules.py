"""The rules of truck routing, compiled: one function carries one network to its next decision.

A truck that is free decides. It drives to a bin and empties it at the end of the service, or drives
to the depot and unloads, or rests at the depot until the next shift. Time goes on to the truck that
is free next; of several the one with the least number comes first. At that time, in this order:
what overflowed is counted, the truck empties or unloads, reports that have arrived are taken in,
and the twin predicts all contents. A truck at the depot for which no bin is allowed rests without
being asked. `truck_routing.reference` tells the same rules in SimPy.

An argument that recurs: `j`, a truck; `i`, a bin.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.compiled import Integer, Record, compiled, inlined
from twin_gym.environments.truck_routing import layout, workload
from twin_gym.environments.truck_routing.overflow import empty, pass_time, watch_none
from twin_gym.environments.truck_routing.reports import (
    FITTED,
    TREND,
    Running,
    content_l,
    learn,
    sort_numbers,
    take_reports,
)
from twin_gym.environments.truck_routing.workload import volume_l

Floats = NDArray[np.float64]

_HALF = 0.5


@compiled
def begin(running: Running) -> None:
    """A new episode, whose volumes are drawn: all trucks are free at the depot."""
    network, row, state, bins = running.network, running.row, running.state, running.bins
    _clear(row)
    for j in range(row.place.shape[0]):
        row.place[j] = network.num_bins
        row.goal[j] = layout.RESTING
        row.free_at[j] = 0.0
        row.load[j] = 0.0
    state[:] = 0.0
    for i in range(network.num_bins):
        capacity = bins[layout.CAPACITY, i]
        state[layout.BASE, i] = -workload.initial_l(network, capacity, running.world, i)
        state[layout.READING, i] = 0.5 * network.initial_fill_max * capacity
        if network.predictor == FITTED:
            state[layout.RATE, i] = bins[layout.INFLOW, i]
        state[layout.OFFSET, i] = workload.offset_ms(network, running.world, i)
    watch_none(running.watched)
    sort_numbers(running.cycle, state[layout.OFFSET], network.num_bins)
    for place in range(network.num_bins):
        running.due[place] = state[layout.OFFSET, running.cycle[place]]
    _believe(running)


@inlined
def _clear(row: Record) -> None:
    row.now = 0.0
    row.truck = 0
    row.disallowed = 0
    row.stops = 0
    row.served = 0
    row.wasted = 0
    row.unloads = 0
    row.distance_m = 0.0
    row.fill_sum = 0.0
    row.collected_l = 0.0
    row.found_l = 0.0
    row.overflow_l = 0.0
    row.deposited_l = 0.0
    row.duty = 0.0
    row.reports = 0
    row.looks = 0
    row.error_sum = 0.0
    row.age_sum = 0.0
    _forget_last_step(row)


@inlined
def _forget_last_step(row: Record) -> None:
    row.elapsed = 0.0
    row.step_distance_m = 0.0
    row.step_overflow_l = 0.0
    row.step_deposited_l = 0.0
    row.step_stops = 0


@compiled
def run_decision(running: Running, chosen: int) -> bool:
    """Carries out one decision and goes on to the next one, or to the horizon.

    Args:
        running: the running network.
        chosen: bin that the deciding truck goes to, N: the depot. A bin that is not allowed is
            treated as the depot, and counted.

    Returns:
        Whether the horizon is reached.
    """
    network, row = running.network, running.row
    before = row.now
    _forget_last_step(row)
    depot = network.num_bins
    if chosen != depot and (chosen < 0 or running.allowed[chosen] == 0):
        row.disallowed += 1
        chosen = depot
    _send(running, row.truck, chosen)
    is_over = _run_to_decision(running)
    row.elapsed = row.now - before
    _look(running)
    return is_over


@inlined
def _send(running: Running, j: int, goal: int) -> None:
    """A truck sets out, or rests."""
    network, row, depot = running.network, running.row, running.network.num_bins
    place = row.place[j]
    if place == depot and goal == depot:
        _rest(row, j)
        return
    if place != depot:
        running.state[layout.RESERVED, place] = 0.0
    metres = running.distance[place, goal]
    duty = running.travel[place, goal]
    if goal == depot:
        duty += network.unload
    else:
        duty += network.service
        running.state[layout.RESERVED, goal] = 1.0
        row.stops += 1
        row.step_stops += 1
    row.goal[j] = goal
    row.free_at[j] = row.now + duty
    row.duty += duty
    row.distance_m += metres
    row.step_distance_m += metres


@inlined
def _rest(row: Record, j: int) -> None:
    """A truck at the depot rests until the next shift."""
    row.goal[j] = layout.RESTING
    row.free_at[j] = (math.floor(row.now / layout.DAY_MS) + 1.0) * layout.DAY_MS


@inlined
def _run_to_decision(running: Running) -> bool:
    network, row = running.network, running.row
    while True:
        j: Integer = np.int64(0)
        for other in range(1, network.num_trucks):
            if row.free_at[other] < row.free_at[j]:
                j = np.int64(other)
        row.truck = j
        is_over = row.free_at[j] >= network.horizon
        pass_time(running, network.horizon if is_over else row.free_at[j])
        if not is_over:
            _arrive(running, j)
        take_reports(running)
        if _believe(running) or is_over or row.place[j] != network.num_bins:
            return bool(is_over)
        _rest(row, j)


@inlined
def _arrive(running: Running, j: int) -> None:
    """A truck ends its service, its unloading or its rest."""
    row, goal = running.row, running.row.goal[j]
    if goal == layout.RESTING:
        return
    row.place[j] = goal
    if goal == running.network.num_bins:
        row.load[j] = 0.0
        row.unloads += 1
    else:
        _empty(running, j, goal)


@inlined
def _empty(running: Running, j: int, i: int) -> None:
    """A truck empties a bin as far as its room goes, and the twin knows what is left."""
    network, row, state = running.network, running.row, running.state
    volume = volume_l(running.volumes, network.num_hours - 1, i, row.now)
    content = min(volume - state[layout.BASE, i], running.bins[layout.CAPACITY, i])
    taken = min(content, network.truck_capacity - row.load[j])
    left = content - taken
    row.load[j] += taken
    row.collected_l += taken
    row.found_l = content
    row.served += 1
    fill = content * running.bins[layout.INVERSE_CAPACITY, i]
    row.fill_sum += fill
    row.wasted += np.int64(fill < _HALF)
    empty(running, i, volume - left)
    state[layout.EMPTIED_AT, i] = row.now
    learn(running, i, left, row.now)
    if network.predictor == TREND:
        state[layout.RATE, i] = 0.0


@inlined
def _believe(running: Running) -> bool:
    """The twin predicts all contents; says whether the deciding truck may go to any bin."""
    network, row, state, bins = running.network, running.row, running.state, running.bins
    place, room = row.place[row.truck], network.truck_capacity - row.load[row.truck]
    day = math.floor(row.now / layout.DAY_MS)
    row.left = day * layout.DAY_MS + network.shift - row.now
    if row.now >= network.horizon:
        row.left = 0.0
    clock, left = row.now, row.left
    if network.predictor == FITTED:
        last = network.num_hours - 1
        clock = workload.profile_hours(running.profile, last, row.now)
    readings, stamps, predicted = (
        state[layout.READING],
        state[layout.STAMP],
        state[layout.PREDICTED],
    )
    # Those of all rows are the same, and nearer: bins[INFLOW] is what state[RATE] was begun with.
    rates = bins[layout.INFLOW] if network.predictor == FITTED else state[layout.RATE]
    capacities, rounds = bins[layout.CAPACITY], bins[layout.ROUND_TRIP]
    ways, allowed = running.travel[place], running.allowed
    for i in range(network.num_bins):
        litres = readings[i] + rates[i] * (clock - stamps[i])
        litres = litres if litres < capacities[i] else capacities[i]
        predicted[i] = litres
    number = np.int64(0)
    for i in range(network.num_bins):
        fits = (ways[i] + rounds[i] <= left) & (predicted[i] <= room)
        allowed[i] = np.int8(fits)
        number += np.int64(fits)
    for j in range(network.num_trucks):  # a bin is reserved while it is the goal of a truck
        goal = row.goal[j]
        if goal != layout.RESTING and goal != network.num_bins:
            number -= np.int64(allowed[goal])
            allowed[goal] = 0
    return bool(number > 0)


@inlined
def _look(running: Running) -> None:
    """Compares the prediction of one bin with the truth, one bin a decision in turn."""
    row, state = running.row, running.state
    i = row.looks % running.network.num_bins
    wrong = abs(state[layout.PREDICTED, i] - content_l(running, i, row.now))
    row.error_sum += wrong * running.bins[layout.INVERSE_CAPACITY, i]
    row.age_sum += row.now - state[layout.READ_AT, i]
    row.looks += 1
