"""The outside world of a sliced network: arrivals, holding times and patience of its requests.

The k-th request of slice s is the same request whatever was decided before: each of its draws is
named by (world, stream of the slice and purpose, k).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.clock import NEVER, SECONDS_PER_TICK, START, later, to_ticks
from twin_gym.core.compiled import Integer, Record, Records, compiled, inlined
from twin_gym.core.draws import uniform, unit_exponential, unit_normal, world_key
from twin_gym.environments.slice_admission import layout

_GAP, _HOLDING, _PATIENCE, _PHASE = 0, 1, 2, 3
_PURPOSES = 4
_SCENARIO_STREAM: Integer = np.int64(256)
_OFFSET_STREAM: Integer = np.int64(257)
# Typed, for Numba compiles a function anew for each literal number that it is called with.
_FIRST: Integer = np.int64(0)
_SECOND: Integer = np.int64(1)


class Outside(NamedTuple):
    """The arrays that the outside world is read from (see `NetworkTables`)."""

    curves: NDArray[np.float64]
    trace_arrivals: NDArray[np.int64]
    trace_holdings: NDArray[np.int64]


@compiled
def begin_world(row: Record, networks: Records, num_networks: int) -> None:
    """Names the world of the row's episode and picks its scenario.

    The scenario is one of the first `num_networks`, drawn by the world.
    """
    row.world = world_key(row.seed, row.episode)
    choice = int(uniform(row.world, _SCENARIO_STREAM, _FIRST) * num_networks)
    row.network = min(choice, num_networks - 1)
    network = networks[row.network]
    row.trace_offset = 0
    if network.trace_duration > 0:
        share = uniform(row.world, _OFFSET_STREAM, _FIRST)
        row.trace_offset = int(share * (network.trace_duration - 1))


@compiled
def first_arrival(network: Record, row: Record, s: int, outside: Outside) -> Integer:
    """Tick of the first request of slice s; sets the modulating phase of its stream."""
    law = network.arrival_law[s]
    row.phase[s] = 0
    row.phase_end[s] = 0
    row.phase_count[s] = 0
    if law == layout.ARRIVAL_MMPP:
        begin_phases(network, row, s, START, outside.curves)
    elif law == layout.ARRIVAL_TRACE:
        row.phase_count[s] = _first_at_or_after(
            outside.trace_arrivals,
            network.arrival_table[s, 0],
            network.arrival_table[s, 1],
            row.trace_offset,
        )
    return arrival_after(network, row, s, START, _FIRST, outside)


@inlined
def arrival_after(
    network: Record, row: Record, s: int, tick: int, request: int, outside: Outside
) -> Integer:
    """Tick at which request number `request` of slice s comes; the one before came at `tick`.

    To be called for every request in order: the modulating phase moves on.
    """
    if network.arrival_law[s] == layout.ARRIVAL_POISSON:
        hazard = unit_exponential(row.world, s * _PURPOSES + _GAP, request)
        return later(tick, to_ticks(hazard * network.mean_gap_s[s]))
    return _uneven_arrival(network, row, s, tick, request, outside)


@compiled
def _uneven_arrival(
    network: Record, row: Record, s: int, tick: int, request: int, outside: Outside
) -> Integer:
    law = network.arrival_law[s]
    if law == layout.ARRIVAL_TRACE:
        return _replayed_arrival(network, row, s, request, outside.trace_arrivals)
    hazard = unit_exponential(row.world, s * _PURPOSES + _GAP, request)
    if law == layout.ARRIVAL_PROFILE:
        return _profile_arrival(network, s, tick, hazard, outside.curves)
    return _modulated_arrival(network, row, s, tick, hazard, outside.curves)


@inlined
def holding_ticks(network: Record, row: Record, s: int, request: int, outside: Outside) -> Integer:
    """How long request number `request` of slice s is served, in ticks, at least one."""
    if network.holding_law[s] == layout.HOLDING_EXPONENTIAL:
        factor = unit_exponential(row.world, s * _PURPOSES + _HOLDING, request)
        return max(to_ticks(factor * network.mean_holding_s[s]), 1)
    return _uncommon_holding_ticks(network, row, s, request, outside)


@compiled
def _uncommon_holding_ticks(
    network: Record, row: Record, s: int, request: int, outside: Outside
) -> Integer:
    law = network.holding_law[s]
    if law == layout.HOLDING_TRACE:
        first, count = network.arrival_table[s, 0], network.arrival_table[s, 1]
        return max(outside.trace_holdings[first + (row.phase_count[s] + request) % count], 1)
    stream = s * _PURPOSES + _HOLDING
    shape = network.holding_shape[s]
    factor = 1.0
    if law == layout.HOLDING_LOGNORMAL:
        factor = math.exp(shape * unit_normal(row.world, stream, request) - 0.5 * shape * shape)
    elif law == layout.HOLDING_PARETO:
        factor = (shape - 1.0) / shape * uniform(row.world, stream, request) ** (-1.0 / shape)
    elif law == layout.HOLDING_EMPIRICAL:
        first, count = network.holding_table[s, 0], network.holding_table[s, 1]
        place = uniform(row.world, stream, request) * (count - 1)
        below = min(int(place), count - 2)
        share = place - below
        factor = (1.0 - share) * outside.curves[first + below]
        factor += share * outside.curves[first + below + 1]
    return max(to_ticks(factor * network.mean_holding_s[s]), 1)


@inlined
def patience_ticks(network: Record, row: Record, s: int, request: int) -> Integer:
    """How long request number `request` of slice s waits before it leaves, in ticks."""
    mean_s = network.mean_patience_s[s]
    if network.patience_law == layout.PATIENCE_DETERMINISTIC:
        return to_ticks(mean_s)
    return to_ticks(mean_s * unit_exponential(row.world, s * _PURPOSES + _PATIENCE, request))


@compiled
def _profile_arrival(
    network: Record, s: int, tick: int, hazard: float, curves: NDArray[np.float64]
) -> Integer:
    """Consumes the hazard over the parts of the profile, from `tick` on to the horizon."""
    first, count = network.arrival_table[s, 0], network.arrival_table[s, 1]
    width = network.bin_ticks[s]
    while tick < network.horizon:
        part = tick // width
        rate_hz = curves[first + part % count]
        end = (part + 1) * width
        through = (end - tick) * SECONDS_PER_TICK * rate_hz
        if hazard < through:
            return later(tick, to_ticks(hazard / rate_hz))
        hazard -= through
        tick = end
    return np.int64(NEVER)


@compiled
def begin_phases(
    network: Record, row: Record, s: int, tick: int, curves: NDArray[np.float64]
) -> None:
    """Draws the phase at a time from the stationary distribution, and its end."""
    first, count = network.arrival_table[s, 0], network.arrival_table[s, 1]
    total_s = 0.0
    for phase in range(count):
        total_s += curves[first + count + phase]
    stream = s * _PURPOSES + _PHASE
    left_s = uniform(row.world, stream, _FIRST) * total_s
    phase = 0
    while phase < count - 1 and left_s > curves[first + count + phase]:
        left_s -= curves[first + count + phase]
        phase += 1
    row.phase[s] = phase
    sojourn_s = curves[first + count + phase] * unit_exponential(row.world, stream, _SECOND)
    row.phase_end[s] = later(tick, to_ticks(sojourn_s))
    row.phase_count[s] = 2


@compiled
def _modulated_arrival(
    network: Record, row: Record, s: int, tick: int, hazard: float, curves: NDArray[np.float64]
) -> Integer:
    """Consumes the hazard over the phases of the chain, from `tick` on to the horizon."""
    first, count = network.arrival_table[s, 0], network.arrival_table[s, 1]
    while tick < network.horizon:
        rate_hz = curves[first + row.phase[s]]
        through = (row.phase_end[s] - tick) * SECONDS_PER_TICK * rate_hz
        if hazard < through:
            return later(tick, to_ticks(hazard / rate_hz))
        hazard -= through
        tick = row.phase_end[s]
        row.phase[s] = (row.phase[s] + 1) % count
        mean_s = curves[first + count + row.phase[s]]
        sojourn_s = mean_s * unit_exponential(row.world, s * _PURPOSES + _PHASE, row.phase_count[s])
        row.phase_end[s] = later(tick, max(to_ticks(sojourn_s), 1))
        row.phase_count[s] += 1
    return np.int64(NEVER)


@compiled
def _replayed_arrival(
    network: Record, row: Record, s: int, request: int, trace_arrivals: NDArray[np.int64]
) -> Integer:
    """Wraps around at the end of the window, and counts from the episode's offset."""
    first, count = network.arrival_table[s, 0], network.arrival_table[s, 1]
    if count == 0:
        return np.int64(NEVER)
    place = row.phase_count[s] + request
    tick = trace_arrivals[first + place % count] + (place // count) * network.trace_duration
    return min(tick - row.trace_offset, np.int64(NEVER))


@compiled
def _first_at_or_after(ticks: NDArray[np.int64], first: int, count: int, moment: int) -> Integer:
    """Index, within ticks[first:first+count], of the first one that is not before the moment."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if ticks[first + middle] < moment:
            low = middle + 1
        else:
            high = middle
    return low
