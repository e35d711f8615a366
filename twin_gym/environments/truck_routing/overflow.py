"""What overflows while time passes, compiled.

Most bins are far from full. At the first decision of an hour of the episode, those that might
overflow before it is over are listed, with all that is needed to tell; until then, only they are
looked at. An emptying puts no bin on the list: what a bin holds never grows by it.

Arguments that recur: `i`, a bin; `watched`, the list of a row, whose first entry says for which
hour it is and how many bins follow.
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
def watch_none(watched: Floats) -> None:
    """No bin is listed yet."""
    watched[0, layout.WATCHED_HOUR] = -1.0


@inlined
def pass_time(running: Running, time: float) -> None:
    """Counts what overflowed in all bins until a time."""
    network, row, count = running.network, running.row, running.network.num_bins
    row.now = time
    hours = time / layout.HOUR_MS
    hour = min(np.int64(hours), network.num_hours - 1)
    share = hours - hour
    before, after = running.volumes[hour], running.volumes[hour + 1]
    if running.watched[0, layout.WATCHED_HOUR] != hour:
        _watch(running, hour, before, after)
    overflow = _count_overflow(running, share)
    row.step_overflow_l += overflow
    row.overflow_l += overflow
    deposited = before[count] + share * (after[count] - before[count])
    row.step_deposited_l += deposited - row.deposited_l
    row.deposited_l = deposited


@inlined
def _watch(running: Running, hour: int, before: Floats, after: Floats) -> None:
    """Lists the bins of which more might overflow before the end of an hour."""
    watched, state, capacities = running.watched, running.state, running.bins[layout.CAPACITY]
    bases, counted = state[layout.BASE], state[layout.COUNTED]
    number: Integer = np.int64(0)
    for i in range(running.network.num_bins):
        more = ((after[i] - bases[i]) - capacities[i]) - counted[i]
        if more > -_ROUNDING * (1.0 + after[i]):
            number += 1
            entry = watched[number]
            entry[layout.WATCHED_BIN] = i
            entry[layout.WATCHED_BEFORE] = before[i]
            entry[layout.WATCHED_GROWTH] = after[i] - before[i]
            entry[layout.WATCHED_BASE] = bases[i]
            entry[layout.WATCHED_CAPACITY] = capacities[i]
            entry[layout.WATCHED_COUNTED] = counted[i]
    watched[0, layout.WATCHED_HOUR] = hour
    watched[0, layout.WATCHED_NUMBER] = number


@inlined
def _count_overflow(running: Running, share: float) -> float:
    """Counts what overflowed in the listed bins, and gives the sum.

    It is added up as if there were all bins: bins of the same remainder by eight together, and the
    last ones, with which eight are not complete.
    """
    watched, sums, count = running.watched, running.scratch, running.network.num_bins
    counted = running.state[layout.COUNTED]
    whole = count - (count & _LAST_LANE)
    for lane in range(_LANES + 1):
        sums[lane] = 0.0
    for k in range(1, np.int64(watched[0, layout.WATCHED_NUMBER]) + 1):
        entry = watched[k]
        i = np.int64(entry[layout.WATCHED_BIN])
        volume = entry[layout.WATCHED_BEFORE] + share * entry[layout.WATCHED_GROWTH]
        beyond = (volume - entry[layout.WATCHED_BASE]) - entry[layout.WATCHED_CAPACITY]
        more = beyond - entry[layout.WATCHED_COUNTED]
        more = more if more > 0.0 else 0.0
        entry[layout.WATCHED_COUNTED] += more
        counted[i] = entry[layout.WATCHED_COUNTED]
        sums[i & _LAST_LANE if i < whole else _LANES] += more
    first = (sums[0] + sums[1]) + (sums[2] + sums[3])
    second = (sums[4] + sums[5]) + (sums[6] + sums[7])
    total: float = (first + second) + sums[_LANES]
    return total


@inlined
def empty(running: Running, i: int, base: float) -> None:
    """A bin is emptied: its volume has another base, and nothing is counted yet."""
    state, watched = running.state, running.watched
    state[layout.BASE, i] = base
    state[layout.COUNTED, i] = 0.0
    for k in range(1, np.int64(watched[0, layout.WATCHED_NUMBER]) + 1):
        if watched[k, layout.WATCHED_BIN] == i:
            watched[k, layout.WATCHED_BASE] = base
            watched[k, layout.WATCHED_COUNTED] = 0.0
