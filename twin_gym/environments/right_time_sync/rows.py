"""The loop over rows: a slot, or the next episode; reward, mask and observation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core import compiled as compiling
from twin_gym.core import draws, episodes
from twin_gym.core.batch import outcome_record
from twin_gym.core.compiled import Record, Records, entry_point_over, inlined
from twin_gym.core.episodes import begin_episode, clear_outcome, reward_of_two
from twin_gym.environments.right_time_sync import layout, normal, rules, workload
from twin_gym.environments.right_time_sync import observation as observing
from twin_gym.environments.right_time_sync.observation import observe
from twin_gym.environments.right_time_sync.rules import Running, begin, run_slot

COMPONENTS = ("error", "updates")
"""Components of the reward; the objective `balanced` is their sum."""

OUTCOME = outcome_record(COMPONENTS)
"""Structured type of the outcome of one step of one row."""

_COMPILED_IN = (compiling, draws, episodes, layout, normal, workload, rules, observing)
_entry_point = entry_point_over(*_COMPILED_IN)

Floats = NDArray[np.float64]


@inlined
def _report(network: Record, head: Record, row: Record, outcome: Record, objective: int) -> None:
    outcome.error = -row.step_error
    outcome.updates = -network.update_cost * row.step_updates
    outcome.elapsed_s = network.slot_s
    beyond = row.step_beyond / network.num_entities
    outcome.cost = max(beyond - network.agreed_share, 0.0)
    outcome.truncated = head.is_over != 0
    outcome.reward = reward_of_two(objective, outcome.error, outcome.updates)


@inlined
def _first_mask(network: Record, row: Record, mask: NDArray[np.int8]) -> None:
    """Everything is allowed, unless there is no budget at all."""
    for k in range(mask.shape[0]):
        mask[k] = 1
    _mask(network, row, mask)


@inlined
def _mask(network: Record, row: Record, mask: NDArray[np.int8]) -> None:
    """Where the actions are picks: an exhausted budget leaves nobody to refresh."""
    if mask.shape[0] == 0 or network.budget < 0:
        return
    allowed = np.int8(row.budget_left > 0)
    for i in range(network.num_entities):
        mask[i] = allowed


@_entry_point
def step_rows(
    networks: Records, entities: Records, laws: Floats, bridge: Floats, series: Floats,
    lost: NDArray[np.bool_], spared: Floats, heads: Records, rows: Records, twins: Floats,
    seen: NDArray[np.float32], on_way: NDArray[np.int32], chosen: NDArray[np.int64],
    observations: NDArray[np.float32], masks: NDArray[np.int8], outcomes: Records, first: int,
    last: int, objective: int, is_realised: int,
) -> None:  # fmt: skip
    """One slot in each of the rows first <= i < last, or the next episode."""
    for i in range(first, last):
        head, row, outcome, twin = heads[i], rows[i], outcomes[i], twins[i]
        begins = head.is_over != 0
        if begins:
            begin_episode(networks, head, outcome)
            outcome.error = outcome.updates = 0.0
        n = head.network
        network = networks[n]
        running = Running(
            network, entities[n], laws[n], bridge[n], series, lost, spared[n], head.world, row,
            twin, seen[i], on_way[i],
        )  # fmt: skip
        if begins:
            begin(running)
            _first_mask(network, row, masks[i])
        else:
            slot = head.slot
            is_exhausted = row.budget_left == 0
            if slot == 0:  # where an episode ended in this row, its count still stands here
                outcome.disallowed_actions = 0
            if masks.shape[1] > 0 and is_exhausted and chosen[i, 0] >= 0:
                outcome.disallowed_actions += 1
            run_slot(running, chosen[i], slot, is_realised)
            head.slot = slot + 1
            head.is_over = np.int64(slot + 1 >= network.num_slots)
            _report(network, head, row, outcome, objective)
            if row.budget_left == 0 and not is_exhausted:
                _mask(network, row, masks[i])
        observe(network, row, twin, seen[i], head.slot, observations[i])


@_entry_point
def observe_rows(
    networks: Records, heads: Records, rows: Records, twins: Floats,
    seen: NDArray[np.float32], observations: NDArray[np.float32], masks: NDArray[np.int8],
    outcomes: Records, first: int, last: int, objective: int,
) -> None:  # fmt: skip
    """Observes rows that were moved by other code than `step_rows`."""
    for i in range(first, last):
        head, row = heads[i], rows[i]
        network = networks[head.network]
        if head.slot > 0:
            _report(network, head, row, outcomes[i], objective)
        else:
            clear_outcome(outcomes[i])
            outcomes[i].error = outcomes[i].updates = 0.0
            _first_mask(network, row, masks[i])
        _mask(network, row, masks[i])
        observe(network, row, twins[i], seen[i], head.slot, observations[i])
