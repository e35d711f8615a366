"""The vector form of tiny instant communication."""

from __future__ import annotations

from typing import ClassVar

from twin_gym.core.vector import RowsVectorEnv
from twin_gym.environments.tic_scheduling.batch import TicBatch


class TicSchedulingVectorEnv(RowsVectorEnv[TicBatch]):
    """Many networks side by side (see `TicSchedulingEnv` and `RowsVectorEnv`)."""

    BATCH: ClassVar = TicBatch
