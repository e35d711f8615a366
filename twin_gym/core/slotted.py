"""Rows that move slot by slot: what the batches of all slotted environments share.

Every step takes the same simulated time, so that rows end on their own and rarely: the compiled
loops of an environment advance rows or begin them anew, and all that is about the ends of episodes
stands here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.batch import AUTORESET_SAME_STEP, WORK_A_CALL, Batch, true_runs
from twin_gym.core.draws import uniform, world_key
from twin_gym.core.episodes import SCENARIO_STREAM
from twin_gym.core.settings import BatchSettings

HEAD = np.dtype(
    [
        ("seed", "u8"),
        ("episode", "i8"),
        ("world", "u8"),  # key of the episode's world
        ("network", "i8"),  # which of the scenarios the episode is in
        ("slot", "i8"),  # slots that are over
        ("is_over", "i8"),
    ],
    align=True,
)
"""Fields of every row, of any environment."""


class ReferenceEpisode(ABC):
    """A row's next episode, told in SimPy, step by step.

    Args:
        batch: the rows.
        row: the one that begins: its world and its scenario are drawn, and nothing is earned yet.

    Attributes:
        network: the model, with the slots that are over as `slot`, and `is_over`.
    """

    network: Any

    def __init__(self, batch: Any, row: int) -> None:  # noqa: ANN401 - each has its own
        self._batch, self._row = batch, row
        self._head = head = batch.heads[row]
        head["episode"] += 1
        head["world"] = world_key(head["seed"], head["episode"])
        count = len(batch.scenarios)
        head["network"] = min(int(uniform(head["world"], SCENARIO_STREAM, 0) * count), count - 1)
        batch.raw_outcomes[row] = np.zeros((), batch.OUTCOME)

    @abstractmethod
    def step(self, action: Any) -> None:  # noqa: ANN401 - a whole number or an array
        """Carries out one action."""

    @abstractmethod
    def _write(self, arrays: dict[str, Any]) -> None:
        """Writes the model's state into the arrays of the row, as the kernel would have left them.

        Args:
            arrays: by name, those of `SlottedBatch.own_arrays`, of this row alone.
        """

    def write(self) -> None:
        """Writes its state into the arrays of the row, as the kernel would have left them."""
        batch = self._batch
        self._head["slot"], self._head["is_over"] = self.network.slot, self.network.is_over
        self._write({name: array[self._row] for name, array in batch.own_arrays().items()})


class SlottedBatch(Batch):
    """Rows of slotted networks (see `Batch`).

    An environment's own batch calls `super().__init__`, makes its arrays, and then calls
    `allocate_final_buffers` and `start_paying`.

    Attributes:
        REFERENCE: tells an episode of it in SimPy.
        KPI: record of its indicators, of 8-byte floats alone.
        KPI_NAMES: their flat names, one a float.
        heads: records of `HEAD`; shape (rows,).
    """

    REFERENCE: ClassVar[type[ReferenceEpisode]]
    KPI: ClassVar[np.dtype[np.void]]
    KPI_NAMES: ClassVar[tuple[str, ...]]

    def __init__(self, num_rows: int, settings: BatchSettings) -> None:
        super().__init__(num_rows, settings)
        self.heads = np.zeros(self.num_rows, HEAD)
        self.allocate(len(settings.form.action_names(self.scenario)))

    @abstractmethod
    def own_arrays(self) -> dict[str, NDArray[Any]]:
        """By name, the arrays of rows that this environment has of its own, no copies."""

    @abstractmethod
    def scenario_arrays(self) -> dict[str, NDArray[Any]]:
        """By name, the arrays of scenarios, no copies."""

    @abstractmethod
    def _fill_kpis(self, at: NDArray[np.int64], table: NDArray[np.void]) -> None:
        """Writes the indicators of some rows as they are into records of `KPI`."""

    @abstractmethod
    def _move(self, actions: NDArray[Any], first: int, last: int) -> None:
        """The compiled loop: a step in each row, or the next episode where one is over.

        It brings observations, masks and outcomes of these rows up to date. A row that begins has
        outcomes of 0.
        """

    @abstractmethod
    def _most_work(self) -> float:
        """The most elementary steps, of some nanoseconds each, that moving a row once takes."""

    def _most_work_of_beginning(self) -> float:
        """The most of them that an episode takes to begin, where that is more."""
        return self._most_work()

    @abstractmethod
    def _observe(self, first: int, last: int) -> None:
        """Observations and masks of rows that an episode in SimPy has moved."""

    def allocate_final_buffers(self) -> None:
        """Allocates arrays for the results of ended episodes; sets how many rows a call moves."""
        self._final_masks = None if self.masks is None else np.ones_like(self.masks)
        self._final_kpis = np.zeros((self.num_rows, len(self.KPI_NAMES)))
        self._rows_at_once = max(int(WORK_A_CALL / self._most_work()), 1)
        self._rows_begun_at_once = max(int(WORK_A_CALL / self._most_work_of_beginning()), 1)

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """By name, the arrays that the kernel works on, no copies: of scenarios, then of rows."""
        arrays = {
            **self.scenario_arrays(),
            "heads": self.heads,
            **self.own_arrays(),
            "observations": self.observations,
            "outcomes": self.raw_outcomes,
            "final_observations": self.final_observations,
        }
        return arrays if self.masks is None else arrays | {"masks": self.masks}

    def kpi_names(self) -> tuple[str, ...]:
        """Flat names of the indicators (see the environment's `kpi`)."""
        return self.KPI_NAMES

    def kpi_table(self, at: NDArray[np.int64]) -> NDArray[np.float64]:
        """Indicators of some rows as they are; shape (rows to look at, names)."""
        table = np.zeros(len(at), self.KPI)
        self._fill_kpis(at, table)
        return table.view(np.float64).reshape(len(at), len(self.KPI_NAMES))

    def advance(
        self, actions: NDArray[Any], autoreset: int, first: int = 0, last: int | None = None
    ) -> bool:
        """One action in each of the rows first <= i < last (see `Batch.advance`)."""
        last = self.num_rows if last is None else last
        self._step(actions, first, last)
        if not self._is_any_over(first, last):
            return False
        if autoreset == AUTORESET_SAME_STEP:
            self._begin_again(actions, self.heads["is_over"][first:last] != 0, first)
        return True

    def final_kpi_table(
        self, at: NDArray[np.int64], has_begun: bool
    ) -> tuple[tuple[str, ...], NDArray[np.float64]]:
        """Indicators of the episodes that ended in the last step (see `Batch`)."""
        return self.kpi_names(), self._final_kpis[at] if has_begun else self.kpi_table(at)

    def final_masks(self, ended: NDArray[Any]) -> NDArray[np.int8] | None:
        """The masks at the end of the episodes that ended in the last step."""
        if self.masks is None or self._final_masks is None:
            return None
        masks = np.ones_like(self.masks)
        masks[ended] = self._final_masks[ended]
        return masks

    def _begin_again(self, actions: NDArray[Any], ended: NDArray[np.bool_], first: int) -> None:
        """Stores the results of ended episodes and begins the next ones in their rows."""
        at = first + np.flatnonzero(ended)
        outcomes = self.outcomes[at].copy()
        self.final_observations[at] = self.observations[at]
        if self.masks is not None and self._final_masks is not None:
            self._final_masks[at] = self.masks[at]
        self._final_kpis[at] = self.kpi_table(at)
        for begin, end in true_runs(ended):
            self._step(actions, first + begin, first + end)
        self.outcomes[at] = outcomes  # what the step brought belongs to the old episode

    def _step(self, actions: NDArray[Any], first: int, last: int) -> None:
        begins = None if self.reward_model is None else self.heads["is_over"][first:last] != 0
        if self.settings.engine == "kernel":
            at_once = self._most_rows_at_once(first, last)
            if last - first > at_once:
                for begin in range(first, last, at_once):
                    self.check_stopped()
                    self._move(actions, begin, min(begin + at_once, last))
            else:
                self._move(actions, first, last)
        else:
            self._tell(actions, first, last)
        if self.reward_model is not None and begins is not None:
            self.reward_model.apply(first, last, begins)

    def _is_any_over(self, first: int, last: int) -> bool:
        """Whether one of the rows first <= i < last is over; the quickest way that NumPy has."""
        return bool(np.count_nonzero(self.heads["is_over"][first:last]))

    def _most_rows_at_once(self, first: int, last: int) -> int:
        """How many of these rows one compiled call may move: fewer where an episode begins."""
        begun_at_once = self._rows_begun_at_once
        if last - first > begun_at_once and self._is_any_over(first, last):
            return min(begun_at_once, self._rows_at_once)
        return self._rows_at_once

    def _tell(self, actions: NDArray[Any], first: int, last: int) -> None:
        for row in range(first, last):
            episode = self._episodes[row]
            if episode is None or self.heads["is_over"][row]:
                self._episodes[row] = episode = self.REFERENCE(self, row)
            else:
                episode.step(actions[row])
            episode.write()
        self._observe(first, last)
