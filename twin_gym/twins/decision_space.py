"""Names of observed fields and of actions, by kind of scenario and form of action."""

from __future__ import annotations

from dataclasses import dataclass

from twin_gym.core.forms import LEAST_AMOUNT, MOST_AMOUNT, Names
from twin_gym.environments.factory import form_of
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import ConfigError
from twin_gym.scenario import Scenario
from twin_gym.twins.layout import QueueLayout


@dataclass(frozen=True)
class DecisionSpace:
    """The observed fields and the actions of a policy, by name.

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
        form = form_of(scenario.kind, action)
        names = form.action_names(scenario)
        amounts = len(names) if form.is_continuous else 0
        return cls(
            scenario.kind,
            form.name,
            form.field_names(scenario),
            names,
            (LEAST_AMOUNT,) * amounts,
            (MOST_AMOUNT,) * amounts,
        )

    @property
    def is_discrete(self) -> bool:
        """Whether an action is a whole number instead of amounts."""
        return not self.low

    @property
    def num_actions(self) -> int:
        """How many discrete actions or how many amounts there are."""
        if self.action_names:
            return len(self.action_names)
        layout = QueueLayout.from_names(self.field_names)
        return layout.num_actions(len(self.field_names), self.action)


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
