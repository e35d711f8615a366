"""The loop over rows: decide, run to the next decision, reward, observe, and begin anew at the end.

The compiled functions are cached on disk. Numba looks for changes in this file alone, so the digest
of every file that is compiled into them is made part of the key.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from twin_gym.envs.slice_admission import observation as observing
from twin_gym.envs.slice_admission.observation import observe
from twin_gym.sim import clock, draws
from twin_gym.sim.admission import heap, kernel, layout, workload
from twin_gym.sim.admission.kernel import NO_SLICE, begin, decide, forget_last_step, run_to_decision
from twin_gym.sim.admission.workload import Outside
from twin_gym.sim.compiled import compiled, entry_point, inlined
from twin_gym.sim.clock import SECONDS_PER_TICK

AUTORESET_DISABLED, AUTORESET_SAME_STEP, AUTORESET_NEXT_STEP = 0, 1, 2

OBJECTIVES = ("revenue", "utilisation", "fairness")
"""Components of the reward, and names of the objectives, in the order of the compiled code."""

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

_COMPILED_IN = (draws, clock, heap, layout, workload, kernel, observing)


def _sources_digest() -> str:
    digest = hashlib.sha256()
    for module in _COMPILED_IN:
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()


@compiled
def begin_next(networks, row, queue, departures, outside):
    """Begins the row's next episode and runs it to its first decision."""
    row.episode += 1
    begin(row, networks, len(networks), outside)
    run_to_decision(networks[row.network], row, queue, departures, outside)
    if row.is_over == layout.OVER:
        row.is_over = layout.OVER_UNTOLD


@inlined
def _report(row, outcome, objective):
    outcome.revenue = row.revenue - row.penalty
    outcome.utilisation = row.carried
    outcome.fairness = row.fairness
    outcome.elapsed_s = row.elapsed * SECONDS_PER_TICK
    outcome.cost = row.cost
    outcome.disallowed_actions = row.disallowed
    outcome.truncated = row.is_over == layout.OVER
    if objective == 1:
        outcome.reward = outcome.utilisation
    elif objective == 2:
        outcome.reward = outcome.fairness
    else:
        outcome.reward = outcome.revenue


@inlined
def slice_and_place(network, action, by_slot):
    """Which waiting request an action names: its slice (or `NO_SLICE`) and its place in the queue."""
    if not by_slot:
        return (action if 0 <= action < network.num_slices else NO_SLICE), 0
    for s in range(network.num_slices):
        place = action - network.position_start[s]
        if 0 <= place < max(network.queue_limit[s], 1):
            return s, place
    return NO_SLICE, 0


def _compile(compiled_in: str) -> tuple[Any, Any]:
    """The cached entry points; `compiled_in` is a cell of both, and so part of the cache's key."""

    @entry_point
    def step_rows(
        networks, lenses, curves, trace_arrivals, trace_holdings,
        rows, queues, departures, actions, observations, masks, outcomes,
        final_rows, final_observations, first, last, by_slot, objective, autoreset,
    ):  # fmt: skip
        """Carries out one action in each of the rows first <= i < last; says if any is over.

        A row that is over already begins its next episode instead, whatever the action.
        """
        _ = compiled_in
        outside = Outside(curves, trace_arrivals, trace_holdings)
        any_over = False
        for i in range(first, last):
            row, queue = rows[i], queues[i]
            forget_last_step(row)
            if row.is_over == layout.OVER:
                begin_next(networks, row, queue, departures[i], outside)
            elif row.is_over == layout.OVER_UNTOLD:
                row.is_over = layout.OVER
            else:
                network = networks[row.network]
                s, place = slice_and_place(network, actions[i], by_slot)
                decide(network, row, queue, departures[i], s, place, outside)
            _report(row, outcomes[i], objective)
            if row.is_over == layout.OVER:
                any_over = True
                if autoreset == AUTORESET_SAME_STEP:
                    observe(
                        networks[row.network], lenses[row.network], row, queue,
                        final_observations[i], masks[i], by_slot,
                    )  # fmt: skip
                    final_rows[i] = row
                    begin_next(networks, row, queue, departures[i], outside)
            network = networks[row.network]
            observe(network, lenses[row.network], row, queue, observations[i], masks[i], by_slot)
        return any_over

    @entry_point
    def observe_rows(
        networks, lenses, rows, queues, observations, masks, outcomes, chosen, by_slot, objective
    ):
        """What `step_rows` tells of the chosen rows, which something else has moved."""
        _ = compiled_in
        for i in range(len(rows)):
            if chosen[i]:
                row = rows[i]
                network, lens = networks[row.network], lenses[row.network]
                _report(row, outcomes[i], objective)
                observe(network, lens, row, queues[i], observations[i], masks[i], by_slot)

    return step_rows, observe_rows


step_rows, observe_rows = _compile(_sources_digest())
