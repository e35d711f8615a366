"""The loop over rows: an opportunity, or the next episode; reward and observation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core import compiled as compiling
from twin_gym.core import draws, episodes
from twin_gym.core.batch import outcome_record
from twin_gym.core.compiled import Record, Records, entry_point_over, inlined
from twin_gym.core.episodes import begin_episode, reward_of_two
from twin_gym.environments.massive_access import layout, rules, workload
from twin_gym.environments.massive_access import observation as observing
from twin_gym.environments.massive_access.observation import observe
from twin_gym.environments.massive_access.rules import Running, begin, num_ready, run_opportunity

COMPONENTS = ("throughput", "delay")
"""Components of the reward; the objective `balanced` is their sum."""

OUTCOME = outcome_record(COMPONENTS)
"""Structured type of the outcome of one step of one row."""

_COMPILED_IN = (compiling, draws, episodes, layout, workload, rules, observing)
_entry_point = entry_point_over(*_COMPILED_IN)


@inlined
def _report(network: Record, head: Record, row: Record, outcome: Record, objective: int) -> None:
    outcome.throughput = row.step_successes / network.best
    outcome.delay = -network.delay_price * row.num_waiting
    outcome.elapsed_s = network.slot_s
    outcome.cost = row.step_lost
    outcome.truncated = head.is_over != 0
    outcome.reward = reward_of_two(objective, outcome.throughput, outcome.delay)


@_entry_point
def step_rows(
    networks: Records, heads: Records, rows: Records, devices: Records,
    senders: NDArray[np.int32], delays: NDArray[np.int32], barring: NDArray[np.float64],
    observations: NDArray[np.float32], outcomes: Records, first: int, last: int, objective: int,
) -> None:  # fmt: skip
    """One opportunity in each of the rows first <= i < last, or the next episode."""
    for i in range(first, last):
        head, row, outcome = heads[i], rows[i], outcomes[i]
        if head.is_over:
            begin_episode(networks, head, outcome)
            outcome.throughput = outcome.delay = 0.0
            network = networks[head.network]
            begin(Running(network, head.world, row, devices[i], senders[i], delays[i]))
        else:
            network = networks[head.network]
            running = Running(network, head.world, row, devices[i], senders[i], delays[i])
            slot = head.slot
            run_opportunity(running, slot, barring[i])
            head.slot = slot + 1
            head.is_over = np.int64(slot + 1 >= network.num_opportunities)
            _report(network, head, row, outcome, objective)
        observe(network, row, head.slot, observations[i])


@_entry_point
def observe_rows(
    networks: Records, heads: Records, rows: Records, observations: NDArray[np.float32],
    outcomes: Records, first: int, last: int, objective: int,
) -> None:  # fmt: skip
    """Writes the outputs of `step_rows` for some rows, without a step."""
    for i in range(first, last):
        head, row = heads[i], rows[i]
        network = networks[head.network]
        if head.slot > 0:
            _report(network, head, row, outcomes[i], objective)
        observe(network, row, head.slot, observations[i])


@_entry_point
def count_ready(
    networks: Records, heads: Records, rows: Records, devices: Records,
    ready: NDArray[np.int64],
) -> None:  # fmt: skip
    """Writes how many devices of each row would send next if nobody was barred."""
    for i in range(len(rows)):
        head = heads[i]
        ready[i] = num_ready(networks[head.network], rows[i], devices[i], head.slot)
