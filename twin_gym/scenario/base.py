"""The base of every scenario model: frozen, strict, finite, and errors that say what to do."""

from __future__ import annotations

import difflib
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from twin_gym.errors import ConfigError, shown, without_controls

MAX_TIME_S = 1e8
"""Longest time of any kind, in seconds (about three years)."""

MIN_TIME_S = 1e-9
"""Shortest time of any kind, in seconds."""

MIN_MEAN = 1e-9
"""Smallest mean of the factors or quantiles of a law: they are divided by it."""

MAX_AMOUNT = 1e9
"""Largest amount of a resource."""

AMOUNT_RESOLUTION = 1e-6
"""Amounts are whole multiples of this, so that the simulator can add and subtract them exactly."""

_ROUNDING = 1e-3  # of a step: what a decimal fraction may be off as a float
_MOST_TOLD = 20  # mistakes in one error
_LONGEST_KEY = 100

Name = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$")]
Text = Annotated[str, Field(strict=True, max_length=10_000), AfterValidator(without_controls)]
"""Text for people, without control characters (see `without_controls`)."""
Duration = Annotated[float, Field(strict=True, ge=MIN_TIME_S, le=MAX_TIME_S, allow_inf_nan=False)]
Rate = Annotated[float, Field(strict=True, ge=1e-9, le=1e6, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(strict=True, ge=0, le=1e9, allow_inf_nan=False)]
Probability = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]


class Amounts(Mapping[str, float]):
    """Amounts by resource name: an immutable, hashable mapping that keeps its order.

    Example:
        >>> Amounts({"radio": 20.0, "computing": 8.0})["radio"]
        20.0
    """

    __slots__ = ("_amounts",)

    def __init__(self, amounts: Mapping[str, float]) -> None:
        self._amounts = dict(amounts)

    def __getitem__(self, resource: str) -> float:
        return self._amounts[resource]

    def __iter__(self) -> Iterator[str]:
        return iter(self._amounts)

    def __len__(self) -> int:
        return len(self._amounts)

    def __hash__(self) -> int:
        return hash(frozenset(self._amounts.items()))

    def __repr__(self) -> str:
        return repr(self._amounts)

    def __reduce__(self) -> tuple[type[Amounts], tuple[dict[str, float]]]:
        return Amounts, (self._amounts,)


def _whole_steps(amounts: Mapping[str, float]) -> Amounts:
    for resource, amount in amounts.items():
        steps = amount / AMOUNT_RESOLUTION
        if abs(steps - round(steps)) > _ROUNDING or 0 < steps < 1 - _ROUNDING:
            raise ConfigError(
                f"the amount of {resource!r} must be a multiple of {AMOUNT_RESOLUTION:g}, "
                f"got {amount!r}: round it to six decimals"
            )
    return Amounts(amounts)


def _as_dict(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else value


ResourceAmounts = Annotated[
    Mapping[Name, Annotated[float, Field(strict=True, ge=0, le=MAX_AMOUNT, allow_inf_nan=False)]],
    BeforeValidator(_as_dict),
    AfterValidator(_whole_steps),
    PlainSerializer(dict),
]


def _plain(value: object, place: str) -> object:
    """The value with Python's numbers in the place of NumPy's; models in it see to their own."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, list | tuple):
        kinds = {type(one) for one in value}
        needs = any(issubclass(kind, np.generic | np.ndarray | Mapping) for kind in kinds)
        return [_plain(one, place) for one in value] if needs else value
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ConfigError(f"{place}: keys are text, got {shown(key)}")
        return {key: _plain(one, place) for key, one in value.items()}
    return value


class FrozenModel(BaseModel):
    """A validated value: immutable, unknown keys refused, every error a `ConfigError`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    about_only: ClassVar[frozenset[str]] = frozenset()
    """Fields that tell about the value and do not change what it does: not in the digest."""

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigError(explain(type(self).__name__, error)) from None

    @model_validator(mode="before")
    @classmethod
    def _take_values(cls, values: object) -> object:
        """Refuses unknown keys, and takes NumPy's scalars as the numbers that they are."""
        if not isinstance(values, Mapping):
            return values
        for key in values:
            if key not in cls.model_fields:
                asked = key[:_LONGEST_KEY] if isinstance(key, str) else shown(key)
                near = difflib.get_close_matches(asked, cls.model_fields, n=1)
                hint = f"did you mean {near[0]!r}?" if near else "remove it"
                known = ", ".join(cls.model_fields)
                raise ConfigError(
                    f"{cls.__name__} has no field {shown(key)}: {hint} (its fields are {known})"
                )
        return {key: _plain(value, f"{cls.__name__}.{key}") for key, value in values.items()}

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that name what this value does (not how it is called)."""
        canonical = json.dumps(
            self._content(), sort_keys=True, separators=(",", ":"), allow_nan=False
        )
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def _content(self) -> dict[str, Any]:
        """The values that the digest covers."""
        return self.model_dump(mode="json", exclude=set(self.about_only))

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, validated as if built anew.

        Args:
            changes: the new values by field name.

        Returns:
            A new instance of the same class.

        Raises:
            ConfigError: if a name is unknown or a value not allowed.
        """
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self)(**(values | changes))


class Scenario(FrozenModel):
    """The base class of scenarios of every kind.

    Attributes:
        kind: what TOML files call this kind of scenario.
        name: how tables and errors call it.
        horizon_s: length of an episode in simulated seconds.
        description: one sentence for lists.
        provenance: where the numbers come from.
    """

    kind: ClassVar[str]
    about_only: ClassVar[frozenset[str]] = frozenset({"name", "description", "provenance"})

    name: Name
    horizon_s: Duration
    description: Text = ""
    provenance: Text = ""

    def as_values(self) -> dict[str, Any]:
        """Plain values that JSON holds: `from_values` makes an equal scenario of them."""
        return {"kind": self.kind, **self.model_dump(mode="json")}

    @property
    def time_unit_s(self) -> float:
        """The time in which what is decided shows: learners count credit in it."""
        raise NotImplementedError(f"{type(self).__name__} says no time unit")


def explain(model_name: str, error: ValidationError) -> str:
    """One sentence for each mistake: which field, what is wrong, what it was.

    Args:
        model_name: the class whose construction failed.
        error: what pydantic found.

    Returns:
        The message for the `ConfigError`.
    """
    mistakes = error.errors(include_url=False)
    above = {mistake["loc"][:depth] for mistake in mistakes for depth in range(len(mistake["loc"]))}
    parts: list[str] = []
    for mistake in mistakes:
        place = mistake["loc"]
        if mistake["type"] == "too_short" and place in above:
            continue  # its items were refused one by one: it is not really too short
        if len(parts) == _MOST_TOLD:
            parts.append(f"and so on: {len(mistakes)} mistakes in all")
            break
        where = "".join(f".{part:.{_LONGEST_KEY}}" for part in map(str, place))
        what = _sentence(mistake)
        parts.append(what if what.startswith(model_name) else f"{model_name}{where}: {what}")
    return "; ".join(parts)


def _sentence(mistake: ErrorDetails) -> str:
    """The message of a validation error: what is wrong and what is allowed."""
    kind, given = mistake["type"], mistake["input"]
    got = f", got {shown(given)}"
    if kind == "value_error":
        return mistake["msg"].removeprefix("Value error, ")
    if kind == "missing":
        return "is missing: give it a value"
    if kind == "string_pattern_mismatch":
        return "must be a letter, then at most 63 letters, digits, `_`, `.` or `-`" + got
    if kind == "union_tag_not_found":
        return "must name its `law`" + got
    if kind == "union_tag_invalid":
        return f"`law` must be one of {mistake['ctx']['expected_tags']}{got}"
    if kind in ("too_short", "too_long"):
        limits = mistake["ctx"]
        bound = (
            f"at least {limits['min_length']}"
            if kind == "too_short"
            else f"at most {limits['max_length']}"
        )
        return f"must hold {bound}, got {limits['actual_length']}"
    quotes = ": write it without quotes" if kind.endswith("_type") and _is_number(given) else ""
    return mistake["msg"].replace("Input should be", "must be") + got + quotes


def _is_number(given: object) -> bool:
    try:
        return isinstance(given, str) and math.isfinite(float(given))
    except ValueError:
        return False
