"""Where a network finds what in an observation, read off the names of its fields."""

from __future__ import annotations

from dataclasses import dataclass

from twin_gym.envs.slice_admission.observation import (
    VALUES_PER_POSITION,
    ActionForm,
    field_names,
)
from twin_gym.errors import ConfigError
from twin_gym.scenario import AdmissionScenario

_POSITION_GROUPS = ("position_slice", "position_age", "position_valid")


@dataclass(frozen=True)
class ObservationLayout:
    """Places of the fields that a policy network looks at by name.

    The fields of queue positions come last, three a position, so that their number may vary while
    everything else stays where it is.

    Attributes:
        num_slices: how many slices there are.
        num_global: how many fields stand before those of the positions.
        queue_length: first of the fields `queue_length/<slice>`.
        head_patience: first of the fields `head_patience/<slice>`.
        admissible: first of the fields `admissible/<slice>`.
    """

    num_slices: int
    num_global: int
    queue_length: int
    head_patience: int
    admissible: int

    @classmethod
    def of(cls, scenario: AdmissionScenario) -> ObservationLayout:
        """The layout of a scenario's observations; the same for both forms of the action.

        Args:
            scenario: gives the names of the fields.

        Returns:
            The layout.

        Raises:
            ConfigError: if the fields do not stand as this class needs them.

        Example:
            >>> from twin_gym.scenario import load
            >>> ObservationLayout.of(load("contention")).admissible
            15
        """
        names = field_names(scenario, "slot")
        first = scenario.slice_names[0]
        num_global = len(field_names(scenario, "slice"))
        groups = [name.partition("/")[0] for name in names[num_global:]]
        if tuple(groups) != _POSITION_GROUPS * (len(groups) // VALUES_PER_POSITION):
            raise ConfigError(f"fields of positions must be the last ones, got {names}")
        return cls(
            num_slices=len(scenario.slices),
            num_global=num_global,
            queue_length=names.index(f"queue_length/{first}"),
            head_patience=names.index(f"head_patience/{first}"),
            admissible=names.index(f"admissible/{first}"),
        )


def num_actions(scenario: AdmissionScenario, action: ActionForm) -> int:
    """How many actions there are, waiting included.

    Args:
        scenario: gives the slices and their queue limits.
        action: the form of the action.

    Returns:
        Slices + 1, or queue positions + 1.

    Example:
        >>> from twin_gym.scenario import load
        >>> num_actions(load("contention"), "slot")
        65
    """
    if action == "slice":
        return len(scenario.slices) + 1
    return sum(max(one.queue_limit, 1) for one in scenario.slices) + 1
