"""The vector form of massive access."""

from __future__ import annotations

from typing import ClassVar

from twin_gym.core.vector import RowsVectorEnv
from twin_gym.environments.massive_access.batch import AccessBatch


class MassiveAccessVectorEnv(RowsVectorEnv[AccessBatch]):
    """Many cells side by side (see `MassiveAccessEnv` and `RowsVectorEnv`)."""

    BATCH: ClassVar = AccessBatch
