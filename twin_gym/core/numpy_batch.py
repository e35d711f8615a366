"""Rows of slotted networks whose rules are written in NumPy: the shortest way to an environment."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field, make_dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin_gym.core.batch import outcome_record
from twin_gym.core.episodes import SCENARIO_STREAM
from twin_gym.core.forms import ActionForm
from twin_gym.core.indicators import IndicatorReader
from twin_gym.core.numpy_draws import uniforms, world_keys
from twin_gym.core.settings import ENGINES, BatchSettings, Choice, Engine
from twin_gym.core.slotted import SlottedBatch
from twin_gym.errors import ConfigError
from twin_gym.scenario.objective import KpiObjective
from twin_gym.scenario.slotted import SlottedScenario

Rows = NDArray[np.int64]
"""Indices of rows, in order; shape (rows to look at,)."""


_NEEDED = ("SCENARIO", "DEFAULT_SCENARIO", "ACTION_FORMS", "COMPONENTS", "KPI_NAMES")


class NumPySettings(BatchSettings):
    """Settings of all rows; the class of an environment is made of the names in its batch.

    Attributes:
        ENGINES: those of the batch.
    """

    ENGINES: ClassVar[tuple[Engine, ...]]

    def choices(self) -> Iterator[Choice]:
        """The arguments that are one of several names.

        Raises:
            ConfigError: if the engine is SimPy and the batch has no `REFERENCE`.
        """
        if self.engine == "simpy" and self.engine not in self.ENGINES:
            raise ConfigError(
                f"environments of the kind {self.MODEL.kind!r} have no SimPy model: take "
                "engine='kernel', got 'simpy'"
            )
        yield from super().choices()

    def scenarios(self) -> tuple[Any, ...]:
        """The scenarios, in which fields and actions are the same."""
        scenarios, form = super().scenarios(), self.form
        if len({(form.field_names(one), form.action_names(one)) for one in scenarios}) > 1:
            raise ConfigError(
                "the scenarios of one environment need the same observations and actions; those "
                f"of {', '.join(repr(one.name) for one in scenarios)} differ in the form "
                f"{form.name!r}"
            )
        return scenarios


class NumPyBatch(SlottedBatch):
    """Rows of networks, moved together by a few methods of yours (see `examples/own_environment`).

    Each method is given the indices of the rows that it is about, and treats every row by itself:
    what a row does must not depend on the others. Draws come from `draw` alone. An action that the
    mask forbids counts as the last action of its form, and is counted in `disallowed_actions`.

    Args:
        num_rows: how many run side by side.
        settings: what they have in common.

    Attributes:
        SCENARIO: the model of its scenarios.
        DEFAULT_SCENARIO: the preset that is taken where none is named.
        ACTION_FORMS: forms of the action, the default first.
        COMPONENTS: names of the components of the reward. Several make the objectives `total`
            (their sum, the default), each of them, and `vector`; a single one makes `vector` and
            the objective of its name, which is the default.
        KPI_NAMES: flat names of the indicators.
        REFERENCE: the same rules in SimPy, for `engine="simpy"`; may be left out.
        state: by name, the arrays that `make_state` made.
    """

    SCENARIO: ClassVar[type[SlottedScenario]]
    DEFAULT_SCENARIO: ClassVar[str]
    ACTION_FORMS: ClassVar[tuple[ActionForm, ...]]

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Makes the class of the settings, and the records of outcomes and indicators."""
        super().__init_subclass__(**arguments)
        missing = [name for name in _NEEDED if not hasattr(cls, name)]
        if missing:
            raise ConfigError(f"{cls.__name__} needs {', '.join(missing)}: see NumPyBatch")
        cls.ENGINES = ENGINES if hasattr(cls, "REFERENCE") else ENGINES[:1]
        cls.HAS_READER = cls.reader is not NumPyBatch.reader
        cls.SETTINGS = _settings(cls)
        cls.OUTCOME = outcome_record(cls.COMPONENTS)
        cls.KPI = np.dtype([(name, "f8") for name in cls.KPI_NAMES])

    def __init__(self, num_rows: int, settings: BatchSettings) -> None:
        super().__init__(num_rows, settings)
        self._slots = np.array([one.num_slots for one in self.scenarios])
        self._slot_s = np.array([one.slot_s for one in self.scenarios])
        self._num_disallowed = np.zeros(self.num_rows, np.int64)
        self.state = self.make_state()
        self.allocate_final_buffers()
        if isinstance(settings.objective, KpiObjective):
            self.start_paying(self.reader())

    @abstractmethod
    def make_state(self) -> dict[str, NDArray[Any]]:
        """By name, zeros for the state of all rows; the first axis of each is the rows."""

    @abstractmethod
    def begin_rows(self, rows: Rows) -> None:
        """Brings `state` of rows to the beginning of their next episodes; their world is new."""

    @abstractmethod
    def move_rows(self, rows: Rows, actions: NDArray[Any]) -> Mapping[str, ArrayLike]:
        """Advances `state` by one slot, from the slot `slot_of(rows)` to the next one.

        Args:
            rows: which.
            actions: one a row, allowed ones; or numbers of 0 to 1, shape (rows, entries).

        Returns:
            By name, the components of the reward, and `cost` where there is one; one value a row.
        """

    @abstractmethod
    def observe_rows(self, rows: Rows) -> ArrayLike:
        """The observations of rows, in [0, 1]; shape (rows to look at, fields of the form)."""

    @abstractmethod
    def measure_rows(self, rows: Rows) -> Mapping[str, ArrayLike]:
        """The indicators of rows so far, by name; one value a row."""

    def allow_rows(self, rows: Rows) -> ArrayLike:
        """The action masks of rows, 1 = allowed; only called where the form is masked."""
        return np.ones((len(rows), len(self.settings.form.action_names(self.scenario))))

    def reader(self) -> IndicatorReader:
        """Reads the four indicators of a `KpiObjective` off these rows.

        Raises:
            ConfigError: where an environment does not say how.
        """
        raise ConfigError(
            f"environments of the kind {self.SCENARIO.kind!r} cannot be paid by a KpiObjective: "
            f"take one of {', '.join(self.SETTINGS.OBJECTIVES)}, or give {type(self).__name__} a "
            "`reader`"
        )

    def draw(self, rows: Rows, stream: int, index: ArrayLike) -> NDArray[np.float64]:
        """Uniform draws in (0, 1] of the worlds of rows (see `twin_gym.core.numpy_draws`)."""
        return uniforms(self.heads["world"][rows], stream, index)

    def slot_of(self, rows: Rows) -> NDArray[np.int64]:
        """Slots that are over in rows."""
        slots: NDArray[np.int64] = self.heads["slot"][rows]
        return slots

    def elapsed_share(self, rows: Rows) -> NDArray[np.float64]:
        """Share of the slots of their episodes that are over in rows, in [0, 1]."""
        shares: NDArray[np.float64] = (
            self.heads["slot"][rows] / self._slots[self.heads["network"][rows]]
        )
        return shares

    def row(self, index: int) -> np.void:
        """A copy of the state of one running network as a record with a field an array."""
        fields = [(name, one.dtype, one.shape[1:]) for name, one in self.state.items()]
        values = tuple(one[index] for one in self.state.values())
        record: np.void = np.array([values], fields)[0]
        return record

    def own_arrays(self) -> dict[str, NDArray[Any]]:
        """By name, the arrays of the state, no copies."""
        return self.state

    def scenario_arrays(self) -> dict[str, NDArray[Any]]:
        """None: the rules read the scenario themselves."""
        return {}

    @property
    def usual_reward_scale(self) -> float:
        """Takes the rewards of a slot to be near 1, or near its seconds."""
        earned = 1.0 if self.reward_model is not None else float(self.scenario.slot_s)
        return earned / float(self.scenario.time_unit_s)

    def _fill_kpis(self, at: Rows, table: NDArray[np.void]) -> None:
        measured = self.measure_rows(at)
        self._check_names("measure_rows", measured, "KPI_NAMES", self.KPI_NAMES)
        for name in self.KPI_NAMES:
            table[name] = measured[name]

    def _move(self, actions: NDArray[Any], first: int, last: int) -> None:
        rows = np.arange(first, last)
        is_over = self.heads["is_over"][first:last] != 0
        begins, goes = rows[is_over], rows[~is_over]
        if len(begins):
            self._begin_rows(begins)
        if len(goes):
            self._step_rows(goes, actions[goes])
        self._observe(first, last)

    def _begin_rows(self, rows: Rows) -> None:
        """The world and the scenario of the next episode of rows, and its beginning."""
        heads, several = self.heads, len(self.scenarios)
        heads["episode"][rows] += 1
        heads["world"][rows] = world_keys(heads["seed"][rows], heads["episode"][rows])
        choice = (self.draw(rows, int(SCENARIO_STREAM), 0) * several).astype(np.int64)
        heads["network"][rows] = np.minimum(choice, several - 1)
        heads["slot"][rows] = heads["is_over"][rows] = 0
        self._num_disallowed[rows] = 0
        self.raw_outcomes[rows] = np.zeros((), self.OUTCOME)
        self.begin_rows(rows)

    def _step_rows(self, rows: Rows, actions: NDArray[Any]) -> None:
        outcomes, heads = self.raw_outcomes, self.heads
        if self.masks is not None:
            is_allowed = self.masks[rows, actions] != 0
            actions = np.where(is_allowed, actions, self.masks.shape[1] - 1)
            self._num_disallowed[rows] += ~is_allowed
            outcomes["disallowed_actions"][rows] = self._num_disallowed[rows]
        moved = self.move_rows(rows, actions)
        self._check_names("move_rows", moved.keys() - {"cost"}, "COMPONENTS", self.COMPONENTS)
        outcomes["cost"][rows] = moved.get("cost", 0.0)
        reward = np.zeros(len(rows))
        for place, name in enumerate(self.COMPONENTS, 1):
            values = np.asarray(moved[name], np.float64)
            outcomes[name][rows] = values
            if self._objective in (0, place):
                reward += values
        outcomes["reward"][rows] = reward
        network = heads["network"][rows]
        outcomes["elapsed_s"][rows] = self._slot_s[network]
        heads["slot"][rows] += 1
        is_over = heads["slot"][rows] >= self._slots[network]
        heads["is_over"][rows] = outcomes["truncated"][rows] = is_over

    def _observe(self, first: int, last: int) -> None:
        rows = np.arange(first, last)
        self.observations[first:last] = self.observe_rows(rows)
        if self.masks is not None and self.settings.form.is_masked:
            self.masks[first:last] = self.allow_rows(rows)

    def _check_names(
        self, method: str, given: Collection[str], constant: str, names: Sequence[str]
    ) -> None:
        """Refuses a method of the environment whose names are not those that the class declares."""
        if set(given) != set(names):
            raise ConfigError(
                f"{type(self).__name__}.{method} gives {', '.join(sorted(given)) or 'nothing'}; "
                f"{constant} names {', '.join(names)}: make both the same"
            )

    def _most_work(self) -> float:
        """Python hears a Ctrl-C between any two lines of NumPy."""
        return 1.0


def _settings(batch: type[NumPyBatch]) -> type[BatchSettings]:
    """The class of the settings of a batch, which pickle finds as its attribute."""
    total = ("total",) if len(batch.COMPONENTS) > 1 else ()
    objectives = (*total, *batch.COMPONENTS, "vector")
    defaults = {
        "scenario": batch.DEFAULT_SCENARIO,
        "action": batch.ACTION_FORMS[0].name,
        "objective": objectives[0],
    }
    return make_dataclass(
        "Settings",
        [(name, Any, field(default=value)) for name, value in defaults.items()],
        bases=(NumPySettings,),
        namespace={
            "MODEL": batch.SCENARIO,
            "ACTION_FORMS": batch.ACTION_FORMS,
            "OBJECTIVES": objectives,
            "ENGINES": batch.ENGINES,
            "__doc__": NumPySettings.__doc__,
            "__module__": batch.__module__,
            "__qualname__": f"{batch.__qualname__}.SETTINGS",
        },
        frozen=True,
    )
