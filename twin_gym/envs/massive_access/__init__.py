"""Massive access: the single form and the vector form."""

from twin_gym.envs.massive_access.batch import BatchSettings
from twin_gym.envs.massive_access.env import MassiveAccessEnv
from twin_gym.envs.massive_access.observation import FIELDS, field_names, observation_space
from twin_gym.envs.massive_access.vector import MassiveAccessVectorEnv

__all__ = [
    "FIELDS",
    "BatchSettings",
    "MassiveAccessEnv",
    "MassiveAccessVectorEnv",
    "field_names",
    "observation_space",
]
