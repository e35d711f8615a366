"""Routes of a shift: which bins are worth their detour, and in what order, by PyVRP.

A shift is a prize-collecting vehicle routing problem: each bin has a prize, trucks are paid by the
metre, return to the depot when they are full, and are back for good before the shift ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError, missing_extra

if TYPE_CHECKING:
    import pyvrp

Floats = NDArray[np.float64]
Trip = tuple[int, ...]
"""Bins in the order of a truck that leaves the depot and returns to it."""

MONEY_UNITS, TIME_UNITS, VOLUME_UNITS = 10_000.0, 10, 10
"""Whole numbers that one unit of cost, one second and one litre become (PyVRP knows no others)."""

DEFAULT_ITERATIONS = 400
"""Steps of the search. On nine drawn problems, 600 steps came within 0.9 % of 6,000 on average."""

_HISTORY = 10  # costs that the search remembers; PyVRP's 300 suit searches of many thousand steps
_MOST_MONEY, _LEAST_MONEY = 1e14, 100.0  # of all sums, and of the largest: in whole numbers


@dataclass(frozen=True)
class RoutingProblem:
    """One shift, or what is left of one, for trucks that stand at the depot.

    Attributes:
        travel_m: driven metres between any two places, the depot last; shape (N + 1, N + 1).
        travel_s: likewise in seconds.
        volume_l: what each bin is expected to hold; shape (N,).
        prize: what emptying it now is worth, stops included; shape (N,). 0 and below: leave it.
        time_left_s: seconds until every truck is at the depot again and unloaded.
        truck_capacity_l: litres that fit into a truck.
        service_s: seconds of a stop.
        unload_s: seconds of unloading at the end of every trip.
        cost_per_km: cost of a kilometre, in the unit of the prizes.
        required: bins that are emptied whatever it costs, if there is time; shape (N,), None: none.
        num_trucks: trucks at the depot, 1 or more.

    Raises:
        ConfigError: if shapes differ, or a number is negative or not finite.
    """

    travel_m: Floats
    travel_s: Floats
    volume_l: Floats
    prize: Floats
    time_left_s: float
    truck_capacity_l: float
    service_s: float
    unload_s: float
    cost_per_km: float
    required: NDArray[np.bool_] | None = None
    num_trucks: int = 1

    def __post_init__(self) -> None:
        count = len(self.volume_l)
        shapes = [self.travel_m.shape, self.travel_s.shape, self.volume_l.shape, self.prize.shape]
        if shapes != [(count + 1, count + 1)] * 2 + [(count,)] * 2:
            raise ConfigError(
                f"{count} bins have `travel_m` and `travel_s` of shape {(count + 1, count + 1)}, "
                f"`volume_l` and `prize` of shape {(count,)}; got {shapes}"
            )
        for name in ("travel_m", "travel_s", "volume_l", "truck_capacity_l", "service_s",
                     "unload_s", "cost_per_km"):  # fmt: skip
            values = np.asarray(getattr(self, name))
            if not (np.isfinite(values) & (values >= 0.0)).all():
                raise ConfigError(f"`{name}` has a value that is negative or not finite")
        if not (self.prize < np.inf).all():
            raise ConfigError("`prize` has a value that is not finite")
        if self.num_trucks < 1:
            raise ConfigError(f"`num_trucks` must be 1 or more, got {self.num_trucks}")

    @property
    def wanted(self) -> NDArray[np.int64]:
        """Bins with a prize or required, that fit into a truck and into the time."""
        depot = len(self.volume_l)
        wanted = self.prize > 0.0
        if self.required is not None:
            wanted |= self.required
        round_trip_s = self.travel_s[depot, :-1] + self.travel_s[:-1, depot] + self.service_s
        wanted &= round_trip_s + self.unload_s <= self.time_left_s
        wanted &= self.volume_l <= self.truck_capacity_l
        return np.flatnonzero(wanted)


def plan_routes(
    problem: RoutingProblem, *, max_iterations: int = DEFAULT_ITERATIONS, seed: int = 1
) -> tuple[tuple[Trip, ...], ...]:
    """The trips of each truck with the most prizes less the cost of driving, as far as is found.

    PyVRP's iterated local search (Wouda, Lan, Kool, "PyVRP: a high-performance VRP solver package",
    INFORMS Journal on Computing 36(4), 2024) is stopped after a number of steps, never by a clock,
    so that the same problem has the same plan. PyVRP counts in whole numbers: costs and prizes are
    rounded to 1 / 10,000 (to more where all are below 0.01, to less where they come to 10^10),
    durations and volumes up to a tenth of a second and of a litre, and what time and truck have is
    rounded down, so that a plan in these also holds in exact numbers.

    Args:
        problem: what there is to do.
        max_iterations: steps of the search.
        seed: of the search.

    Returns:
        One entry a truck that leaves, the one with the most prizes first; each has trips between
        which the truck unloads. Nothing where staying at the depot is best.

    Raises:
        MissingExtraError: if PyVRP is not installed.

    Example:
        A bin that is worth more than 2 km, and one that is not; the depot is in the middle.

        >>> travel_m = 1000.0 * np.abs(np.subtract.outer([1.0, -1.0, 0.0], [1.0, -1.0, 0.0]))
        >>> plan_routes(RoutingProblem(
        ...     travel_m=travel_m, travel_s=travel_m / 5.0, volume_l=np.array([80.0, 10.0]),
        ...     prize=np.array([5.0, 1.0]), time_left_s=3600.0, truck_capacity_l=3000.0,
        ...     service_s=180.0, unload_s=900.0, cost_per_km=1.0))
        (((0,),),)
    """
    wanted = problem.wanted
    if not len(wanted):
        return ()
    check_installed()
    from pyvrp import SolveParams, solve
    from pyvrp.stop import MaxIterations

    params = SolveParams(ils=_search_settings())
    result = solve(
        _data_of(problem, wanted), MaxIterations(max_iterations), seed=seed,
        collect_stats=False, display=False, params=params,
    )  # fmt: skip
    if not result.is_feasible():  # only after very few steps
        return ()
    routes = sorted(result.best.routes(), key=lambda route: -route.prizes())
    return tuple(_trips(route, wanted) for route in routes)


def check_installed() -> None:
    """Looks for PyVRP.

    Raises:
        MissingExtraError: if it is not installed, with what to do.
    """
    try:
        import pyvrp  # noqa: F401
    except ImportError as error:
        raise missing_extra("a planned route", "routing") from error


def plan_value(problem: RoutingProblem, routes: tuple[tuple[Trip, ...], ...]) -> float:
    """Prizes less the cost of driving, in exact numbers.

    Args:
        problem: what there is to do.
        routes: trips by truck.

    Returns:
        The value of the plan; its feasibility is not looked at.
    """
    depot = len(problem.volume_l)
    value = 0.0
    for trip in (trip for trips in routes for trip in trips):
        stops = [depot, *trip, depot]
        metres = problem.travel_m[stops[:-1], stops[1:]].sum()
        value += problem.prize[list(trip)].sum() - problem.cost_per_km * metres / 1000.0
    return float(value)


def _search_settings() -> pyvrp.IteratedLocalSearchParams:
    from pyvrp import IteratedLocalSearchParams

    return IteratedLocalSearchParams(history_length=_HISTORY)


def _data_of(problem: RoutingProblem, wanted: NDArray[np.int64]) -> pyvrp.ProblemData:
    """The problem in PyVRP's terms: place 0 is the depot, place j the j-th wanted bin.

    A distance is a cost, so that it is in the unit of the prizes. Unloading is part of the way into
    the depot, so that it is paid at the end of every trip.
    """
    from pyvrp import Client, Depot, Location, ProblemData, VehicleType

    places = np.concatenate([[len(problem.volume_l)], wanted])
    here = np.ix_(places, places)
    costs, prizes = _money(problem, here, wanted)
    durations = problem.travel_s[here].copy()
    durations[1:, 0] += problem.unload_s
    volumes = _whole(np.ceil(problem.volume_l[wanted] * VOLUME_UNITS))
    capacity = int(problem.truck_capacity_l * VOLUME_UNITS)
    service = int(np.ceil(problem.service_s * TIME_UNITS))
    clients = [
        Client(place + 1, pickup=[min(volume, capacity)], service_duration=service,
               prize=prize, required=False)
        for place, (volume, prize) in enumerate(zip(volumes, _whole(prizes), strict=True))
    ]  # fmt: skip
    trucks = VehicleType(
        problem.num_trucks, [capacity], shift_duration=int(problem.time_left_s * TIME_UNITS),
        reload_depots=[0],
    )  # fmt: skip
    matrix = np.ceil(durations * TIME_UNITS).astype(np.int64)
    locations = [Location(0.0, 0.0) for _ in places]  # the matrices say where they are
    distances: Any = costs.astype(np.int64)
    return ProblemData(locations, clients, [Depot(0)], [trucks], [distances], [matrix])


def _money(
    problem: RoutingProblem, here: tuple[NDArray[np.int64], ...], wanted: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Costs of the ways and prizes, in whole numbers whose sums PyVRP can hold."""
    price, prize = problem.cost_per_km / 1000.0, np.maximum(problem.prize[wanted], 0.0)
    required = np.zeros(len(wanted)) if problem.required is None else problem.required[wanted]
    longest_m = float(problem.travel_m[here].max())
    units = _units(longest_m * price, float(prize.max()), float(required.sum()), len(wanted) + 1)
    costs, prizes = np.rint(problem.travel_m[here] * (price * units)), np.rint(prize * units)
    # More than any plan without the bin could gain.
    bonus = prizes.sum() + 2.0 * costs[0].max() * len(costs) + 1.0
    return costs, prizes + np.where(required > 0.0, bonus, 0.0)


def _units(cost: float, prize: float, num_required: float, num_places: int) -> float:
    """Whole numbers that a unit of cost becomes, for the largest cost and prize."""
    most = num_places * (prize + 2.0 * cost) * (num_required + 1.0)
    units = min(MONEY_UNITS, _MOST_MONEY / max(most, 1.0))
    largest = max(cost, prize)
    return units if largest == 0.0 else max(units, _LEAST_MONEY / largest)


def _whole(values: Floats) -> list[int]:
    whole: list[int] = values.astype(np.int64).tolist()
    return whole


def _trips(route: pyvrp.Route, wanted: NDArray[np.int64]) -> tuple[Trip, ...]:
    """The bins between one visit of the depot and the next."""
    trips: list[list[int]] = [[]]
    for stop in route:
        if stop.is_depot():
            trips.append([])
        else:
            trips[-1].append(int(wanted[stop.idx]))
    return tuple(tuple(trip) for trip in trips if trip)
