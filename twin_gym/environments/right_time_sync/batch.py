"""Many twins of right-time synchronisation side by side: what every form works on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.settings import BatchSettings as Settings
from twin_gym.core.settings import Choice, check_same
from twin_gym.core.slotted import ReferenceEpisode, SlottedBatch
from twin_gym.environments.right_time_sync import kpi, layout, rows
from twin_gym.environments.right_time_sync.actions import ACTION_FORMS, ActionName
from twin_gym.environments.right_time_sync.indicators import SyncIndicatorReader
from twin_gym.environments.right_time_sync.reference import SyncNetwork
from twin_gym.environments.right_time_sync.scenario import SyncScenario
from twin_gym.environments.right_time_sync.world import World
from twin_gym.scenario.loading import ScenarioLike
from twin_gym.scenario.objective import KpiObjective

Objective = Literal["balanced", "error", "updates", "vector"]
ErrorForm = Literal["expected", "realised"]


@dataclass(frozen=True)
class BatchSettings(Settings):
    """Settings of all rows: an action is one entity or nobody, or a score for each of a round.

    Attributes:
        error: whether errors are expected ones, given all that was delivered, or the true ones.
    """

    MODEL: ClassVar = SyncScenario
    ACTION_FORMS: ClassVar = ACTION_FORMS
    OBJECTIVES: ClassVar = get_args(Objective)

    scenario: ScenarioLike | Sequence[ScenarioLike] = "sync-small"
    action: ActionName = "pick"
    objective: Objective | KpiObjective = "balanced"
    error: ErrorForm = "expected"

    def choices(self) -> Iterator[Choice]:
        """The arguments that are one of several names."""
        yield from super().choices()
        yield "form of errors", self.error, get_args(ErrorForm)

    def scenarios(self) -> tuple[SyncScenario, ...]:
        """The scenarios, which have as many entities."""
        scenarios = super().scenarios()
        check_same(scenarios, "as many entities", lambda one: one.num_entities)
        return scenarios


class SyncReferenceEpisode(ReferenceEpisode):
    """A row's next episode, told in SimPy."""

    def __init__(self, batch: SyncBatch, row: int) -> None:
        super().__init__(batch, row)
        self.network = SyncNetwork(batch.world(row), is_realised=batch.is_realised)
        self._size = batch.scenario_of(row).round_size if batch.is_by_round else 1

    def step(self, action: Any) -> None:  # noqa: ANN401 - a whole number or an array
        """One slot in which what the action chooses is sent."""
        outcome = self._batch.raw_outcomes[self._row]
        (chosen,) = self._batch.chosen_of(np.asarray(action)[None], self._size)
        if self.network.slot == 0:  # where an episode ended in this row, its count still stands
            outcome["disallowed_actions"] = 0
        if not self._batch.is_by_round and chosen[0] >= 0 and self.network.budget_left == 0:
            outcome["disallowed_actions"] += 1
        self.network.step(chosen.tolist())

    def _write(self, arrays: dict[str, Any]) -> None:
        self.network.write(*(arrays[name] for name in ("rows", "twins", "seen", "on_way")))


class SyncBatch(SlottedBatch):
    """Rows of twins (see `SlottedBatch`).

    Args:
        num_rows: how many run side by side.
        settings: what they have in common.
    """

    SETTINGS: ClassVar = BatchSettings
    REFERENCE: ClassVar = SyncReferenceEpisode
    COMPONENTS: ClassVar = rows.COMPONENTS
    OUTCOME: ClassVar = rows.OUTCOME
    KPI, KPI_NAMES = kpi.KPI, kpi.NAMES

    def __init__(self, num_rows: int, settings: BatchSettings) -> None:
        super().__init__(num_rows, settings)
        scenarios, count = self.scenarios, self.scenario.num_entities
        self.is_realised = settings.error == "realised"
        self.is_by_round = self.masks is None
        self.tables = layout.build_tables(scenarios)
        self._rows = np.zeros(num_rows, layout.ROW)
        self._twins = np.zeros((num_rows, len(layout.TWIN_FIELDS), count))
        self._seen = np.zeros((num_rows, len(layout.SEEN_FIELDS), count), np.float32)
        places = max(one.round_size for one in scenarios) if self.is_by_round else 1
        longest = max(one.delay_slots for one in scenarios) + 1
        self._on_way = np.full((num_rows, longest, places), -1, np.int32)
        self._chosen = np.full((num_rows, places), -1, np.int64)
        self._masks = np.zeros((num_rows, 0), np.int8) if self.masks is None else self.masks
        self.allocate_final_buffers()
        networks = self.tables.networks
        self.start_paying(
            SyncIndicatorReader(
                scenarios, networks, self.heads, self._rows, self._twins, self.is_by_round
            )
        )

    def scenario_arrays(self) -> dict[str, NDArray[Any]]:
        """By name, the arrays of scenarios, no copies."""
        names = ("networks", "entities", "laws", "bridge", "series", "lost", "spared")
        return {name: getattr(self.tables, name) for name in names}

    def own_arrays(self) -> dict[str, NDArray[Any]]:
        """By name, the arrays of rows that are synchronisation's own, no copies."""
        return {
            "rows": self._rows,
            "twins": self._twins,
            "seen": self._seen,
            "on_way": self._on_way,
            "chosen": self._chosen,
        }

    @property
    def usual_reward_scale(self) -> float:
        """The rewards of a time unit are near its slots times a few squared tolerances.

        Those of a `KpiObjective` are near its seconds.
        """
        unit_s = float(self.scenario.time_unit_s)
        if self.reward_model is not None:
            return 1.0 / unit_s
        slots = unit_s / float(self.scenario.slot_s)
        return 1.0 / (slots * 4.0 * float(self.scenario.tolerance) ** 2)

    def _fill_kpis(self, at: NDArray[np.int64], table: NDArray[np.void]) -> None:
        kpi.fill_table(self.tables.networks, self.heads, self._rows, at, table)

    def twin(self, index: int) -> dict[str, NDArray[np.float64]]:
        """The twin's state of the entities of a row, by `layout.TWIN_FIELDS`, and its `age`."""
        twin = dict(zip(layout.TWIN_FIELDS, self._twins[index].copy(), strict=True))
        return twin | {"age": self.heads["slot"][index] - twin["born"]}

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
            entities = np.where(actions < self.scenario.num_entities, actions, -1)[:, None]
            return entities.astype(np.int64)
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
            self._on_way, chosen, self.observations, self._masks, self.raw_outcomes, first, last,
            self._objective, int(self.is_realised),
        )  # fmt: skip

    def _most_work(self) -> float:
        levels = int(self.tables.networks["num_levels"].max())
        return 10.0 * (levels + 5.0) * float(self.scenario.num_entities)

    def _observe(self, first: int, last: int) -> None:
        rows.observe_rows(
            self.tables.networks, self.heads, self._rows, self._twins, self._seen,
            self.observations, self._masks, self.raw_outcomes, first, last, self._objective,
        )  # fmt: skip
