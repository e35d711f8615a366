"""The loop over rows: decide, run to the next decision, reward, observe, and begin anew at the end.

The compiled functions are cached on disk. Numba looks for changes in this file alone, so the digest
of every file that is compiled into them is made part of the key.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.envs.batch import AUTORESET_SAME_STEP
from twin_gym.envs.slice_admission import observation as observing
from twin_gym.envs.slice_admission.observation import observe
from twin_gym.sim import clock, draws
from twin_gym.sim import compiled as compiling
from twin_gym.sim.admission import heap, kernel, layout, workload
from twin_gym.sim.admission.kernel import begin, decide, forget_last_step, run_to_decision
from twin_gym.sim.admission.layout import NO_SLICE
from twin_gym.sim.admission.workload import Outside
from twin_gym.sim.clock import SECONDS_PER_TICK
from twin_gym.sim.compiled import Integer, Record, Records, entry_point, inlined

OBJECTIVES = ("revenue", "utilisation", "fairness")
"""Components of the reward, and names of the objectives, in the order of the compiled code."""

REVENUE, UTILISATION, FAIRNESS = range(len(OBJECTIVES))

OUTCOME = np.dtype(
    [
        ("reward", "f8"),
        ("revenue", "f8"),
        ("utilisation", "f8"),
        ("fairness", "f8"),
        ("elapsed_s", "f8"),
        ("cost", "f8"),
        ("disallowed_actions", "i8"),
        ("truncated", "?"),
    ],
    align=True,
)
"""What one step of one row brings."""

_COMPILED_IN = (compiling, draws, clock, heap, layout, workload, kernel, observing)


def sources_digest() -> str:
    """Names the sources of everything that is compiled into the entry points."""
    return compiling.sources_digest(_COMPILED_IN)


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
def _advance(
    networks: Records,
    row: Record,
    queue: Records,
    departures: NDArray[np.int64],
    action: int,
    by_slot: bool,
    outside: Outside,
) -> None:
    """Carries out an action, or begins the next episode, and runs on to the next decision."""
    begins = row.is_over == layout.OVER
    if begins:
        row.episode += 1
        begin(row, departures, networks, len(networks), outside)
    else:
        forget_last_step(row)
        if row.is_over == layout.OVER_UNTOLD:
            row.is_over = layout.OVER
            return
        network = networks[row.network]
        s, place = slice_and_place(network, action, by_slot)
        if decide(network, row, queue, departures, s, place):
            return
    run_to_decision(networks[row.network], row, queue, departures, outside)
    if begins and row.is_over == layout.OVER:
        row.is_over = layout.OVER_UNTOLD


def _compile(compiled_in: str) -> tuple[Any, Any]:
    """The cached entry points; `compiled_in` is a cell of both, and so part of the cache's key."""

    @entry_point
    def step_rows(
        networks: Records, lenses: Records, curves: NDArray[np.float64],
        trace_arrivals: NDArray[np.int64], trace_holdings: NDArray[np.int64],
        rows: Records, queues: Records, departures: NDArray[np.int64], actions: NDArray[np.int64],
        observations: NDArray[np.float32], masks: NDArray[np.int8], outcomes: Records,
        final_rows: Records, final_observations: NDArray[np.float32],
        first: int, last: int, by_slot: bool, objective: int, autoreset: int,
    ) -> bool:  # fmt: skip
        """Carries out one action in each of the rows first <= i < last; says if any is over.

        A row that is over already begins its next episode instead, whatever the action.
        """
        _ = compiled_in
        outside = Outside(curves, trace_arrivals, trace_holdings)
        any_over = False
        for i in range(first, last):
            row, queue = rows[i], queues[i]
            is_again = False
            while True:
                _advance(networks, row, queue, departures[i], actions[i], by_slot, outside)
                if not is_again:
                    _report(row, outcomes[i], objective)
                network, lens = networks[row.network], lenses[row.network]
                observe(network, lens, row, queue, observations[i], masks[i], by_slot)
                if is_again or row.is_over != layout.OVER:
                    break
                any_over = True
                if autoreset != AUTORESET_SAME_STEP:
                    break
                final_rows[i] = row
                _copy(observations[i], final_observations[i])
                is_again = True  # the same row once more: its next episode begins
        return any_over

    @entry_point
    def observe_rows(
        networks: Records, lenses: Records, rows: Records, queues: Records,
        observations: NDArray[np.float32], masks: NDArray[np.int8], outcomes: Records,
        chosen: NDArray[np.bool_], by_slot: bool, objective: int,
    ) -> None:  # fmt: skip
        """What `step_rows` tells of the chosen rows, which something else has moved."""
        _ = compiled_in
        for i in range(len(rows)):
            if chosen[i]:
                row = rows[i]
                network, lens = networks[row.network], lenses[row.network]
                _report(row, outcomes[i], objective)
                observe(network, lens, row, queues[i], observations[i], masks[i], by_slot)

    return step_rows, observe_rows


step_rows, observe_rows = _compile(sources_digest())
