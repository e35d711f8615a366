"""The vector form of slice admission."""

from __future__ import annotations

from typing import ClassVar

from twin_gym.core.vector import RowsVectorEnv
from twin_gym.environments.slice_admission.batch import AdmissionBatch


class SliceAdmissionVectorEnv(RowsVectorEnv[AdmissionBatch]):
    """Many sliced networks side by side (see `SliceAdmissionEnv` and `RowsVectorEnv`)."""

    BATCH: ClassVar = AdmissionBatch
