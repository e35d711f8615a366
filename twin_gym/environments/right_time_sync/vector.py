"""The vector form of right-time synchronisation."""

from __future__ import annotations

from typing import ClassVar

from twin_gym.core.vector import RowsVectorEnv
from twin_gym.environments.right_time_sync.batch import SyncBatch


class RightTimeSyncVectorEnv(RowsVectorEnv[SyncBatch]):
    """Many twins side by side (see `RightTimeSyncEnv` and `RowsVectorEnv`)."""

    BATCH: ClassVar = SyncBatch
