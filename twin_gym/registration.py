"""Ids of the environments, as strings: nothing is imported before one is made."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Self

import gymnasium

ENTRY_POINTS = {
    "twin_gym/SliceAdmission-v0": (
        "twin_gym.envs.slice_admission:SliceAdmissionEnv",
        "twin_gym.envs.slice_admission:SliceAdmissionVectorEnv",
    ),
    "twin_gym/MassiveAccess-v0": (
        "twin_gym.envs.massive_access:MassiveAccessEnv",
        "twin_gym.envs.massive_access:MassiveAccessVectorEnv",
    ),
    "twin_gym/TicScheduling-v0": (
        "twin_gym.envs.tic_scheduling:TicSchedulingEnv",
        "twin_gym.envs.tic_scheduling:TicSchedulingVectorEnv",
    ),
    "twin_gym/RightTimeSync-v0": (
        "twin_gym.envs.right_time_sync:RightTimeSyncEnv",
        "twin_gym.envs.right_time_sync:RightTimeSyncVectorEnv",
    ),
}
"""By id, where the single form and the vector form are."""

ID_OF_KIND = {
    "admission": "twin_gym/SliceAdmission-v0",
    "access": "twin_gym/MassiveAccess-v0",
    "tic": "twin_gym/TicScheduling-v0",
    "sync": "twin_gym/RightTimeSync-v0",
}
"""By kind of scenario, the id of its environment."""


class Arguments(dict[str, Any]):
    """Arguments of an id whose copies hold plain values, as JSON has them.

    Gymnasium keeps a copy of them in the `spec` of what it makes. Where the vector environment is
    Gymnasium's own (the modes `sync` and `async`) no class of ours sees that copy.
    """

    def copy(self) -> Self:
        """Scenarios and objectives as values that the environments take for the same."""
        return type(self)({name: _plain(value) for name, value in self.items()})

    def __setitem__(self, name: str, value: object) -> None:
        """Keeps a plain value."""
        super().__setitem__(name, _plain(value))


def _plain(value: object) -> object:
    """`envs.spec.as_json_value`, of the module that is loaded when an environment is made."""
    return import_module("twin_gym.envs.spec").as_json_value(value)


def register_environments() -> None:
    """Makes the ids known to Gymnasium; doing it again changes nothing."""
    for name, (single, vector) in ENTRY_POINTS.items():
        if name not in gymnasium.registry:
            gymnasium.register(
                name, entry_point=single, vector_entry_point=vector, kwargs=Arguments()
            )
