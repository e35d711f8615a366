"""The rules of right-time synchronisation, compiled: one function carries one twin over one slot.

In a slot, in this order: the chosen entities send what they are worth at its beginning, as long as
the budget lasts; what was sent `delay_slots` before and was not lost reaches the twin; time passes,
all values change and all ages grow by one; errors are measured; now and then the twin is inspected.
`twin_gym.sim.reference.sync` tells the same rules in SimPy.

Arguments that recur: `network`, `entities`, `laws`, `bridge`, `series`, `lost`, `delivery`: the
tables of the scenario (see `layout`); `world`, the key of the world; `row`, the counters of the
running network; `twin`, what it holds of its entities; `on_way`, what was sent in the last slots,
by slot modulo the delay plus 1 and by place, -1 where nothing will arrive.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.sim.compiled import Integer, Record, Records, compiled, inlined
from twin_gym.sim.sync import layout
from twin_gym.sim.sync.workload import is_delivered, offset_drawn, value_at

Floats = NDArray[np.float64]

# Typed, for Numba compiles a function anew for each literal number that it is called with.
_FIRST: Integer = np.int64(0)


@compiled
def begin(
    network: Record,
    entities: Records,
    laws: Floats,
    bridge: Floats,
    series: Floats,
    world: np.uint64,
    row: Record,
    twin: Floats,
    on_way: NDArray[np.int32],
) -> None:
    """A new episode: the twin knows every value, or none."""
    _clear(row)
    row.offset = offset_drawn(network, world)
    row.budget_left = network.budget
    for place in range(on_way.shape[0]):
        for k in range(on_way.shape[1]):
            on_way[place, k] = -1
    for field in range(twin.shape[0]):
        for i in range(network.num_entities):
            twin[field, i] = 0.0
    known = network.is_synchronised
    for i in range(network.num_entities):
        entity = entities[i]
        twin[layout.SHRUNK, i] = 1.0
        twin[layout.SEEN_CHANGE, i] = 0.5
        twin[layout.IS_KNOWN, i] = known
        if known:
            twin[layout.VALUE, i] = value_at(
                network, entity, bridge[i], series, world, row.offset, i, _FIRST
            )
        else:
            twin[layout.VARIANCE, i] = entity.initial_sd * entity.initial_sd
    row.known = known * network.num_entities


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
def run_slot(
    network: Record,
    entities: Records,
    laws: Floats,
    bridge: Floats,
    series: Floats,
    lost: NDArray[np.bool_],
    delivery: Floats,
    world: np.uint64,
    row: Record,
    twin: Floats,
    on_way: NDArray[np.int32],
    chosen: NDArray[np.int64],
    slot: int,
    is_realised: int,
) -> None:
    """One slot.

    Args:
        network: see above, as for all up to `on_way`.
        entities: see above.
        laws: see above.
        bridge: see above.
        series: see above.
        lost: see above.
        delivery: see above.
        world: see above.
        row: see above.
        twin: see above.
        on_way: see above.
        chosen: entities in the order in which the budget is spent on them, each once; -1: nobody.
        slot: its number.
        is_realised: whether errors are those of the true values, or expected ones.
    """
    period = network.delay_slots + 1
    _send(network, entities, lost, delivery, world, row, on_way[slot % period], chosen, slot)
    sent = slot - network.delay_slots
    arriving = on_way[(slot + 1) % period]
    for k in range(arriving.shape[0] if sent >= 0 else 0):
        number: Integer = np.int64(arriving[k])
        if number >= 0:
            value = value_at(
                network, entities[number], bridge[number], series, world, row.offset, number, sent
            )
            _learn(network, entities[number], laws, row, twin, number, value)
            arriving[k] = -1
    _pass(network, laws, row, twin)
    if is_realised or network.has_replay:
        _look(network, entities, laws, bridge, series, world, row, twin, slot + 1, is_realised)
    _measure(network, laws, row, twin)
    if (slot + 1) % network.inspection_slots == 0 or slot + 1 == network.num_slots:
        _inspect(network, entities, laws, bridge, series, world, row, twin, slot + 1)


@inlined
def _send(
    network: Record,
    entities: Records,
    lost: NDArray[np.bool_],
    delivery: Floats,
    world: np.uint64,
    row: Record,
    places: NDArray[np.int32],
    chosen: NDArray[np.int64],
    slot: int,
) -> None:
    """The chosen send; the more of them in the slot, the more are lost."""
    sending = np.int64(0)
    for k in range(chosen.shape[0]):
        if chosen[k] >= 0 and (row.budget_left < 0 or sending < row.budget_left):
            sending += 1
    if row.budget_left > 0:
        row.budget_left -= sending
    row.updates += sending
    row.step_updates = sending
    probability = delivery[sending]
    sent = np.int64(0)
    for k in range(chosen.shape[0]):
        number: Integer = chosen[k]
        if number < 0 or sent == sending:
            continue
        sent += 1
        if is_delivered(entities[number], lost, probability, world, row.offset, number, slot):
            places[k] = number


@inlined
def _learn(
    network: Record,
    entity: Record,
    laws: Floats,
    row: Record,
    twin: Floats,
    number: int,
    value: float,
) -> None:
    """The twin takes over a value that was true when it was sent."""
    age = np.int64(twin[layout.AGE, number])
    row.delivered += 1
    row.peaks += 1
    row.peak_sum += age
    row.age_now += network.delay_slots - age
    if twin[layout.IS_KNOWN, number] == 0.0:
        twin[layout.IS_KNOWN, number] = 1.0
        row.known += 1
    elif age > network.delay_slots:
        change = value - twin[layout.VALUE, number]
        span = np.float64(age - network.delay_slots)
        squares = twin[layout.SQUARES, number] + change * change
        spans = twin[layout.SPANS, number] + span
        twin[layout.SQUARES, number] = squares
        twin[layout.SPANS, number] = spans
        if network.is_trend and entity.law != layout.TWO_STATE:
            twin[layout.SLOPE, number] = change / span
        turn = squares / spans * network.num_entities
        square_tolerance = network.tolerance * network.tolerance
        twin[layout.SEEN_RATE, number] = turn / (turn + square_tolerance)
        twin[layout.SEEN_CHANGE, number] = 0.5 + 0.5 * change / (abs(change) + network.tolerance)
    shrunk, variance = 1.0, 0.0
    for _ in range(network.delay_slots):
        shrunk *= laws[layout.DECAY, number]
        variance = _grown(laws, number, variance)
    twin[layout.AGE, number] = network.delay_slots
    twin[layout.VALUE, number] = value
    twin[layout.SHRUNK, number] = shrunk
    twin[layout.VARIANCE, number] = variance


@inlined
def _grown(laws: Floats, number: int, variance: float) -> float:
    """The variance one slot later."""
    decay = laws[layout.DECAY, number]
    grown: float = variance * decay * decay + laws[layout.NOISE, number]
    return grown


@inlined
def _pass(network: Record, laws: Floats, row: Record, twin: Floats) -> None:
    """Time passes: what the twin holds is one slot older, and the expected errors grow."""
    ages, slopes = twin[layout.AGE], twin[layout.SLOPE]
    values, errors = twin[layout.VALUE], twin[layout.ERROR]
    shrunk, variances = twin[layout.SHRUNK], twin[layout.VARIANCE]
    decays, noises, holds = laws[layout.DECAY], laws[layout.NOISE], laws[layout.HOLD]
    for i in range(network.num_entities):
        ages[i] += 1.0
        shrunk[i] *= decays[i]
        variances[i] = variances[i] * decays[i] * decays[i] + noises[i]
        gap = holds[i] * (shrunk[i] - 1.0) * values[i] - slopes[i] * ages[i]
        errors[i] = variances[i] + gap * gap
    row.age_now += network.num_entities
    row.age_sum += row.age_now


@inlined
def prediction(laws: Floats, twin: Floats, number: int) -> float:
    """What the twin takes for the value of an entity."""
    hold = laws[layout.HOLD, number]
    factor = hold + (1.0 - hold) * twin[layout.SHRUNK, number]
    drift = twin[layout.SLOPE, number] * twin[layout.AGE, number]
    predicted: float = twin[layout.VALUE, number] * factor + drift
    return predicted


@compiled
def _look(
    network: Record,
    entities: Records,
    laws: Floats,
    bridge: Floats,
    series: Floats,
    world: np.uint64,
    row: Record,
    twin: Floats,
    slot: int,
    is_realised: int,
) -> None:
    """Realised errors: of all entities, or of the replayed ones, which have no law."""
    for i in range(network.num_entities):
        if is_realised or entities[i].law == layout.REPLAYED:
            value = value_at(network, entities[i], bridge[i], series, world, row.offset, i, slot)
            gap = value - prediction(laws, twin, i)
            twin[layout.ERROR, i] = gap * gap


@inlined
def _measure(network: Record, laws: Floats, row: Record, twin: Floats) -> None:
    """The mean error, in four interleaved sums, for a single one waits for each addition."""
    errors, weights = twin[layout.ERROR], laws[layout.WEIGHT]
    limit = network.tolerance * network.tolerance
    count = network.num_entities
    sum_0, sum_1, sum_2, sum_3 = 0.0, 0.0, 0.0, 0.0
    for i in range(0, count - 3, 4):
        sum_0 += weights[i] * errors[i]
        sum_1 += weights[i + 1] * errors[i + 1]
        sum_2 += weights[i + 2] * errors[i + 2]
        sum_3 += weights[i + 3] * errors[i + 3]
    rest = 0.0
    for i in range(count - count % 4, count):
        rest += weights[i] * errors[i]
    beyond = np.int64(0)
    for i in range(count):
        beyond += np.int64(errors[i] > limit)
    row.step_error = ((sum_0 + sum_1) + (sum_2 + sum_3)) + rest
    row.error_sum += row.step_error
    row.step_beyond = beyond
    row.beyond_sum += beyond


@compiled
def _inspect(
    network: Record,
    entities: Records,
    laws: Floats,
    bridge: Floats,
    series: Floats,
    world: np.uint64,
    row: Record,
    twin: Floats,
    slot: int,
) -> None:
    """Counts the entities of which the twin has a value within the tolerance of the true one."""
    accurate = np.int64(0)
    for i in range(network.num_entities):
        if twin[layout.IS_KNOWN, i] == 0.0:
            continue
        value = value_at(network, entities[i], bridge[i], series, world, row.offset, i, slot)
        accurate += np.int64(abs(value - prediction(laws, twin, i)) <= network.tolerance)
    row.inspections += 1
    row.accurate += accurate
    row.last_accurate = accurate
