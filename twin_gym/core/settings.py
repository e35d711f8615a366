"""The settings that all rows of an environment share, as its arguments give them.

An environment's own class of settings names its model, its forms, its objectives and its defaults;
the constructors of the single and the vector form take the fields of that class as keywords.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, get_type_hints

from twin_gym.core.forms import ActionForm, form_named, form_names
from twin_gym.core.indicators import as_objective, check_objective, objective_index
from twin_gym.errors import ConfigError, UnknownArgumentError, unknown_name
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import ScenarioLike, scenarios_of
from twin_gym.scenario.objective import KpiObjective

Engine = Literal["kernel", "simpy", "twin"]
ENGINES: tuple[Engine, ...] = ("kernel", "simpy")
"""Engines of every kind that has a SimPy model; some kinds emulate their control plane: `twin`."""

DEFAULT: Any = object()
"""Stands for a scenario that was not given: the settings have one."""

Choice = tuple[str, Any, Sequence[str]]
"""The kind of a name, the name as given, and the known names."""


@dataclass(frozen=True)
class BatchSettings:
    """Settings of all rows; each environment has a class of its own, with its defaults.

    Attributes:
        MODEL: class of the scenarios.
        ACTION_FORMS: the forms of the action, the default first.
        OBJECTIVES: names of the rewards: the default, single components, `vector` last.
        scenario: one, or several of which each episode's world picks one.
        action: name of the form of the action.
        objective: name of the reward, or a `KpiObjective`, or its values.
        engine: the compiled kernel, or the SimPy model (some hundred to a thousand times slower);
            `twin` where the environment has an emulated control plane.
        objective_seed: of the weights, where the objective is a `KpiObjective`.

    Raises:
        ConfigError: if a name is unknown or the seed names no weights.
    """

    MODEL: ClassVar[type[Scenario]]
    ACTION_FORMS: ClassVar[tuple[ActionForm, ...]]
    OBJECTIVES: ClassVar[tuple[str, ...]]

    scenario: ScenarioLike | Sequence[ScenarioLike]
    action: str
    objective: str | KpiObjective | Mapping[str, Any]
    engine: Engine = "kernel"
    objective_seed: int = 0

    def __post_init__(self) -> None:
        """Refuses unknown names and bad seeds."""
        object.__setattr__(self, "objective", as_objective(self.objective))
        check_objective(self.objective, self.objective_seed, self.OBJECTIVES)
        for kind, value, known in self.choices():
            if value not in known:
                raise unknown_name(kind, str(value), known)

    def choices(self) -> Iterator[Choice]:
        """The arguments that are one of several names."""
        yield "action form", self.action, form_names(self.ACTION_FORMS)
        yield "engine", self.engine, ENGINES

    def scenarios(self) -> tuple[Any, ...]:
        """The scenarios, at least one.

        Raises:
            ConfigError: if the sequence is empty, an entry is no scenario of the model, or an
                action would not mean the same in all of them.
        """
        return scenarios_of(self.scenario, self.MODEL)

    @property
    def form(self) -> ActionForm:
        """The form of the action."""
        return form_named(self.ACTION_FORMS, self.action)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments that decide actions and rewards, besides the scenarios."""
        names = [name for name in _field_names(type(self)) if name not in ("scenario", "engine")]
        return {name: getattr(self, name) for name in names}

    @property
    def objective_index(self) -> int:
        """The number by which a kernel knows the objective; `vector` is written as the default."""
        objective: Any = self.objective
        return objective_index(objective, self.OBJECTIVES) % max(len(self.OBJECTIVES) - 1, 1)


def check_same(scenarios: Sequence[Any], what: str, of: Callable[[Any], object]) -> None:
    """Refuses scenarios of one environment in which an action means different things.

    Args:
        scenarios: of the environment.
        what: they need, in words, such as "the same levels".
        of: gives it for a scenario.

    Raises:
        ConfigError: if it differs.
    """
    if len({of(one) for one in scenarios}) > 1:
        values = ", ".join(f"{of(one)} in {one.name!r}" for one in scenarios)
        raise ConfigError(
            f"the scenarios of one environment need {what}, for an action means the same "
            f"in all; got {values}"
        )


class FromSettings:
    """A form of an environment whose constructor takes the fields of its settings as keywords.

    Attributes:
        BATCH: class of its rows, which names the class of the settings.
    """

    BATCH: ClassVar[Any]
    __signature__: ClassVar[inspect.Signature | None] = None

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Gives the class its signature: what `help` and completion show."""
        super().__init_subclass__(**arguments)
        own = [*inspect.signature(cls.__init__).parameters.values()][1:]
        is_made_so = hasattr(cls, "BATCH") and own[-1].name == "settings"
        cls.__signature__ = _signature(cls.BATCH.SETTINGS, own[:-1]) if is_made_so else None

    def _make_batch(self, num_rows: int, scenario: Any, given: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """The rows.

        Args:
            num_rows: rows.
            scenario: as it was given, or `DEFAULT`.
            given: the other arguments of the settings by name.

        Raises:
            UnknownArgumentError: if there is no such argument; the message has the nearest one.
            ConfigError: if a value is not valid.
        """
        settings = self.BATCH.SETTINGS
        for name in given:
            if name not in _field_names(settings):
                error = unknown_name("argument", name, inspect.signature(type(self)).parameters)
                raise UnknownArgumentError(
                    f"{type(self).__name__} got an unexpected keyword argument: {error}"
                )
        scenarios = () if scenario is DEFAULT else (scenario,)
        return self.BATCH(num_rows, settings(*scenarios, **given))


def _signature(
    settings: type[BatchSettings], own: Sequence[inspect.Parameter]
) -> inspect.Signature:
    """The parameters of a constructor, with the fields of settings where its `scenario` stands."""
    place = [one.name for one in own].index("scenario")
    hints = get_type_hints(settings)
    scenario, *others = (
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default,
            annotation=hints[field.name],
        )
        for field in fields(settings)
    )  # fmt: skip
    scenario = scenario.replace(kind=own[place].kind, annotation="ScenarioLike")
    return inspect.Signature([*own[:place], scenario, *others, *own[place + 1 :]])


def _field_names(settings: type[BatchSettings]) -> list[str]:
    return [one.name for one in fields(settings)]
