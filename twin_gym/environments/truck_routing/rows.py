"""The loop over rows: a decision, or the next episode; reward, mask and observation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core import compiled as compiling
from twin_gym.core import draws, episodes
from twin_gym.core.batch import outcome_record
from twin_gym.core.compiled import Integer, Record, Records, entry_point_over, inlined
from twin_gym.core.episodes import begin_episode
from twin_gym.environments.truck_routing import layout, overflow, reports, rules, workload
from twin_gym.environments.truck_routing import observation as observing
from twin_gym.environments.truck_routing.observation import observe_bins, observe_candidates
from twin_gym.environments.truck_routing.reports import Running
from twin_gym.environments.truck_routing.rules import begin, run_decision

COMPONENTS = ("distance", "overflow", "stops")
"""Components of the reward; the objective `balanced` is their sum."""

OUTCOME = outcome_record(COMPONENTS)
"""What one step of one row brings."""

_COMPILED_IN = (compiling, draws, episodes, layout, workload, reports, overflow, rules, observing)
_entry_point = entry_point_over(*_COMPILED_IN)

Floats = NDArray[np.float64]
Seen = NDArray[np.float32]


@inlined
def _clear(outcome: Record) -> None:
    outcome.distance = 0.0
    outcome.overflow = 0.0
    outcome.stops = 0.0


@inlined
def _report(network: Record, head: Record, row: Record, outcome: Record, objective: int) -> None:
    outcome.distance = -network.cost_per_km * (row.step_distance_m / layout.M_PER_KM)
    outcome.overflow = -network.penalty_per_l * row.step_overflow_l
    outcome.stops = -network.cost_per_stop * row.step_stops
    outcome.elapsed_s = row.elapsed / layout.MS_PER_S
    beyond = row.step_overflow_l - network.agreed_share * row.step_deposited_l
    outcome.cost = max(beyond, 0.0) / network.daily_l
    outcome.disallowed_actions = row.disallowed
    outcome.truncated = head.is_over != 0
    outcome.reward = outcome.distance + outcome.overflow + outcome.stops
    if objective == 1:
        outcome.reward = outcome.distance
    elif objective == 2:  # noqa: PLR2004 - the places of the components, from 1 on
        outcome.reward = outcome.overflow
    elif objective == 3:  # noqa: PLR2004
        outcome.reward = outcome.stops


@inlined
def _bin_of(candidates: NDArray[np.int32], action: int, depot: int) -> Integer:
    """The place that an action names; -1: a candidate that there is not."""
    if candidates.shape[0] == 0:
        return np.int64(action)
    return depot if action == candidates.shape[0] else np.int64(candidates[action])


@inlined
def _observe(
    running: Running, seen_bins: Seen, seen_travel: Seen, order: NDArray[np.int32],
    candidates: NDArray[np.int32], observation: Seen, mask: NDArray[np.int8],
) -> None:  # fmt: skip
    if candidates.shape[0] == 0:
        observe_bins(running, seen_bins, seen_travel, observation, mask)
    else:
        observe_candidates(running, seen_bins, seen_travel, order, candidates, observation, mask)


@_entry_point
def step_rows(
    networks: Records, bins: Floats, travel: Floats, distance: Floats, order: NDArray[np.int32],
    seen_bins: Seen, seen_travel: Seen, profile: Floats, means: Floats, limits: Floats,
    replayed: Floats, heads: Records, rows: Records, states: Floats, allowed: NDArray[np.int8],
    candidates: NDArray[np.int32], volumes: Floats, scratch: Floats, watched: Floats,
    cycles: NDArray[np.int32], due: Floats, actions: NDArray[np.int64], observations: Seen,
    masks: NDArray[np.int8], outcomes: Records, first: int, last: int, objective: int,
) -> None:  # fmt: skip
    """One decision in each of the rows first <= i < last, or the next episode.

    All of them use the scratch of the first one, which stays in the nearest cache.
    """
    for i in range(first, last):
        head, row, outcome = heads[i], rows[i], outcomes[i]
        begins = head.is_over != 0
        if begins:
            begin_episode(networks, head, outcome)
            _clear(outcome)
        n = head.network
        network = networks[n]
        running = Running(
            network, bins[n], travel[n], distance[n], profile[n], head.world, row, states[i],
            allowed[i], volumes[i], scratch[first], watched[i], cycles[i], due[i],
        )  # fmt: skip
        if begins:
            row.start = workload.start_hour(network, head.world)
            workload.draw_volumes(
                network,
                means[n],
                limits[n],
                replayed[n],
                head.world,
                row.start,
                volumes[i],
                scratch[first],
            )
            begin(running)
        else:
            chosen = _bin_of(candidates[i], actions[i], network.num_bins)
            head.is_over = np.int64(run_decision(running, chosen))
            head.slot += 1
            _report(network, head, row, outcome, objective)
        _observe(
            running, seen_bins[n], seen_travel[n], order[n], candidates[i], observations[i],
            masks[i],
        )  # fmt: skip


@_entry_point
def observe_rows(
    networks: Records, bins: Floats, travel: Floats, distance: Floats, order: NDArray[np.int32],
    seen_bins: Seen, seen_travel: Seen, profile: Floats, heads: Records, rows: Records,
    states: Floats, allowed: NDArray[np.int8], candidates: NDArray[np.int32], volumes: Floats,
    scratch: Floats, watched: Floats, cycles: NDArray[np.int32], due: Floats, observations: Seen,
    masks: NDArray[np.int8], outcomes: Records, first: int, last: int, objective: int,
) -> None:  # fmt: skip
    """Observes rows that were moved by other code than `step_rows`."""
    for i in range(first, last):
        head, row = heads[i], rows[i]
        n = head.network
        running = Running(
            networks[n], bins[n], travel[n], distance[n], profile[n], head.world, row, states[i],
            allowed[i], volumes[i], scratch[first], watched[i], cycles[i], due[i],
        )  # fmt: skip
        if head.slot > 0:
            _report(networks[n], head, row, outcomes[i], objective)
        _observe(
            running, seen_bins[n], seen_travel[n], order[n], candidates[i], observations[i],
            masks[i],
        )  # fmt: skip
