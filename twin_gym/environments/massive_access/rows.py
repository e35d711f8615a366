"""The loop over rows: an opportunity, or the next episode; reward and observation.

The compiled functions are cached on disk. Numba looks for changes in this file alone, so the digest
of every file that is compiled into them is made part of the key.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.core import compiled as compiling
from twin_gym.core import draws
from twin_gym.core.compiled import Integer, Record, Records, entry_point, inlined, sources_digest
from twin_gym.core.draws import uniform, world_key
from twin_gym.core.slotted import SCENARIO_STREAM
from twin_gym.environments.massive_access import layout, rules, workload
from twin_gym.environments.massive_access import observation as observing
from twin_gym.environments.massive_access.observation import observe
from twin_gym.environments.massive_access.rules import begin, num_ready, run_opportunity

COMPONENTS = ("throughput", "delay")
"""Components of the reward; the objective `balanced` is their sum."""

BALANCED, THROUGHPUT, DELAY = range(3)

OUTCOME = np.dtype(
    [
        ("reward", "f8"),
        ("throughput", "f8"),
        ("delay", "f8"),
        ("elapsed_s", "f8"),
        ("cost", "f8"),
        ("disallowed_actions", "i8"),
        ("truncated", "?"),
    ],
    align=True,
)
"""What one step of one row brings."""

_COMPILED_IN = (compiling, draws, layout, workload, rules, observing)
# Typed, for Numba compiles a function anew for each literal number that it is called with.
_FIRST: Integer = np.int64(0)


@inlined
def _begin(
    networks: Records,
    head: Record,
    row: Record,
    outcome: Record,
    devices: Records,
    senders: NDArray[np.int32],
    delays: NDArray[np.int32],
) -> None:
    """The next episode of a row: its world, its scenario, and who will ask when."""
    head.episode += 1
    head.world = world_key(head.seed, head.episode)
    choice = int(uniform(head.world, SCENARIO_STREAM, _FIRST) * len(networks))
    head.network = min(choice, len(networks) - 1)
    head.slot = 0
    head.is_over = 0
    begin(networks[head.network], head.world, row, devices, senders, delays)
    outcome.reward = 0.0
    outcome.throughput = 0.0
    outcome.delay = 0.0
    outcome.elapsed_s = 0.0
    outcome.cost = 0.0
    outcome.truncated = False


@inlined
def _report(network: Record, head: Record, row: Record, outcome: Record, objective: int) -> None:
    outcome.throughput = row.step_successes / network.best
    outcome.delay = -network.delay_price * row.num_waiting
    outcome.elapsed_s = network.slot_s
    outcome.cost = row.step_lost
    outcome.truncated = head.is_over != 0
    if objective == THROUGHPUT:
        outcome.reward = outcome.throughput
    elif objective == DELAY:
        outcome.reward = outcome.delay
    else:
        outcome.reward = outcome.throughput + outcome.delay


def _compile(compiled_in: str) -> tuple[Any, Any, Any]:
    """The cached entry points; `compiled_in` is a cell of them, and so part of the cache's key."""

    @entry_point
    def step_rows(
        networks: Records, heads: Records, rows: Records, devices: Records,
        senders: NDArray[np.int32], delays: NDArray[np.int32], barring: NDArray[np.float64],
        observations: NDArray[np.float32], outcomes: Records, first: int, last: int, objective: int,
    ) -> None:  # fmt: skip
        """One opportunity in each of the rows first <= i < last, or the next episode."""
        _ = compiled_in
        for i in range(first, last):
            head, row, outcome = heads[i], rows[i], outcomes[i]
            if head.is_over:
                _begin(networks, head, row, outcome, devices[i], senders[i], delays[i])
                network = networks[head.network]
            else:
                network = networks[head.network]
                slot = head.slot
                run_opportunity(
                    network, head.world, row, devices[i], senders[i], delays[i], slot, barring[i]
                )
                head.slot = slot + 1
                head.is_over = np.int64(slot + 1 >= network.num_opportunities)
                _report(network, head, row, outcome, objective)
            observe(network, row, head.slot, observations[i])

    @entry_point
    def observe_rows(
        networks: Records, heads: Records, rows: Records, observations: NDArray[np.float32],
        outcomes: Records, first: int, last: int, objective: int,
    ) -> None:  # fmt: skip
        """What `step_rows` tells of rows that something else has moved."""
        _ = compiled_in
        for i in range(first, last):
            head, row = heads[i], rows[i]
            network = networks[head.network]
            if head.slot > 0:
                _report(network, head, row, outcomes[i], objective)
            observe(network, row, head.slot, observations[i])

    @entry_point
    def count_ready(
        networks: Records, heads: Records, rows: Records, devices: Records,
        ready: NDArray[np.int64],
    ) -> None:  # fmt: skip
        """Writes how many devices of each row would send next if nobody was barred."""
        _ = compiled_in
        for i in range(len(rows)):
            head = heads[i]
            ready[i] = num_ready(networks[head.network], rows[i], devices[i], head.slot)

    return step_rows, observe_rows, count_ready


step_rows, observe_rows, count_ready = _compile(sources_digest(_COMPILED_IN))
