"""Policies that plan the routes of a shift at its beginning, and follow them stop by stop."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.truck_routing.actions import ActionName
from twin_gym.environments.truck_routing.policies.decisions import (
    Decisions,
    Episodes,
    TruckPolicy,
    day_of,
)
from twin_gym.environments.truck_routing.policies.planning import (
    DEFAULT_ITERATIONS,
    RoutingProblem,
    Trip,
    check_installed,
    plan_routes,
)
from twin_gym.environments.truck_routing.policies.rules import THRESHOLD, checked_threshold
from twin_gym.environments.truck_routing.scenario import DAY_S, TruckScenario
from twin_gym.errors import ConfigError

Floats = NDArray[np.float64]


@dataclass
class _Plans:
    """What the trucks of a row are still to do.

    Attributes:
        rest: by the bin that a truck stands at or drives to, the bins after it.
        departures: trips of the last plan that no truck has begun.
        planned_at_s: time of the last plan; below 0: none yet.
    """

    rest: dict[int, Trip] = field(default_factory=dict)
    departures: list[Trip] = field(default_factory=list)
    planned_at_s: float = -1.0


class PlannedPolicy(TruckPolicy, ABC):
    """Plans the trips of all trucks when a shift begins, and another one for each that returns.

    A truck drives the first trip of its plan and skips bins that are not allowed any more; it
    returns after the last one, unloads, and is planned for anew with what is then believed.

    Args:
        scenario: what the rows run.
        action: `pick`.
        max_iterations: steps of the search for a plan.

    Raises:
        ConfigError: if the action is another one, in which bins have no numbers, or there are no
            iterations.
        MissingExtraError: if PyVRP is not installed.
    """

    unseen = "the trips that it has planned"

    def __init__(
        self, scenario: TruckScenario, action: ActionName = "pick", *,
        max_iterations: int = DEFAULT_ITERATIONS,
    ) -> None:  # fmt: skip
        if action != "pick":
            raise ConfigError(
                f"{self.name!r} plans with all bins, and the action {action!r} shows some of them: "
                "take `pick`"
            )
        if max_iterations < 1:
            raise ConfigError(f"`max_iterations` must be 1 or more, got {max_iterations!r}")
        check_installed()
        super().__init__(scenario, action)
        self._max_iterations = max_iterations
        self._episodes = Episodes(scenario.num_trucks)
        self._plans: list[_Plans] = []

    def reset(self, seed: int) -> None:
        """Forgets all plans."""
        self._episodes.forget()

    @abstractmethod
    def worth(self, seen: Decisions, row: int) -> tuple[Floats, NDArray[np.bool_]]:
        """What emptying each bin now is worth, and which ones are emptied whatever it costs.

        Args:
            seen: what is seen of all rows.
            row: the one to be planned for.

        Returns:
            In the unit of costs, a stop not taken off, and which bins; shape (bins,) each.
        """

    def volumes_l(self, seen: Decisions, row: int) -> Floats:
        """What each bin is taken to hold; shape (bins,)."""
        litres: Floats = seen.predicted[row] * self.tables.capacity_l
        return litres

    def choose(self, seen: Decisions) -> NDArray[np.int64]:
        """The next stop of each row's plan; N: the depot."""
        if len(self._plans) != len(seen.now_s):
            self._plans = [_Plans() for _ in seen.now_s]
        for row in np.flatnonzero(self._episodes.begun(seen.now_s)).tolist():
            self._plans[row] = _Plans()
        chosen = np.full(len(seen.now_s), self.num_choices)
        for row in range(len(chosen)):
            if seen.allowed[row].any():
                chosen[row] = self._next(seen, row)
        return chosen

    def _next(self, seen: Decisions, row: int) -> int:
        plans = self._plans[row]
        if seen.at_depot[row]:
            trip = self._departure(seen, row)
        else:
            trip = plans.rest.pop(self._place(seen, row), ())
        for place, number in enumerate(trip):
            if seen.allowed[row, number]:
                plans.rest[number] = trip[place + 1 :]
                return number
        return self.num_choices

    def _place(self, seen: Decisions, row: int) -> int:
        """The bin that a truck in the field stands at."""
        here = np.flatnonzero((seen.travel_s[row] == 0.0) & ~seen.allowed[row])
        planned = [int(one) for one in here if int(one) in self._plans[row].rest]
        return min(planned, key=lambda one: float(seen.age_s[row, one]), default=-1)

    def _departure(self, seen: Decisions, row: int) -> Trip:
        """A trip for a truck at the depot; none where it is to stay."""
        plans, now_s = self._plans[row], float(seen.now_s[row])
        is_first = float(seen.shift_left_s[row]) >= self.scenario.shift_length_s - 1.0
        trucks = self.scenario.num_trucks if is_first else 1
        if not is_first or now_s != plans.planned_at_s:
            if is_first:  # every truck is here
                plans.rest.clear()
            routes = plan_routes(
                self._problem(seen, row, trucks), max_iterations=self._max_iterations
            )
            plans.departures = [trips[0] for trips in routes]
            plans.planned_at_s = now_s
        return plans.departures.pop(0) if plans.departures else ()

    def usual_cost(self) -> float:
        """Cost of a stop and of driving there from the nearest place, on average over the bins."""
        between = self.tables.travel_m[:-1, :-1] + np.diag(np.full(self.num_choices, np.inf))
        nearest = np.minimum(between.min(axis=1), self.tables.travel_m[:-1, -1])
        way_cost = float(nearest.mean()) * self.scenario.cost_per_km / 1000.0
        return self.scenario.cost_per_stop + way_cost

    def visits_s(self, seen: Decisions, row: int) -> tuple[float, float]:
        """About when a bin is emptied in this shift, and when in the next one."""
        now_s = float(seen.now_s[row])
        half_s = self.scenario.shift_length_s / 2.0
        begin_s = float(day_of(now_s)) * DAY_S
        return max(now_s, begin_s + half_s), min(begin_s + DAY_S + half_s, self.scenario.horizon_s)

    def _problem(self, seen: Decisions, row: int, num_trucks: int) -> RoutingProblem:
        """What is left of the shift, without what other trucks are to do or reach first."""
        worth, required = self.worth(seen, row)
        taken = np.ones(len(worth), np.bool_)
        taken[seen.allowed[row]] = False
        for number, rest in self._plans[row].rest.items():
            taken[[number, *rest]] = True
        scenario, tables = self.scenario, self.tables
        prize = np.where(taken | required, 0.0, worth - scenario.cost_per_stop)
        return RoutingProblem(
            travel_m=tables.travel_m, travel_s=tables.travel_s,
            volume_l=self.volumes_l(seen, row), prize=prize, required=required & ~taken,
            time_left_s=float(seen.shift_left_s[row]),
            truck_capacity_l=scenario.truck_capacity_l, service_s=scenario.service_s,
            unload_s=scenario.unload_s, cost_per_km=scenario.cost_per_km, num_trucks=num_trucks,
        )  # fmt: skip


def _checked(name: str, prize: float) -> float:
    if not 0.0 <= prize < math.inf:
        raise ConfigError(f"`{name}` must be 0 or more and finite, got {prize!r}")
    return prize


class ThresholdPlanPolicy(PlannedPolicy):
    """The shortest routes that empty all bins from a predicted fill on, planned by PyVRP.

    Args:
        scenario: what the rows run.
        action: `pick`.
        threshold: predicted share of the capacity from which on a bin is emptied.
        max_iterations: steps of the search for a plan.
    """

    name = "threshold-pyvrp"

    def __init__(
        self, scenario: TruckScenario, action: ActionName = "pick", *,
        threshold: float = THRESHOLD, max_iterations: int = DEFAULT_ITERATIONS,
    ) -> None:  # fmt: skip
        super().__init__(scenario, action, max_iterations=max_iterations)
        self._threshold = checked_threshold(threshold)

    def worth(self, seen: Decisions, row: int) -> tuple[Floats, NDArray[np.bool_]]:
        """Nothing but for those that are due."""
        due = seen.predicted[row] >= self._threshold
        return np.zeros(len(due)), due


class ProbabilityPlanPolicy(PlannedPolicy):
    """Routes that are paid by the chance of an overflow before the next shift, planned by PyVRP.

    The prize of a bin is a constant times the probability that it overflows before the next shift
    if it is left; a bin that is believed to be full is emptied whatever it costs. It is the rule
    of Wouda et al. (arXiv:2409.13386, 2024) for the waste containers of Groningen.

    Args:
        scenario: what the rows run.
        action: `pick`.
        prize: of a sure overflow, over the cost of a stop and a mean way between bins.
        max_iterations: steps of the search for a plan.
    """

    name = "probability-pyvrp"

    def __init__(
        self, scenario: TruckScenario, action: ActionName = "pick", *,
        prize: float = 10.0, max_iterations: int = DEFAULT_ITERATIONS,
    ) -> None:  # fmt: skip
        super().__init__(scenario, action, max_iterations=max_iterations)
        self._prize = _checked("prize", prize) * self.usual_cost()

    def worth(self, seen: Decisions, row: int) -> tuple[Floats, NDArray[np.bool_]]:
        """The chance of an overflow, in money; bins that are believed to be full are due."""
        _, next_s = self.visits_s(seen, row)
        tables = self.tables
        mean_l = tables.forecast.expected_l(seen.now_s[row] - seen.age_s[row], next_s)
        doubt_l2 = np.where(seen.is_read[row], 0.0, tables.initial_variance_l2)
        room_l = tables.capacity_l * (1.0 - seen.reading[row])
        chances = tables.forecast.overflow_probability(room_l, mean_l, doubt_l2)
        return self._prize * chances, seen.predicted[row] >= 1.0


class OverflowPlanPolicy(PlannedPolicy):
    """Routes that are paid by what would overflow before the next shift, planned by PyVRP.

    The prize of a bin is what its overflow would cost that emptying now prevents, as forecast from
    its last reading and the law of what is thrown in, and a share of its fill, for what is emptied
    now need not be fetched later. `probability-pyvrp` is paid for the probability instead.

    Args:
        scenario: what the rows run.
        action: `pick`.
        fill_prize: worth of emptying a full bin, as far as it prevents no overflow, over the cost
            of a stop and a mean way between bins; 0 or more.
        max_iterations: steps of the search for a plan.
    """

    name = "overflow-pyvrp"

    def __init__(
        self, scenario: TruckScenario, action: ActionName = "pick", *,
        fill_prize: float = 1.0, max_iterations: int = DEFAULT_ITERATIONS,
    ) -> None:  # fmt: skip
        super().__init__(scenario, action, max_iterations=max_iterations)
        self._fill_prize = _checked("fill_prize", fill_prize) * self.usual_cost()

    def worth(self, seen: Decisions, row: int) -> tuple[Floats, NDArray[np.bool_]]:
        """What is prevented, and the share of the fill."""
        visit_s, next_s = self.visits_s(seen, row)
        litres = self.prevented_l(seen, row, visit_s, next_s)
        worth = self.scenario.penalty_per_l * litres
        if next_s < self.scenario.horizon_s:  # else nothing is fetched later
            worth += self._fill_prize * self.fills(seen, row)
        return worth, np.zeros(len(worth), np.bool_)

    def fills(self, seen: Decisions, row: int) -> Floats:
        """What each bin is taken to hold, over its capacity; shape (bins,)."""
        shares: Floats = seen.predicted[row]
        return shares

    def prevented_l(self, seen: Decisions, row: int, visit_s: float, next_s: float) -> Floats:
        """Litres that are expected to overflow if a bin is emptied then, and not now.

        Args:
            seen: what is seen of all rows.
            row: the one to be planned for.
            visit_s: when a bin would be emptied now.
            next_s: when it would be emptied else.

        Returns:
            Shape (bins,).
        """
        capacity_l, forecast = self.tables.capacity_l, self.tables.forecast
        read_at_s = seen.now_s[row] - seen.age_s[row]
        room_l = capacity_l * (1.0 - seen.reading[row])
        doubt_l2 = np.where(seen.is_read[row], 0.0, self.tables.initial_variance_l2)
        until_next = forecast.overflow_l(room_l, forecast.expected_l(read_at_s, next_s), doubt_l2)
        until_visit = forecast.overflow_l(room_l, forecast.expected_l(read_at_s, visit_s), doubt_l2)
        after = forecast.overflow_l(capacity_l, forecast.expected_l(visit_s, next_s))
        return np.maximum(until_next - until_visit - after, 0.0)
