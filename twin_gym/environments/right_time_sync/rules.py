"""The rules of right-time synchronisation, compiled: one function carries one twin over one slot.

In a slot, in this order: the chosen entities send what they are worth at its beginning, as long as
the budget lasts; what was sent `delay_slots` before and was not lost reaches the twin; time passes,
all values change and all ages grow by one; errors are measured; now and then the twin is inspected.
`right_time_sync.reference` tells the same rules in SimPy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.compiled import Integer, Record, Records, compiled, inlined
from twin_gym.environments.right_time_sync import layout
from twin_gym.environments.right_time_sync.workload import entity_value, is_delivered, offset_drawn

Floats = NDArray[np.float64]

# Typed, for Numba compiles a function anew for each literal number that it is called with.
_FIRST: Integer = np.int64(0)


class Running(NamedTuple):
    """The arrays of a running network that the rules read or write.

    Attributes:
        network: the tables of the scenario, as what follows (see `layout`).
        entities: likewise.
        laws: likewise.
        bridge: likewise.
        series: likewise.
        lost: likewise.
        spared: likewise.
        world: key of the world.
        row: counters.
        twin: what it holds of its entities.
        seen: what the observation has of that.
        on_way: what was sent in the last slots, by slot modulo the delay plus 1 and by place; -1
            where nothing will arrive.
    """

    network: Record
    entities: Records
    laws: Floats
    bridge: Floats
    series: Floats
    lost: NDArray[np.bool_]
    spared: Floats
    world: np.uint64
    row: Record
    twin: Floats
    seen: NDArray[np.float32]
    on_way: NDArray[np.int32]


@compiled
def begin(running: Running) -> None:
    """A new episode: the twin knows every value, or none."""
    network, row, twin = running.network, running.row, running.twin
    seen, on_way = running.seen, running.on_way
    _clear(row)
    row.offset = offset_drawn(network, running.world)
    row.budget_left = network.budget
    for place in range(on_way.shape[0]):
        for k in range(on_way.shape[1]):
            on_way[place, k] = -1
    for field in range(twin.shape[0]):
        for i in range(network.num_entities):
            twin[field, i] = 0.0
    known = network.is_synchronised
    for i in range(network.num_entities):
        seen[layout.RATE, i] = 0.0
        seen[layout.CHANGE, i] = 0.5
        twin[layout.IS_KNOWN, i] = known
        if known:
            twin[layout.SHRUNK, i] = 1.0
            twin[layout.VALUE, i] = _value(running, i, _FIRST)
    row.known = known * network.num_entities


@inlined
def _value(running: Running, number: int, slot: int) -> float:
    """The true value of an entity at the beginning of a slot."""
    return entity_value(
        running.network, running.entities[number], running.bridge[number], running.series,
        running.world, running.row.offset, number, slot,
    )  # fmt: skip


@inlined
def _clear(row: Record) -> None:
    row.updates = 0
    row.delivered = 0
    row.age_now = 0
    row.age_sum = 0
    row.peak_sum = 0
    row.peaks = 0
    row.inspections = 0
    row.accurate = 0
    row.last_accurate = 0
    row.beyond_sum = 0
    row.error_sum = 0.0
    row.step_error = 0.0
    row.step_beyond = 0
    row.step_updates = 0


@inlined
def run_slot(running: Running, chosen: NDArray[np.int64], slot: int, is_realised: int) -> None:
    """One slot.

    Args:
        running: the network.
        chosen: entities in the order in which the budget is spent on them, each once; -1: nobody.
        slot: its number.
        is_realised: whether errors are those of the true values, or expected ones.
    """
    network, row, laws, twin = running.network, running.row, running.laws, running.twin
    on_way = running.on_way
    period = network.delay_slots + 1
    _send(running, on_way[slot % period], chosen, slot)
    sent = slot - network.delay_slots
    arriving = on_way[(slot + 1) % period]
    for k in range(arriving.shape[0] if sent >= 0 else 0):
        number: Integer = np.int64(arriving[k])
        if number >= 0:
            _learn(running, number, slot, _value(running, number, sent))
            arriving[k] = -1
    row.age_now += network.num_entities
    row.age_sum += row.age_now
    if is_realised or network.has_replay:
        _look(running, slot + 1, is_realised)
    elif network.is_trend:
        _expect_by_trend(network, laws, twin, slot + 1)
    else:
        _expect(network, laws, twin, slot + 1)
    _measure(network, laws, row, twin)
    if (slot + 1) % network.inspection_slots == 0 or slot + 1 == network.num_slots:
        _inspect(running, slot + 1)


@inlined
def _send(
    running: Running, places: NDArray[np.int32], chosen: NDArray[np.int64], slot: int
) -> None:
    """The chosen send; the more of them in the slot, the more are lost."""
    row = running.row
    sending = np.int64(0)
    for k in range(chosen.shape[0]):
        if chosen[k] >= 0 and (row.budget_left < 0 or sending < row.budget_left):
            sending += 1
    if row.budget_left > 0:
        row.budget_left -= sending
    row.updates += sending
    row.step_updates = sending
    share = running.spared[sending]
    sent = np.int64(0)
    for k in range(chosen.shape[0]):
        number: Integer = chosen[k]
        if number < 0 or sent == sending:
            continue
        sent += 1
        entity = running.entities[number]
        if is_delivered(entity, running.lost, share, running.world, row.offset, number, slot):
            places[k] = number


@inlined
def _learn(running: Running, number: int, slot: int, value: float) -> None:
    """The twin takes over a value that was true when it was sent."""
    network, row, twin, seen = running.network, running.row, running.twin, running.seen
    born = np.float64(slot - network.delay_slots)
    span = born - twin[layout.BORN, number]
    row.delivered += 1
    row.peaks += 1
    row.peak_sum += np.int64(span) + network.delay_slots
    row.age_now -= np.int64(span)
    if twin[layout.IS_KNOWN, number] == 0.0:
        twin[layout.IS_KNOWN, number] = 1.0
        row.known += 1
    elif span > 0.0:
        change = value - twin[layout.VALUE, number]
        squares = twin[layout.SQUARES, number] + change * change
        spans = twin[layout.SPANS, number] + span
        twin[layout.SQUARES, number] = squares
        twin[layout.SPANS, number] = spans
        if network.is_trend and running.entities[number].law != layout.TWO_STATE:
            twin[layout.SLOPE, number] = change / span
        turn = squares / spans * network.num_entities
        square_tolerance = network.tolerance * network.tolerance
        seen[layout.RATE, number] = np.float32(turn / (turn + square_tolerance))
        relative = change / (abs(change) + network.tolerance)
        seen[layout.CHANGE, number] = np.float32(0.5 + 0.5 * relative)
    shrunk = 1.0
    for _ in range(network.delay_slots):
        shrunk *= running.laws[layout.DECAY, number]
    twin[layout.BORN, number] = born
    twin[layout.VALUE, number] = value
    twin[layout.SHRUNK, number] = shrunk


@inlined
def _shrink(network: Record, decays: Floats, shrunk: Floats) -> None:
    """Decays the deviations by one slot; tiny ones become 0, as subnormal numbers are slow.

    It has a loop of its own: LLVM computes several entities at once only where few arrays must be
    shown not to overlap.
    """
    for i in range(network.num_entities):
        left = shrunk[i] * decays[i]
        shrunk[i] = left if left > layout.NOTHING_LEFT else 0.0


@inlined
def _expect(network: Record, laws: Floats, twin: Floats, slot: int) -> None:
    """A slot is over: the errors to expect, given all that was delivered."""
    born, values, shrunk, errors = (
        twin[layout.BORN], twin[layout.VALUE], twin[layout.SHRUNK], twin[layout.ERROR],
    )  # fmt: skip
    decays, settled, growth, holds = (
        laws[layout.DECAY], laws[layout.SETTLED], laws[layout.GROWTH], laws[layout.HOLD],
    )  # fmt: skip
    now = np.float64(slot)
    _shrink(network, decays, shrunk)
    for i in range(network.num_entities):
        left = shrunk[i]
        gap = holds[i] * (left - 1.0) * values[i]
        variance = settled[i] * (1.0 - left * left) + growth[i] * (now - born[i])
        errors[i] = variance + gap * gap


@inlined
def _expect_by_trend(network: Record, laws: Floats, twin: Floats, slot: int) -> None:
    """The same where lines are drawn through the last two values."""
    born, slopes = twin[layout.BORN], twin[layout.SLOPE]
    values, shrunk, errors = twin[layout.VALUE], twin[layout.SHRUNK], twin[layout.ERROR]
    decays, settled, growth = laws[layout.DECAY], laws[layout.SETTLED], laws[layout.GROWTH]
    now = np.float64(slot)
    _shrink(network, decays, shrunk)
    for i in range(network.num_entities):
        left = shrunk[i]
        age = now - born[i]
        gap = (left - 1.0) * values[i] - slopes[i] * age
        variance = settled[i] * (1.0 - left * left) + growth[i] * age
        errors[i] = variance + gap * gap


@inlined
def prediction(laws: Floats, twin: Floats, number: int, slot: int) -> float:
    """The value of an entity that the twin predicts."""
    hold = laws[layout.HOLD, number]
    factor = hold + (1.0 - hold) * twin[layout.SHRUNK, number]
    drift = twin[layout.SLOPE, number] * (slot - twin[layout.BORN, number])
    predicted: float = twin[layout.VALUE, number] * factor + drift
    return predicted


@compiled
def _look(running: Running, slot: int, is_realised: int) -> None:
    """Realised errors: of all entities, or of the replayed ones, which have no law."""
    network, laws, twin = running.network, running.laws, running.twin
    if network.is_trend:
        _expect_by_trend(network, laws, twin, slot)
    else:
        _expect(network, laws, twin, slot)
    for i in range(network.num_entities):
        if is_realised or running.entities[i].law == layout.REPLAYED:
            gap = _value(running, i, slot) - prediction(laws, twin, i, slot)
            twin[layout.ERROR, i] = gap * gap


@inlined
def _measure(network: Record, laws: Floats, row: Record, twin: Floats) -> None:
    """The mean error, in eight interleaved sums, for a single one waits for each addition."""
    errors, weights = twin[layout.ERROR], laws[layout.WEIGHT]
    limit = network.tolerance * network.tolerance
    count = network.num_entities
    sum_0, sum_1, sum_2, sum_3, sum_4, sum_5, sum_6, sum_7 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(0, count - 7, 8):
        sum_0 += weights[i] * errors[i]
        sum_1 += weights[i + 1] * errors[i + 1]
        sum_2 += weights[i + 2] * errors[i + 2]
        sum_3 += weights[i + 3] * errors[i + 3]
        sum_4 += weights[i + 4] * errors[i + 4]
        sum_5 += weights[i + 5] * errors[i + 5]
        sum_6 += weights[i + 6] * errors[i + 6]
        sum_7 += weights[i + 7] * errors[i + 7]
    rest = 0.0
    for i in range(count - count % 8, count):
        rest += weights[i] * errors[i]
    beyond = np.int64(0)
    for i in range(count):
        beyond += np.int64(errors[i] > limit)
    first, second = (sum_0 + sum_1) + (sum_2 + sum_3), (sum_4 + sum_5) + (sum_6 + sum_7)
    row.step_error = (first + second) + rest
    row.error_sum += row.step_error
    row.step_beyond = beyond
    row.beyond_sum += beyond


@compiled
def _inspect(running: Running, slot: int) -> None:
    """Counts the entities of which the twin has a value within the tolerance of the true one."""
    network, row = running.network, running.row
    laws, twin = running.laws, running.twin
    accurate = np.int64(0)
    for i in range(network.num_entities):
        if twin[layout.IS_KNOWN, i] == 0.0:
            continue
        value = _value(running, i, slot)
        accurate += np.int64(abs(value - prediction(laws, twin, i, slot)) <= network.tolerance)
    row.inspections += 1
    row.accurate += accurate
    row.last_accurate = accurate
