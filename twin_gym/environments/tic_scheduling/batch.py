"""Many networks of tiny instant communication side by side: what every form works on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from twin_gym.core.batch import ENGINES, WORK_A_CALL, Engine
from twin_gym.core.draws import uniform, world_key
from twin_gym.core.forms import form_names
from twin_gym.core.indicators import check_objective
from twin_gym.core.slotted import SCENARIO_STREAM, SlottedBatch
from twin_gym.environments.tic_scheduling import kpi, layout, rows
from twin_gym.environments.tic_scheduling.actions import ACTION_FORMS, ActionName
from twin_gym.environments.tic_scheduling.indicators import TicGauge
from twin_gym.environments.tic_scheduling.observation import (
    WEIGHTS_FIELDS,
    Field,
    field_names,
    observation_space,
    pick_fields,
)
from twin_gym.environments.tic_scheduling.reference import Network
from twin_gym.environments.tic_scheduling.scenario import TicScenario
from twin_gym.environments.tic_scheduling.topology import Topology
from twin_gym.environments.tic_scheduling.world import World
from twin_gym.errors import ConfigError, unknown_name
from twin_gym.scenario.loading import scenarios_of
from twin_gym.scenario.objective import KpiObjective

Objective = Literal["balanced", "vector"]
ScenarioLike = str | Path | Mapping[str, Any] | TicScenario

_STEPS_A_LOOK = 5.0  # elementary ones

OBJECTIVES: tuple[Objective, ...] = ("balanced", "vector")


def as_scenarios(
    scenario: ScenarioLike | Sequence[ScenarioLike], action: ActionName = "weights"
) -> tuple[TicScenario, ...]:
    """Scenarios from names, paths, values and scenarios, one or several.

    Args:
        scenario: what the `scenario` argument of the environment takes.
        action: the form of the actions.

    Returns:
        At least one scenario.

    Raises:
        ConfigError: if the sequence is empty, an entry is none of those, or the form of action
            needs others.
    """
    found = scenarios_of(scenario, TicScenario)
    if action == "pick":
        _check_pick(found)
    return found


def _check_pick(scenarios: Sequence[TicScenario]) -> None:
    for one in scenarios:
        if one.num_gateways != 1 or one.num_sensors > layout.MAX_PICK_SENSORS:
            raise ConfigError(
                f"action='pick' needs one gateway and at most {layout.MAX_PICK_SENSORS} sensors; "
                f"{one.name!r} has {one.num_gateways} and {one.num_sensors}: take "
                "action='weights', or a preset such as 'tic-pick'"
            )
    if len({one.num_sensors for one in scenarios}) > 1:
        raise ConfigError(
            "with action='pick' the scenarios of one environment need the same number of sensors, "
            f"for an action means the same in all; got {[one.num_sensors for one in scenarios]}"
        )


@dataclass(frozen=True)
class BatchSettings:
    """What rows have in common.

    Attributes:
        scenario: one, or several of which each episode's world picks one.
        action: whether an action is the weights of a frame or the queue of the next grant.
        objective: whether the reward is the sum of its components, or all of them.
        engine: the compiled kernel, or the SimPy model (some thousand times slower).
        objective_seed: of the weights, where the objective is a `KpiObjective`.
    """

    scenario: ScenarioLike | Sequence[ScenarioLike] = "tic-small-45"
    action: ActionName = "weights"
    objective: Objective | KpiObjective = "balanced"
    engine: Engine = "kernel"
    objective_seed: int = 0

    def __post_init__(self) -> None:
        """Refuses unknown names and bad seeds."""
        check_objective(self.objective, self.objective_seed, OBJECTIVES)
        for kind, value, known in (
            ("action form", self.action, form_names(ACTION_FORMS)),
            ("engine", self.engine, ENGINES),
        ):
            if value not in known:
                raise unknown_name(kind, str(value), known)


class TicBatch(SlottedBatch):
    """Rows of networks (see `SlottedBatch`).

    Args:
        num_rows: how many run side by side.
        settings: what they have in common.
    """

    REPORTED: ClassVar = (
        "elapsed_s", "cost", "on_time", "expired", "dropped", "disallowed_actions"
    )  # fmt: skip
    COMPONENTS: ClassVar = rows.COMPONENTS

    def __init__(self, num_rows: int, settings: BatchSettings) -> None:
        scenarios = as_scenarios(settings.scenario, settings.action)
        super().__init__(num_rows, scenarios, settings.engine)
        self.settings = settings
        self.scenario = scenarios[0]
        self.is_vector_reward = settings.objective == "vector"
        self.tables = layout.build_tables(scenarios)
        self._arrays = layout.row_arrays(self.num_rows, scenarios)
        self._of_scenarios = (self.tables.networks, self.tables.sensors, self.tables.firsts)
        self._of_rows = tuple(self._arrays.values())
        self.outcomes = self.brought = np.zeros(num_rows, rows.OUTCOME)
        fields: tuple[Field, ...] = WEIGHTS_FIELDS
        if settings.action == "pick":
            fields = pick_fields(self.scenario.num_sensors)
            num_actions = 2 * self.scenario.num_sensors + 1
            self.action_space = spaces.Discrete(num_actions)
            self.masks = np.ones((num_rows, num_actions), np.int8)
            self._has_moved = np.zeros(num_rows, np.bool_)
        else:
            self.action_space = spaces.Box(0.0, 1.0, (layout.NUM_WEIGHTS,), np.float32)
            self.masks = None
        self.observation_space = observation_space(fields)
        self.observations = np.zeros((num_rows, len(field_names(fields))), np.float32)
        self.make_room_for_ends()
        self._most_slots = max(int(WORK_A_CALL / self._most_work_a_slot()), 1)
        self._is_long_frame = self._most_slots < max(one.frame_slots for one in scenarios)
        gauge = TicGauge(
            self.tables.networks, self.heads, self._arrays["rows"], self._arrays["waiting"],
            is_by_frame=self.masks is None,
        )  # fmt: skip
        self.start_paying(settings.objective, settings.objective_seed, gauge)

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """By name, the arrays that the kernel works on, no copies: of scenarios, then of rows."""
        found: dict[str, NDArray[Any]] = {
            "networks": self.tables.networks,
            "sensors": self.tables.sensors,
            "firsts": self.tables.firsts,
            "heads": self.heads,
            **self._arrays,
            "observations": self.observations,
            "outcomes": self.brought,
            "final_observations": self.final_observations,
        }
        return found if self.masks is None else found | {"masks": self.masks}

    @property
    def arguments(self) -> dict[str, Any]:
        """Form of the action, objective and seed of its weights."""
        settings = self.settings
        return {
            "action": settings.action,
            "objective": settings.objective,
            "objective_seed": settings.objective_seed,
        }

    @property
    def usual_reward_scale(self) -> float:
        """A frame earns about 1, or about its seconds."""
        earned = self.scenario.frame_slots * self.scenario.slot_s if self.payer is None else 1.0
        return earned / self.scenario.time_unit_s

    def kpi_names(self) -> tuple[str, ...]:
        """Flat names of the indicators (see `tic_scheduling.kpi`)."""
        return kpi.NAMES

    def kpi_table(self, at: NDArray[np.int64]) -> NDArray[np.float64]:
        """Indicators of some rows as they are; shape (rows to look at, names)."""
        table = np.zeros((len(at), len(kpi.NAMES)))
        kpi.fill_table(
            self.tables.networks, self.heads, self._arrays["rows"], self._arrays["latencies"], at,
            table,
        )  # fmt: skip
        return table

    def row(self, index: int) -> np.void:
        """The counters of one running network, to look at."""
        record: np.void = self._arrays["rows"][index].copy()
        return record

    def topology_of(self, row: int) -> Topology:
        """Where the sensors and gateways of a row stand."""
        return self.tables.topologies[int(self.heads["network"][row])]

    def waiting(self, index: int) -> list[NDArray[np.int64]]:
        """The messages of each gateway of a row, oldest first; shape (messages, 3).

        Columns: slot of arrival, sensor, direction (0: uplink).
        """
        found = []
        network = int(self.heads["network"][index])
        for gateway in range(int(self.tables.networks[network]["num_gateways"])):
            first = self.tables.firsts[network, gateway]
            number = self._arrays["waiting"][index, gateway]
            one = np.sort(self._arrays["messages"][index, first : first + number])
            queue = one & layout.QUEUE_MASK
            found.append(np.stack([one >> layout.QUEUE_BITS, queue >> 1, queue & 1], axis=1))
        return found

    def _move(self, actions: NDArray[Any], first: int, last: int) -> None:
        if self.masks is None:
            is_unfinished = True
            while is_unfinished:
                rows.step_frames(
                    *self._of_scenarios, self.heads, *self._of_rows, actions, self.observations,
                    self.brought, first, last, self._most_slots,
                )  # fmt: skip
                is_unfinished = self._is_long_frame and last > first and self._is_in_frame(first)
        else:
            rows.step_picks(
                *self._of_scenarios, self.heads, *self._of_rows[:-1], actions, self.observations,
                self.masks, self.brought, first, last,
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
        own = [self._arrays[name] for name in ("rows", "messages", "waiting", "fills")]
        if self.masks is None:
            rows.observe_frames(
                self.tables.networks, self.tables.firsts, self.heads, *own, self.observations,
                self.brought, first, last,
            )  # fmt: skip
        else:
            rows.observe_picks(
                self.tables.networks, self.heads, *own, self.observations, self.masks,
                self.brought, self._has_moved, first, last,
            )  # fmt: skip

    def _story(self, row: int) -> TicStory:
        return TicStory(self, row)

    def tell_pick(self, row: int, elapsed_s: float, disallowed: int) -> None:
        """What a story knows of a pick besides the counters."""
        self._has_moved[row] = True
        self.brought["elapsed_s"][row] = elapsed_s
        self.brought["disallowed_actions"][row] = disallowed

    def tell_begin(self, row: int) -> None:
        """A story begins: nothing has been earned."""
        self.brought[row] = np.zeros((), rows.OUTCOME)
        if self.masks is not None:
            self._has_moved[row] = False


class TicStory:
    """A row's next episode, told in SimPy (see `twin_gym.core.slotted.Story`).

    Args:
        batch: the rows.
        row: the one that begins.
    """

    def __init__(self, batch: TicBatch, row: int) -> None:
        self._batch = batch
        self._row = row
        head = batch.heads[row]
        head["episode"] += 1
        head["world"] = world_key(head["seed"], head["episode"])
        tables = batch.tables
        choice = int(uniform(head["world"], SCENARIO_STREAM, 0) * len(tables.networks))
        head["network"] = number = min(choice, len(tables.networks) - 1)
        self._firsts = tables.firsts[number]
        world = World(tables.networks[number], int(head["world"]))
        self._network = Network(world, tables.sensors[number])
        batch.tell_begin(row)

    def step(self, action: Any) -> None:  # noqa: ANN401 - a whole number or an array
        """A frame by weights, or one grant."""
        if self._batch.masks is None:
            a, b, c, d = (float(value) for value in action)
            total = a + b + c + d
            weights = [value / total for value in (a, b, c, d)] if total > 0.0 else [0.25] * 4
            self._network.step_frame(weights)
            return
        slot = self._network.slot
        is_allowed = self._network.step_pick(int(action))
        passed = self._network.slot - slot
        elapsed_s = passed * float(self._network.scenario["slot_s"])
        self._batch.tell_pick(self._row, elapsed_s, int(not is_allowed))

    def write(self, row: int) -> None:
        """Writes its state into the arrays of a row, as the kernel would have left them."""
        head = self._batch.heads[row]
        head["slot"], head["is_over"] = self._network.slot, self._network.is_over
        arrays = {name: array[row] for name, array in self._batch.arrays.items() if name in _OWN}
        self._network.write(arrays, self._firsts)


_OWN = frozenset(
    ("rows", "messages", "waiting", "fills", "answers", "answer_counts", "latencies")
)  # fmt: skip
