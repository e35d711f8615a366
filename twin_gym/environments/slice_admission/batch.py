"""Many sliced networks side by side: the rows that every form of the environment works on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from twin_gym.core.batch import (
    AUTORESET_NEXT_STEP,
    AUTORESET_SAME_STEP,
    ENGINES,
    WORK_A_CALL,
    Batch,
    Engine,
    checked_num_rows,
    stretches,
)
from twin_gym.core.clock import SECONDS_PER_TICK
from twin_gym.core.forms import form_names
from twin_gym.core.indicators import check_objective, place_of
from twin_gym.environments.slice_admission import layout
from twin_gym.environments.slice_admission import rows as kernel
from twin_gym.environments.slice_admission.actions import ACTION_FORMS
from twin_gym.environments.slice_admission.indicators import AdmissionGauge
from twin_gym.environments.slice_admission.kpi import Kpis, kpi_names, kpi_table, kpis
from twin_gym.environments.slice_admission.observation import (
    ActionName,
    build_lenses,
    field_names,
    observation_space,
)
from twin_gym.environments.slice_admission.reference import SlicedNetwork
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.tables import build_tables
from twin_gym.environments.slice_admission.work import parts_passed
from twin_gym.environments.slice_admission.world import World
from twin_gym.errors import unknown_name
from twin_gym.scenario.loading import scenarios_of
from twin_gym.scenario.objective import KpiObjective

Objective = Literal["revenue", "utilisation", "fairness", "vector"]
ScenarioLike = str | Path | Mapping[str, Any] | AdmissionScenario

_STEPS_AN_EVENT = 20  # elementary ones

OBJECTIVES: tuple[Objective, ...] = ("revenue", "utilisation", "fairness", "vector")


def as_scenarios(scenario: ScenarioLike | Sequence[ScenarioLike]) -> tuple[AdmissionScenario, ...]:
    """Scenarios from names, paths, values and scenarios, one or several.

    Args:
        scenario: what the `scenario` argument of an environment takes.

    Returns:
        At least one scenario.

    Raises:
        ConfigError: if the sequence is empty or an entry is none of those.
    """
    return scenarios_of(scenario, AdmissionScenario)


@dataclass(frozen=True)
class BatchSettings:
    """What rows have in common.

    Attributes:
        scenario: one, or several of which each episode's world picks one.
        action: whether an action names a slice or a queue position.
        objective: which component is the reward; `vector` gives all of them.
        engine: the compiled kernel, or the SimPy model (some hundred times slower).
        objective_seed: of the weights, where the objective is a `KpiObjective`.
    """

    scenario: ScenarioLike | Sequence[ScenarioLike] = "contention"
    action: ActionName = "slice"
    objective: Objective | KpiObjective = "revenue"
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


class AdmissionBatch(Batch):
    """Rows of sliced networks (see `Batch`).

    Args:
        num_rows: how many run side by side.
        settings: what they have in common.
    """

    REPORTED: ClassVar = (
        "elapsed_s", "cost", "revenue", "utilisation", "fairness", "disallowed_actions"
    )  # fmt: skip
    COMPONENTS: ClassVar = kernel.OBJECTIVES

    masks: NDArray[np.int8]

    def __init__(self, num_rows: int, settings: BatchSettings) -> None:
        num_rows = self.num_rows = checked_num_rows(num_rows)
        self.settings = settings
        self.is_vector_reward = settings.objective == "vector"
        self.tables = build_tables(as_scenarios(settings.scenario))
        self.scenario = self.tables.scenarios[0]
        self._by_slot = settings.action == "slot"
        choices = self.tables.num_positions if self._by_slot else len(self.scenario.slices)
        self.num_actions = choices + 1
        self.action_space = spaces.Discrete(self.num_actions)
        self.observation_space = observation_space(self.scenario, settings.action)
        room = self.tables.networks["demand"].shape[1:]
        self._lenses = build_lenses(self.tables)
        self._rows = np.zeros(num_rows, layout.row_dtype(*room))
        self._queues = np.zeros((num_rows, self.tables.queue_places), layout.QUEUE_ENTRY)
        self._departures = np.zeros((num_rows, self.tables.service_places), np.int64)
        fields = len(field_names(self.scenario, settings.action))
        self.observations = np.zeros((num_rows, fields), np.float32)
        self.masks = np.ones((num_rows, self.num_actions), np.int8)
        self.outcomes = self.brought = np.zeros(num_rows, kernel.OUTCOME)
        self._final_rows = np.zeros_like(self._rows)
        self.final_observations = np.zeros_like(self.observations)
        self._most_events = self._events_of_a_call()
        self._objective = place_of(settings.objective, OBJECTIVES) % len(kernel.OBJECTIVES)
        self._stories: list[SlicedNetwork | None] = [None] * num_rows
        self._gauge = AdmissionGauge(self.tables, self._rows, self._queues, self._final_rows)
        self.start_paying(settings.objective, settings.objective_seed, self._gauge)

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """By name, the arrays that the kernel works on, no copies: of scenarios, then of rows."""
        return {
            "networks": self.tables.networks,
            "lenses": self._lenses,
            "rows": self._rows,
            "queues": self._queues,
            "departures": self._departures,
            "observations": self.observations,
            "masks": self.masks,
            "outcomes": self.brought,
            "final_rows": self._final_rows,
            "final_observations": self.final_observations,
        }

    @property
    def scenarios(self) -> Sequence[AdmissionScenario]:
        """The scenarios that episodes are in."""
        return self.tables.scenarios

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
        """4 over the revenue offered in a mean holding time.

        The other objectives are near 1 in that time already, and are scaled by time alone.
        """
        unit_s, objective = self.scenario.time_unit_s, self.settings.objective
        if objective == "revenue":
            offered = sum(one.revenue * one.arrival_rate_hz for one in self.scenario.slices)
            return 4.0 / max(offered * unit_s, 1e-12)
        return 1.0 if objective in ("fairness", "vector") else 1.0 / unit_s

    def scenario_of(self, row: int) -> AdmissionScenario:
        """The scenario of a row's running episode."""
        return self.tables.scenarios[int(self._rows[row]["network"])]

    def seed(self, seeds: NDArray[np.uint64], chosen: NDArray[np.bool_]) -> None:
        """Gives the chosen rows their seeds; their next episode is the first one of it."""
        self._rows["seed"][chosen] = seeds[chosen]
        self._rows["episode"][chosen] = -1

    def begin(self, chosen: NDArray[np.bool_]) -> None:
        """Begins the next episode in the chosen rows and leaves the others alone."""
        self._rows["is_over"][chosen] = layout.OVER
        actions = np.zeros(self.num_rows, np.int64)
        for first, last in stretches(chosen):
            self.advance(actions, AUTORESET_NEXT_STEP, first, last)

    def advance(
        self, actions: NDArray[Any], autoreset: int, first: int = 0, last: int | None = None
    ) -> bool:
        """One action in each of the rows first <= i < last (see `Batch.advance`)."""
        last = self.num_rows if last is None else last
        begins = None if self.payer is None else self._rows["is_over"][first:last] == layout.OVER
        move = self._tell if self.settings.engine == "simpy" else self._move
        any_over = move(actions, autoreset, first, last)
        if begins is not None:
            self._pay(begins, autoreset, first, last)
        return any_over

    def _move(self, actions: NDArray[Any], autoreset: int, first: int, last: int) -> bool:
        tables = self.tables
        any_over = 0
        while True:
            reached = kernel.step_rows(
                tables.networks, self._lenses, tables.curves, tables.trace_arrivals,
                tables.trace_holdings, self._rows, self._queues, self._departures, actions,
                self.observations, self.masks, self.brought, self._final_rows,
                self.final_observations, first, last, self._by_slot, self._objective, autoreset,
                self._most_events,
            )  # fmt: skip
            any_over |= reached & 1
            if reached >> 1 == last:
                return bool(any_over)
            first = reached >> 1
            self.check_stopped()

    def kpis(self) -> Kpis:
        """Indicators of the running episodes."""
        return kpis(self._rows, self.tables)

    def final_kpi_table(
        self, at: NDArray[np.int64], has_begun: bool
    ) -> tuple[tuple[str, ...], NDArray[np.float64]]:
        """Indicators of the episodes that ended in the last step (see `Batch`)."""
        rows = self._final_rows if has_begun else self._rows
        return kpi_names(self.tables), kpi_table(rows, self.tables, at)

    def final_kpis(self, ended: NDArray[Any]) -> Kpis:
        """Indicators of the episodes that ended in the last step, in the order of their rows."""
        return kpis(self._final_rows[ended], self.tables)

    def final_masks(self, ended: NDArray[Any]) -> NDArray[np.int8]:
        """What was allowed at the end of the episodes that ended in the last step; (rows, actions).

        Rows that did not end allow everything.
        """
        masks = np.ones_like(self.masks)
        network = self.tables.networks[0]
        slices = np.arange(len(self.scenario.slices))
        admissible = self._final_rows["waiting"][ended] & self._final_rows["fitting"][ended]
        allowed = admissible[:, None] >> slices & 1
        if not self._by_slot:
            masks[ended, :-1] = allowed
            return masks
        for s in slices:
            first, places = network["position_start"][s], max(network["queue_limit"][s], 1)
            is_filled = np.arange(places) < self._final_rows["queue_length"][ended, s, None]
            masks[ended, first : first + places] = is_filled & (allowed[:, s, None] == 1)
        return masks

    def begun(self, ended: NDArray[Any]) -> NDArray[np.void]:
        """The outcomes, with those of the chosen rows as their new episode's beginning has them."""
        outcomes = self.copied_outcomes()
        outcomes[ended] = np.zeros((), outcomes.dtype)
        outcomes["elapsed_s"][ended] = self._rows["elapsed"][ended] * SECONDS_PER_TICK
        return outcomes

    def row(self, index: int) -> np.void:
        """The record of one running network, to look at."""
        record: np.void = self._rows[index].copy()
        return record

    def waiting(self, index: int) -> list[list[float]]:
        """By slice, how long each waiting request of a row has waited, oldest first, in seconds."""
        row = self._rows[index]
        network = self.tables.networks[row["network"]]
        ages = []
        for s in range(len(self.scenario.slices)):
            places = (row["queue_head"][s] + np.arange(row["queue_length"][s])) & network[
                "queue_mask"
            ][s]
            arrivals = self._queues[index]["arrival"][network["queue_start"][s] + places]
            ages.append(((row["now"] - arrivals) * SECONDS_PER_TICK).tolist())
        return ages

    def _events_of_a_call(self) -> int:
        """How many events a call of the kernel may pass through."""
        scenarios = self.tables.scenarios
        most_queued = max(one.queue_limit for each in scenarios for one in each.slices)
        passed = max(
            parts_passed(one.arrival, each.horizon_s) / (1.0 + one.arrival_rate_hz * each.horizon_s)
            for each in scenarios
            for one in each.slices
        )
        return max(int(WORK_A_CALL / (_STEPS_AN_EVENT + most_queued + passed)), 1)

    def _pay(self, begins: NDArray[np.bool_], autoreset: int, first: int, last: int) -> None:
        """The reward of an objective of the scenario, if there is one."""
        if self.payer is None:
            return
        if autoreset != AUTORESET_SAME_STEP:
            self.payer.pay(first, last, begins)
            return
        ended = self.brought["truncated"][first:last].copy()
        at_end = self._gauge.final_counts(first + np.flatnonzero(ended))
        self.payer.pay(first, last, begins, ended, at_end)

    def _tell(self, actions: NDArray[np.int64], autoreset: int, first: int, last: int) -> bool:
        chosen = np.zeros(self.num_rows, np.bool_)
        chosen[first:last] = True
        network = self.tables.networks[0]
        for i in range(first, last):
            story = self._stories[i]
            if self._rows["is_over"][i] == layout.OVER or story is None:
                self._begin_story(i)
            elif self._rows["is_over"][i] == layout.OVER_UNTOLD:
                story.tell_the_end()
                story.write(self._rows[i], self._queues[i])
            else:
                s, place = kernel.slice_and_place(network, int(actions[i]), self._by_slot)
                story.decide(None if s == layout.NO_SLICE else s, place)
                story.write(self._rows[i], self._queues[i])
        self._observe(chosen)
        ended = chosen & (self._rows["is_over"] == layout.OVER)
        if autoreset == AUTORESET_SAME_STEP and ended.any():
            outcomes = self.brought.copy()
            self.final_observations[ended] = self.observations[ended]
            self._final_rows[ended] = self._rows[ended]
            for row in np.flatnonzero(ended):
                self._begin_story(int(row))
            self._observe(ended)
            self.brought[:] = outcomes
        return bool(ended.any())

    def _begin_story(self, i: int) -> None:
        self._rows["episode"][i] += 1
        world = World(self.tables, int(self._rows["seed"][i]), int(self._rows["episode"][i]))
        story = SlicedNetwork(world)
        story.write(self._rows[i], self._queues[i])
        if story.is_over:
            self._rows["is_over"][i] = layout.OVER_UNTOLD
        self._stories[i] = story

    def _observe(self, chosen: NDArray[np.bool_]) -> None:
        kernel.observe_rows(
            self.tables.networks, self._lenses, self._rows, self._queues, self.observations,
            self.masks, self.brought, chosen, self._by_slot, self._objective,
        )  # fmt: skip

    def __getstate__(self) -> dict[str, Any]:
        """SimPy's processes are generators, which cannot be pickled: say so."""
        if any(story is not None for story in self._stories):
            raise TypeError("a running simpy engine cannot be pickled: use engine='kernel'")
        return self.__dict__
