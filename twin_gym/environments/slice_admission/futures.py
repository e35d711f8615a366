"""Futures of a sliced network as its operator may imagine them: drawn anew from the laws."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core import clock, draws
from twin_gym.core import compiled as compiling
from twin_gym.core.clock import later, to_ticks
from twin_gym.core.compiled import Integer, Record, Records, entry_point_over, inlined
from twin_gym.core.draws import unit_exponential
from twin_gym.environments.slice_admission import layout, rules, workload
from twin_gym.environments.slice_admission.batch import AdmissionBatch
from twin_gym.environments.slice_admission.workload import Outside
from twin_gym.errors import ConfigError
from twin_gym.scenario import Deterministic, Exponential

_STREAM: Integer = np.int64(300)  # apart from those of a world
_WAITING: Integer = np.int64(2**40)
_PATIENCE: Integer = np.int64(2**41)
_entry_point = entry_point_over(compiling, draws, clock, layout, workload, rules)


def redraw_futures(batch: AdmissionBatch, count: int, words: NDArray[np.uint64]) -> None:
    """Gives rows other futures: nothing of what the world has in store for them is left.

    An operator knows who is served and who waits since when, and the laws. So arrivals, holding
    times of those who wait, and times left of those who are served are drawn anew; exponential
    laws have no memory, and deterministic times are known. Of a modulated process nobody sees the
    phase: it is drawn from its stationary law.

    Args:
        batch: its first rows are changed.
        count: how many.
        words: names of the worlds to come, one a row; equal words give equal draws.

    Raises:
        ConfigError: if a scenario replays a trace, or holding times have another law, of which what
            is left depends on when service began.
    """
    for one in batch.scenarios:
        laws = {type(each.holding) for each in one.slices}
        if one.trace is not None or not laws <= {Exponential, Deterministic}:
            raise ConfigError(
                f"the futures of {one.name!r} cannot be drawn anew: holding times must be "
                "exponential or deterministic, and no trace replayed"
            )
    arrays, tables = batch.arrays, batch.tables
    _redraw_rows(
        arrays["networks"], tables.curves, tables.trace_arrivals, tables.trace_holdings,
        arrays["rows"], arrays["queues"], arrays["departures"], words, count,
    )  # fmt: skip


@_entry_point
def _redraw_rows(
    networks: Records, curves: NDArray[np.float64], trace_arrivals: NDArray[np.int64],
    trace_holdings: NDArray[np.int64], rows: Records, queues: Records,
    departures: NDArray[np.int64], words: NDArray[np.uint64], count: int,
) -> None:  # fmt: skip
    """Draws the futures of the first rows anew."""
    outside = Outside(curves, trace_arrivals, trace_holdings)
    for i in range(count):
        row = rows[i]
        row.world = words[i]
        network = networks[row.network]
        _redraw_departures(network, row, departures[i])
        for s in range(network.num_slices):
            _redraw_arrivals(network, row, s, outside)
            _redraw_queue(network, row, queues[i], s, outside)


@inlined
def _redraw_departures(network: Record, row: Record, heap: NDArray[np.int64]) -> None:
    """What is left of exponential holding times; an ascending array is a heap."""
    for place in range(row.num_in_service):
        event = heap[place]
        s = event & layout.SLICE_MASK
        if network.holding_law[s] == layout.HOLDING_EXPONENTIAL:
            left = unit_exponential(row.world, _STREAM, place) * network.mean_holding_s[s]
            end = later(row.now, max(to_ticks(left), 1))
            event = (end << layout.TICK_SHIFT) + s
        at = place
        while at > 0 and heap[at - 1] > event:
            heap[at] = heap[at - 1]
            at -= 1
        heap[at] = event


@inlined
def _redraw_arrivals(network: Record, row: Record, s: int, outside: Outside) -> None:
    """The next two arrivals of a slice, as if the last one had been now."""
    if network.arrival_law[s] == layout.ARRIVAL_MMPP:
        workload.begin_phases(network, row, s, row.now, outside.curves)
    number: Integer = np.int64(row.offered[s])
    tick = workload.arrival_after(network, row, s, row.now, number, outside)
    bits = (layout.ARRIVAL << layout.KIND_SHIFT) + s
    row.next_arrival[s] = (tick << layout.TICK_SHIFT) + bits
    row.following_arrival[s] = workload.arrival_after(network, row, s, tick, number + 1, outside)


@inlined
def _redraw_queue(network: Record, row: Record, queue: Records, s: int, outside: Outside) -> None:
    """Holding times of those who wait and, where it is exponential, their patience."""
    start, head, mask = network.queue_start[s], row.queue_head[s], network.queue_mask[s]
    earliest: Integer = np.int64(clock.NEVER)
    for place in range(row.queue_length[s]):
        entry = queue[start + ((head + place) & mask)]
        number: Integer = _WAITING + np.int64(place)
        entry.holding = workload.holding_ticks(network, row, s, number, outside)
        if network.patience_law == layout.PATIENCE_EXPONENTIAL and network.queue_limit[s] > 0:
            ticks = workload.patience_ticks(network, row, s, _PATIENCE + np.int64(place))
            entry.expiry = later(row.now, max(ticks, 1))
        earliest = min(earliest, entry.expiry)
        if place == 0:
            row.oldest_holding[s] = entry.holding
    if network.queue_limit[s] > 0 and row.queue_length[s] > 0:
        bits = (layout.TIMEOUT << layout.KIND_SHIFT) + s
        row.next_timeout[s] = (earliest << layout.TICK_SHIFT) + bits
