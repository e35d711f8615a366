"""How rules.c sees the arrays of massive access."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.c_loop import CSource
from twin_gym.environments.massive_access.scenario import AccessScenario


def _moves(scenario: AccessScenario, actions: NDArray[Any]) -> NDArray[Any]:
    """Barring probabilities."""
    levels: NDArray[Any] = np.array(scenario.barring_probabilities)[actions]
    return levels


C_SOURCE = CSource(
    path=Path(__file__).with_name("rules.c"),
    structs={
        "networks": "network",
        "heads": "head",
        "rows": "row",
        "devices": "device",
        "outcomes": "outcome",
    },
    plain=(
        "senders",
        "delays",
        "observations",
        "final_observations",
    ),
    scratch=("senders",),
    moves=_moves,
)
