"""Admission control in a sliced network: the single form and the vector form."""

from twin_gym.envs.slice_admission.batch import BatchSettings
from twin_gym.envs.slice_admission.env import SliceAdmissionEnv
from twin_gym.envs.slice_admission.observation import FIELDS, field_names, observation_space
from twin_gym.envs.slice_admission.vector import SliceAdmissionVectorEnv

__all__ = [
    "FIELDS",
    "BatchSettings",
    "SliceAdmissionEnv",
    "SliceAdmissionVectorEnv",
    "field_names",
    "observation_space",
]
