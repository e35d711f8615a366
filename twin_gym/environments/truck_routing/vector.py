"""The vector form of truck routing."""

from __future__ import annotations

from typing import ClassVar

from twin_gym.core.vector import RowsVectorEnv
from twin_gym.environments.truck_routing.batch import TruckBatch


class TruckRoutingVectorEnv(RowsVectorEnv[TruckBatch]):
    """Many networks side by side (see `TruckRoutingEnv` and `RowsVectorEnv`)."""

    BATCH: ClassVar = TruckBatch
