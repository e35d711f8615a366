"""Many cells of massive access side by side: what every form of the environment works on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from twin_gym.core.batch import ENGINES, Engine
from twin_gym.core.draws import uniform, world_key
from twin_gym.core.forms import form_names
from twin_gym.core.indicators import check_objective, place_of
from twin_gym.core.slotted import SCENARIO_STREAM, SlottedBatch
from twin_gym.environments.massive_access import kpi, layout, rows
from twin_gym.environments.massive_access.actions import ACTION_FORMS, ActionName
from twin_gym.environments.massive_access.indicators import AccessGauge
from twin_gym.environments.massive_access.observation import field_names, observation_space
from twin_gym.environments.massive_access.reference import Cell
from twin_gym.environments.massive_access.scenario import AccessScenario
from twin_gym.environments.massive_access.world import World
from twin_gym.errors import ConfigError, unknown_name
from twin_gym.scenario.loading import scenarios_of
from twin_gym.scenario.objective import KpiObjective

Objective = Literal["balanced", "throughput", "delay", "vector"]
ScenarioLike = str | Path | Mapping[str, Any] | AccessScenario

OBJECTIVES: tuple[Objective, ...] = ("balanced", "throughput", "delay", "vector")


def as_scenarios(scenario: ScenarioLike | Sequence[ScenarioLike]) -> tuple[AccessScenario, ...]:
    """Scenarios from names, paths, values and scenarios, one or several.

    Args:
        scenario: what the `scenario` argument of the environment takes.

    Returns:
        At least one scenario.

    Raises:
        ConfigError: if the sequence is empty, an entry is none of those, or they differ in the
            levels of barring.
    """
    found = scenarios_of(scenario, AccessScenario)
    if len({one.barring_probabilities for one in found}) > 1:
        raise ConfigError(
            "the scenarios of one environment need the same barring levels, for an action means "
            "the same in all; got "
            + ", ".join(
                f"{one.barring_levels} down to {one.least_barring:g} in {one.name!r}"
                for one in found
            )
        )
    return found


@dataclass(frozen=True)
class BatchSettings:
    """What rows have in common.

    Attributes:
        scenario: one, or several of which each episode's world picks one.
        action: whether an action is a level of the barring probability or the probability.
        objective: whether the reward is the sum of its components, one of them, or all.
        engine: the compiled kernel, or the SimPy model (some thousand times slower).
        objective_seed: of the weights, where the objective is a `KpiObjective`.
    """

    scenario: ScenarioLike | Sequence[ScenarioLike] = "access-beta-30000"
    action: ActionName = "level"
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


class AccessBatch(SlottedBatch):
    """Rows of cells (see `SlottedBatch`).

    Args:
        num_rows: how many run side by side.
        settings: what they have in common.
    """

    REPORTED: ClassVar = (
        "elapsed_s", "cost", "throughput", "delay", "disallowed_actions"
    )  # fmt: skip
    COMPONENTS: ClassVar = rows.COMPONENTS

    def __init__(self, num_rows: int, settings: BatchSettings) -> None:
        scenarios = as_scenarios(settings.scenario)
        super().__init__(num_rows, scenarios, settings.engine)
        self.settings = settings
        self.scenario = scenarios[0]
        self.is_vector_reward = settings.objective == "vector"
        self._by_level = settings.action == "level"
        self._levels = np.array(self.scenario.barring_probabilities)
        self._objective = place_of(settings.objective, OBJECTIVES) % len(OBJECTIVES[:-1])
        most_devices = max(one.num_devices for one in scenarios)
        most_opportunities = max(one.num_opportunities for one in scenarios)
        self.networks = layout.build_networks(scenarios)
        self._rows = np.zeros(num_rows, layout.ROW)
        self._devices = np.zeros((num_rows, most_devices), layout.DEVICE)
        self._senders = np.zeros((num_rows, most_devices), np.int32)
        self._delays = np.zeros((num_rows, most_opportunities), np.int32)
        self._barring = np.ones(num_rows)
        self.observation_space = observation_space()
        self.observations = np.zeros((num_rows, len(field_names())), np.float32)
        self.outcomes = self.brought = np.zeros(num_rows, rows.OUTCOME)
        if self._by_level:
            self.action_space = spaces.Discrete(len(self._levels))
            self.masks = np.ones((num_rows, len(self._levels)), np.int8)
        else:
            self.action_space = spaces.Box(0.0, 1.0, (1,), np.float32)
            self.masks = None
        self.make_room_for_ends()
        gauge = AccessGauge(self.networks, self.heads, self._rows, self._delays)
        self.start_paying(settings.objective, settings.objective_seed, gauge)

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """By name, the arrays that the kernel works on, no copies: of scenarios, then of rows."""
        found: dict[str, NDArray[Any]] = {
            "networks": self.networks,
            "heads": self.heads,
            "rows": self._rows,
            "devices": self._devices,
            "senders": self._senders,
            "delays": self._delays,
            "barring": self._barring,
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
        """The rewards of a time unit are near its opportunities, or near its seconds."""
        earned = self.scenario.slot_s if self.payer is None else 1.0
        return earned / self.scenario.time_unit_s

    def kpi_names(self) -> tuple[str, ...]:
        """Flat names of the indicators (see `massive_access.kpi`)."""
        return kpi.NAMES

    def kpi_table(self, at: NDArray[np.int64]) -> NDArray[np.float64]:
        """Indicators of some rows as they are; shape (rows to look at, names)."""
        table = np.zeros((len(at), len(kpi.NAMES)))
        kpi.fill_table(self.networks, self.heads, self._rows, self._delays, at, table)
        return table

    def num_ready(self) -> NDArray[np.int64]:
        """How many devices of each row would send next if nobody was barred: hidden from agents."""
        ready = np.zeros(self.num_rows, np.int64)
        rows.count_ready(self.networks, self.heads, self._rows, self._devices, ready)
        return ready

    def row(self, index: int) -> np.void:
        """The counters of one running network, to look at."""
        record: np.void = self._rows[index].copy()
        return record

    def waiting(self, index: int) -> NDArray[np.void]:
        """The devices of a row that wait, by number; records of `layout.DEVICE`."""
        found = self._devices[index, : self._rows["num_waiting"][index]]
        return found[np.argsort(found["number"])]

    def _move(self, actions: NDArray[Any], first: int, last: int) -> None:
        if self._by_level:
            np.take(self._levels, actions[first:last], out=self._barring[first:last])
        else:
            self._barring[first:last] = actions[first:last, 0]
        rows.step_rows(
            self.networks, self.heads, self._rows, self._devices, self._senders, self._delays,
            self._barring, self.observations, self.brought, first, last, self._objective,
        )  # fmt: skip

    def _most_work(self) -> float:
        networks = self.networks
        return float((10.0 * networks["num_devices"] + 3.0 * networks["num_opportunities"]).max())

    def _observe(self, first: int, last: int) -> None:
        rows.observe_rows(
            self.networks, self.heads, self._rows, self.observations, self.brought, first, last,
            self._objective,
        )  # fmt: skip

    def _story(self, row: int) -> AccessStory:
        return AccessStory(self, row)

    def probability_of(self, action: Any) -> float:  # noqa: ANN401 - a level or an array
        """The barring probability that an action of one row broadcasts."""
        return float(self._levels[action] if self._by_level else action[0])


class AccessStory:
    """A row's next episode, told in SimPy (see `twin_gym.core.slotted.Story`).

    Args:
        batch: the rows.
        row: the one that begins.
    """

    def __init__(self, batch: AccessBatch, row: int) -> None:
        self._batch = batch
        head = batch.heads[row]
        head["episode"] += 1
        head["world"] = world_key(head["seed"], head["episode"])
        choice = int(uniform(head["world"], SCENARIO_STREAM, 0) * len(batch.networks))
        head["network"] = min(choice, len(batch.networks) - 1)
        self._cell = Cell(World(batch.networks[head["network"]], int(head["world"])))
        batch.brought[row] = np.zeros((), rows.OUTCOME)

    def step(self, action: Any) -> None:  # noqa: ANN401 - a level or an array
        """One opportunity under the barring probability of the action."""
        self._cell.step(self._batch.probability_of(action))

    def write(self, row: int) -> None:
        """Writes its state into the arrays of a row, as the kernel would have left them."""
        arrays = self._batch.arrays
        head = self._batch.heads[row]
        head["slot"], head["is_over"] = self._cell.opportunity, self._cell.is_over
        devices = int(self._batch.networks[head["network"]]["num_devices"])
        self._cell.write(
            arrays["rows"][row], arrays["devices"][row, :devices], arrays["delays"][row]
        )
