"""What the twin of the bins knows: the reports that arrive, and what an emptying reveals, compiled.

An argument that recurs: `i`, a bin.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.compiled import Integer, Record, inlined
from twin_gym.environments.truck_routing import layout, workload
from twin_gym.environments.truck_routing.workload import volume_l

Floats = NDArray[np.float64]

TREND: Integer = np.int64(layout.TREND)
FITTED: Integer = np.int64(layout.FITTED)


class Running(NamedTuple):
    """The arrays of a running network that the rules read or write.

    Attributes:
        network: the tables of the scenario, as what follows (see `layout.Tables`).
        bins: likewise.
        travel: likewise.
        distance: likewise.
        profile: likewise.
        world: key of the world.
        row: time, counters and trucks.
        state: of the bins; shape (fields, bins).
        allowed: bins that the deciding truck may go to, 1 = allowed; shape (bins,).
        volumes: see `workload.draw_volumes`.
        scratch: shape (`layout.SCRATCH` or bins, whichever is more).
        watched: see `overflow`; shape (1 + bins, `layout.WATCHED_FIELDS`).
        cycle: the bins in the order in which they report; shape (bins,).
        due: times of their first reports, in that order; shape (bins,).
    """

    network: Record
    bins: Floats
    travel: Floats
    distance: Floats
    profile: Floats
    world: np.uint64
    row: Record
    state: Floats
    allowed: NDArray[np.int8]
    volumes: Floats
    scratch: Floats
    watched: Floats
    cycle: NDArray[np.int32]
    due: Floats


@inlined
def content_l(running: Running, i: int, time: float) -> float:
    """The true content of a bin since its last emptying, in litres."""
    volume = volume_l(running.volumes, running.network.num_hours - 1, i, time)
    content: float = min(volume - running.state[layout.BASE, i], running.bins[layout.CAPACITY, i])
    return content


@inlined
def learn(running: Running, i: int, litres: float, time: float) -> None:
    """The twin learns what a bin held at a time."""
    state, network = running.state, running.network
    state[layout.READING, i] = litres
    if state[layout.READ_AT, i] == 0.0:  # the first time: nothing is written that is known
        state[layout.IS_READ, i] = 1.0
    state[layout.READ_AT, i] = time
    last = network.num_hours - 1
    is_fitted = network.predictor == FITTED
    stamp = workload.profile_hours(running.profile, last, time) if is_fitted else time
    state[layout.STAMP, i] = stamp


@inlined
def take_reports(running: Running) -> None:
    """The twin takes in the reports that have arrived, in the order in which bins report.

    After a night only the last two of each bin are looked at: `_take_report` looks for the one
    before itself.
    """
    network, row, due = running.network, running.row, running.due
    count, period = network.num_bins, network.period
    if period == 0.0:
        return
    until = row.now - network.delay
    turn, place = row.reports // count, row.reports % count
    begun_turn, begun_place = turn, place
    if until - (due[place] + turn * period) > 2.0 * period:
        turn += np.int64((until - (due[place] + turn * period)) / period) - 1
    while due[place] + turn * period <= until:
        i: Integer = np.int64(running.cycle[place])
        unseen = begun_turn + np.int64(place < begun_place)
        _take_report(running, i, due[place], turn, unseen)
        place += 1
        if place == count:
            place = 0
            turn += 1
    row.reports = turn * count + place


@inlined
def _delivered_before(running: Running, i: int, offset: float, report: int, unseen: int) -> Integer:
    """The last report of a bin, from number `report` back, that arrives and says something new.

    Those before number `unseen` were looked at before: where hardly any report arrives, it would
    take long to do so again and again.

    Returns:
        Its number; -1: there is none.
    """
    network, read_at = running.network, running.state[layout.READ_AT, i]
    while report >= unseen and offset + report * network.period > read_at:
        if workload.is_delivered(network, running.world, i, report):
            return report
        report -= 1
    return np.int64(-1)


@inlined
def _take_report(running: Running, i: int, offset: float, report: int, unseen: int) -> None:
    """The twin takes in the last report of a bin, from `unseen` up to one; for a line, two."""
    network, state = running.network, running.state
    period = network.period
    newest = _delivered_before(running, i, offset, report, unseen)
    if newest < 0:
        return
    time = offset + newest * period
    litres = _sensed(running, i, time)
    if network.predictor == TREND:
        before_at, before = state[layout.READ_AT, i], state[layout.READING, i]
        is_read = state[layout.IS_READ, i] > 0.0
        second = _delivered_before(running, i, offset, newest - 1, unseen)
        if second >= 0:
            before_at, is_read = offset + second * period, True
            before = _sensed(running, i, before_at)
        if is_read:
            slope = (litres - before) / (time - before_at)
            state[layout.RATE, i] = slope if slope > 0.0 else 0.0
    learn(running, i, litres, time)


@inlined
def _sensed(running: Running, i: int, time: float) -> float:
    """What the sensor of a bin reads at a time since its last emptying."""
    litres: float = min(content_l(running, i, time), running.bins[layout.SENSOR_LIMIT, i])
    return litres


@inlined
def sort_numbers(cycle: NDArray[np.int32], keys: Floats, count: int) -> None:
    """Writes the numbers of the keys, the least key first (Shell sort)."""
    for i in range(count):
        cycle[i] = i
    gap = count >> 1
    while gap > 0:
        for place in range(gap, count):
            number = cycle[place]
            at = place
            while at >= gap and keys[cycle[at - gap]] > keys[number]:
                cycle[at] = cycle[at - gap]
                at -= gap
            cycle[at] = number
        gap >>= 1
