"""The loops over rows: a frame or a pick, or the next episode; reward and observation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core import compiled as compiling
from twin_gym.core import draws, episodes
from twin_gym.core.batch import outcome_record
from twin_gym.core.compiled import Record, Records, entry_point_over, inlined
from twin_gym.core.episodes import begin_episode
from twin_gym.environments.tic_scheduling import layout, rules, workload
from twin_gym.environments.tic_scheduling import observation as observing
from twin_gym.environments.tic_scheduling.observation import observe_network, observe_queues
from twin_gym.environments.tic_scheduling.rules import (
    Integers,
    Running,
    arrive,
    begin,
    begin_step,
    end_picks,
    end_slot,
    has_choice,
    pick,
    serve,
)

COMPONENTS = ("on_time", "expired", "dropped")
"""Components of the reward, which is their sum."""

OUTCOME = outcome_record(COMPONENTS)
"""Structured type of the outcome of one step of one row."""

_COMPILED_IN = (compiling, draws, episodes, layout, workload, rules, observing)
_entry_point = entry_point_over(*_COMPILED_IN)


@inlined
def _begin(networks: Records, head: Record, outcome: Record) -> None:
    begin_episode(networks, head, outcome)
    outcome.on_time = outcome.expired = outcome.dropped = 0.0


@inlined
def _report(network: Record, head: Record, row: Record, outcome: Record) -> None:
    lost = row.step_expired + row.step_dropped
    over = lost + row.step_delivered
    outcome.on_time = row.step_delivered * network.value
    outcome.expired = -row.step_expired * network.value
    outcome.dropped = -row.step_dropped * network.value
    outcome.reward = outcome.on_time + outcome.expired + outcome.dropped
    outcome.cost = max(lost / over - network.loss_target, 0.0) if over > 0 else 0.0
    outcome.truncated = head.is_over != 0


@inlined
def _weigh(action: NDArray[np.float64], row: Record) -> None:
    """The action on the simplex; all zero: equal weights."""
    total = action[0] + action[1] + action[2] + action[3]
    for k in range(layout.NUM_WEIGHTS):
        row.weights[k] = action[k] / total if total > 0.0 else 1.0 / layout.NUM_WEIGHTS


@_entry_point
def step_frames(
    networks: Records, sensors: Records, firsts: NDArray[np.int64], heads: Records,
    rows: Records, messages: Integers, waiting: Integers, fills: NDArray[np.int16],
    answers: NDArray[np.int32], answer_counts: Integers, latencies: NDArray[np.int32],
    best: Records, actions: NDArray[np.float64], observations: NDArray[np.float32],
    outcomes: Records, begin_at: int, end_at: int, most_slots: int,
) -> None:  # fmt: skip
    """One frame in each of the rows begin_at <= i < end_at, or the next episode.

    Python does nothing while this runs, and hears no Ctrl-C. So a frame stops after
    `most_slots`, and the next call goes on with it: episodes are whole numbers of frames.
    """
    for i in range(begin_at, end_at):
        head, row, outcome = heads[i], rows[i], outcomes[i]
        begins = head.is_over != 0
        if begins:
            _begin(networks, head, outcome)
        n = head.network
        network = networks[n]
        running = Running(
            network, sensors[n], firsts[n], head.world, rows[i], messages[i], waiting[i], fills[i],
            answers[i], answer_counts[i], latencies[i],
        )  # fmt: skip
        if begins:
            begin(running)
        else:
            slot = head.slot
            slots_left = network.frame_slots
            if most_slots < network.frame_slots:  # a division takes long
                slots_left -= slot % network.frame_slots
            if slots_left == network.frame_slots:
                _weigh(actions[i], row)
                begin_step(row)
            for _frame_slot in range(min(slots_left, most_slots)):
                serve(running, best[i], slot)
                end_slot(network, row, slot)
                slot += 1
                if slot < network.num_slots:
                    arrive(running, slot)
            head.slot = slot
            if most_slots < slots_left:
                continue
            head.is_over = np.int64(slot >= network.num_slots)
            outcome.elapsed_s = network.frame_slots * network.slot_s
            _report(network, head, row, outcome)
        observe_network(
            network, firsts[head.network], row, messages[i], waiting[i], fills[i], head.slot,
            observations[i],
        )  # fmt: skip


@_entry_point
def step_picks(
    networks: Records, sensors: Records, firsts: NDArray[np.int64], heads: Records,
    rows: Records, messages: Integers, waiting: Integers, fills: NDArray[np.int16],
    answers: NDArray[np.int32], answer_counts: Integers, latencies: NDArray[np.int32],
    actions: NDArray[np.int64], observations: NDArray[np.float32], masks: NDArray[np.int8],
    outcomes: Records, begin_at: int, end_at: int,
) -> None:  # fmt: skip
    """One grant in each of the rows begin_at <= i < end_at, or the next episode."""
    for i in range(begin_at, end_at):
        head, row, outcome = heads[i], rows[i], outcomes[i]
        begins = head.is_over != 0
        if begins:
            _begin(networks, head, outcome)
        n = head.network
        network = networks[n]
        running = Running(
            network, sensors[n], firsts[n], head.world, rows[i], messages[i], waiting[i], fills[i],
            answers[i], answer_counts[i], latencies[i],
        )  # fmt: skip
        if begins:
            begin(running)
        else:
            begin_step(row)
            slot, action = head.slot, actions[i]
            is_allowed = masks[i, action] != 0
            goes_on = False
            if is_allowed and action < 2 * network.num_sensors:
                pick(running, slot, action)
                goes_on = has_choice(running)
            outcome.elapsed_s = 0.0
            if not goes_on:
                end_picks(running, slot)
                end_slot(network, row, slot)
                slot += 1
                if slot < network.num_slots:
                    arrive(running, slot)
                outcome.elapsed_s = network.slot_s
            head.slot = slot
            head.is_over = np.int64(slot >= network.num_slots)
            outcome.disallowed_actions = np.int64(not is_allowed)
            _report(network, head, row, outcome)
        observe_queues(
            network, head.world, row, messages[i], waiting[i], fills[i], head.slot,
            observations[i], masks[i],
        )  # fmt: skip


@_entry_point
def observe_frames(
    networks: Records, firsts: NDArray[np.int64], heads: Records, rows: Records,
    messages: Integers, waiting: Integers, fills: NDArray[np.int16],
    observations: NDArray[np.float32], outcomes: Records, begin_at: int, end_at: int,
) -> None:  # fmt: skip
    """Outcomes and observations where actions are weights."""
    for i in range(begin_at, end_at):
        head = heads[i]
        network = networks[head.network]
        if head.slot > 0:
            outcomes[i].elapsed_s = network.frame_slots * network.slot_s
            _report(network, head, rows[i], outcomes[i])
        observe_network(
            network, firsts[head.network], rows[i], messages[i], waiting[i], fills[i],
            head.slot, observations[i],
        )  # fmt: skip


@_entry_point
def observe_picks(
    networks: Records, heads: Records, rows: Records, messages: Integers, waiting: Integers,
    fills: NDArray[np.int16], observations: NDArray[np.float32], masks: NDArray[np.int8],
    outcomes: Records, has_moved: NDArray[np.bool_], begin_at: int, end_at: int,
) -> None:  # fmt: skip
    """Outcomes, observations and masks where actions pick a queue."""
    for i in range(begin_at, end_at):
        head = heads[i]
        network = networks[head.network]
        if has_moved[i]:
            _report(network, head, rows[i], outcomes[i])
        observe_queues(
            network, head.world, rows[i], messages[i], waiting[i], fills[i], head.slot,
            observations[i], masks[i],
        )  # fmt: skip
