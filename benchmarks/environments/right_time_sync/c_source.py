"""How rules.c sees the arrays of right-time synchronisation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.c_loop import CSource
from twin_gym.environments.right_time_sync.scenario import SyncScenario


def _moves(scenario: SyncScenario, actions: NDArray[Any]) -> NDArray[Any]:
    """Entities, or -1 for nobody."""
    return np.where(actions < scenario.num_entities, actions, -1)


C_SOURCE = CSource(
    path=Path(__file__).with_name("rules.c"),
    structs={
        "networks": "network",
        "entities": "entity",
        "heads": "head",
        "rows": "row",
        "outcomes": "outcome",
    },
    plain=(
        "laws",
        "bridge",
        "spared",
        "twins",
        "seen",
        "on_way",
        "observations",
        "final_observations",
    ),
    moves=_moves,
)
