"""What a policy sees and what it may do, by kind of scenario and form of action, all by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

from twin_gym.environments.massive_access import observation as massive_access
from twin_gym.environments.right_time_sync import observation as right_time_sync
from twin_gym.environments.slice_admission import observation as slice_admission
from twin_gym.environments.slice_admission.observation import ActionName
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.tic_scheduling import observation as tic_scheduling
from twin_gym.environments.tic_scheduling.observation import WEIGHT_NAMES
from twin_gym.errors import ConfigError, unknown_name
from twin_gym.policies.registry import FORMS_OF_KIND
from twin_gym.scenario import Scenario
from twin_gym.twins.layout import ObservationLayout

Names = tuple[str, ...]

AMOUNT_LOW, AMOUNT_HIGH = 0.0, 1.0
"""Between these lies every amount that an environment of this package takes as an action."""

NOBODY = "nobody"
"""Name of the action that leaves a grant or a slot unused."""


def _access_fields(scenario: Any, action: str) -> Names:  # noqa: ANN401 - one type a kind
    return massive_access.field_names()


def _tic_fields(scenario: Any, action: str) -> Names:  # noqa: ANN401
    if action == "weights":
        return tic_scheduling.field_names()
    return tic_scheduling.field_names(tic_scheduling.pick_fields(scenario.num_sensors))


def _sync_fields(scenario: Any, action: str) -> Names:  # noqa: ANN401
    return right_time_sync.field_names(scenario)


_FIELDS_OF_KIND: Mapping[str, Callable[[Any, Any], Names]] = MappingProxyType(
    {
        "admission": slice_admission.field_names,
        "access": _access_fields,
        "tic": _tic_fields,
        "sync": _sync_fields,
    }
)

# Of admission the number of actions follows from the fields, and may change with the queues.
_ACTION_NAMES: Mapping[tuple[str, str], Callable[[Any], Names]] = MappingProxyType(
    {
        ("admission", "slice"): lambda _: (),
        ("admission", "slot"): lambda _: (),
        ("access", "level"): lambda scenario: tuple(
            f"barring {level:.9g}" for level in scenario.barring_probabilities
        ),
        ("access", "probability"): lambda _: ("barring",),
        ("tic", "weights"): lambda _: WEIGHT_NAMES,
        ("tic", "pick"): lambda scenario: (
            *tic_scheduling.queue_names(scenario.num_sensors),
            NOBODY,
        ),
        ("sync", "pick"): lambda scenario: (*scenario.entity_names, NOBODY),
        ("sync", "rounds"): lambda scenario: scenario.entity_names,
    }
)

_OF_AMOUNTS = frozenset({("access", "probability"), ("tic", "weights"), ("sync", "rounds")})


@dataclass(frozen=True)
class DecisionSpace:
    """What a policy sees and what it may do.

    Attributes:
        kind: of scenario.
        action: form of the actions.
        field_names: of what is seen, in order.
        action_names: one a discrete action, or one an amount; empty for admission, where the
            fields tell how many actions there are.
        low: least value of each amount; empty where actions are discrete.
        high: greatest value of each amount; empty where actions are discrete.
    """

    kind: str
    action: str
    field_names: Names
    action_names: Names = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    @classmethod
    def of(cls, scenario: Scenario, action: str | None = None) -> DecisionSpace:
        """The space of a scenario's environment.

        Args:
            scenario: of any kind.
            action: form of the actions; None: the environment's default.

        Returns:
            The space.

        Raises:
            UnknownNameError: if the kind of scenario has no such form.

        Example:
            >>> from twin_gym.environments.massive_access.scenario import AccessScenario
            >>> from twin_gym.scenario.loading import load
            >>> DecisionSpace.of(load("access-small-45", AccessScenario), "probability").high
            (1.0,)
        """
        form = checked_form(scenario.kind, action)
        names = _ACTION_NAMES[scenario.kind, form](scenario)
        amounts = len(names) if is_of_amounts(scenario.kind, form) else 0
        return cls(
            scenario.kind,
            form,
            _FIELDS_OF_KIND[scenario.kind](scenario, form),
            names,
            (AMOUNT_LOW,) * amounts,
            (AMOUNT_HIGH,) * amounts,
        )

    @property
    def is_discrete(self) -> bool:
        """Whether an action is a whole number instead of amounts."""
        return not self.low

    @property
    def num_actions(self) -> int:
        """How many discrete actions or how many amounts there are."""
        if self.kind != "admission":
            return len(self.action_names)
        layout = ObservationLayout.from_names(self.field_names)
        return layout.num_actions(len(self.field_names), admission_form(self.action))


def is_of_amounts(kind: str, action: str) -> bool:
    """Whether actions of this form are amounts, without a mask."""
    return (kind, action) in _OF_AMOUNTS


def checked_form(kind: str, action: str | None) -> str:
    """A form of action that the kind of scenario has.

    Args:
        kind: of scenario.
        action: form of the actions; None: the environment's default.

    Returns:
        The form.

    Raises:
        UnknownNameError: if there is no such kind or form.
    """
    if kind not in FORMS_OF_KIND:
        raise unknown_name("kind of scenario", str(kind), FORMS_OF_KIND)
    if action is None:
        return FORMS_OF_KIND[kind][0]
    if action not in FORMS_OF_KIND[kind]:
        raise unknown_name(f"`action` of {kind} scenarios", str(action), FORMS_OF_KIND[kind])
    return action


def admission_form(action: str) -> ActionName:
    """The form as admission types it.

    Raises:
        UnknownNameError: if it is none of its forms.
    """
    return cast("ActionName", checked_form("admission", action))


def only_admission(scenario: Scenario, what: str) -> AdmissionScenario:
    """The scenario, if it is of slice admission.

    Args:
        scenario: of any kind.
        what: what is there for this kind alone, to begin the message with.

    Returns:
        The same scenario.

    Raises:
        ConfigError: if it is of another kind.
    """
    if not isinstance(scenario, AdmissionScenario):
        raise ConfigError(
            f"{what} is there for scenarios of the kind 'admission' alone, and {scenario.name!r} "
            f"is of the kind {scenario.kind!r}"
        )
    return scenario
