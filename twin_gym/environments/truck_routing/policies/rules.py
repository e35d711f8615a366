"""Rules that need no plan: the next bin by its fill, by its way, or by the day."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.truck_routing.actions import ActionName
from twin_gym.environments.truck_routing.policies.decisions import (
    Decisions,
    Episodes,
    TruckPolicy,
    day_of,
)
from twin_gym.environments.truck_routing.scenario import TruckScenario
from twin_gym.errors import ConfigError
from twin_gym.policies.draws import Draws, evenly

Floats = NDArray[np.float64]

THRESHOLD = 0.7
"""Predicted fill from which on a bin is due: what sensors of bins are sold to warn of."""

WORTHWHILE = 0.5
"""Predicted fill below which a stop counts as wasted."""

_FULL_AT_VISIT = 0.75
_MOST_DAYS = 7


class RandomTruckPolicy(TruckPolicy):
    """Draws one of what is allowed, the depot included, each with the same chance."""

    name = "random"

    def __init__(self, scenario: TruckScenario, action: ActionName = "pick") -> None:
        super().__init__(scenario, action)
        self._draws = Draws()

    def reset(self, seed: int) -> None:
        """Seeds the draws."""
        self._draws.reset(seed)

    def choose(self, seen: Decisions) -> NDArray[np.int64]:
        """Drawn."""
        drawn = self._draws.next().random(len(seen.allowed))
        return evenly(drawn, seen.allowed, or_none=True)


class NearestFullPolicy(TruckPolicy):
    """The most predicted fill for the time that a bin takes; none that would be a wasted stop."""

    name = "nearest-full"

    def choose(self, seen: Decisions) -> NDArray[np.int64]:
        """Fill over the time to drive there and of the stop."""
        spent_s = seen.travel_s + self.scenario.service_s
        wanted = seen.allowed & (seen.predicted >= WORTHWHILE)
        return least(-seen.predicted / spent_s, wanted)


class ThresholdPolicy(TruckPolicy):
    """The nearest bin that is due; back to the depot where none is.

    Args:
        scenario: what the rows run.
        action: `pick` or `nearest`.
        threshold: predicted share of the capacity from which on a bin is due.

    Raises:
        ConfigError: if the threshold is not a share.
    """

    name = "threshold"

    def __init__(
        self, scenario: TruckScenario, action: ActionName = "pick", *, threshold: float = THRESHOLD
    ) -> None:
        super().__init__(scenario, action)
        self._threshold = checked_threshold(threshold)

    def choose(self, seen: Decisions) -> NDArray[np.int64]:
        """By travel time."""
        return least(seen.travel_s, seen.allowed & (seen.predicted >= self._threshold))


class SchedulePolicy(TruckPolicy):
    """Empties each bin on its days, the nearest first, whatever the sensors say.

    Unless a period is given, a bin has its own: the days, at most seven, in which it is thrown
    so full on average as it is to be at a visit. Bins of one period are spread over its days as a
    sweep around the depot meets them, so that a day's bins lie together.

    Args:
        scenario: what the rows run.
        action: `pick`.
        period_days: of all bins; None: each its own.
        fill_at_visit: mean fill at a visit, over the capacity, where each has its own.

    Raises:
        ConfigError: if the period is below a day, the fill is not above 0, or the action is one in
            which bins have no numbers.
    """

    name = "schedule"
    unseen = "which bins were visited today"

    def __init__(
        self, scenario: TruckScenario, action: ActionName = "pick", *,
        period_days: int | None = None, fill_at_visit: float = _FULL_AT_VISIT,
    ) -> None:  # fmt: skip
        if action != "pick":
            raise ConfigError(
                f"{self.name!r} goes to bins by number, and the action {action!r} shows candidates "
                "without: take `pick`"
            )
        if period_days is not None and period_days < 1:
            raise ConfigError(f"`period_days` must be 1 or more, got {period_days}")
        if not fill_at_visit > 0.0:
            raise ConfigError(f"`fill_at_visit` must be above 0, got {fill_at_visit!r}")
        super().__init__(scenario, action)
        daily_fill = 24.0 * self.tables.forecast.inflow_l_per_h / self.tables.capacity_l
        own = np.clip(np.floor(fill_at_visit / daily_fill), 1, _MOST_DAYS).astype(np.int64)
        self.periods = own if period_days is None else np.full(len(own), period_days)
        self.first_days = _spread(self.periods, _sweep(self.tables.travel_m))
        self._episodes = Episodes(scenario.num_trucks)
        self._visited_on = np.zeros((0, len(own)), np.int64)

    def reset(self, seed: int) -> None:
        """Forgets what was visited."""
        self._episodes.forget()

    def choose(self, seen: Decisions) -> NDArray[np.int64]:
        """The nearest of today's bins that was not visited today."""
        if len(self._visited_on) != len(seen.now_s):
            self._visited_on = np.full((len(seen.now_s), self.num_choices), -1)
        self._visited_on[self._episodes.begun(seen.now_s)] = -1
        day = day_of(seen.now_s)[:, None]
        due = ((day - self.first_days) % self.periods == 0) & (self._visited_on != day)
        chosen = least(seen.travel_s, seen.allowed & due)
        out = np.flatnonzero(chosen < self.num_choices)
        self._visited_on[out, chosen[out]] = day[out, 0]
        return chosen


def least(values: Floats, among: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The choice of the least value in each row, the first of equal ones.

    Args:
        values: shape (rows, choices).
        among: choices to choose from; likewise.

    Returns:
        Shape (rows,); the number of choices where there is none to choose from.
    """
    chosen = np.where(among, values, np.inf).argmin(axis=1)
    found: NDArray[np.int64] = np.where(among.any(axis=1), chosen, values.shape[1])
    return found


def checked_threshold(threshold: float) -> float:
    """A share of the capacity from which on a bin is due.

    Raises:
        ConfigError: if it is not one.
    """
    if not 0.0 <= threshold <= 1.0:
        raise ConfigError(f"`threshold` must be a share from 0 to 1, got {threshold!r}")
    return threshold


def _sweep(travel_m: Floats) -> NDArray[np.int64]:
    """All bins as a truck meets them that always drives to the nearest one left."""
    place, left, order = len(travel_m) - 1, np.ones(len(travel_m) - 1, np.bool_), []
    while left.any():
        place = int(np.where(left, travel_m[place, :-1], np.inf).argmin())
        left[place] = False
        order.append(place)
    return np.array(order, np.int64)


def _spread(periods: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first day of each bin: those of one period in as many stretches of an order."""
    first_days = np.zeros(len(periods), np.int64)
    for period in np.unique(periods):
        members = order[periods[order] == period]
        first_days[members] = np.arange(len(members)) * period // len(members)
    return first_days
