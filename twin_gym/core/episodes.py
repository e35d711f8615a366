"""The beginning of an episode, compiled: its world, the scenario that it is in, empty outcomes."""

from __future__ import annotations

import numpy as np

from twin_gym.core.compiled import Integer, Record, Records, inlined
from twin_gym.core.draws import uniform, world_key

SCENARIO_STREAM: Integer = np.int64(65_535)
"""Stream of a world's draw of its scenario."""

# Typed, for Numba compiles a function anew for each literal number that it is called with.
_FIRST: Integer = np.int64(0)


@inlined
def begin_episode(networks: Records, head: Record, outcome: Record) -> None:
    """The next episode of a row: its world, the scenario that this draws, and nothing earned.

    The components of the reward are left as they are.

    Args:
        networks: the scenarios.
        head: of the row (see `twin_gym.core.slotted.HEAD`).
        outcome: of the row (see `twin_gym.core.batch.outcome_record`).
    """
    head.episode += 1
    head.world = world_key(head.seed, head.episode)
    choice = int(uniform(head.world, SCENARIO_STREAM, _FIRST) * len(networks))
    head.network = min(choice, len(networks) - 1)
    head.slot = 0
    head.is_over = 0
    clear_outcome(outcome)


@inlined
def clear_outcome(outcome: Record) -> None:
    """Nothing has been earned, no time has passed; components are left as they are."""
    outcome.reward = 0.0
    outcome.elapsed_s = 0.0
    outcome.cost = 0.0
    outcome.disallowed_actions = 0
    outcome.truncated = False


@inlined
def reward_of_two(objective: int, first: float, second: float) -> float:
    """The reward of two components: their sum, or the one that the objective names (1 or 2)."""
    if objective == 0:
        return first + second
    return first if objective == 1 else second
