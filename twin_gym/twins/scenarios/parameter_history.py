"""Generator inputs: past parameter windows and the current state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError
from twin_gym.scenario import Scenario
from twin_gym.twins.scenarios.parameters import Coordinates, ParameterSpace

MIN_WINDOWS = 4


@dataclass(frozen=True)
class ParameterHistory:
    """The parameters of a network in successive windows of time: {G_(t-m), ..., G_(t-1)}.

    Attributes:
        space: the parameters, one for each column.
        points: coordinates, oldest window first; shape (windows, parameters).
        source: number and origin of the windows, in one line.
    """

    space: ParameterSpace
    points: NDArray[np.float64]
    source: str

    def __post_init__(self) -> None:
        """Checks shape, length and values."""
        width = len(self.space.parameters)
        if self.points.shape != (len(self.points), width):
            raise ConfigError(
                f"a history has one column for each parameter ({width}), got {self.points.shape}"
            )
        if len(self.points) < MIN_WINDOWS:
            raise ConfigError(
                f"a history needs {MIN_WINDOWS} windows at least, got {len(self.points)}: watch "
                "the network for longer, or in shorter windows"
            )
        if not np.isfinite(self.points).all():
            row, column = np.argwhere(~np.isfinite(self.points))[0]
            raise ConfigError(
                f"window {row} has no finite value of {self.space.paths[column]}: leave out the "
                "window or the parameter"
            )

    @classmethod
    def of_scenarios(
        cls, space: ParameterSpace, scenarios: Sequence[Scenario], source: str = ""
    ) -> ParameterHistory:
        """A history of known networks, one for each window."""
        origin = source or f"{len(scenarios)} windows that are known"
        return cls(space, np.array([space.coordinates(one) for one in scenarios]), origin)

    def last(self, num_windows: int) -> ParameterHistory:
        """A history of only the most recent windows."""
        if num_windows >= len(self.points):
            return self
        origin = f"the last {num_windows} of {self.source}"
        return ParameterHistory(self.space, self.points[-num_windows:], origin)


@dataclass(frozen=True)
class CurrentState:
    """Estimated parameters of the current window, as the real-time twin knows them.

    Attributes:
        space: the parameters, one for each entry.
        point: coordinates; NaN where nothing is known. Shape (parameters,).
        ages: age of each value in windows. Shape (parameters,).
    """

    space: ParameterSpace
    point: Coordinates
    ages: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Checks lengths and ages."""
        shape = (len(self.space.parameters),)
        if self.point.shape != shape or self.ages.shape != shape:
            raise ConfigError(
                f"one value and one age a parameter ({shape[0]}) are needed, got "
                f"{self.point.shape} and {self.ages.shape}"
            )
        if np.isinf(self.point).any() or not (self.ages >= 0.0).all():
            raise ConfigError("values are finite or not a number, and ages 0 or more")

    @classmethod
    def of_scenario(cls, space: ParameterSpace, scenario: Scenario) -> CurrentState:
        """The state of a network whose parameters are all known exactly."""
        return cls(space, space.coordinates(scenario), np.zeros(len(space.parameters)))

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Whether each parameter has a value; shape (parameters,)."""
        return np.isfinite(self.point)
