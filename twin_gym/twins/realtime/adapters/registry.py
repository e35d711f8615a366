"""Creates the adapter for an environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twin_gym.core.batch import Batch
from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError
from twin_gym.twins.plain import plain, shown
from twin_gym.twins.realtime.adapters.base import Adapter


def adapter_of(batch: Batch, row: int = 0) -> Adapter[Any]:
    """The adapter for a row of a batch.

    Args:
        batch: the batch of any environment.
        row: 0 to `batch.num_rows` - 1.

    Returns:
        The adapter.

    Raises:
        ConfigError: if there is no such row, or no adapter for this kind of environment.
    """
    place = plain(row)
    if type(place) is not int or not 0 <= place < batch.num_rows:
        raise ConfigError(f"there are rows 0 to {batch.num_rows - 1}, got {shown(row)}")
    kind = batch.scenarios[0].kind
    adapter: Callable[[Batch, int], Adapter[Any]] = kind_named(kind).facet("adapter")
    return adapter(batch, place)
