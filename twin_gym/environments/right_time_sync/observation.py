"""Observation of the twin: one list of fields makes the space, the documentation, the code.

Every value lies in [0, 1]. The true values, and so the true errors, are not among them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.compiled import Record, inlined
from twin_gym.core.forms import Field, full_names
from twin_gym.environments.right_time_sync import layout
from twin_gym.environments.right_time_sync.scenario import SyncScenario

FIELDS = (
    Field("age", "entity", "a / (a + N), a: its value's age in slots, N: entities; 1: unknown"),
    Field("rate", "entity", "r / (r + tolerance^2), r: N slots' mean square change as delivered"),
    Field("change", "entity", "last delivered change c: 1/2 + c / (|c| + tolerance) / 2"),
    Field("budget", "network", "share of the update budget that is left; 1: no limit"),
    Field("time", "network", "share of the episode that is over"),
)
"""The groups in order."""


def field_names(scenario: SyncScenario) -> tuple[str, ...]:
    """The full name of every observed value, in order."""
    return full_names(FIELDS, {"entity": scenario.entity_names})


@inlined
def observe(
    network: Record,
    row: Record,
    twin: NDArray[np.float64],
    seen: NDArray[np.float32],
    slot: int,
    observation: NDArray[np.float32],
) -> None:
    """Writes what the twin knows of itself.

    Args:
        network: record of the scenario.
        row: counters of the running network.
        twin: what it holds of its entities.
        seen: what is observed of that but for the ages.
        slot: slots that are over.
        observation: written; shape (fields,).
    """
    count = network.num_entities
    scale = np.float32(count)
    born, known = twin[layout.BORN], twin[layout.IS_KNOWN]
    rates, changes = seen[layout.RATE], seen[layout.CHANGE]
    now = np.float64(slot)
    for i in range(count):
        age = np.float32(now - born[i])
        observation[i] = age / (age + scale)
    if row.known < count:
        for i in range(count):
            if known[i] == 0.0:
                observation[i] = 1.0
    for i in range(count):
        observation[count + i] = rates[i]
    for i in range(count):
        observation[2 * count + i] = changes[i]
    budget = 1.0
    if network.budget > 0:
        budget = row.budget_left / network.budget
    elif network.budget == 0:
        budget = 0.0
    observation[3 * count] = np.float32(budget)
    observation[3 * count + 1] = np.float32(slot / network.num_slots)
