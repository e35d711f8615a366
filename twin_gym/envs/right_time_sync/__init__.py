"""Right-time synchronisation: the single form and the vector form."""

from twin_gym.envs.right_time_sync.batch import BatchSettings
from twin_gym.envs.right_time_sync.env import RightTimeSyncEnv
from twin_gym.envs.right_time_sync.observation import FIELDS, field_names, observation_space
from twin_gym.envs.right_time_sync.vector import RightTimeSyncVectorEnv

__all__ = [
    "FIELDS",
    "BatchSettings",
    "RightTimeSyncEnv",
    "RightTimeSyncVectorEnv",
    "field_names",
    "observation_space",
]
