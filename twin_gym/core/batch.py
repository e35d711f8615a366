"""The base class of every environment's batch: rows of networks side by side.

An environment is a batch of its own; `twin_gym.core.single` and `twin_gym.core.vector` are the
forms that Gymnasium knows, the same for all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from twin_gym.core.compiled import entry_point
from twin_gym.core.counts import whole_number
from twin_gym.core.forms import LEAST_AMOUNT, MOST_AMOUNT, UnitBox
from twin_gym.core.indicators import IndicatorReader, ObjectiveReward
from twin_gym.core.settings import ENGINES, BatchSettings, Engine
from twin_gym.errors import ConfigError
from twin_gym.scenario.objective import INDICATORS, KpiObjective

AUTORESET_DISABLED, AUTORESET_SAME_STEP, AUTORESET_NEXT_STEP = 0, 1, 2

MAX_ROWS = 1_000_000

WORK_A_CALL = 20_000_000
"""Elementary steps, of some nanoseconds each, after which a compiled call returns to Python.

Until it does, Python hears no Ctrl-C.
"""

Kpis = Mapping[str, NDArray[np.float64]]


def outcome_record(components: Sequence[str]) -> np.dtype[np.void]:
    """Record of the outcomes of one step of one row.

    Args:
        components: names of the components of the reward.

    Returns:
        `reward`, the components, `elapsed_s`, `cost`, `disallowed_actions` and `truncated`.
    """
    numbers = [(name, "f8") for name in ("reward", *components, "elapsed_s", "cost")]
    return np.dtype([*numbers, ("disallowed_actions", "i8"), ("truncated", "?")], align=True)


class Batch(ABC):
    """Rows of networks, what the agents see of them, and what their last steps brought.

    An environment's own batch calls `super().__init__` first, then makes its arrays.

    Args:
        num_rows: how many run side by side.
        settings: what they have in common.

    Attributes:
        SETTINGS: class of the settings.
        COMPONENTS: names of the reward's components, which are outcomes too.
        OUTCOME: `outcome_record` of them.
        OVER: what `is_over` of a row's head is where its next episode is to begin.
        ENGINES: what can move the rows, the default first.
        HAS_READER: whether indicators can be read off the rows, for a `KpiObjective` as the reward.
        settings: the argument.
        scenarios: that episodes are in.
        scenario: the first of them.
        num_rows: how many run side by side.
        heads: records with the `seed`, `episode`, `network` and `is_over` of rows; shape (rows,).
        observation_space: of one row.
        action_space: of one row.
        is_vector_reward: whether the reward is all components instead of one number.
        observations: of every row; shape (rows, *observation).
        masks: 1 = allowed; shape (rows, actions), int8; None where actions are not masked.
        outcomes: records with `reward`, `truncated` and what is reported; shape (rows,).
        raw_outcomes: those that the kernel writes; the same array where there is no `reward_model`.
        reward_model: makes the reward where the objective is a `KpiObjective`; otherwise None.
        final_observations: last observations of episodes that ended in the last step.
    """

    SETTINGS: ClassVar[type[BatchSettings]]
    COMPONENTS: ClassVar[tuple[str, ...]]
    OUTCOME: ClassVar[np.dtype[np.void]]
    OVER: ClassVar[int] = 1
    ENGINES: ClassVar[tuple[Engine, ...]] = ENGINES
    HAS_READER: ClassVar[bool] = True

    heads: NDArray[np.void]
    _rows: NDArray[np.void]
    observation_space: UnitBox
    action_space: spaces.Discrete | spaces.Box
    observations: NDArray[np.float32]
    masks: NDArray[np.int8] | None
    outcomes: NDArray[np.void]
    raw_outcomes: NDArray[np.void]
    reward_model: ObjectiveReward | None = None
    final_observations: NDArray[np.float32]
    _is_stopped: bool = False

    def __init__(self, num_rows: int, settings: BatchSettings) -> None:
        self.num_rows = checked_num_rows(num_rows)
        self.settings: Any = settings
        self.scenarios: tuple[Any, ...] = settings.scenarios()
        self.scenario: Any = self.scenarios[0]
        self.is_vector_reward = settings.objective == "vector"
        self._objective = settings.objective_index
        self._episodes: list[Any] = [None] * self.num_rows

    def allocate(self, num_actions: int) -> None:
        """Makes the spaces and the arrays of what agents see, do and earn.

        Args:
            num_actions: discrete actions, or entries of a continuous one.
        """
        form, rows = self.settings.form, self.num_rows
        self.observation_space = form.observation_space(self.scenario)
        self.observations = np.zeros((rows, *self.observation_space.shape), np.float32)
        self.final_observations = np.zeros_like(self.observations)
        self.outcomes = self.raw_outcomes = np.zeros(rows, self.OUTCOME)
        if form.is_continuous:
            self.action_space = spaces.Box(LEAST_AMOUNT, MOST_AMOUNT, (num_actions,), np.float32)
            self.masks = None
        else:
            self.action_space = spaces.Discrete(num_actions)
            self.masks = np.ones((rows, num_actions), np.int8)

    @property
    @abstractmethod
    def arrays(self) -> dict[str, NDArray[Any]]:
        """By name, the arrays that the kernel works on, no copies."""

    @property
    def arguments(self) -> dict[str, Any]:
        """The environment's arguments that decide what is done and earned, besides scenarios."""
        arguments: dict[str, Any] = self.settings.arguments
        return arguments

    @property
    @abstractmethod
    def usual_reward_scale(self) -> float:
        """The scale of rewards that brings a critic's returns near 1, whatever their unit."""

    def scenario_of(self, row: int) -> Any:  # noqa: ANN401 - each environment has its own kind
        """The scenario of a row's running episode."""
        return self.scenarios[int(self.heads["network"][row])]

    def row(self, index: int) -> np.void:
        """A copy of the record of one running network: its counters."""
        record: np.void = self._rows[index].copy()
        return record

    def seed(self, seeds: NDArray[np.uint64], chosen: NDArray[np.bool_]) -> None:
        """Gives the chosen rows their seeds; their next episode is the first one of it."""
        self.heads["seed"][chosen] = seeds[chosen]
        self.heads["episode"][chosen] = -1

    def begin(self, chosen: NDArray[np.bool_]) -> None:
        """Begins the next episode in the chosen rows and leaves the others alone."""
        self.heads["is_over"][chosen] = self.OVER
        shape = (self.num_rows, *(self.action_space.shape or ()))
        actions = np.zeros(shape, np.float64 if shape[1:] else np.int64)
        for first, last in true_runs(chosen):
            self.advance(actions, AUTORESET_NEXT_STEP, first, last)

    @abstractmethod
    def advance(
        self, actions: NDArray[Any], autoreset: int, first: int = 0, last: int | None = None
    ) -> bool:
        """Moves each of the rows first <= i < last by one action; rows that are over are reset.

        Args:
            actions: of every row, as `checked_actions` gives them.
            autoreset: one of the `AUTORESET_*` constants.
            first: the first row that moves.
            last: one after the last row that moves; None: all.

        Returns:
            Whether any of the rows has reached its horizon.
        """

    @abstractmethod
    def kpi_names(self) -> tuple[str, ...]:
        """Flat names of the indicators."""

    @abstractmethod
    def kpi_table(self, at: NDArray[np.int64]) -> NDArray[np.float64]:
        """Indicators of some rows as they are; shape (rows to look at, names)."""

    def kpis(self) -> Kpis:
        """Indicators of the running episodes, one value a row."""
        table = self.kpi_table(np.arange(self.num_rows))
        return dict(zip(self.kpi_names(), table.T.copy(), strict=True))

    @abstractmethod
    def final_kpi_table(
        self, at: NDArray[np.int64], has_begun: bool
    ) -> tuple[tuple[str, ...], NDArray[np.float64]]:
        """Indicators of the episodes that ended in the last step.

        Args:
            at: indices of the rows they are of.
            has_begun: whether these rows are in their next episodes already.

        Returns:
            The names, and the values in the order of the rows; shape (rows that ended, names).
        """

    @abstractmethod
    def final_masks(self, ended: NDArray[Any]) -> NDArray[np.int8] | None:
        """The masks at the end of the episodes that ended in the last step.

        Rows that did not end allow everything; None where actions are not masked.
        """

    def reset_outcomes(self, ended: NDArray[Any]) -> NDArray[np.void]:
        """The outcomes, with those of the chosen rows as their new episode's beginning has them."""
        outcomes = self.copied_outcomes()
        outcomes[ended] = np.zeros((), outcomes.dtype)
        return outcomes

    @property
    def reported(self) -> tuple[str, ...]:
        """Names of the outcomes that `info` has, besides the mask, with these arguments."""
        own = ("elapsed_s", "cost", *self.COMPONENTS, "disallowed_actions")
        return own if self.reward_model is None else (*own, *INDICATORS)

    def start_paying(self, reader: IndicatorReader) -> None:
        """Hands the reward over to an objective of the scenario, if there is one.

        Args:
            reader: reads the indicators off these rows.
        """
        objective, seed = self.settings.objective, self.settings.objective_seed
        if isinstance(objective, KpiObjective):
            self.reward_model = ObjectiveReward(objective, seed, reader, self.raw_outcomes)
            self.outcomes = self.reward_model.outcomes

    @property
    def memory_per_row_bytes(self) -> int:
        """The memory of one more row in bytes, over all arrays."""
        of_rows = [array for array in self.arrays.values() if len(array) == self.num_rows]
        return sum(array.nbytes for array in of_rows) // self.num_rows

    def advance_threaded(
        self, actions: NDArray[Any], autoreset: int, pool: ThreadPoolExecutor, threads: int
    ) -> bool:
        """`advance` for all rows, cut into one stretch a thread: the result is the same."""
        edges = np.linspace(0, self.num_rows, threads + 1).astype(int).tolist()
        parts = [
            pool.submit(self.advance, actions, autoreset, first, last)
            for first, last in pairwise(edges)
        ]
        try:
            return any([part.result() for part in parts])
        except BaseException:  # such as Ctrl-C: no thread moves rows on that nobody waits for
            self._is_stopped = True
            wait(parts)
            self._is_stopped = False
            raise

    def check_stopped(self) -> None:
        """Ends an unused thread of `advance_threaded`.

        To be called between two calls of compiled code.

        Raises:
            CancelledError: if there has been an error or Ctrl-C in another thread.
        """
        if self._is_stopped:
            raise CancelledError

    def copied_outcomes(self) -> NDArray[np.void]:
        """A copy of the outcomes, as bytes: NumPy copies records field by field, and slowly."""
        kind = self.outcomes.dtype
        copied: NDArray[np.void] = self.outcomes.view(np.uint8).copy().view(kind)
        return copied

    def checked_actions(self, actions: NDArray[Any]) -> NDArray[Any]:
        """The actions of all rows in the type that `advance` takes.

        Raises:
            ConfigError: if they have another shape or type, or one is out of range.
        """
        if isinstance(self.action_space, spaces.Discrete):
            return _whole_numbers(np.asarray(actions), self.num_rows, int(self.action_space.n))
        return _amounts(np.asarray(actions), self.num_rows, self.action_space)

    def __getstate__(self) -> dict[str, Any]:
        """Refuses to pickle SimPy's engine: its processes are generators."""
        if any(episode is not None for episode in self._episodes):
            raise TypeError("a running simpy engine cannot be pickled: use engine='kernel'")
        return self.__dict__


def checked_num_rows(num_rows: int) -> int:
    """The number of rows, if there can be so many.

    Raises:
        ConfigError: if it is no whole number from 1 to `MAX_ROWS`.
    """
    return whole_number("the number of rows (num_envs)", num_rows, 1, MAX_ROWS)


def true_runs(chosen: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The runs of True, each as (first, one after the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], chosen.astype(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _whole_numbers(actions: NDArray[Any], rows: int, count: int) -> NDArray[np.int64]:
    if actions.shape != (rows,) or actions.dtype.kind not in "iu":
        raise ConfigError(
            f"actions must be whole numbers of shape ({rows},), got "
            f"{actions.dtype} of shape {actions.shape}"
        )
    numbers = actions.astype(np.int64, copy=False)
    if not are_actions(numbers, count):
        raise ConfigError(f"actions are 0 to {count - 1}, got {numbers.min()} to {numbers.max()}")
    return numbers


def _amounts(actions: NDArray[Any], rows: int, space: spaces.Box) -> NDArray[np.float64]:
    shape = (rows, *space.shape)
    if actions.shape != shape or actions.dtype.kind not in "fiu":
        raise ConfigError(
            f"actions must be numbers of shape {shape}, got {actions.dtype} of shape "
            f"{actions.shape}"
        )
    amounts = actions.astype(np.float64)
    if not ((amounts >= space.low) & (amounts <= space.high)).all():  # NaN is refused, too
        low, high = float(space.low.min()), float(space.high.max())
        raise ConfigError(
            f"actions are finite and from {low:g} to {high:g}, got {amounts.min()} to "
            f"{amounts.max()}: wrap the environment in ClipAction or RescaleAction of "
            "gymnasium.wrappers"
        )
    return amounts


@entry_point
def are_actions(actions: NDArray[np.int64], num_actions: int) -> bool:
    """Whether all are from 0 to num_actions - 1.

    NumPy's own minimum and maximum use 512-bit registers where there are any, for which some
    processors lower their clock: the step that followed took a sixth longer.
    """
    fit = True
    for i in range(len(actions)):
        fit &= 0 <= actions[i] < num_actions
    return fit
