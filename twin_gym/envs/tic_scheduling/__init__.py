"""Tiny instant communication: the single form and the vector form."""

from twin_gym.envs.tic_scheduling.batch import BatchSettings
from twin_gym.envs.tic_scheduling.env import TicSchedulingEnv
from twin_gym.envs.tic_scheduling.observation import (
    WEIGHTS_FIELDS,
    field_names,
    observation_space,
    pick_fields,
    queue_names,
)
from twin_gym.envs.tic_scheduling.vector import TicSchedulingVectorEnv

__all__ = [
    "WEIGHTS_FIELDS",
    "BatchSettings",
    "TicSchedulingEnv",
    "TicSchedulingVectorEnv",
    "field_names",
    "observation_space",
    "pick_fields",
    "queue_names",
]
