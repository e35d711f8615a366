"""The loop over rows: decide, run on to the next decision, reward, observe, begin anew."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_gym.core import clock, draws
from twin_gym.core import compiled as compiling
from twin_gym.core.batch import AUTORESET_SAME_STEP, outcome_record
from twin_gym.core.clock import SECONDS_PER_TICK
from twin_gym.core.compiled import Integer, Record, Records, entry_point_over, inlined
from twin_gym.environments.slice_admission import heap, layout, rules, workload
from twin_gym.environments.slice_admission import observation as observing
from twin_gym.environments.slice_admission.layout import NO_SLICE
from twin_gym.environments.slice_admission.observation import observe
from twin_gym.environments.slice_admission.rules import (
    Running,
    begin,
    decide,
    forget_last_step,
    run_to_decision,
)
from twin_gym.environments.slice_admission.workload import Outside, begin_world

COMPONENTS = ("revenue", "utilisation", "fairness")
"""Components of the reward, and names of the objectives, in the order of the compiled code."""

REVENUE, UTILISATION, FAIRNESS = range(len(COMPONENTS))

OUTCOME = outcome_record(COMPONENTS)
"""Structured type of the outcome of one step of one row."""

_COMPILED_IN = (compiling, draws, clock, heap, layout, workload, rules, observing)
_entry_point = entry_point_over(*_COMPILED_IN)


class _Place(NamedTuple):
    """A row of those that `step_rows` works on, and where it is told.

    Attributes:
        networks: records of the scenarios.
        lenses: their scale factors.
        outside: arrays of the outside world.
        row: the running network.
        queue: its waiting requests.
        departures: its heap of departures.
        action: taken in it.
        observation: written.
        mask: written.
        outcome: written.
        final_rows: of all rows; written where the next episode begins in the same step.
        final_observations: of all rows; written there, too.
    """

    networks: Records
    lenses: Records
    outside: Outside
    row: Record
    queue: Records
    departures: NDArray[np.int64]
    action: int
    observation: NDArray[np.float32]
    mask: NDArray[np.int8]
    outcome: Record
    final_rows: Records
    final_observations: NDArray[np.float32]


@inlined
def _report(row: Record, outcome: Record, objective: int) -> None:
    outcome.revenue = row.revenue - row.penalty
    outcome.utilisation = row.carried
    outcome.fairness = row.fairness
    outcome.elapsed_s = row.elapsed * SECONDS_PER_TICK
    outcome.cost = row.cost
    outcome.disallowed_actions = row.disallowed
    outcome.truncated = row.is_over == layout.OVER
    if objective == UTILISATION:
        outcome.reward = outcome.utilisation
    elif objective == FAIRNESS:
        outcome.reward = outcome.fairness
    else:
        outcome.reward = outcome.revenue


@inlined
def slice_and_place(network: Record, action: int, by_slot: bool) -> tuple[Integer, Integer]:
    """Which waiting request an action names: its slice (or `NO_SLICE`) and place in the queue."""
    if not by_slot:
        return (action if 0 <= action < network.num_slices else NO_SLICE), 0
    for s in range(network.num_slices):
        place = action - network.position_start[s]
        if 0 <= place < max(network.queue_limit[s], 1):
            return s, place
    return NO_SLICE, 0


@inlined
def _copy(source: NDArray[np.float32], target: NDArray[np.float32]) -> None:
    for j in range(len(source)):  # a slice of an array would be an object that is counted
        target[j] = source[j]


@inlined
def _advance(place: _Place, by_slot: bool, most_events: int) -> Integer:
    """Carries out the action of a row, or begins its next episode, and runs on to a decision.

    A row that was cut short goes on from there.

    Returns:
        See `run_to_decision`.
    """
    row = place.row
    cut = row.is_over
    if cut == layout.OVER:
        row.episode += 1
        begin_world(row, place.networks, len(place.networks))
    network = place.networks[row.network]
    running = Running(network, row, place.queue, place.departures, place.outside)
    if cut == layout.OVER:
        begin(running)
        cut = layout.CUT_IN_BEGINNING
    elif cut < layout.CUT:
        forget_last_step(row)
        if cut == layout.OVER_UNTOLD:
            row.is_over = layout.OVER
            return most_events
        s, position = slice_and_place(network, place.action, by_slot)
        if decide(running, s, position):
            return most_events
        cut = layout.CUT
    row.is_over = layout.RUNNING
    left = run_to_decision(running, most_events)
    if left < 0:
        row.is_over = cut
    elif cut != layout.CUT and row.is_over == layout.OVER:
        row.is_over = layout.OVER_UNTOLD
    return left


@inlined
def _step_row(
    place: _Place, i: int, by_slot: bool, objective: int, autoreset: int, most_events: int,
    events_a_row: int,
) -> Integer:  # fmt: skip
    """`step_rows` for row i; gives how many events are left."""
    row, observation = place.row, place.observation
    left = most_events
    is_again = row.is_over == layout.CUT_IN_NEXT
    while True:
        left = _advance(place, by_slot, left)
        if left < 0:
            if is_again:
                row.is_over = layout.CUT_IN_NEXT
            return left
        left -= events_a_row
        if not is_again:
            _report(row, place.outcome, objective)
        network, lens = place.networks[row.network], place.lenses[row.network]
        observe(network, lens, row, place.queue, observation, place.mask, by_slot)
        if is_again or row.is_over != layout.OVER or autoreset != AUTORESET_SAME_STEP:
            return left
        place.final_rows[i] = row
        _copy(observation, place.final_observations[i])
        is_again = True  # the same row once more: its next episode begins


@_entry_point
def step_rows(
    networks: Records, lenses: Records, curves: NDArray[np.float64],
    trace_arrivals: NDArray[np.int64], trace_holdings: NDArray[np.int64],
    rows: Records, queues: Records, departures: NDArray[np.int64], actions: NDArray[np.int64],
    observations: NDArray[np.float32], masks: NDArray[np.int8], outcomes: Records,
    final_rows: Records, final_observations: NDArray[np.float32],
    first: int, last: int, by_slot: bool, objective: int, autoreset: int,
    most_events: int,
) -> Integer:  # fmt: skip
    """Carries out one action in each of the rows first <= i < last; says if any is over.

    A row that is over already begins its next episode instead, whatever the action.

    Python does nothing while this runs, and hears no Ctrl-C. So it does no more than
    `most_events`, where a row counts as some besides those that happen in it, and is then to be
    called again for the rows that are left.

    Returns:
        Twice the row to go on with, `last` if none is left, and 1 more if any row is over.
    """
    outside = Outside(curves, trace_arrivals, trace_holdings)
    any_over, left = False, most_events
    # A row may draw two arrivals a slice, and writes what is observed.
    events_a_row = 2 * networks[0].num_slices + (observations.shape[1] >> 4)
    for i in range(first, last):
        if left <= 0:
            return 2 * i + any_over
        place = _Place(
            networks, lenses, outside, rows[i], queues[i], departures[i], actions[i],
            observations[i], masks[i], outcomes[i], final_rows, final_observations,
        )  # fmt: skip
        left = _step_row(place, i, by_slot, objective, autoreset, left, events_a_row)
        if rows[i].is_over >= layout.CUT:
            return 2 * i + any_over
        any_over |= outcomes[i].truncated
    return 2 * last + any_over


@_entry_point
def observe_rows(
    networks: Records, lenses: Records, rows: Records, queues: Records,
    observations: NDArray[np.float32], masks: NDArray[np.int8], outcomes: Records,
    chosen: NDArray[np.bool_], by_slot: bool, objective: int,
) -> None:  # fmt: skip
    """Writes the outputs of `step_rows` for the chosen rows, without a step."""
    for i in range(len(rows)):
        if chosen[i]:
            row = rows[i]
            network, lens = networks[row.network], lenses[row.network]
            _report(row, outcomes[i], objective)
            observe(network, lens, row, queues[i], observations[i], masks[i], by_slot)
