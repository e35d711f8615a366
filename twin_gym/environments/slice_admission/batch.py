"""Many sliced networks side by side: the rows that every form of the environment works on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.batch import AUTORESET_SAME_STEP, WORK_A_CALL, Batch
from twin_gym.core.clock import SECONDS_PER_TICK
from twin_gym.core.settings import BatchSettings as Settings
from twin_gym.core.settings import Choice
from twin_gym.environments.kinds import kind_named
from twin_gym.environments.slice_admission import layout
from twin_gym.environments.slice_admission import rows as kernel
from twin_gym.environments.slice_admission.actions import ACTION_FORMS
from twin_gym.environments.slice_admission.indicators import AdmissionIndicatorReader
from twin_gym.environments.slice_admission.kpi import kpi_names, kpi_table
from twin_gym.environments.slice_admission.observation import ActionName, build_lenses
from twin_gym.environments.slice_admission.reference import SlicedNetwork
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.tables import build_tables
from twin_gym.environments.slice_admission.work import parts_passed
from twin_gym.environments.slice_admission.world import World
from twin_gym.errors import ConfigError
from twin_gym.scenario.loading import ScenarioLike
from twin_gym.scenario.objective import KpiObjective

Objective = Literal["revenue", "utilisation", "fairness", "vector"]

_STEPS_AN_EVENT = 20  # elementary ones


@dataclass(frozen=True)
class BatchSettings(Settings):
    """Settings of all rows: an action names a slice or a queue position.

    Attributes:
        twin: for `engine="twin"`, the folder of the message twin that is the control plane; None:
            the exact automaton.
    """

    MODEL: ClassVar = AdmissionScenario
    ACTION_FORMS: ClassVar = ACTION_FORMS
    OBJECTIVES: ClassVar = get_args(Objective)

    scenario: ScenarioLike | Sequence[ScenarioLike] = "contention"
    action: ActionName = "slice"
    objective: Objective | KpiObjective = "revenue"
    twin: str | None = None

    def __post_init__(self) -> None:
        """Refuses a folder that no engine would read, too."""
        super().__post_init__()
        if self.twin is not None and self.engine != "twin":
            raise ConfigError(
                f"`twin` is the folder of the message twin that engine='twin' emulates, got "
                f"{self.twin!r} with engine={self.engine!r}: choose that engine or leave it out"
            )

    def choices(self) -> Iterator[Choice]:
        """The arguments that are one of several names; the engine may be a twin here."""
        for kind, value, known in super().choices():
            yield kind, value, (*known, "twin") if kind == "engine" else known

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments that decide actions and rewards; the engine is none, nor what it reads."""
        return {name: value for name, value in super().arguments.items() if name != "twin"}


class AdmissionBatch(Batch):
    """Rows of sliced networks (see `Batch`).

    Args:
        num_rows: how many run side by side.
        settings: what they have in common.
    """

    SETTINGS: ClassVar = BatchSettings
    COMPONENTS: ClassVar = kernel.COMPONENTS
    OUTCOME: ClassVar = kernel.OUTCOME
    OVER: ClassVar = layout.OVER

    masks: NDArray[np.int8]

    def __init__(self, num_rows: int, settings: Settings) -> None:
        super().__init__(num_rows, settings)
        self.tables = build_tables(self.scenarios)
        self._by_slot = self.settings.action == "slot"
        choices = self.tables.num_positions if self._by_slot else len(self.scenario.slices)
        self.num_actions = choices + 1
        self.allocate(self.num_actions)
        room = self.tables.networks["demand"].shape[1:]
        self._lenses = build_lenses(self.tables)
        self.heads = self._rows = np.zeros(num_rows, layout.row_dtype(*room))
        self._queues = np.zeros((num_rows, self.tables.queue_places), layout.QUEUE_ENTRY)
        self._departures = np.zeros((num_rows, self.tables.service_places), np.int64)
        self._final_rows = np.zeros_like(self._rows)
        self._most_events = self._events_of_a_call()
        self._reader = AdmissionIndicatorReader(
            self.tables, self._rows, self._queues, self._final_rows
        )
        self.message_twin = self._load_message_twin()
        self.start_paying(self._reader)

    def _load_message_twin(self) -> Any:  # noqa: ANN401 - of a higher layer, which the kind names
        """The control plane of `engine="twin"`, checked before an episode begins; else None."""
        if self.settings.engine != "twin":
            return None
        signalling = kind_named(self.scenario.kind).facet("signalling")
        return signalling.message_twin(self.settings.twin, self.scenarios)

    def reference_episode(self, i: int) -> SlicedNetwork | None:
        """What runs in row i beside the compiled kernel, if its engine is not the kernel."""
        episode: SlicedNetwork | None = self._episodes[i]
        return episode

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
            "outcomes": self.raw_outcomes,
            "final_rows": self._final_rows,
            "final_observations": self.final_observations,
        }

    @property
    def usual_reward_scale(self) -> float:
        """4 over the revenue offered in a mean holding time.

        The other objectives are near 1 in that time already, and are scaled by time alone.
        """
        unit_s, objective = float(self.scenario.time_unit_s), self.settings.objective
        if objective == "revenue":
            offered: float = sum(one.revenue * one.arrival_rate_hz for one in self.scenario.slices)
            return 4.0 / max(offered * unit_s, 1e-12)
        return 1.0 if objective in ("fairness", "vector") else 1.0 / unit_s

    def advance(
        self, actions: NDArray[Any], autoreset: int, first: int = 0, last: int | None = None
    ) -> bool:
        """One action in each of the rows first <= i < last (see `Batch.advance`)."""
        last = self.num_rows if last is None else last
        begins = (
            None if self.reward_model is None else self._rows["is_over"][first:last] == layout.OVER
        )
        move = self._move if self.settings.engine == "kernel" else self._tell
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
                self.observations, self.masks, self.raw_outcomes, self._final_rows,
                self.final_observations, first, last, self._by_slot, self._objective, autoreset,
                self._most_events,
            )  # fmt: skip
            any_over |= reached & 1
            if reached >> 1 == last:
                return bool(any_over)
            first = reached >> 1
            self.check_stopped()

    def kpi_names(self) -> tuple[str, ...]:
        """Flat names of the indicators (see `slice_admission.kpi`)."""
        return kpi_names(self.tables)

    def kpi_table(self, at: NDArray[np.int64]) -> NDArray[np.float64]:
        """Indicators of some rows as they are; shape (rows to look at, names)."""
        return kpi_table(self._rows, self.tables, at)

    def final_kpi_table(
        self, at: NDArray[np.int64], has_begun: bool
    ) -> tuple[tuple[str, ...], NDArray[np.float64]]:
        """Indicators of the episodes that ended in the last step (see `Batch`)."""
        rows = self._final_rows if has_begun else self._rows
        return self.kpi_names(), kpi_table(rows, self.tables, at)

    def final_masks(self, ended: NDArray[Any]) -> NDArray[np.int8]:
        """The masks at the end of the episodes that ended in the last step; (rows, actions).

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

    def reset_outcomes(self, ended: NDArray[Any]) -> NDArray[np.void]:
        """The outcomes of `Batch.reset_outcomes`; the first decision comes after some time."""
        outcomes = super().reset_outcomes(ended)
        outcomes["elapsed_s"][ended] = self._rows["elapsed"][ended] * SECONDS_PER_TICK
        return outcomes

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
        if self.reward_model is None:
            return
        if autoreset != AUTORESET_SAME_STEP:
            self.reward_model.apply(first, last, begins)
            return
        ended = self.raw_outcomes["truncated"][first:last].copy()
        at_end = self._reader.final_counts(first + np.flatnonzero(ended))
        self.reward_model.apply(first, last, begins, ended, at_end)

    def _tell(self, actions: NDArray[np.int64], autoreset: int, first: int, last: int) -> bool:
        chosen = np.zeros(self.num_rows, np.bool_)
        chosen[first:last] = True
        network = self.tables.networks[0]
        for i in range(first, last):
            episode = self._episodes[i]
            if self._rows["is_over"][i] == layout.OVER or episode is None:
                self._begin_reference(i)
            elif self._rows["is_over"][i] == layout.OVER_UNTOLD:
                episode.tell_the_end()
                episode.write(self._rows[i], self._queues[i])
            else:
                s, place = kernel.slice_and_place(network, int(actions[i]), self._by_slot)
                episode.decide(None if s == layout.NO_SLICE else s, place)
                episode.write(self._rows[i], self._queues[i])
        self.observe_state(chosen)
        ended = chosen & (self._rows["is_over"] == layout.OVER)
        if autoreset == AUTORESET_SAME_STEP and ended.any():
            outcomes = self.raw_outcomes.copy()
            self.final_observations[ended] = self.observations[ended]
            self._final_rows[ended] = self._rows[ended]
            for row in np.flatnonzero(ended):
                self._begin_reference(int(row))
            self.observe_state(ended)
            self.raw_outcomes[:] = outcomes
        return bool(ended.any())

    def _begin_reference(self, i: int) -> None:
        self._rows["episode"][i] += 1
        world = World(self.tables, int(self._rows["seed"][i]), int(self._rows["episode"][i]))
        episode = self._new_episode(i, world)
        episode.write(self._rows[i], self._queues[i])
        if episode.is_over:
            self._rows["is_over"][i] = layout.OVER_UNTOLD
        self._episodes[i] = episode

    def _new_episode(self, i: int, world: World) -> SlicedNetwork:
        """An episode of the SimPy telling, or of an emulated control plane.

        The emulation belongs to a higher layer: the kind names it, and nothing of it is imported
        before it is asked for.
        """
        if self.settings.engine == "simpy":
            return SlicedNetwork(world)
        signalling = kind_named(self.scenario.kind).facet("signalling")
        episode: SlicedNetwork = signalling.emulated(self, i)
        return episode

    def observe_state(self, chosen: NDArray[np.bool_]) -> None:
        """Writes observations, masks and outcomes of the chosen rows, as their records are."""
        kernel.observe_rows(
            self.tables.networks, self._lenses, self._rows, self._queues, self.observations,
            self.masks, self.raw_outcomes, chosen, self._by_slot, self._objective,
        )  # fmt: skip
