"""Many twins of right-time synchronisation side by side: what every form works on."""

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
from twin_gym.environments.right_time_sync import kpi, layout, rows
from twin_gym.environments.right_time_sync.actions import ACTION_FORMS, ActionName
from twin_gym.environments.right_time_sync.indicators import SyncGauge
from twin_gym.environments.right_time_sync.observation import observation_space
from twin_gym.environments.right_time_sync.reference import SyncNetwork
from twin_gym.environments.right_time_sync.scenario import SyncScenario
from twin_gym.environments.right_time_sync.world import World
from twin_gym.errors import ConfigError, unknown_name
from twin_gym.scenario.loading import scenarios_of
from twin_gym.scenario.objective import KpiObjective

Objective = Literal["balanced", "error", "updates", "vector"]
ErrorForm = Literal["expected", "realised"]
ScenarioLike = str | Path | Mapping[str, Any] | SyncScenario

OBJECTIVES: tuple[Objective, ...] = ("balanced", "error", "updates", "vector")
ERROR_FORMS: tuple[ErrorForm, ...] = ("expected", "realised")


def as_scenarios(scenario: ScenarioLike | Sequence[ScenarioLike]) -> tuple[SyncScenario, ...]:
    """Scenarios from names, paths, values and scenarios, one or several.

    Args:
        scenario: what the `scenario` argument of the environment takes.

    Returns:
        At least one scenario.

    Raises:
        ConfigError: if the sequence is empty, an entry is none of those, or they differ in the
            number of entities.
    """
    found = scenarios_of(scenario, SyncScenario)
    if len({one.num_entities for one in found}) > 1:
        raise ConfigError(
            "the scenarios of one environment need as many entities, for an action means the same "
            "in all; got " + ", ".join(f"{one.num_entities} in {one.name!r}" for one in found)
        )
    return found


@dataclass(frozen=True)
class BatchSettings:
    """What rows have in common.

    Attributes:
        scenario: one, or several of which each episode's world picks one.
        action: whether an action is one entity or nobody, or a score for each of a round.
        objective: whether the reward is the sum of its components, one of them, or all.
        error: whether errors are expected ones, given all that was delivered, or the true ones.
        engine: the compiled kernel, or the SimPy model (some thousand times slower).
        objective_seed: of the weights, where the objective is a `KpiObjective`.
    """

    scenario: ScenarioLike | Sequence[ScenarioLike] = "sync-small"
    action: ActionName = "pick"
    objective: Objective | KpiObjective = "balanced"
    error: ErrorForm = "expected"
    engine: Engine = "kernel"
    objective_seed: int = 0

    def __post_init__(self) -> None:
        """Refuses unknown names and bad seeds."""
        check_objective(self.objective, self.objective_seed, OBJECTIVES)
        for kind, value, known in (
            ("action form", self.action, form_names(ACTION_FORMS)),
            ("form of errors", self.error, ERROR_FORMS),
            ("engine", self.engine, ENGINES),
        ):
            if value not in known:
                raise unknown_name(kind, str(value), known)


class SyncBatch(SlottedBatch):
    """Rows of twins (see `SlottedBatch`).

    Args:
        num_rows: how many run side by side.
        settings: what they have in common.
    """

    REPORTED: ClassVar = (
        "elapsed_s", "cost", "error", "updates", "disallowed_actions"
    )  # fmt: skip
    COMPONENTS: ClassVar = rows.COMPONENTS

    def __init__(self, num_rows: int, settings: BatchSettings) -> None:
        scenarios = as_scenarios(settings.scenario)
        super().__init__(num_rows, scenarios, settings.engine)
        self.settings = settings
        self.scenario = scenarios[0]
        self.is_vector_reward = settings.objective == "vector"
        self.is_realised = settings.error == "realised"
        self.is_by_round = settings.action == "rounds"
        self._objective = place_of(settings.objective, OBJECTIVES) % len(OBJECTIVES[:-1])
        count = self.scenario.num_entities
        self.tables = layout.build_tables(scenarios)
        self._rows = np.zeros(num_rows, layout.ROW)
        self._twins = np.zeros((num_rows, len(layout.TWIN_FIELDS), count))
        self._seen = np.zeros((num_rows, len(layout.SEEN_FIELDS), count), np.float32)
        places = max(one.round_size for one in scenarios) if self.is_by_round else 1
        longest = max(one.delay_slots for one in scenarios) + 1
        self._on_way = np.full((num_rows, longest, places), -1, np.int32)
        self._chosen = np.full((num_rows, places), -1, np.int64)
        self.observation_space = observation_space(count)
        self.observations = np.zeros((num_rows, *(self.observation_space.shape)), np.float32)
        self.outcomes = self.brought = np.zeros(num_rows, rows.OUTCOME)
        if self.is_by_round:
            self.action_space = spaces.Box(0.0, 1.0, (count,), np.float32)
            self.masks = None
            self._masks = np.zeros((num_rows, 0), np.int8)
        else:
            self.action_space = spaces.Discrete(count + 1)
            self.masks = self._masks = np.ones((num_rows, count + 1), np.int8)
        self.make_room_for_ends()
        gauge = SyncGauge(
            scenarios, self.tables.networks, self.heads, self._rows, self._twins, self.is_by_round
        )
        self.start_paying(settings.objective, settings.objective_seed, gauge)

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """By name, the arrays that the kernel works on, no copies: of scenarios, then of rows."""
        found: dict[str, NDArray[Any]] = {
            "networks": self.tables.networks,
            "entities": self.tables.entities,
            "laws": self.tables.laws,
            "bridge": self.tables.bridge,
            "series": self.tables.series,
            "lost": self.tables.lost,
            "spared": self.tables.spared,
            "heads": self.heads,
            "rows": self._rows,
            "twins": self._twins,
            "seen": self._seen,
            "on_way": self._on_way,
            "chosen": self._chosen,
            "observations": self.observations,
            "outcomes": self.brought,
            "final_observations": self.final_observations,
        }
        return found if self.masks is None else found | {"masks": self.masks}

    @property
    def arguments(self) -> dict[str, Any]:
        """Form of the action, of the errors, objective and seed of its weights."""
        settings = self.settings
        return {
            "action": settings.action,
            "objective": settings.objective,
            "error": settings.error,
            "objective_seed": settings.objective_seed,
        }

    @property
    def usual_reward_scale(self) -> float:
        """The rewards of a time unit are near its slots times a few squared tolerances.

        Those of a `KpiObjective` are near its seconds.
        """
        if self.payer is not None:
            return 1.0 / self.scenario.time_unit_s
        slots = self.scenario.time_unit_s / self.scenario.slot_s
        return 1.0 / (slots * 4.0 * self.scenario.tolerance**2)

    def kpi_names(self) -> tuple[str, ...]:
        """Flat names of the indicators (see `right_time_sync.kpi`)."""
        return kpi.NAMES

    def kpi_table(self, at: NDArray[np.int64]) -> NDArray[np.float64]:
        """Indicators of some rows as they are; shape (rows to look at, names)."""
        table = np.zeros((len(at), len(kpi.NAMES)))
        kpi.fill_table(self.tables.networks, self.heads, self._rows, at, table)
        return table

    def row(self, index: int) -> np.void:
        """The counters of one running network, to look at."""
        record: np.void = self._rows[index].copy()
        return record

    def twin(self, index: int) -> dict[str, NDArray[np.float64]]:
        """What the twin of a row holds of its entities, by `layout.TWIN_FIELDS`, and its `age`."""
        found = dict(zip(layout.TWIN_FIELDS, self._twins[index].copy(), strict=True))
        return found | {"age": self.heads["slot"][index] - found["born"]}

    def world(self, row: int) -> World:
        """The world of a row's running episode: hidden from agents."""
        head = self.heads[row]
        return World(self.tables, int(head["network"]), int(head["world"]))

    def chosen_of(self, actions: NDArray[Any], size: int) -> NDArray[np.int64]:
        """The entities that actions choose, in the order in which a budget is spent on them.

        Args:
            actions: of some rows: entities or N, shape (rows,); or scores, shape (rows, N).
            size: places of a round.

        Returns:
            Shape (rows, places); -1: nobody.
        """
        if not self.is_by_round:
            found = np.where(actions < self.scenario.num_entities, actions, -1)[:, None]
            return found.astype(np.int64)
        best = np.argsort(-actions, axis=1, kind="stable")[:, :size]
        return np.where(np.take_along_axis(actions, best, axis=1) > 0.0, best, -1)

    def _move(self, actions: NDArray[Any], first: int, last: int) -> None:
        chosen = self._chosen
        if self.is_by_round:
            for row in range(first, last):
                size = self.scenario_of(row).round_size
                chosen[row] = -1
                chosen[row, :size] = self.chosen_of(actions[row : row + 1], size)[0]
        else:
            count = self.tables.laws.shape[-1]
            picked = actions[first:last]
            np.subtract(picked, (picked == count) * (count + 1), out=chosen[first:last, 0])
        tables = self.tables
        rows.step_rows(
            tables.networks, tables.entities, tables.laws, tables.bridge, tables.series,
            tables.lost, tables.spared, self.heads, self._rows, self._twins, self._seen,
            self._on_way, chosen, self.observations, self._masks, self.brought, first, last,
            self._objective, int(self.is_realised),
        )  # fmt: skip

    def _most_work(self) -> float:
        levels = int(self.tables.networks["num_levels"].max())
        return 10.0 * (levels + 5.0) * self.scenario.num_entities

    def _observe(self, first: int, last: int) -> None:
        rows.observe_rows(
            self.tables.networks, self.heads, self._rows, self._twins, self._seen,
            self.observations, self._masks, self.brought, first, last, self._objective,
        )  # fmt: skip

    def _story(self, row: int) -> SyncStory:
        return SyncStory(self, row)


class SyncStory:
    """A row's next episode, told in SimPy (see `twin_gym.core.slotted.Story`).

    Args:
        batch: the rows.
        row: the one that begins.
    """

    def __init__(self, batch: SyncBatch, row: int) -> None:
        self._batch, self._row = batch, row
        head = batch.heads[row]
        head["episode"] += 1
        head["world"] = world_key(head["seed"], head["episode"])
        choice = int(uniform(head["world"], SCENARIO_STREAM, 0) * len(batch.tables.networks))
        head["network"] = min(choice, len(batch.tables.networks) - 1)
        self._network = SyncNetwork(batch.world(row), is_realised=batch.is_realised)
        self._size = batch.scenario_of(row).round_size if batch.is_by_round else 1

    def step(self, action: Any) -> None:  # noqa: ANN401 - a whole number or an array
        """One slot in which what the action chooses is sent."""
        (chosen,) = self._batch.chosen_of(np.asarray(action)[None], self._size)
        if self._network.slot == 0:  # where an episode ended in this row, its count still stands
            self._batch.brought["disallowed_actions"][self._row] = 0
        if not self._batch.is_by_round and chosen[0] >= 0 and self._network.budget_left == 0:
            self._batch.brought["disallowed_actions"][self._row] += 1
        self._network.step(chosen.tolist())

    def write(self, row: int) -> None:
        """Writes its state into the arrays of a row, as the kernel would have left them."""
        arrays = self._batch.arrays
        head = self._batch.heads[row]
        head["slot"], head["is_over"] = self._network.slot, self._network.is_over
        self._network.write(
            arrays["rows"][row], arrays["twins"][row], arrays["seen"][row], arrays["on_way"][row]
        )
