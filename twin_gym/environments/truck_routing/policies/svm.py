"""Support vector machines that say which bins need emptying, and which of them comes next.

Both see what is independent of the scenario (shares, times), so that one machine serves all
scenarios. They are fitted in `svm_fitting` and kept as numbers in `svm.json`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.truck_routing.actions import ActionName
from twin_gym.environments.truck_routing.policies.decisions import Decisions, TruckPolicy
from twin_gym.environments.truck_routing.policies.rules import least
from twin_gym.environments.truck_routing.scenario import DAY_S, TruckScenario
from twin_gym.errors import ConfigError

Floats = NDArray[np.float64]

FILL_FEATURES = ("reading", "predicted", "age", "daily_fill", "shift")
"""What tells of a bin: see `fill_features`."""

ROUTE_FEATURES = (
    "travel", "travel_squared", "is_nearest", "return", "predicted", "predicted_squared", "urgency",
    "is_most_urgent", "urgency_a_minute", "age", "daily_fill", "fill_in_load",
)  # fmt: skip
"""What tells of a bin as the next stop: see `route_features`."""

_MOST_DAYS, _NEAR_S, _STOP = 3.0, 600.0, 0.3
_DAYS_AHEAD, _STEEPNESS = 1.2, 6.0


@dataclass(frozen=True)
class FillMachine:
    """Support vectors with a Gaussian kernel: f(x) = sum_i w_i exp(-g |z - s_i|^2) + b.

    Attributes:
        mean: of the features; z = (x - mean) / scale.
        scale: their standard deviations, above 0.
        gamma: g.
        intercept: b.
        weights: w, one a support vector.
        vectors: s, likewise.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    gamma: float
    intercept: float
    weights: tuple[float, ...]
    vectors: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        vectors = np.array(self.vectors)
        if min(self.scale, default=0.0) <= 0.0:
            raise ConfigError(f"every scale of a feature must be above 0, got {self.scale}")
        wanted = (len(self.weights), len(FILL_FEATURES))
        _check_numbers(self.mean, self.scale, self.weights, vectors, (self.gamma, self.intercept))
        if vectors.shape != wanted or {len(self.mean), len(self.scale)} != {len(FILL_FEATURES)}:
            raise ConfigError(
                f"support vectors must have the features {', '.join(FILL_FEATURES)} and a weight "
                f"each, got {vectors.shape} numbers and {len(self.weights)} weights"
            )

    def scores(self, features: Floats) -> Floats:
        """Above 0: needs emptying.

        Args:
            features: shape (..., features).

        Returns:
            Shape (...).
        """
        vectors, z = np.array(self.vectors), (features - self.mean) / np.array(self.scale)
        squares = (z**2).sum(axis=-1)[..., None] + (vectors**2).sum(axis=1)
        squares -= 2.0 * (z @ vectors.T)
        scores: Floats = np.exp(-self.gamma * squares) @ np.array(self.weights) + self.intercept
        return scores


@dataclass(frozen=True)
class RouteMachine:
    """A linear ranking: the next stop is the bin of the greatest weighted sum.

    Attributes:
        weights: of `ROUTE_FEATURES`.
    """

    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        _check_numbers(self.weights)
        if len(self.weights) != len(ROUTE_FEATURES):
            raise ConfigError(
                f"a ranking has {len(ROUTE_FEATURES)} weights, got {len(self.weights)}"
            )

    def scores(self, features: Floats) -> Floats:
        """The greater, the earlier.

        Args:
            features: shape (..., features).

        Returns:
            Shape (...).
        """
        scores: Floats = features @ np.array(self.weights)
        return scores


def _check_numbers(*values: Any) -> None:
    for one in values:
        if not np.isfinite(np.asarray(one, np.float64)).all():
            raise ConfigError("a machine has a number that is not finite")


def to_json(machine: FillMachine | RouteMachine) -> dict[str, Any]:
    """The numbers of a machine, as `fill_machine` and `route_machine` take them back."""
    return asdict(machine)


def fill_machine(numbers: dict[str, Any]) -> FillMachine:
    """The machine of some numbers.

    Raises:
        ConfigError: if they are not those of such a machine.
    """
    try:
        vectors = tuple(tuple(float(x) for x in one) for one in numbers["vectors"])
        mean, scale, weights = (
            tuple(float(x) for x in numbers[name]) for name in ("mean", "scale", "weights")
        )
        gamma, intercept = float(numbers["gamma"]), float(numbers["intercept"])
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"these are not the numbers of a support vector machine: {error}"
        ) from error
    return FillMachine(mean, scale, gamma, intercept, weights, vectors)


def route_machine(numbers: dict[str, Any]) -> RouteMachine:
    """The ranking of some numbers.

    Raises:
        ConfigError: if they are not those of a ranking.
    """
    try:
        return RouteMachine(tuple(float(x) for x in numbers["weights"]))
    except (KeyError, TypeError) as error:
        raise ConfigError(f"these are not the numbers of a ranking: {error}") from error


@cache
def fitted() -> dict[str, Any]:
    """The numbers that come with the package, and how they were found."""
    folder = resources.files("twin_gym.environments.truck_routing.policies")
    numbers: dict[str, Any] = json.loads((folder / "svm.json").read_text("utf-8"))
    return numbers


def fill_features(seen: Decisions) -> Floats:
    """What tells whether a bin needs emptying: `FILL_FEATURES`.

    Last reading and predicted fill as shares, age of the reading in days (at most 3), capacities
    thrown in a day, and days until the end of this shift.

    Returns:
        Shape (rows, choices, features).
    """
    shift = np.broadcast_to((seen.shift_left_s / DAY_S)[:, None], seen.predicted.shape)
    age = np.minimum(seen.age_s / DAY_S, _MOST_DAYS)
    columns = (seen.reading, seen.predicted, age, seen.daily_fill, shift)
    return np.stack(columns, axis=-1)


def route_features(seen: Decisions) -> Floats:
    """What tells how good a bin is as the next stop: `ROUTE_FEATURES`.

    Driving times are in units of ten minutes.

    Returns:
        Shape (rows, choices, features).
    """
    travel, back, fill, urgent = (
        seen.travel_s / _NEAR_S, seen.return_s / _NEAR_S, seen.predicted, urgency(seen)
    )  # fmt: skip
    nearest = np.where(seen.allowed, travel, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    most = np.where(seen.allowed, urgent, 0.0).max(axis=1, keepdims=True, initial=0.0)
    columns = (
        travel, travel**2, travel <= nearest, back, fill, fill**2, urgent, urgent >= most,
        urgent / (travel + _STOP), np.minimum(seen.age_s / DAY_S, _MOST_DAYS), seen.daily_fill,
        fill * seen.load[:, None],
    )  # fmt: skip
    return np.stack([np.asarray(one, np.float64) for one in columns], axis=-1)


def urgency(seen: Decisions) -> Floats:
    """About the chance that a bin overflows before the next shift is well under way.

    A logistic curve of what it is expected to hold then; shape (rows, choices).
    """
    expected = seen.predicted + _DAYS_AHEAD * seen.daily_fill
    chance: Floats = 1.0 / (1.0 + np.exp(-_STEEPNESS * (expected - 1.0)))
    return chance


class FillMachinePolicy(TruckPolicy):
    """The nearest bin that a support vector machine says needs emptying before the next shift.

    The machine was fitted where deposits are of 5 l; where they are much larger it comes too late.

    Args:
        scenario: what the rows run.
        action: `pick` or `nearest`.
        machine: another one than comes with the package.
    """

    name = "svm-fill"

    def __init__(
        self, scenario: TruckScenario, action: ActionName = "pick", *,
        machine: FillMachine | None = None,
    ) -> None:  # fmt: skip
        super().__init__(scenario, action)
        self._machine = machine or fill_machine(fitted()["fill"])

    def choose(self, seen: Decisions) -> NDArray[np.int64]:
        """By travel time."""
        return least(seen.travel_s, self.due(seen))

    def due(self, seen: Decisions) -> NDArray[np.bool_]:
        """Allowed choices that need emptying; shape (rows, choices)."""
        return seen.allowed & (self._machine.scores(fill_features(seen)) > 0.0)


class RouteMachinePolicy(FillMachinePolicy):
    """Of the bins that need emptying, the one that a ranking puts first, which imitates planners.

    Args:
        scenario: what the rows run.
        action: `pick` or `nearest`.
        machine: tells which bins need emptying; None: the one that comes with the package.
        ranking: tells which of them comes next; None: likewise.
    """

    name = "svm-route"

    def __init__(
        self, scenario: TruckScenario, action: ActionName = "pick", *,
        machine: FillMachine | None = None, ranking: RouteMachine | None = None,
    ) -> None:  # fmt: skip
        super().__init__(scenario, action, machine=machine)
        self._ranking = ranking or route_machine(fitted()["route"])

    def choose(self, seen: Decisions) -> NDArray[np.int64]:
        """By rank."""
        return least(-self._ranking.scores(route_features(seen)), self.due(seen))
