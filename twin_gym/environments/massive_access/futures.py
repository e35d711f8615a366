"""Futures of massive access for one who knows the backlog: who asks when, drawn anew."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core import compiled as compiling
from twin_gym.core import draws
from twin_gym.core.compiled import Integer, Record, Records, entry_point_over, inlined
from twin_gym.core.draws import mix, uniform
from twin_gym.environments.massive_access import layout, workload
from twin_gym.environments.massive_access.batch import AccessBatch

_BURST: Integer = np.int64(300)  # streams apart from those of a world
_ARRIVAL: Integer = np.int64(301)
_MOST_TRIES = 10_000
_entry_point = entry_point_over(compiling, draws, layout, workload)


def redraw_futures(batch: AccessBatch, count: int, words: NDArray[np.uint64]) -> None:
    """Gives rows other futures: when those will ask who have not yet, and all later draws.

    The law of their arrivals is that of the scenario, given that they have not come before. Who
    waits, and since when, and for how long a device backs off, is kept: **it is hidden from
    agents**, and no base station knows it.

    Args:
        batch: its first rows are changed.
        count: how many.
        words: names of the worlds to come, one a row; equal words give equal draws.
    """
    arrays = batch.arrays
    _redraw_rows(
        arrays["networks"], arrays["heads"], arrays["rows"], arrays["devices"], arrays["delays"],
        arrays["senders"], words, count,
    )  # fmt: skip


@_entry_point
def _redraw_rows(
    networks: Records, heads: Records, rows: Records, devices: Records,
    delays: NDArray[np.int32], senders: NDArray[np.int32], words: NDArray[np.uint64], count: int,
) -> None:  # fmt: skip
    """Draws the futures of the first rows anew: a counting sort by the opportunity of joining."""
    for i in range(count):
        head, row, own = heads[i], rows[i], devices[i]
        head.world = words[i]
        network = networks[head.network]
        arrived, slots = row.num_arrived, network.num_opportunities
        counts = delays[i]  # of no use in a future but as scratch
        for slot in range(slots):
            counts[slot] = 0
        for k in range(arrived, network.num_devices):
            device_number: Integer = np.int64(own[k].number)
            joined = _joining_after(network, head.world, device_number, head.slot)
            senders[i, k] = (joined << 15) + own[k].number
            counts[joined] += 1
        first = arrived
        for slot in range(slots):
            number = counts[slot]
            counts[slot] = first
            first += number
        for k in range(arrived, network.num_devices):
            joined = senders[i, k] >> 15
            device = own[counts[joined]]
            counts[joined] += 1
            device.number = senders[i, k] & 32767
            device.joined = joined
            device.ready = joined
            device.tries = 0
        for slot in range(slots):
            counts[slot] = 0


@inlined
def _joining_after(network: Record, world: np.uint64, device: int, slot: int) -> Integer:
    """The first opportunity of a device, given that it is no earlier than a slot."""
    last = network.num_opportunities - 1
    least = min(slot / network.window, 1.0)
    if network.law == layout.ARRIVALS_BETA:
        other = world
        for _ in range(_MOST_TRIES):
            joined = workload.joining_opportunity(network, other, device)
            if joined >= slot:
                return joined
            other = mix(other + draws.GOLDEN)
        return min(slot, last)
    share = 0.0
    if device < network.burst_devices:
        burst = device % network.bursts
        begin = max(burst / network.bursts, least)
        share = begin + uniform(world, _BURST, burst) * ((burst + 1) / network.bursts - begin)
    else:
        share = least + uniform(world, _ARRIVAL, device) * (1.0 - least)
    joined = np.int64(np.ceil(share * network.window)) - 1
    return min(max(joined, slot), last)
