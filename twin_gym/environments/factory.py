"""The environment that belongs to a scenario, whatever its kind.

`<kind>-env` and `<kind>-vector` are attributes of this module, too: the classes of the two forms,
by which Gymnasium and pickle know those of kinds that were registered.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from twin_gym.core.batch import Batch
from twin_gym.core.forms import ActionForm, form_named
from twin_gym.core.plain_picture import PlainEnv
from twin_gym.core.vector import RowsVectorEnv
from twin_gym.environments.kinds import EnvironmentKind, kind_named, kind_names
from twin_gym.errors import ConfigError
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import ScenarioLike, scenarios_of

AnyScenario = ScenarioLike


def vector_env(
    scenario: AnyScenario | Sequence[AnyScenario], num_envs: int, **arguments: Any
) -> RowsVectorEnv[Any]:
    """Rows of the environment whose kind of scenario this is.

    Args:
        scenario: as environments take it; of one kind.
        num_envs: rows.
        arguments: as the environment takes them.

    Returns:
        The vector environment.

    Raises:
        ConfigError: if the scenarios are of several kinds, or an argument is not valid.
    """
    scenarios = scenarios_of(scenario, Scenario)
    names = sorted({one.kind for one in scenarios})
    if len(names) != 1:
        raise ConfigError(f"the scenarios of one environment are of one kind, got {names}")
    made: RowsVectorEnv[Any] = kind_named(names[0]).facet("vector")(
        num_envs, scenarios, **arguments
    )
    return made


def forms_of(kind: str) -> tuple[ActionForm, ...]:
    """The forms of action of a kind of scenario, the default first.

    Raises:
        UnknownNameError: if there is no such kind.
    """
    forms: tuple[ActionForm, ...] = kind_named(kind).facet("action_forms")
    return forms


def form_of(kind: str, action: str | None) -> ActionForm:
    """One of them.

    Args:
        kind: of scenario.
        action: its name; None: the default.

    Returns:
        The form.

    Raises:
        UnknownNameError: if there is no such kind or form; the message has the nearest one.
    """
    forms = forms_of(kind)
    return forms[0] if action is None else form_named(forms, action)


def single_form_of(kind: EnvironmentKind) -> type[PlainEnv]:
    """The single form of a kind that brings its batch alone; always the same class.

    Its docstring is that of the batch.

    Raises:
        ConfigError: if there is no batch either, or none that a form can be made of.
    """
    form: type[PlainEnv] = _made(kind, "env", PlainEnv)
    return form


def vector_form_of(kind: EnvironmentKind) -> type[RowsVectorEnv[Batch]]:
    """The vector form; see `single_form_of`."""
    form: type[RowsVectorEnv[Batch]] = _made(kind, "vector", RowsVectorEnv)
    return form


_FORMS = ("env", "vector")
_MADE: dict[tuple[EnvironmentKind, str], type] = {}


def _made(kind: EnvironmentKind, facet: str, base: type) -> Any:  # noqa: ANN401 - a class
    if (kind, facet) not in _MADE:
        batch = kind.facet("batch")
        if not (isinstance(batch, type) and issubclass(batch, Batch)):
            raise ConfigError(
                f"the forms of {kind.name!r} are made of a class of batches, and its BATCH is "
                f"{batch!r}: take a NumPyBatch, or write {kind.to_write(facet)}"
            )
        namespace = {
            "BATCH": batch,
            "__doc__": inspect.getdoc(batch),
            "__module__": __name__,
            "__qualname__": f"{kind.name}-{facet}",
        }
        _MADE[kind, facet] = type(kind.where(facet)[1], (base,), namespace)
    return _MADE[kind, facet]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a class
    """The form `<kind>-env` or `<kind>-vector`, as Gymnasium and pickle ask for it.

    Raises:
        AttributeError: if there is no such kind or form.
        ConfigError: if the kind lacks what the form is made of.
    """
    kind, _, facet = name.rpartition("-")
    if facet not in _FORMS or kind not in kind_names():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return kind_named(kind).facet(facet)
