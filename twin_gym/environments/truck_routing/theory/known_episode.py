"""An episode of collection with everything that will be thrown in known, in plain arrays.

Bins have the numbers 0 to N - 1 and the depot is place N. Times are in seconds from the beginning
of the episode, which is that of the first shift.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin_gym.errors import ConfigError

Floats = NDArray[np.float64]

HOUR_S = 3_600.0
_ROUNDING_S = 1e-6


@dataclass(frozen=True)
class KnownEpisode:
    """What a planner with perfect information knows, and what it is charged.

    Attributes:
        distance_m: between places, symmetric; shape (N + 1, N + 1), the depot last.
        travel_s: travel time between places, likewise.
        thrown_in_l: litres thrown into each bin from the beginning up to whole hours, not
            decreasing; within an hour evenly. Shape (hours + 1, N).
        initial_l: content of the bins at the beginning; shape (N,).
        capacity_l: of the bins; shape (N,).
        shift_starts_s: beginnings of the shifts, in order.
        shift_length_s: of every shift; no shift begins before the one before it has ended.
        num_trucks: how many trucks, all of them at the depot at the beginning.
        truck_capacity_l: of each truck.
        service_s: duration of a stop, at the end of which the bin is emptied.
        unload_s: duration of unloading at the depot.
        cost_per_km: for each kilometre driven.
        cost_per_stop: for each stop at a bin.
        penalty_per_l: for each litre that finds no room in its bin.

    Raises:
        ConfigError: if an array has another shape, or a number is not finite or out of its range.
    """

    distance_m: Floats
    travel_s: Floats
    thrown_in_l: Floats
    initial_l: Floats
    capacity_l: Floats
    shift_starts_s: tuple[float, ...]
    shift_length_s: float
    num_trucks: int = 1
    truck_capacity_l: float = math.inf
    service_s: float = 0.0
    unload_s: float = 0.0
    cost_per_km: float = 1.0
    cost_per_stop: float = 0.0
    penalty_per_l: float = 1.0

    def __post_init__(self) -> None:
        for name in ("distance_m", "travel_s", "thrown_in_l", "initial_l", "capacity_l"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.float64))
        self._check_shapes()
        self._check_ranges()

    @property
    def num_bins(self) -> int:
        """Number of bins, N, which is also the number of the depot as a place."""
        return len(self.capacity_l)

    @property
    def horizon_s(self) -> float:
        """End of the episode: that of the table of what is thrown in."""
        return (len(self.thrown_in_l) - 1) * HOUR_S

    def thrown_in_until(self, times_s: ArrayLike) -> Floats:
        """Litres thrown into each bin until given times.

        Args:
            times_s: within the episode; shape (..., N), or a scalar or (..., 1) for all bins alike.

        Returns:
            Shape (..., N).
        """
        hours = np.asarray(times_s, np.float64) / HOUR_S
        hours = np.clip(hours, 0.0, len(self.thrown_in_l) - 1.0)
        whole = np.minimum(hours.astype(np.int64), len(self.thrown_in_l) - 2)
        bins = np.arange(self.num_bins)
        before, after = self.thrown_in_l[whole, bins], self.thrown_in_l[whole + 1, bins]
        volumes: Floats = before + (hours - whole) * (after - before)
        return volumes

    def visit_windows(self, parts: int = 1) -> tuple[Floats, Floats]:
        """Earliest and latest times at which bins can be emptied, by part of a shift.

        A stop ends `service_s` after the arrival, and leaves time to return and unload before the
        shift ends.

        Args:
            parts: of equal length that every shift is divided into.

        Returns:
            Two arrays of shape (shifts * parts, N), a microsecond wider than exact on either side.
            Where the first is greater than the second, the bin cannot be emptied in that part.
        """
        edges = self.shift_length_s * np.arange(parts + 1) / parts
        starts = np.repeat(self.shift_starts_s, parts)[:, None]
        travel = self.travel_s
        first = travel[-1, :-1] + self.service_s
        last = self.shift_length_s - self.unload_s - travel[:-1, -1]
        shifts = len(self.shift_starts_s)
        earliest = np.tile(np.maximum(edges[:-1, None], first), (shifts, 1)) + starts
        latest = np.tile(np.minimum(edges[1:, None], last), (shifts, 1)) + starts
        return earliest - _ROUNDING_S, latest + _ROUNDING_S

    def _check_shapes(self) -> None:
        bins = len(self.capacity_l)
        shapes = {
            "distance_m": (bins + 1, bins + 1),
            "travel_s": (bins + 1, bins + 1),
            "thrown_in_l": (max(len(self.thrown_in_l), 2), bins),
            "initial_l": (bins,),
            "capacity_l": (bins,),
        }
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape:
                raise ConfigError(f"`{name}` must have the shape {shape}, got {array.shape}")
            if not (np.isfinite(array).all() and (array >= 0.0).all()):
                raise ConfigError(f"`{name}` must be finite and not negative")
        if not bins:
            raise ConfigError("an episode needs at least one bin, got none")
        for name in ("distance_m", "travel_s"):
            if not np.allclose(getattr(self, name), getattr(self, name).T):
                raise ConfigError(f"`{name}` must be symmetric")
        if (np.diff(self.thrown_in_l, axis=0) < 0.0).any():
            raise ConfigError("`thrown_in_l` must not decrease from hour to hour")

    def _check_ranges(self) -> None:
        for name in ("service_s", "unload_s", "cost_per_km", "cost_per_stop", "penalty_per_l"):
            value = getattr(self, name)
            if not 0.0 <= value < math.inf:
                raise ConfigError(f"`{name}` must be finite and >= 0, got {value!r}")
        for name in ("shift_length_s", "truck_capacity_l", "num_trucks"):
            value = getattr(self, name)
            if not value > 0:
                raise ConfigError(f"`{name}` must be positive, got {value!r}")
        starts = np.asarray(self.shift_starts_s, np.float64)
        ends = starts + self.shift_length_s
        if not len(starts) or (starts[1:] < ends[:-1]).any() or ends[-1] > self.horizon_s:
            raise ConfigError(
                "shifts must follow one another without overlap and end within the "
                f"{self.horizon_s:g} s of the episode, got beginnings {self.shift_starts_s!r} and "
                f"the length {self.shift_length_s!r} s"
            )
