"""The replayed series of several scenarios, put together in one array."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.right_time_sync.scenario import Replay
from twin_gym.environments.right_time_sync.series import load_series
from twin_gym.errors import ConfigError

MAX_RANGES = 1e6
"""Farthest that a replayed value may lie from its mean, in ranges: errors are squared."""


class SeriesPool:
    """Series in units of their ranges, around their means, one a row."""

    def __init__(self) -> None:
        self._values: list[NDArray[np.float64]] = []
        self._lost: list[NDArray[np.bool_]] = []

    def add(self, process: Replay, member: int, slot_s: float) -> int:
        """Reads a series.

        Args:
            process: of the group.
            member: number of the entity in the group.
            slot_s: length of a slot.

        Returns:
            Its row.

        Raises:
            TraceError: if it cannot be read.
            ConfigError: if its values lie far beyond the range.
        """
        (series,) = load_series(process.file, process.sources[member : member + 1], slot_s)
        deviations, width = series.values - series.values.mean(), process.high - process.low
        most = float(np.abs(deviations).max())
        if most > MAX_RANGES * width:
            raise ConfigError(
                f"{series.source!r} goes {most:.3g} from its mean and its range is {width:.3g} "
                f"wide: at most {MAX_RANGES:g} ranges are simulated; set `low` and `high` to what "
                "the values lie between"
            )
        self._values.append(deviations / width)
        self._lost.append(series.is_lost)
        return len(self._values) - 1

    def fit(self, row: int) -> tuple[float, float]:
        """Decay and noise a slot of the AR(1) law that fits a whole series (Yule and Walker).

        It serves the predictor `fitted` alone, and knows the window that is replayed.

        Args:
            row: of the series.

        Returns:
            The correlation of neighbouring slots, 0 to 1, and the variance that a slot adds.

        """
        values = self._values[row]
        square = float(values @ values) / len(values)
        if square == 0.0 or len(values) == 1:
            return 1.0, 0.0
        decay = float(values[1:] @ values[:-1]) / (square * len(values))
        decay = min(max(decay, 0.0), 1.0)
        return decay, square * (1.0 - decay**2)

    @property
    def lengths(self) -> tuple[int, ...]:
        """Slots of each series."""
        return tuple(len(one) for one in self._values)

    def arrays(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Values and losses of all series, the shorter ones filled up; never empty."""
        shape = (max(len(self._values), 1), max(self.lengths, default=1))
        values, lost = np.zeros(shape), np.zeros(shape, np.bool_)
        for row, (some, missing) in enumerate(zip(self._values, self._lost, strict=True)):
            values[row, : len(some)] = some
            lost[row, : len(some)] = missing
        return values, lost
