"""The state that a picture of truck routing shows, read off the batch, and its map."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.single import RowEnv
from twin_gym.environments.truck_routing import layout
from twin_gym.environments.truck_routing.batch import TruckBatch
from twin_gym.environments.truck_routing.roads import road_lines
from twin_gym.environments.truck_routing.scenario import DAY_S, HOUR_S, TruckScenario

Floats = NDArray[np.float64]

_MINUTE_S = 60.0


@dataclass(frozen=True, eq=False)
class StreetMap:
    """What of a scenario never moves.

    Attributes:
        places_m: eastings and northings of the bins, then of the depot; shape (bins + 1, 2).
        streets_m: ends of straight pieces of street; shape (pieces, 4).
    """

    places_m: Floats
    streets_m: Floats


@dataclass(frozen=True)
class TruckState:
    """A truck at one moment.

    Attributes:
        place: where it is, or where it last was: a bin, or N for the depot.
        goal: where it goes; its place, while it decides or rests.
        load_l: litres on it.
        route: the places of this shift, the oldest first, as far as pictures were taken.
    """

    place: int
    goal: int
    load_l: float
    route: tuple[int, ...]


@dataclass(frozen=True)
class PictureState:
    """A network at one moment, its hidden truth included.

    Attributes:
        scenario: of the running episode.
        street_map: what never moves.
        bin_names: names of the bins.
        now_s: since the beginning of the episode.
        left_s: of the shift; 0 at night.
        predicted: share of the capacity that the twin predicts; shape (bins,), as what follows.
        true: share that is true.
        age_s: age of what the twin knows.
        allowed: whether the deciding truck may go there.
        decider: number of the truck that decides.
        trucks: all of them.
        overflow_l: litres that found no room so far.
        collected_l: litres emptied into trucks so far.
        distance_km: driven so far.
        stops: begun so far.
    """

    scenario: TruckScenario
    street_map: StreetMap
    bin_names: tuple[str, ...]
    now_s: float
    left_s: float
    predicted: Floats
    true: Floats
    age_s: Floats
    allowed: NDArray[np.bool_]
    decider: int
    trucks: tuple[TruckState, ...]
    overflow_l: float
    collected_l: float
    distance_km: float
    stops: int

    @property
    def progress(self) -> float:
        """Share of the horizon that is over."""
        return min(self.now_s / self.scenario.horizon_s, 1.0)

    @property
    def clock(self) -> str:
        """Day of the episode, from 1 on, and time of day."""
        minutes = math.floor((self.now_s + HOUR_S * self.scenario.shift_start_hour) / _MINUTE_S)
        day = math.floor(min(self.now_s, self.scenario.horizon_s - 1.0) / DAY_S)
        hour, minute = divmod(minutes % (24 * 60), 60)
        return f"shift {day + 1} of {self.scenario.num_days}, {hour:02d}:{minute:02d}"

    def place_name(self, place: int) -> str:
        """Name of a bin, or the depot."""
        return "depot" if place == len(self.bin_names) else self.bin_names[place]


@lru_cache(maxsize=8)
def street_map_of(scenario: TruckScenario) -> StreetMap:
    """Places and streets of a scenario; read once."""
    bins = layout.bins_of(scenario)
    x_m, y_m = layout.depot_of(scenario, bins)
    places = np.column_stack((np.append(bins.x_m, x_m), np.append(bins.y_m, y_m)))
    return StreetMap(places, road_lines(scenario.roads))


@dataclass
class _Shift:
    """The routes of a shift, as far as pictures were taken."""

    episode: tuple[int, int]
    day: int
    now: float
    routes: list[list[int]] = field(default_factory=list)


_SHIFTS: WeakKeyDictionary[RowEnv[TruckBatch], _Shift] = WeakKeyDictionary()


def take_snapshot(env: RowEnv[TruckBatch]) -> PictureState:
    """Looks at an environment without touching it.

    Args:
        env: the single form of the environment.

    Returns:
        What its network looks like now.
    """
    batch = env.batch
    scenario: TruckScenario = batch.scenario_of(0)
    row, belief = batch.row(0), batch.believed(0)
    tables, number = batch.tables, int(batch.heads[0]["network"])
    capacity = tables.bins[number, layout.CAPACITY, : scenario.num_bins]
    return PictureState(
        scenario=scenario,
        street_map=street_map_of(scenario),
        bin_names=tables.bin_tables[number].names,
        now_s=belief.time_s,
        left_s=max(belief.left_s, 0.0),
        predicted=belief.predicted_l / capacity,
        true=batch.contents_l(0) / capacity,
        age_s=belief.time_s - belief.read_at_s,
        allowed=belief.allowed,
        decider=belief.truck,
        trucks=_trucks(row, scenario, _routes(env, row, scenario)),
        overflow_l=float(row["overflow_l"]),
        collected_l=float(row["collected_l"]),
        distance_km=float(row["distance_m"]) / layout.M_PER_KM,
        stops=int(row["stops"]),
    )


def _routes(env: RowEnv[TruckBatch], row: np.void, scenario: TruckScenario) -> list[list[int]]:
    """Where the trucks have been in this shift, with where they are now."""
    head, now = env.batch.heads[0], float(row["now"])
    episode, day = (int(head["seed"]), int(head["episode"])), math.floor(now / layout.DAY_MS)
    shift = _SHIFTS.get(env)
    if shift is None or (shift.episode, shift.day) != (episode, day) or now < shift.now:
        shift = _Shift(episode, day, now, [[scenario.num_bins] for _ in range(scenario.num_trucks)])
        _SHIFTS[env] = shift
    shift.now = now
    for route, place in zip(shift.routes, row["place"].tolist(), strict=False):
        if route[-1] != place:
            route.append(place)
    return shift.routes


def _trucks(
    row: np.void, scenario: TruckScenario, routes: list[list[int]]
) -> tuple[TruckState, ...]:
    trucks = []
    for j in range(scenario.num_trucks):
        place, goal = int(row["place"][j]), int(row["goal"][j])
        is_under_way = goal != layout.RESTING and float(row["free_at"][j]) > float(row["now"])
        to = goal if is_under_way else place
        trucks.append(TruckState(place, to, float(row["load"][j]), tuple(routes[j])))
    return tuple(trucks)
