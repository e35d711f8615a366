"""Observation of the base station: one list of fields makes the space, the docs and the code.

Every value lies in [0, 1]. How many devices wait is not among them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.compiled import Record, inlined
from twin_gym.core.draws import natural_log
from twin_gym.core.forms import Field, full_names
from twin_gym.environments.massive_access.layout import HISTORY

FIELDS = (
    Field("successes", "opportunity", "preambles that one device sent, over all preambles"),
    Field("collisions", "opportunity", "preambles that several devices sent, over all preambles"),
    Field("idle", "opportunity", "preambles that nobody sent, over all; 0 before the first one"),
    Field("barring", "network", "barring probability of the last opportunity, 1 at first"),
    Field("barring_depth", "network", "its logarithm, 0 for 1 and 1 for the least level"),
    Field("time", "network", "share of the episode that is over"),
)
"""The groups in order."""


def field_names() -> tuple[str, ...]:
    """The full name of every observed value, in order; the same for every scenario."""
    return full_names(FIELDS, {"opportunity": range(HISTORY)})


@inlined
def observe(network: Record, row: Record, slot: int, observation: NDArray[np.float32]) -> None:
    """Writes what the base station sees.

    Args:
        network: record of the scenario.
        row: the running network.
        slot: opportunities that are over.
        observation: written; shape (fields,).
    """
    scale = 1.0 / network.preambles
    for age in range(HISTORY):
        place = (slot - 1 - age) & (HISTORY - 1)
        is_known = np.float64(age < slot)
        successes = row.success_history[place] * scale * is_known
        collisions = row.collision_history[place] * scale * is_known
        observation[age] = successes
        observation[HISTORY + age] = collisions
        observation[2 * HISTORY + age] = max(is_known - successes - collisions, 0.0)
    depth = 1.0
    if row.barring > 0.0:
        depth = min(natural_log(row.barring) / network.log_least_barring, 1.0)
    observation[3 * HISTORY] = row.barring
    observation[3 * HISTORY + 1] = max(depth, 0.0)
    observation[3 * HISTORY + 2] = slot / network.num_opportunities
