"""What overflows while time passes, compiled.

Most bins are far from full. At the first decision of an hour of the episode, those that might
overflow before it is over are listed; until then, only they are looked at. An emptying takes no bin
off the list and puts none on it: what a bin holds never grows by it.

An argument that recurs: `i`, a bin.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.compiled import Integer, inlined
from twin_gym.environments.truck_routing import layout
from twin_gym.environments.truck_routing.reports import Running

Floats = NDArray[np.float64]

_LANES: Integer = np.int64(8)  # a power of two
_LAST_LANE: Integer = _LANES - 1
_ROUNDING = 1e-9  # relative; far above what sums of volumes are wrong by


@inlined
def watch_none(running: Running) -> None:
    """No bin is listed yet."""
    running.watched[layout.WATCHED_HOUR] = -1


@inlined
def pass_time(running: Running, time: float) -> None:
    """Counts what overflowed in all bins until a time."""
    network, row = running.network, running.row
    row.now = time
    hours = time / layout.HOUR_MS
    hour = min(np.int64(hours), network.num_hours - 1)
    share = hours - hour
    before, after = running.volumes[hour], running.volumes[hour + 1]
    if running.watched[layout.WATCHED_HOUR] != hour:
        _watch(running, hour, after)
    overflow = _count_overflow(running, before, after, share)
    row.step_overflow_l += overflow
    row.overflow_l += overflow
    count = network.num_bins
    deposited = before[count] + share * (after[count] - before[count])
    row.step_deposited_l += deposited - row.deposited_l
    row.deposited_l = deposited


@inlined
def _watch(running: Running, hour: int, after: Floats) -> None:
    """Lists the bins of which more might overflow before the end of an hour."""
    watched, state, capacities = running.watched, running.state, running.bins[layout.CAPACITY]
    bases, counted = state[layout.BASE], state[layout.COUNTED]
    number = np.int64(0)
    for i in range(running.network.num_bins):
        more = ((after[i] - bases[i]) - capacities[i]) - counted[i]
        watched[layout.WATCHED_FIRST + number] = i
        number += np.int64(more > -_ROUNDING * (1.0 + after[i]))
    watched[layout.WATCHED_HOUR] = hour
    watched[layout.WATCHED_NUMBER] = number


@inlined
def _count_overflow(running: Running, before: Floats, after: Floats, share: float) -> float:
    """Counts what overflowed in the listed bins, and gives the sum.

    It is added up as if there were all bins: bins of the same remainder by eight together, and the
    last ones, with which eight are not complete.
    """
    watched, state, capacities = running.watched, running.state, running.bins[layout.CAPACITY]
    bases, counted, sums = state[layout.BASE], state[layout.COUNTED], running.scratch
    count = running.network.num_bins
    whole = count - (count & _LAST_LANE)
    for lane in range(_LANES + 1):
        sums[lane] = 0.0
    for k in range(watched[layout.WATCHED_NUMBER]):
        i: Integer = np.int64(watched[layout.WATCHED_FIRST + k])
        volume = before[i] + share * (after[i] - before[i])
        more = ((volume - bases[i]) - capacities[i]) - counted[i]
        if more > 0.0:
            counted[i] += more
            sums[i & _LAST_LANE if i < whole else _LANES] += more
    first = (sums[0] + sums[1]) + (sums[2] + sums[3])
    second = (sums[4] + sums[5]) + (sums[6] + sums[7])
    total: float = (first + second) + sums[8]
    return total
