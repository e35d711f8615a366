"""Futures of right-time synchronisation: which updates will arrive, drawn anew."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.right_time_sync.batch import SyncBatch
from twin_gym.environments.right_time_sync.layout import REPLAYED
from twin_gym.errors import ConfigError


def redraw_futures(batch: SyncBatch, count: int, words: NDArray[np.uint64]) -> None:
    """Gives rows other futures: nothing of what the world has in store for them is left.

    What will be lost is drawn anew. Values are those of other worlds, too, and do not go on from
    the last ones delivered: so the reward must be the expected error, which depends on ages alone.

    Args:
        batch: its first rows are changed.
        count: how many.
        words: names of the worlds to come, one a row; equal words give equal draws.

    Raises:
        ConfigError: if updates are delayed, values replayed, or the realised error is the reward.
    """
    entities = batch.scenario_arrays()["entities"]
    is_replayed = bool((entities["law"] == REPLAYED).any())
    is_delayed = any(one.delay_slots > 0 for one in batch.scenarios)
    if is_replayed or is_delayed or batch.is_realised:
        raise ConfigError(
            f"the futures of {batch.scenario.name!r} cannot be drawn anew: values may not be "
            "replayed, updates not delayed, and errors are expected ones (error='expected')"
        )
    batch.heads["world"][:count] = words
