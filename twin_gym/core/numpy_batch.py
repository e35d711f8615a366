"""Rows of slotted networks whose rules are written in NumPy: the shortest way to an environment."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from twin_gym.core.batch import ENGINES, Engine
from twin_gym.core.forms import LEAST_AMOUNT, MOST_AMOUNT, ActionForm, form_named
from twin_gym.core.indicators import Gauge, check_objective
from twin_gym.core.numpy_draws import uniforms, world_keys
from twin_gym.core.slotted import SCENARIO_STREAM, SlottedBatch, Story
from twin_gym.errors import ConfigError, unknown_name
from twin_gym.scenario.loading import scenarios_of
from twin_gym.scenario.objective import KpiObjective
from twin_gym.scenario.slotted import SlottedScenario

ScenarioLike = str | Path | Mapping[str, Any] | SlottedScenario
Rows = NDArray[np.int64]
"""Indices of rows, in order; shape (rows to look at,)."""

TOTAL, VECTOR = "total", "vector"
"""Objectives that every environment of several components has: their sum, and all of them."""


@dataclass(frozen=True)
class BatchSettings:
    """What rows have in common, as the arguments of an environment say it.

    Attributes:
        scenario: one, or several of which each episode's world picks one.
        action: name of the form of the action; None: the first one.
        objective: name of the reward, or a `KpiObjective`; None: the first one.
        engine: only `kernel`: there is no second telling of rules written in NumPy.
        objective_seed: of the weights, where the objective is a `KpiObjective`.
    """

    scenario: ScenarioLike | Sequence[ScenarioLike]
    action: str | None = None
    objective: str | KpiObjective | None = None
    engine: Engine = "kernel"
    objective_seed: int = 0


class NumPyBatch(SlottedBatch):
    """Rows of networks, moved together by five methods of yours (see `examples/own_environment`).

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
        COMPONENTS: names of the components of the reward; a single one is the reward.
        state: by name, the arrays that `make_state` made.
    """

    SCENARIO: ClassVar[type[SlottedScenario]]
    DEFAULT_SCENARIO: ClassVar[str]
    ACTION_FORMS: ClassVar[tuple[ActionForm, ...]]
    COMPONENTS: ClassVar[tuple[str, ...]]

    def __init__(self, num_rows: int, settings: BatchSettings) -> None:
        given: Any = settings.scenario
        scenarios = scenarios_of(given, self.SCENARIO)
        self.form = self._form(settings.action)
        self.objective = self._objective(settings)
        _check_engine(settings.engine, self.SCENARIO.kind)
        _check_alike(scenarios, self.form)
        super().__init__(num_rows, scenarios, "kernel")
        self.scenario: Any = scenarios[0]
        self.is_vector_reward = self.objective == VECTOR
        self._arguments: dict[str, Any] = {
            "action": self.form.name,
            "objective": self.objective,
            "objective_seed": settings.objective_seed,
        }
        self._slots = np.array([one.num_slots for one in scenarios])
        self._slot_s = np.array([one.slot_s for one in scenarios])
        self._make_spaces()
        self.state = self.make_state()
        self.outcomes = self.brought = np.zeros(self.num_rows, self._outcome())
        self.make_room_for_ends()
        if isinstance(self.objective, KpiObjective):
            self.start_paying(self.objective, settings.objective_seed, self.gauge())

    @classmethod
    def objectives(cls) -> tuple[str, ...]:
        """Names of the rewards, the default first."""
        several = len(cls.COMPONENTS) > 1
        return (TOTAL, *cls.COMPONENTS, VECTOR) if several else cls.COMPONENTS

    @abstractmethod
    def make_state(self) -> dict[str, NDArray[Any]]:
        """By name, zeros for the state of all rows; the first axis of each is the rows."""

    @abstractmethod
    def begin_rows(self, rows: Rows) -> None:
        """Brings `state` of rows to the beginning of their next episodes; their world is new."""

    @abstractmethod
    def move_rows(self, rows: Rows, actions: NDArray[Any]) -> Mapping[str, ArrayLike]:
        """One slot: brings `state` from the slot `slot_of(rows)` to the next one.

        Args:
            rows: which.
            actions: one a row, allowed ones; or amounts, shape (rows, entries).

        Returns:
            By name, the components of the reward, and `cost` where there is one; one value a row.
        """

    @abstractmethod
    def observe_rows(self, rows: Rows) -> ArrayLike:
        """What is seen of rows, in [0, 1]; shape (rows to look at, fields of the form)."""

    def allow_rows(self, rows: Rows) -> ArrayLike:
        """What is allowed in rows, 1 = allowed; only asked for where the form is masked."""
        return np.ones((len(rows), self._num_actions))

    def gauge(self) -> Gauge:
        """Reads the four indicators of a `KpiObjective` off these rows.

        Raises:
            ConfigError: where an environment does not say how.
        """
        raise ConfigError(
            f"environments of the kind {self.SCENARIO.kind!r} cannot be paid by a KpiObjective: "
            f"take one of {', '.join(self.objectives())}, or give {type(self).__name__} a `gauge`"
        )

    def draw(self, rows: Rows, stream: int, index: ArrayLike) -> NDArray[np.float64]:
        """Uniform draws in (0, 1] of the worlds of rows (see `twin_gym.core.numpy_draws`)."""
        return uniforms(self.heads["world"][rows], stream, index)

    def slot_of(self, rows: Rows) -> NDArray[np.int64]:
        """Slots that are over in rows."""
        found: NDArray[np.int64] = self.heads["slot"][rows]
        return found

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """By name, the arrays of the rows, no copies."""
        found: dict[str, NDArray[Any]] = {
            **self.state,
            "heads": self.heads,
            "observations": self.observations,
            "outcomes": self.brought,
            "final_observations": self.final_observations,
        }
        return found if self.masks is None else found | {"masks": self.masks}

    @property
    def arguments(self) -> dict[str, Any]:
        """Form of the action, objective and seed of its weights."""
        return dict(self._arguments)

    @property
    def usual_reward_scale(self) -> float:
        """Takes the rewards of a slot to be near 1, or near its seconds."""
        earned = 1.0 if self.payer is not None else float(self.scenario.slot_s)
        return earned / float(self.scenario.time_unit_s)

    @property
    def reported(self) -> tuple[str, ...]:
        """Names of the outcomes that `info` has, besides the mask."""
        own = ("elapsed_s", "cost", *self.COMPONENTS, "disallowed_actions")
        return (*own, *super().reported)

    REPORTED: ClassVar[tuple[str, ...]] = ()

    def _form(self, action: str | None) -> ActionForm:
        forms = self.ACTION_FORMS
        return forms[0] if action is None else form_named(forms, action)

    def _objective(self, settings: BatchSettings) -> str | KpiObjective:
        known = self.objectives()
        chosen = known[0] if settings.objective is None else settings.objective
        check_objective(chosen, settings.objective_seed, known)
        return chosen

    def _make_spaces(self) -> None:
        form, one, rows = self.form, self.scenario, self.num_rows
        fields, self._num_actions = len(form.field_names(one)), len(form.action_names(one))
        self.observation_space = spaces.Box(0.0, 1.0, (fields,), np.float32)
        self.observations = np.zeros((rows, fields), np.float32)
        self.masks = None
        if form.is_continuous:
            shape = (self._num_actions,)
            self.action_space = spaces.Box(LEAST_AMOUNT, MOST_AMOUNT, shape, np.float32)
        else:
            self.action_space = spaces.Discrete(self._num_actions)
            self.masks = np.ones((rows, self._num_actions), np.int8)

    def _outcome(self) -> np.dtype[np.void]:
        numbers = [(name, "f8") for name in ("reward", "elapsed_s", "cost", *self.COMPONENTS)]
        return np.dtype([*numbers, ("disallowed_actions", "i8"), ("truncated", "?")], align=True)

    def _move(self, actions: NDArray[Any], first: int, last: int) -> None:
        rows = np.arange(first, last)
        is_over = self.heads["is_over"][first:last] != 0
        begins, goes = rows[is_over], rows[~is_over]
        if len(begins):
            self._begin(begins)
        if len(goes):
            self._step_rows(goes, actions[goes])
        self._observe(first, last)

    def _begin(self, rows: Rows) -> None:
        """The world and the scenario of the next episode of rows, and its beginning."""
        heads, several = self.heads, len(self._scenarios)
        heads["episode"][rows] += 1
        heads["world"][rows] = world_keys(heads["seed"][rows], heads["episode"][rows])
        choice = (self.draw(rows, int(SCENARIO_STREAM), 0) * several).astype(np.int64)
        heads["network"][rows] = np.minimum(choice, several - 1)
        heads["slot"][rows] = heads["is_over"][rows] = 0
        self.brought[rows] = np.zeros((), self.brought.dtype)
        self.begin_rows(rows)

    def _step_rows(self, rows: Rows, actions: NDArray[Any]) -> None:
        brought, heads = self.brought, self.heads
        if self.masks is not None:
            is_allowed = self.masks[rows, actions] != 0
            actions = np.where(is_allowed, actions, self._num_actions - 1)
            brought["disallowed_actions"][rows] += ~is_allowed
        told = self.move_rows(rows, actions)
        brought["cost"][rows] = told.get("cost", 0.0)
        reward = np.zeros(len(rows))
        for name in self.COMPONENTS:
            values = np.asarray(told[name], np.float64)
            brought[name][rows] = values
            if self.objective in (name, TOTAL, VECTOR):
                reward += values
        brought["reward"][rows] = reward
        network = heads["network"][rows]
        brought["elapsed_s"][rows] = self._slot_s[network]
        heads["slot"][rows] += 1
        is_over = heads["slot"][rows] >= self._slots[network]
        heads["is_over"][rows] = brought["truncated"][rows] = is_over

    def _observe(self, first: int, last: int) -> None:
        rows = np.arange(first, last)
        self.observations[first:last] = self.observe_rows(rows)
        if self.masks is not None and self.form.is_masked:
            self.masks[first:last] = self.allow_rows(rows)

    def _most_work(self) -> float:
        """Python hears a Ctrl-C between any two lines of NumPy."""
        return 1.0

    def _story(self, row: int) -> Story:
        raise NotImplementedError  # `engine` is refused: nobody asks


def _check_engine(engine: object, kind: str) -> None:
    if engine not in ENGINES:
        raise unknown_name("engine", str(engine), ENGINES)
    if engine != "kernel":
        raise ConfigError(
            f"environments of the kind {kind!r} have no SimPy model: take engine='kernel', "
            f"got {engine!r}"
        )


def _check_alike(scenarios: Sequence[SlottedScenario], form: ActionForm) -> None:
    told = {(form.field_names(one), form.action_names(one)) for one in scenarios}
    if len(told) > 1:
        names = ", ".join(repr(one.name) for one in scenarios)
        raise ConfigError(
            f"the scenarios of one environment need the same observations and actions; those of "
            f"{names} differ in the form {form.name!r}"
        )
