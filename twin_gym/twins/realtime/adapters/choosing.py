"""Which adapter belongs to which kind of scenario."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from twin_gym.core.batch import Batch
from twin_gym.environments.massive_access.twin import AccessAdapter
from twin_gym.environments.right_time_sync.twin import SyncAdapter
from twin_gym.environments.slice_admission.twin import AdmissionAdapter
from twin_gym.environments.tic_scheduling.twin import TicAdapter
from twin_gym.errors import ConfigError, unknown_name
from twin_gym.twins.plain import plain, shown
from twin_gym.twins.realtime.adapters.base import Adapter

ADAPTER_OF_KIND: MappingProxyType[str, type[Adapter[Any]]] = MappingProxyType(
    {
        "admission": AdmissionAdapter,
        "tic": TicAdapter,
        "access": AccessAdapter,
        "sync": SyncAdapter,
    }
)
"""By kind of scenario."""


def adapter_of(batch: Batch, row: int = 0) -> Adapter[Any]:
    """The adapter for a row of a batch.

    Args:
        batch: of any environment.
        row: 0 to `batch.num_rows` - 1.

    Returns:
        It.

    Raises:
        ConfigError: if there is no such row, or no adapter for this kind of environment.
    """
    place = plain(row)
    if type(place) is not int or not 0 <= place < batch.num_rows:
        raise ConfigError(f"there are rows 0 to {batch.num_rows - 1}, got {shown(row)}")
    kind = batch.scenarios[0].kind
    if kind not in ADAPTER_OF_KIND:
        raise unknown_name("kind of environment", kind, ADAPTER_OF_KIND)
    return ADAPTER_OF_KIND[kind](batch, place)
