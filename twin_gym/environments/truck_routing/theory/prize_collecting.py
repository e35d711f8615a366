"""The best tour that may leave out bins: exact, by dynamic programming over sets of bins."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin_gym.errors import ConfigError, TooLargeError

Floats = NDArray[np.float64]

_MOST_BINS = 14


@dataclass(frozen=True)
class BestTour:
    """A tour that earns most.

    Attributes:
        bins: in the order of the visits; empty if staying at the depot is best.
        value: prizes less the length of the tour.
        length: of the closed tour.
    """

    bins: tuple[int, ...]
    value: float
    length: float


def best_tour(
    lengths: ArrayLike,
    prizes: ArrayLike,
    *,
    longest: float = math.inf,
    loads: ArrayLike | None = None,
    capacity: float = math.inf,
) -> BestTour:
    """The closed tour from the depot with the greatest prizes less length.

    The shortest path from the depot through a set of bins that ends at one of them is found from
    the shortest ones through the set without it, in order of the sets (M. Held and R. M. Karp 1962,
    A dynamic programming approach to sequencing problems). Prizes, loads and, with the way back,
    lengths of all sets are then compared. What a stop takes or costs is added to the lengths.

    Args:
        lengths: between places, not negative; shape (N + 1, N + 1), the depot last. Need not be
            symmetric.
        prizes: of visiting each bin, in the unit of the lengths; shape (N,).
        longest: the greatest allowed length of the tour.
        loads: of each bin, not negative; shape (N,). None: no loads.
        capacity: the greatest allowed load.

    Returns:
        The best tour; staying at the depot has the value 0.

    Raises:
        ConfigError: if the shapes do not fit each other.
        TooLargeError: if there are more than 14 bins.

    Example:
        >>> lengths = [[0, 1, 1], [1, 0, 2], [1, 2, 0]]
        >>> best_tour(lengths, [5.0, 1.0])
        BestTour(bins=(0,), value=3.0, length=2.0)
    """
    between, prize = np.asarray(lengths, np.float64), np.asarray(prizes, np.float64)
    bins = len(prize)
    load = np.zeros(bins) if loads is None else np.asarray(loads, np.float64)
    if between.shape != (bins + 1, bins + 1) or load.shape != (bins,):
        raise ConfigError(
            f"for {bins} prizes the lengths have the shape {(bins + 1, bins + 1)} and the loads "
            f"{(bins,)}, got {between.shape} and {load.shape}"
        )
    if bins > _MOST_BINS:
        raise TooLargeError(
            f"the best tour is found among at most {_MOST_BINS} bins, got {bins}: leave some out"
        )
    paths, before = _shortest_paths(between)
    closed = paths + between[:-1, -1]
    last = closed.argmin(axis=1)
    tours = np.take_along_axis(closed, last[:, None], axis=1)[:, 0]
    tours[0] = 0.0
    members = np.arange(1 << bins)[:, None] >> np.arange(bins) & 1
    allowed = (tours <= longest) & (members @ load <= capacity)
    values = np.where(allowed, members @ prize - tours, -math.inf)
    best = int(values.argmax())
    return BestTour(_visits(before, best, int(last[best])), float(values[best]), float(tours[best]))


def _shortest_paths(between: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Shortest paths from the depot by set (in bits) and last bin, and the last bin but one."""
    bins = len(between) - 1
    paths = np.full((1 << bins, bins), math.inf)
    before = np.full((1 << bins, bins), -1)
    for j in range(bins):
        paths[1 << j, j] = between[-1, j]
    for chosen in range(1, 1 << bins):
        for j in range(bins):
            without = chosen & ~(1 << j)
            if without and without != chosen:
                via = paths[without] + between[:-1, j]
                before[chosen, j] = via.argmin()
                paths[chosen, j] = via[before[chosen, j]]
    return paths, before


def _visits(before: NDArray[np.int64], chosen: int, last: int) -> tuple[int, ...]:
    """Bins in the order of the visits."""
    order: list[int] = []
    while chosen:
        order.append(last)
        chosen, last = chosen & ~(1 << last), int(before[chosen, last])
    return tuple(reversed(order))
