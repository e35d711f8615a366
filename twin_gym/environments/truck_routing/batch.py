"""Many networks of truck routing side by side: what every form of the environment works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.settings import BatchSettings as Settings
from twin_gym.core.settings import check_same
from twin_gym.core.slotted import ReferenceEpisode, SlottedBatch
from twin_gym.environments.truck_routing import kpi, layout, rows
from twin_gym.environments.truck_routing.actions import ACTION_FORMS, ActionName
from twin_gym.environments.truck_routing.indicators import TruckIndicatorReader
from twin_gym.environments.truck_routing.reference import TruckNetwork
from twin_gym.environments.truck_routing.scenario import TruckScenario
from twin_gym.environments.truck_routing.world import World
from twin_gym.scenario.loading import ScenarioLike
from twin_gym.scenario.objective import KpiObjective

Objective = Literal["balanced", "distance", "overflow", "stops", "vector"]
Floats = NDArray[np.float64]

_STEPS_A_DRAW = 5.0  # elementary ones


@dataclass(frozen=True)
class BatchSettings(Settings):
    """Settings of all rows: an action is the next bin or the depot, or one of the candidates."""

    MODEL: ClassVar = TruckScenario
    ACTION_FORMS: ClassVar = ACTION_FORMS
    OBJECTIVES: ClassVar = get_args(Objective)

    scenario: ScenarioLike | Sequence[ScenarioLike] = "truck-grid-20"
    action: ActionName = "pick"
    objective: Objective | KpiObjective = "balanced"

    def scenarios(self) -> tuple[TruckScenario, ...]:
        """The scenarios, which have as many bins, or as many candidates."""
        scenarios = super().scenarios()
        if self.action == "pick":
            check_same(scenarios, "as many bins", lambda one: one.num_bins)
        else:
            check_same(scenarios, "as many candidates", lambda one: one.num_candidates)
        return scenarios


class Belief(NamedTuple):
    """What the dispatcher of a row knows when a truck decides: nothing of it is hidden.

    Attributes:
        time_s: since the beginning of the episode.
        left_s: until the end of the shift; below 0 at night.
        truck: number of the truck that decides.
        place: where it stands: a bin, or N for the depot.
        load_l: that it carries.
        reading_l: last known contents; shape (bins,), as what follows.
        read_at_s: when they were true.
        predicted_l: contents that the twin predicts.
        allowed: whether the truck may go there.
        reserved: whether another truck is on its way there, or it stands there itself.
    """

    time_s: float
    left_s: float
    truck: int
    place: int
    load_l: float
    reading_l: Floats
    read_at_s: Floats
    predicted_l: Floats
    allowed: NDArray[np.bool_]
    reserved: NDArray[np.bool_]


class TruckReferenceEpisode(ReferenceEpisode):
    """A row's next episode, told in SimPy."""

    def __init__(self, batch: TruckBatch, row: int) -> None:
        super().__init__(batch, row)
        self._world = batch.world(row)
        self.network = TruckNetwork(self._world)

    def step(self, action: Any) -> None:  # noqa: ANN401 - a whole number
        """One decision."""
        self.network.decide(self._batch.place_of(self._row, int(action)))

    def _write(self, arrays: dict[str, Any]) -> None:
        hours, places = self._world.volumes.shape
        arrays["volumes"][:hours, :places] = self._world.volumes
        self.network.write(arrays["rows"], arrays["states"], arrays["allowed"])


class TruckBatch(SlottedBatch):
    """Rows of networks (see `SlottedBatch`); a slot of theirs is a decision.

    Args:
        num_rows: how many run side by side.
        settings: what they have in common.
    """

    SETTINGS: ClassVar = BatchSettings
    REFERENCE: ClassVar = TruckReferenceEpisode
    COMPONENTS: ClassVar = rows.COMPONENTS
    OUTCOME: ClassVar = rows.OUTCOME
    KPI, KPI_NAMES = kpi.KPI, kpi.NAMES

    masks: NDArray[np.int8]

    def __init__(self, num_rows: int, settings: Settings) -> None:
        super().__init__(num_rows, settings)
        scenarios = self.scenarios
        most, hours = (max(getattr(one, name) for one in scenarios)
                       for name in ("num_bins", "num_hours"))  # fmt: skip
        by_candidate = settings.action == "nearest"
        candidates = self.scenario.num_candidates if by_candidate else 0
        self.tables = layout.build_tables(scenarios)
        self._rows = np.zeros(num_rows, layout.ROW)
        self._states = np.zeros((num_rows, len(layout.STATE_FIELDS), most))
        self._allowed = np.zeros((num_rows, most), np.int8)
        self._candidates = np.full((num_rows, candidates), -1, np.int32)
        self._volumes = np.zeros((num_rows, hours + 1, most + 1))
        self._scratch = np.zeros((num_rows, max(most, layout.SCRATCH)))
        self._watched = np.zeros((num_rows, 1 + most, len(layout.WATCHED_FIELDS)))
        self._cycles = np.zeros((num_rows, most), np.int32)
        self._due = np.zeros((num_rows, most))
        self.allocate_final_buffers()
        tables = self.tables
        self.start_paying(
            TruckIndicatorReader(
                tables.networks, tables.bins, self.heads, self._rows, self._states, self._volumes
            )
        )

    def scenario_arrays(self) -> dict[str, NDArray[Any]]:
        """By name, the arrays of scenarios, no copies."""
        names = (
            "networks", "bins", "travel", "distance", "order", "seen_bins", "seen_travel",
            "profile", "means", "limits", "replayed",
        )  # fmt: skip
        return {name: getattr(self.tables, name) for name in names}

    def own_arrays(self) -> dict[str, NDArray[Any]]:
        """By name, the arrays of rows that are truck routing's own, no copies."""
        return {
            "rows": self._rows,
            "states": self._states,
            "allowed": self._allowed,
            "candidates": self._candidates,
            "volumes": self._volumes,
            "scratch": self._scratch,
            "watched": self._watched,
            "cycles": self._cycles,
            "due": self._due,
        }

    @property
    def usual_reward_scale(self) -> float:
        """1 over the cost of emptying every bin once a day, a kilometre apart.

        Rewards of a `KpiObjective` are near the seconds of a day.
        """
        one = self.scenario
        if self.reward_model is not None:
            return 1.0 / float(one.time_unit_s)
        round_cost = float(one.num_bins * (one.cost_per_stop + one.cost_per_km))
        return 1.0 / max(round_cost, 1e-9)

    def _fill_kpis(self, at: NDArray[np.int64], table: NDArray[np.void]) -> None:
        kpi.fill_table(self.tables.networks, self.heads, self._rows, at, table)

    def world(self, row: int) -> World:
        """The world of a row's running episode: hidden from agents."""
        head = self.heads[row]
        return World(self.tables, int(head["network"]), int(head["world"]))

    def place_of(self, row: int, action: int) -> int:
        """The place that an action of a row names: a bin, N for the depot, -1 for none."""
        count, candidates = self.scenario_of(row).num_bins, self._candidates[row]
        if not len(candidates):
            return action
        return int(candidates[action]) if action < len(candidates) else int(count)

    def candidates(self, row: int) -> NDArray[np.int64]:
        """The bins that the actions of a row name, without the depot; -1: none."""
        if self._candidates.shape[1]:
            numbers: NDArray[np.int64] = self._candidates[row].astype(np.int64)
            return numbers
        return np.arange(self.scenario_of(row).num_bins)

    def believed(self, row: int) -> Belief:
        """What the dispatcher knows when a truck of a row decides; copies."""
        record, count = self._rows[row], self.scenario_of(row).num_bins
        state = self._states[row, :, :count]
        return Belief(
            time_s=float(record["now"]) / layout.MS_PER_S,
            left_s=float(record["left"]) / layout.MS_PER_S,
            truck=int(record["truck"]),
            place=int(record["place"][record["truck"]]),
            load_l=float(record["load"][record["truck"]]),
            reading_l=state[layout.READING].copy(),
            read_at_s=state[layout.READ_AT] / layout.MS_PER_S,
            predicted_l=state[layout.PREDICTED].copy(),
            allowed=self._allowed[row, :count] == 1,
            reserved=state[layout.RESERVED] > 0.0,
        )

    def contents_l(self, row: int) -> Floats:
        """The true contents of the bins of a row: hidden from agents; shape (bins,)."""
        record, count = self._rows[row], self.scenario_of(row).num_bins
        hours = float(record["now"]) / layout.HOUR_MS
        hour = min(int(hours), self.scenario_of(row).num_hours - 1)
        before, after = self._volumes[row, hour : hour + 2, :count]
        volumes = before + (hours - hour) * (after - before)
        capacities = self.tables.bins[self.heads["network"][row], layout.CAPACITY, :count]
        contents: Floats = np.minimum(volumes - self._states[row, layout.BASE, :count], capacities)
        return contents

    def _move(self, actions: NDArray[Any], first: int, last: int) -> None:
        tables = self.tables
        rows.step_rows(
            tables.networks, tables.bins, tables.travel, tables.distance, tables.order,
            tables.seen_bins, tables.seen_travel, tables.profile, tables.means, tables.limits,
            tables.replayed, self.heads, self._rows, self._states, self._allowed,
            self._candidates, self._volumes, self._scratch, self._watched, self._cycles, self._due,
            actions, self.observations, self.masks, self.raw_outcomes, first, last,
            self._objective,
        )  # fmt: skip

    def _most_work(self) -> float:
        networks = self.tables.networks
        bins, days = float(networks["num_bins"].max()), float(networks["num_hours"].max()) / 24.0
        trucks = float(networks["num_trucks"].max())
        periods = np.where(networks["period"] > 0.0, networks["period"], np.inf)
        reports = layout.DAY_MS / float(periods.min())  # of a bin in a night, none of which arrives
        looks = min(reports, 1.0 / float(networks["delivery"].min()))
        return bins * (20.0 * trucks * days + _STEPS_A_DRAW * looks)

    def _most_work_of_beginning(self) -> float:
        networks = self.tables.networks
        deposits = float(self.tables.means.max()) * float(networks["deposit_shape"].max())
        bins, hours = float(networks["num_bins"].max()), float(networks["num_hours"].max())
        return self._most_work() + bins * hours * (20.0 + _STEPS_A_DRAW * deposits)

    def _observe(self, first: int, last: int) -> None:
        tables = self.tables
        rows.observe_rows(
            tables.networks, tables.bins, tables.travel, tables.distance, tables.order,
            tables.seen_bins, tables.seen_travel, tables.profile, self.heads, self._rows,
            self._states, self._allowed, self._candidates, self._volumes, self._scratch,
            self._watched, self._cycles, self._due, self.observations, self.masks,
            self.raw_outcomes, first, last, self._objective,
        )  # fmt: skip
