"""Rows that move slot by slot: what the batches of all slotted environments share.

Every step takes the same simulated time, so that rows end on their own and rarely: the compiled
loops of an environment advance rows or begin them anew, and all that is about the ends of episodes
stands here.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.batch import (
    AUTORESET_NEXT_STEP,
    AUTORESET_SAME_STEP,
    WORK_A_CALL,
    Batch,
    Engine,
    Kpis,
    checked_num_rows,
    stretches,
)
from twin_gym.core.compiled import Integer
from twin_gym.scenario import Scenario

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
"""What every row has, whatever its network is made of."""

SCENARIO_STREAM: Integer = np.int64(65_535)
"""Stream of a world's draw of its scenario."""


class Story(Protocol):
    """A network told in SimPy, step by step."""

    def step(self, action: Any) -> None:  # noqa: ANN401 - a whole number or an array
        """Carries out one action."""

    def write(self, row: int) -> None:
        """Writes its state into the arrays of a row, as the kernel would have left them."""


class SlottedBatch(Batch):
    """Rows of slotted networks (see `Batch`).

    What an environment's own batch must do before it calls this: nothing; after it: make its
    arrays, `observations`, `masks`, `outcomes`, the spaces, and then call `make_room_for_ends`.

    Args:
        num_rows: how many run side by side.
        scenarios: of which each episode's world draws one.
        engine: the compiled kernel, or the SimPy model.

    Attributes:
        heads: records of `HEAD`; shape (rows,).
    """

    def __init__(self, num_rows: int, scenarios: Sequence[Scenario], engine: Engine) -> None:
        num_rows = self.num_rows = checked_num_rows(num_rows)
        self.engine = engine
        self.is_vector_reward = False
        self._scenarios = tuple(scenarios)
        self.heads = np.zeros(num_rows, HEAD)
        self._stories: list[Story | None] = [None] * num_rows

    @abstractmethod
    def kpi_names(self) -> tuple[str, ...]:
        """Flat names of the indicators."""

    @abstractmethod
    def kpi_table(self, at: NDArray[np.int64]) -> NDArray[np.float64]:
        """Indicators of some rows as they are; shape (rows to look at, names)."""

    @abstractmethod
    def _move(self, actions: NDArray[Any], first: int, last: int) -> None:
        """The compiled loop: a step in each row, or the next episode where one is over.

        It brings observations, masks and outcomes of these rows up to date. A row that begins has
        outcomes of 0.
        """

    @abstractmethod
    def _most_work(self) -> float:
        """About so many elementary steps, of some nanoseconds each, move a row once, at most."""

    @abstractmethod
    def _observe(self, first: int, last: int) -> None:
        """Observations and masks of rows that a story has moved."""

    @abstractmethod
    def _story(self, row: int) -> Story:
        """The row's next episode, told in SimPy; it brings the row's arrays to their beginning."""

    def make_room_for_ends(self) -> None:
        """Arrays for what is known of ends of episodes; says how many rows one call moves."""
        self.final_observations = np.zeros_like(self.observations)
        self._final_masks = None if self.masks is None else np.ones_like(self.masks)
        self._final_kpis = np.zeros((self.num_rows, len(self.kpi_names())))
        self._rows_at_once = max(int(WORK_A_CALL / self._most_work()), 1)

    @property
    def scenarios(self) -> Sequence[Any]:
        """The scenarios that episodes are in."""
        return self._scenarios

    def scenario_of(self, row: int) -> Any:  # noqa: ANN401
        """The scenario of a row's running episode."""
        return self._scenarios[int(self.heads["network"][row])]

    def seed(self, seeds: NDArray[np.uint64], chosen: NDArray[np.bool_]) -> None:
        """Gives the chosen rows their seeds; their next episode is the first one of it."""
        self.heads["seed"][chosen] = seeds[chosen]
        self.heads["episode"][chosen] = -1

    def begin(self, chosen: NDArray[np.bool_]) -> None:
        """Begins the next episode in the chosen rows and leaves the others alone."""
        self.heads["is_over"][chosen] = 1
        shape = (self.num_rows, *(self.action_space.shape or ()))
        actions = np.zeros(shape, np.float64 if shape[1:] else np.int64)
        for first, last in stretches(chosen):
            self.advance(actions, AUTORESET_NEXT_STEP, first, last)

    def advance(
        self, actions: NDArray[Any], autoreset: int, first: int = 0, last: int | None = None
    ) -> bool:
        """One action in each of the rows first <= i < last (see `Batch.advance`)."""
        last = self.num_rows if last is None else last
        self._step(actions, first, last)
        ended = self.heads["is_over"][first:last] != 0
        if not ended.any():
            return False
        if autoreset == AUTORESET_SAME_STEP:
            self._begin_again(actions, ended, first)
        return True

    def kpis(self) -> Kpis:
        """Indicators of the running episodes, one value a row."""
        table = self.kpi_table(np.arange(self.num_rows))
        return dict(zip(self.kpi_names(), table.T.copy(), strict=True))

    def final_kpi_table(
        self, at: NDArray[np.int64], has_begun: bool
    ) -> tuple[tuple[str, ...], NDArray[np.float64]]:
        """Indicators of the episodes that ended in the last step (see `Batch`)."""
        return self.kpi_names(), self._final_kpis[at] if has_begun else self.kpi_table(at)

    def final_masks(self, ended: NDArray[Any]) -> NDArray[np.int8] | None:
        """What was allowed at the end of the episodes that ended in the last step."""
        if self.masks is None or self._final_masks is None:
            return None
        masks = np.ones_like(self.masks)
        masks[ended] = self._final_masks[ended]
        return masks

    def begun(self, ended: NDArray[Any]) -> NDArray[np.void]:
        """The outcomes, with those of the chosen rows as their new episode's beginning has them."""
        outcomes = self.copied_outcomes()
        outcomes[ended] = np.zeros((), outcomes.dtype)
        return outcomes

    def _begin_again(self, actions: NDArray[Any], ended: NDArray[np.bool_], first: int) -> None:
        """Keeps what is known of the ended episodes and begins the next ones in their rows."""
        at = first + np.flatnonzero(ended)
        outcomes = self.outcomes[at].copy()
        self.final_observations[at] = self.observations[at]
        if self.masks is not None and self._final_masks is not None:
            self._final_masks[at] = self.masks[at]
        self._final_kpis[at] = self.kpi_table(at)
        for begin, end in stretches(ended):
            self._step(actions, first + begin, first + end)
        self.outcomes[at] = outcomes  # what the step brought belongs to the old episode

    def _step(self, actions: NDArray[Any], first: int, last: int) -> None:
        begins = None if self.payer is None else self.heads["is_over"][first:last] != 0
        if self.engine == "kernel":
            at_once = self._rows_at_once
            if last - first > at_once:
                for begin in range(first, last, at_once):
                    self.check_stopped()
                    self._move(actions, begin, min(begin + at_once, last))
            else:
                self._move(actions, first, last)
        else:
            self._tell(actions, first, last)
        if self.payer is not None and begins is not None:
            self.payer.pay(first, last, begins)

    def _tell(self, actions: NDArray[Any], first: int, last: int) -> None:
        for row in range(first, last):
            story = self._stories[row]
            if story is None or self.heads["is_over"][row]:
                self._stories[row] = story = self._story(row)
            else:
                story.step(actions[row])
            story.write(row)
        self._observe(first, last)

    def __getstate__(self) -> dict[str, Any]:
        """SimPy's processes are generators, which cannot be pickled: say so."""
        if any(story is not None for story in self._stories):
            raise TypeError("a running simpy engine cannot be pickled: use engine='kernel'")
        return self.__dict__
