"""Where a network finds what in an observation, read off the names of its fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from twin_gym.environments.factory import forms_of
from twin_gym.errors import ConfigError
from twin_gym.scenario import Scenario

POSITION_GROUPS = ("position_slice", "position_age", "position_valid")
_SLICE_GROUPS = ("head_patience", "admissible")


@dataclass(frozen=True)
class QueueLayout:
    """Places of the fields that a policy network looks at by name.

    The fields of queue positions come last, three a position, so that their number may vary while
    everything else stays where it is.

    Attributes:
        num_slices: how many slices there are.
        num_global: how many fields stand before those of the positions.
        head_patience: first of the fields `head_patience/<slice>`.
        admissible: first of the fields `admissible/<slice>`.
    """

    num_slices: int
    num_global: int
    head_patience: int
    admissible: int

    @classmethod
    def of(cls, scenario: Scenario) -> QueueLayout:
        """The layout of a scenario's observations; the same for both forms of the action.

        Args:
            scenario: gives the names of the fields.

        Returns:
            The layout.

        Example:
            >>> from twin_gym.scenario.loading import load
            >>> QueueLayout.of(load("contention")).admissible
            15
        """
        return cls.from_names(forms_of(scenario.kind)[0].field_names(scenario))

    @classmethod
    def from_names(cls, names: Sequence[str]) -> QueueLayout:
        """The layout of observations whose fields have these names.

        Args:
            names: as `field_names` gives them, in order.

        Returns:
            The layout.

        Raises:
            ConfigError: if a group of fields is missing or not where a network looks for it.
        """
        groups = [name.partition("/")[0] for name in names]
        num_slices = groups.count("admissible")
        num_global = sum(not group.startswith("position_") for group in groups)
        tail = groups[num_global:]
        if tuple(tail) != POSITION_GROUPS * (len(tail) // len(POSITION_GROUPS)):
            raise ConfigError("the fields of the queue positions must be the last ones, by threes")
        starts = {}
        for group in _SLICE_GROUPS:
            first = groups.index(group) if group in groups else 0
            if num_slices == 0 or groups[first : first + num_slices] != [group] * num_slices:
                raise ConfigError(f"a network needs the fields {group!r}, one a slice, in a row")
            starts[group] = first
        return cls(num_slices, num_global, **starts)

    def num_actions(self, num_fields: int, action: str) -> int:
        """How many actions there are, waiting included.

        Args:
            num_fields: length of an observation.
            action: the form of the action.

        Returns:
            Slices + 1, or queue positions + 1.

        Example:
            >>> from twin_gym.scenario.loading import load
            >>> QueueLayout.of(load("contention")).num_actions(211, "slot")
            65
        """
        if action == "slice":
            return self.num_slices + 1
        return (num_fields - self.num_global) // len(POSITION_GROUPS) + 1
