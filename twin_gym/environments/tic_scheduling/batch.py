"""Many networks of tiny instant communication side by side: what every form works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.batch import WORK_A_CALL
from twin_gym.core.settings import BatchSettings as Settings
from twin_gym.core.settings import check_same
from twin_gym.core.slotted import ReferenceEpisode, SlottedBatch
from twin_gym.environments.tic_scheduling import kpi, layout, rows
from twin_gym.environments.tic_scheduling.actions import ACTION_FORMS, ActionName
from twin_gym.environments.tic_scheduling.indicators import TicIndicatorReader
from twin_gym.environments.tic_scheduling.reference import Network
from twin_gym.environments.tic_scheduling.scenario import TicScenario
from twin_gym.environments.tic_scheduling.topology import Topology
from twin_gym.environments.tic_scheduling.world import World
from twin_gym.errors import ConfigError
from twin_gym.scenario.loading import ScenarioLike
from twin_gym.scenario.objective import KpiObjective

Objective = Literal["balanced", "vector"]

_STEPS_A_LOOK = 5.0  # elementary ones


@dataclass(frozen=True)
class BatchSettings(Settings):
    """Settings of all rows: an action is the weights of a frame, or the queue of a grant."""

    MODEL: ClassVar = TicScenario
    ACTION_FORMS: ClassVar = ACTION_FORMS
    OBJECTIVES: ClassVar = get_args(Objective)

    scenario: ScenarioLike | Sequence[ScenarioLike] = "tic-small-45"
    action: ActionName = "weights"
    objective: Objective | KpiObjective = "balanced"

    def scenarios(self) -> tuple[TicScenario, ...]:
        """The scenarios; those of picks have one gateway, and the same few sensors."""
        scenarios = super().scenarios()
        if self.action == "pick":
            for one in scenarios:
                _check_pick(one)
            check_same(
                scenarios,
                "the same number of sensors with action='pick'",
                lambda one: one.num_sensors,
            )
        return scenarios


def _check_pick(one: TicScenario) -> None:
    if one.num_gateways != 1 or one.num_sensors > layout.MAX_PICK_SENSORS:
        raise ConfigError(
            f"action='pick' needs one gateway and at most {layout.MAX_PICK_SENSORS} sensors; "
            f"{one.name!r} has {one.num_gateways} and {one.num_sensors}: take "
            "action='weights', or a preset such as 'tic-pick'"
        )


class TicReferenceEpisode(ReferenceEpisode):
    """A row's next episode, told in SimPy."""

    def __init__(self, batch: TicBatch, row: int) -> None:
        super().__init__(batch, row)
        tables, number = batch.tables, self._head["network"]
        self._firsts = tables.firsts[number]
        world = World(tables.networks[number], int(self._head["world"]))
        self.network = Network(world, tables.sensors[number])
        batch.has_moved[row] = False

    def step(self, action: Any) -> None:  # noqa: ANN401 - a whole number or an array
        """A frame by weights, or one grant."""
        network = self.network
        if self._batch.masks is None:
            a, b, c, d = (float(value) for value in action)
            total = a + b + c + d
            weights = [value / total for value in (a, b, c, d)] if total > 0.0 else [0.25] * 4
            network.step_frame(weights)
            return
        slot = network.slot
        is_allowed = network.step_pick(int(action))
        outcome = self._batch.raw_outcomes[self._row]
        outcome["elapsed_s"] = (network.slot - slot) * float(network.scenario["slot_s"])
        outcome["disallowed_actions"] = not is_allowed
        self._batch.has_moved[self._row] = True

    def _write(self, arrays: dict[str, Any]) -> None:
        del arrays["best"]  # scratch
        self.network.write(arrays, self._firsts)


class TicBatch(SlottedBatch):
    """Rows of networks (see `SlottedBatch`).

    Args:
        num_rows: how many run side by side.
        settings: what they have in common.

    Attributes:
        has_moved: which rows SimPy has moved in this episode, where actions are picks.
    """

    SETTINGS: ClassVar = BatchSettings
    REFERENCE: ClassVar = TicReferenceEpisode
    COMPONENTS: ClassVar = rows.COMPONENTS
    OUTCOME: ClassVar = rows.OUTCOME
    KPI, KPI_NAMES = kpi.KPI, kpi.NAMES

    def __init__(self, num_rows: int, settings: Settings) -> None:
        super().__init__(num_rows, settings)
        self.tables = layout.build_tables(self.scenarios)
        self._arrays = layout.row_arrays(self.num_rows, self.scenarios)
        self._rows = self._arrays["rows"]
        self._of_scenarios = (self.tables.networks, self.tables.sensors, self.tables.firsts)
        self._of_rows = tuple(self._arrays.values())
        self.has_moved = np.zeros(num_rows, np.bool_)
        self.allocate_final_buffers()
        self._most_slots = max(int(WORK_A_CALL / self._most_work_a_slot()), 1)
        self._is_long_frame = self._most_slots < max(one.frame_slots for one in self.scenarios)
        reader = TicIndicatorReader(
            self.tables.networks, self.heads, self._rows, self._arrays["waiting"],
            is_by_frame=self.masks is None,
        )  # fmt: skip
        self.start_paying(reader)

    def scenario_arrays(self) -> dict[str, NDArray[Any]]:
        """By name, the arrays of scenarios, no copies."""
        return dict(zip(("networks", "sensors", "firsts"), self._of_scenarios, strict=True))

    def own_arrays(self) -> dict[str, NDArray[Any]]:
        """By name, the arrays of rows of `layout.row_arrays`, no copies."""
        return dict(self._arrays)

    @property
    def usual_reward_scale(self) -> float:
        """A frame earns about 1, or about its seconds."""
        frame_s = float(self.scenario.frame_slots * self.scenario.slot_s)
        return (frame_s if self.reward_model is None else 1.0) / float(self.scenario.time_unit_s)

    def _fill_kpis(self, at: NDArray[np.int64], table: NDArray[np.void]) -> None:
        latencies = self._arrays["latencies"]
        kpi.fill_table(self.tables.networks, self.heads, self._rows, latencies, at, table)

    def topology_of(self, row: int) -> Topology:
        """Where the sensors and gateways of a row stand."""
        return self.tables.topologies[int(self.heads["network"][row])]

    def waiting(self, index: int) -> list[NDArray[np.int64]]:
        """The messages of each gateway of a row, oldest first; shape (messages, 3).

        Columns: slot of arrival, sensor, direction (0: uplink).
        """
        messages = []
        network = int(self.heads["network"][index])
        for gateway in range(int(self.tables.networks[network]["num_gateways"])):
            first = self.tables.firsts[network, gateway]
            number = self._arrays["waiting"][index, gateway]
            one = np.sort(self._arrays["messages"][index, first : first + number])
            queue = one & layout.QUEUE_MASK
            messages.append(np.stack([one >> layout.QUEUE_BITS, queue >> 1, queue & 1], axis=1))
        return messages

    def _move(self, actions: NDArray[Any], first: int, last: int) -> None:
        step: Any = rows.step_picks if self.masks is not None else rows.step_frames
        if self.masks is None:
            is_unfinished = True
            while is_unfinished:
                step(
                    *self._of_scenarios, self.heads, *self._of_rows, actions, self.observations,
                    self.raw_outcomes, first, last, self._most_slots,
                )  # fmt: skip
                is_unfinished = self._is_long_frame and last > first and self._is_in_frame(first)
        else:
            step(
                *self._of_scenarios, self.heads, *self._of_rows[:-1], actions, self.observations,
                self.masks, self.raw_outcomes, first, last,
            )  # fmt: skip

    def _is_in_frame(self, row: int) -> bool:
        """Whether a frame goes on of which a call has left a part: such rows move one by one."""
        self.check_stopped()
        head = self.heads[row]
        return bool(head["slot"] % self.tables.networks["frame_slots"][head["network"]])

    def _most_work(self) -> float:
        slots: int = 1 if self.masks is not None else max(one.frame_slots for one in self.scenarios)
        places = self._arrays["messages"].shape[1] + self._arrays["latencies"].shape[1]
        most: float = slots * self._most_work_a_slot() + places
        return most

    def _most_work_a_slot(self) -> float:
        most: float = max(one.most_looks_per_slot for one in self.scenarios)
        return _STEPS_A_LOOK * most

    def _observe(self, first: int, last: int) -> None:
        observe: Any = rows.observe_picks if self.masks is not None else rows.observe_frames
        own = [self._arrays[name] for name in ("rows", "messages", "waiting", "fills")]
        if self.masks is None:
            observe(
                self.tables.networks, self.tables.firsts, self.heads, *own, self.observations,
                self.raw_outcomes, first, last,
            )  # fmt: skip
        else:
            observe(
                self.tables.networks, self.heads, *own, self.observations, self.masks,
                self.raw_outcomes, self.has_moved, first, last,
            )  # fmt: skip
