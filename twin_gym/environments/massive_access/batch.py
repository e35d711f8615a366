"""Many cells of massive access side by side: what every form of the environment works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.settings import BatchSettings as Settings
from twin_gym.core.settings import check_same
from twin_gym.core.slotted import ReferenceEpisode, SlottedBatch
from twin_gym.environments.massive_access import kpi, layout, rows
from twin_gym.environments.massive_access.actions import ACTION_FORMS, ActionName
from twin_gym.environments.massive_access.indicators import AccessIndicatorReader
from twin_gym.environments.massive_access.reference import Cell
from twin_gym.environments.massive_access.scenario import AccessScenario
from twin_gym.environments.massive_access.world import World
from twin_gym.scenario.loading import ScenarioLike
from twin_gym.scenario.objective import KpiObjective

Objective = Literal["balanced", "throughput", "delay", "vector"]


@dataclass(frozen=True)
class BatchSettings(Settings):
    """Settings of all rows: an action is a level of the barring probability, or the probability."""

    MODEL: ClassVar = AccessScenario
    ACTION_FORMS: ClassVar = ACTION_FORMS
    OBJECTIVES: ClassVar = get_args(Objective)

    scenario: ScenarioLike | Sequence[ScenarioLike] = "access-beta-30000"
    action: ActionName = "level"
    objective: Objective | KpiObjective = "balanced"

    def scenarios(self) -> tuple[AccessScenario, ...]:
        """The scenarios, which have the same levels of barring."""
        scenarios = super().scenarios()
        check_same(
            scenarios,
            "the same barring levels",
            lambda one: f"{one.barring_levels} to {one.least_barring!r}",
        )
        return scenarios


class AccessReferenceEpisode(ReferenceEpisode):
    """A row's next episode, told in SimPy."""

    def __init__(self, batch: AccessBatch, row: int) -> None:
        super().__init__(batch, row)
        network = batch.networks[self._head["network"]]
        self._devices = int(network["num_devices"])
        self.network = Cell(World(network, int(self._head["world"])))

    def step(self, action: Any) -> None:  # noqa: ANN401 - a level or an array
        """One opportunity under the barring probability of the action."""
        self.network.step(self._batch.probability_of(action))

    def _write(self, arrays: dict[str, Any]) -> None:
        self.network.write(arrays["rows"], arrays["devices"][: self._devices], arrays["delays"])


class AccessBatch(SlottedBatch):
    """Rows of cells (see `SlottedBatch`).

    Args:
        num_rows: how many run side by side.
        settings: what they have in common.
    """

    SETTINGS: ClassVar = BatchSettings
    REFERENCE: ClassVar = AccessReferenceEpisode
    COMPONENTS: ClassVar = rows.COMPONENTS
    OUTCOME: ClassVar = rows.OUTCOME
    KPI, KPI_NAMES = kpi.KPI, kpi.NAMES

    def __init__(self, num_rows: int, settings: Settings) -> None:
        super().__init__(num_rows, settings)
        self._by_level = self.masks is not None
        self._levels = np.array(self.scenario.barring_probabilities)
        most_devices = max(one.num_devices for one in self.scenarios)
        most_opportunities = max(one.num_opportunities for one in self.scenarios)
        self.networks = layout.build_networks(self.scenarios)
        self._rows = np.zeros(num_rows, layout.ROW)
        self._devices = np.zeros((num_rows, most_devices), layout.DEVICE)
        self._senders = np.zeros((num_rows, most_devices), np.int32)
        self._delays = np.zeros((num_rows, most_opportunities), np.int32)
        self._barring = np.ones(num_rows)
        self.allocate_final_buffers()
        self.start_paying(
            AccessIndicatorReader(self.networks, self.heads, self._rows, self._delays)
        )

    def scenario_arrays(self) -> dict[str, NDArray[Any]]:
        """By name, the arrays of scenarios, no copies."""
        return {"networks": self.networks}

    def own_arrays(self) -> dict[str, NDArray[Any]]:
        """By name, the arrays of rows that are massive access's own, no copies."""
        return {
            "rows": self._rows,
            "devices": self._devices,
            "senders": self._senders,
            "delays": self._delays,
            "barring": self._barring,
        }

    @property
    def usual_reward_scale(self) -> float:
        """The rewards of a time unit are near its opportunities, or near its seconds."""
        earned: float = self.scenario.slot_s if self.reward_model is None else 1.0
        return earned / float(self.scenario.time_unit_s)

    def _fill_kpis(self, at: NDArray[np.int64], table: NDArray[np.void]) -> None:
        kpi.fill_table(self.networks, self.heads, self._rows, self._delays, at, table)

    def num_ready(self) -> NDArray[np.int64]:
        """How many devices of each row would send next if nobody was barred: hidden from agents."""
        ready = np.zeros(self.num_rows, np.int64)
        rows.count_ready(self.networks, self.heads, self._rows, self._devices, ready)
        return ready

    def waiting(self, index: int) -> NDArray[np.void]:
        """The devices of a row that wait, by number; records of `layout.DEVICE`."""
        devices = self._devices[index, : self._rows["num_waiting"][index]]
        return devices[np.argsort(devices["number"])]

    def _move(self, actions: NDArray[Any], first: int, last: int) -> None:
        if self._by_level:
            np.take(self._levels, actions[first:last], out=self._barring[first:last])
        else:
            self._barring[first:last] = actions[first:last, 0]
        rows.step_rows(
            self.networks, self.heads, self._rows, self._devices, self._senders, self._delays,
            self._barring, self.observations, self.raw_outcomes, first, last, self._objective,
        )  # fmt: skip

    def _most_work(self) -> float:
        networks = self.networks
        return float((10.0 * networks["num_devices"] + 3.0 * networks["num_opportunities"]).max())

    def _observe(self, first: int, last: int) -> None:
        rows.observe_rows(
            self.networks, self.heads, self._rows, self.observations, self.raw_outcomes, first,
            last, self._objective,
        )  # fmt: skip

    def probability_of(self, action: Any) -> float:  # noqa: ANN401 - a level or an array
        """The barring probability that an action of one row broadcasts."""
        return float(self._levels[action] if self._by_level else action[0])
