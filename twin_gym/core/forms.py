"""Layouts of observations and forms of actions as values: no offset is written elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from twin_gym.errors import unknown_name

Names = tuple[str, ...]
UnitBox: TypeAlias = "spaces.Box[np.float32]"

LEAST_AMOUNT, MOST_AMOUNT = 0.0, 1.0
"""Between these lies every entry of a continuous action."""

NOBODY = "nobody"
"""Name of the action that leaves a grant or a slot unused."""


@dataclass(frozen=True)
class Field:
    """A group of observed values.

    Attributes:
        name: group name; the full name of a value is `name/key` where there are several.
        per: what there is one value for, such as `slice`; `network` where there is one.
        meaning: what 0 and 1 stand for.
    """

    name: str
    per: str
    meaning: str


def full_names(fields: Iterable[Field], keys: Mapping[str, Iterable[Any]]) -> Names:
    """The full name of every observed value, in order.

    Args:
        fields: the groups.
        keys: by `per` of the fields, what there is one value for; others have one value.

    Example:
        >>> full_names([Field("age", "entity", "in slots")], {"entity": ("a", "b")})
        ('age/a', 'age/b')
    """
    names: list[str] = []
    for field in fields:
        several = field.per in keys
        names += [f"{field.name}/{k}" for k in keys[field.per]] if several else [field.name]
    return tuple(names)


def field_rows(fields: Iterable[Field]) -> str:
    r"""Rows of a Markdown table of fields, indented as docstrings of classes are.

    A pipe sign in a formula is escaped: it ends no cell.

    Example:
        >>> print(field_rows([Field("change", "entity", "c / (|c| + 1)")]))
        | `change` | entity | c / (\|c\| + 1) |
    """
    parts = ((f"`{one.name}`", one.per, one.meaning.replace("|", "\\|")) for one in fields)
    return "\n    ".join(f"| {' | '.join(part)} |" for part in parts)


@dataclass(frozen=True)
class ObservationLayout:
    """The fields of an observation in order; `fill/sensor 3` belongs to the group `fill`.

    Attributes:
        names: one an entry.
    """

    names: Names

    def columns(self, group: str) -> tuple[int, ...]:
        """Where the fields of a group stand.

        Args:
            group: what stands before the first `/` of a name, or the whole name.

        Returns:
            Places in order, one at least.

        Raises:
            UnknownNameError: if there is no such group.

        Example:
            >>> ObservationLayout(("fill/a", "fill/b", "time")).columns("fill")
            (0, 1)
        """
        groups = [name.partition("/")[0] for name in self.names]
        if group not in groups:
            raise unknown_name("group of fields", group, dict.fromkeys(groups))
        return tuple(place for place, one in enumerate(groups) if one == group)

    def span(self, group: str) -> slice:
        """The columns of a group as a slice, which takes a view; its fields follow one another.

        Raises:
            UnknownNameError: if there is no such group.

        Example:
            >>> ObservationLayout(("fill/a", "fill/b", "time")).span("fill")
            slice(0, 2, None)
        """
        columns = self.columns(group)
        return slice(columns[0], columns[-1] + 1)


@dataclass(frozen=True)
class ActionForm:
    """A form of the action of an environment.

    Attributes:
        name: as the argument `action` takes it.
        field_names: of a scenario, the names of what is seen.
        action_names: of a scenario, one a discrete action or one an entry of a continuous one;
            empty where the fields tell how many actions there are.
        is_continuous: whether actions are in a `Box` of numbers from 0 to 1, without a mask.
        is_masked: whether some of the discrete actions may not be taken now and then.
        mask_group: group of fields above 0 where an action is allowed, one an action but the last,
            or one for all of them; None: not shown.
        candidate_groups: groups of fields of the candidates that a shared network scores, each with
            one field a candidate, or one for several candidates that follow one another.
        common_groups: groups of fields that the shared network sees beside each candidate.
        classes: of a scenario, names of the classes in which actions are counted together, and by
            action the number of its class; None: each is its own.
        by_position: whether an action names a place of a queue (see `SlotNetwork`).
    """

    name: str
    field_names: Callable[[Any], Names]
    action_names: Callable[[Any], Names]
    is_continuous: bool = False
    is_masked: bool = False
    mask_group: str | None = None
    candidate_groups: tuple[str, ...] = ()
    common_groups: tuple[str, ...] = ()
    classes: Callable[[Any], tuple[Names, NDArray[np.int64]]] | None = None
    by_position: bool = False

    def layout(self, scenario: Any) -> ObservationLayout:  # noqa: ANN401 - one model a kind
        """The observation in a scenario."""
        return ObservationLayout(tuple(self.field_names(scenario)))

    def observation_space(self, scenario: Any) -> UnitBox:  # noqa: ANN401
        """The unit box with one entry a field."""
        box: Any = spaces.Box(0.0, 1.0, (len(self.field_names(scenario)),), np.float32)
        unit_box: UnitBox = box
        return unit_box

    def mask_columns(self, scenario: Any) -> tuple[int, ...] | None:  # noqa: ANN401
        """Fields above 0 where an action is allowed, for all actions but the last.

        None where it is not shown.
        """
        if self.mask_group is None:
            return None
        columns = self.layout(scenario).columns(self.mask_group)
        num_choices = len(self.action_names(scenario)) - 1
        return columns * num_choices if len(columns) == 1 < num_choices else columns

    def candidate_columns(self, scenario: Any) -> tuple[tuple[int, ...], ...]:  # noqa: ANN401
        """Fields of each candidate of a shared network, in the order of the groups."""
        return self.candidate_columns_in(
            self.layout(scenario), len(self.action_names(scenario)) - 1
        )

    def candidate_columns_in(
        self, layout: ObservationLayout, num_candidates: int
    ) -> tuple[tuple[int, ...], ...]:
        """The same, where fields and number of candidates are known and the scenario is not."""
        groups = [layout.columns(group) for group in self.candidate_groups]
        return tuple(
            tuple(columns[k * len(columns) // num_candidates] for columns in groups)
            for k in range(num_candidates)
        )

    def common_columns(self, scenario: Any) -> tuple[int, ...]:  # noqa: ANN401
        """Fields that a shared network sees beside each candidate."""
        return self.common_columns_in(self.layout(scenario))

    def common_columns_in(self, layout: ObservationLayout) -> tuple[int, ...]:
        """The same, where the fields are known and the scenario is not."""
        return tuple(place for group in self.common_groups for place in layout.columns(group))


def form_names(forms: Sequence[ActionForm]) -> Names:
    """Names of forms, the default first."""
    return tuple(one.name for one in forms)


def form_named(forms: Sequence[ActionForm], name: str) -> ActionForm:
    """The form with a name.

    Raises:
        UnknownNameError: if there is none; the message has the nearest name.
    """
    for one in forms:
        if one.name == name:
            return one
    raise unknown_name("form of action", str(name), form_names(forms))
