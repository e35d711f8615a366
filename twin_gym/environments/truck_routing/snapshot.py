"""The state that a picture of truck routing shows, read off the environment's batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.single import RowEnv
from twin_gym.environments.truck_routing import layout
from twin_gym.environments.truck_routing.batch import TruckBatch
from twin_gym.environments.truck_routing.layout import depot_of
from twin_gym.environments.truck_routing.roads import road_lines
from twin_gym.environments.truck_routing.scenario import TruckScenario

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TruckState:
    """A truck at one moment.

    Attributes:
        place: where its way began: a bin, or N for the depot.
        goal: where it goes to, likewise; None: it rests, or is the one that decides.
        load: share of its capacity.
    """

    place: int
    goal: int | None
    load: float


@dataclass(frozen=True)
class PictureState:
    """A network at one moment.

    Attributes:
        scenario: what it runs.
        now_s: time since the beginning of the episode.
        points: of the bins and the depot, in metres; shape (N + 1, 2).
        roads: ends of straight streets; shape (lines, 4).
        fills: true shares of the capacities; shape (bins,).
        predicted: those that the twin predicts; likewise.
        trucks: by number.
        deciding: number of the truck that decides.
        distance_km: driven so far.
        overflow_l: lost so far.
        stops: made so far.
    """

    scenario: TruckScenario
    now_s: float
    points: Floats
    roads: Floats
    fills: Floats
    predicted: Floats
    trucks: tuple[TruckState, ...]
    deciding: int
    distance_km: float
    overflow_l: float
    stops: int

    @property
    def progress(self) -> float:
        """Share of the episode that is over."""
        return self.now_s / self.scenario.horizon_s


def take_snapshot(env: RowEnv[TruckBatch]) -> PictureState:
    """Looks at an environment without touching it.

    Args:
        env: the single form of the environment.

    Returns:
        What its network looks like now.
    """
    batch, scenario, row = env.batch, env.scenario, env.batch.row(0)
    bins = batch.tables.bin_tables[int(batch.heads[0]["network"])]
    places = np.array([*zip(bins.x_m, bins.y_m, strict=True), depot_of(scenario, bins)])
    deciding = int(row["truck"])
    return PictureState(
        scenario=scenario,
        now_s=float(row["now"]) / layout.MS_PER_S,
        points=places,
        roads=road_lines(scenario.roads),
        fills=batch.contents_l(0) / bins.capacity_l,
        predicted=batch.believed(0).predicted_l / bins.capacity_l,
        trucks=tuple(
            _truck(row, j, deciding, scenario.truck_capacity_l) for j in range(scenario.num_trucks)
        ),
        deciding=deciding,
        distance_km=float(row["distance_m"]) / layout.M_PER_KM,
        overflow_l=float(row["overflow_l"]),
        stops=int(row["stops"]),
    )


def _truck(row: np.void, j: int, deciding: int, capacity_l: float) -> TruckState:
    goal: int | None = int(row["goal"][j])
    if j == deciding or goal == layout.RESTING:
        goal = None
    return TruckState(int(row["place"][j]), goal, float(row["load"][j]) / capacity_l)
