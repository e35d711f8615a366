"""The parameters of a scenario that generators may vary, and their coordinates.

A parameter is a value of a scenario, named by its path, with a scale on which equal differences
mean about the same everywhere: logarithmic for rates and counts, logistic for shares. Every point
in coordinates is a valid scenario within the parameters' ranges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError
from twin_gym.scenario import Scenario
from twin_gym.scenario.base import MAX_TIME_S, MIN_TIME_S
from twin_gym.scenario.changes import changed, value_at

Scale = Literal["log", "log1p", "logit"]
Coordinates = NDArray[np.float64]

_LEAST_SHARE = 1e-4
_DIGITS = 12  # of a value: what was a decimal fraction is one again
RATES_HZ = (1e-9, 1e6)
TIMES_S = (MIN_TIME_S, MAX_TIME_S)


@dataclass(frozen=True)
class Parameter:
    """A value of a scenario that generators may vary.

    Attributes:
        path: path in the scenario (see `twin_gym.scenario.changes`).
        scale: scale of its coordinate.
        low: least allowed value.
        high: greatest allowed value.
        is_whole: whether it is an integer.
    """

    path: str
    scale: Scale
    low: float
    high: float
    is_whole: bool = False

    def coordinate(self, value: float) -> float:
        """The coordinate of a value."""
        inside = min(max(float(value), self.low), self.high)
        if self.scale == "log":
            return float(np.log(inside))
        if self.scale == "log1p":
            return float(np.log1p(inside))
        inside = min(max(inside, _LEAST_SHARE), 1.0 - _LEAST_SHARE)
        return float(np.log(inside / (1.0 - inside)))

    def value(self, coordinate: float) -> float | int:
        """The allowed value nearest to a coordinate."""
        clipped = float(np.clip(coordinate, -60.0, 60.0))
        if self.scale == "log":
            value = float(np.exp(clipped))
        elif self.scale == "log1p":
            value = float(np.expm1(clipped))
        else:
            value = float(1.0 / (1.0 + np.exp(-clipped)))
        value = min(max(float(f"{value:.{_DIGITS}g}"), self.low), self.high)
        return round(value) if self.is_whole else value


@dataclass(frozen=True)
class ParameterSpace:
    """Parameters that vary, and the base scenario that gives all other values.

    Attributes:
        base: the base scenario.
        parameters: the parameters, in the order of coordinates.

    Example:
        >>> from twin_gym.scenario.loading import load
        >>> space = ParameterSpace.of(load("contention"))
        >>> point = space.coordinates(space.base)
        >>> space.scenario(point, name="same").digest == space.base.digest
        True
    """

    base: Scenario
    parameters: tuple[Parameter, ...]

    def __post_init__(self) -> None:
        """Checks that there are parameters, each once."""
        paths = self.paths
        if not paths or len(set(paths)) != len(paths):
            raise ConfigError(f"a space needs parameters, each once, got {list(paths)}")
        for path in paths:
            value_at(self.base, path)

    @classmethod
    def of(cls, base: Scenario, paths: Sequence[str] | None = None) -> ParameterSpace:
        """The default parameters of a kind of scenario, or some of them.

        Args:
            base: a scenario of any kind.
            paths: paths of the parameters that may vary; None: all of `parameters_of`.

        Returns:
            The space.

        Raises:
            ConfigError: if a path is not a default parameter.
        """
        usual = {one.path: one for one in parameters_of(base)}
        chosen = list(usual) if paths is None else list(paths)
        unknown = [path for path in chosen if path not in usual]
        if unknown:
            raise ConfigError(f"no parameter {unknown}; there are {', '.join(usual)}")
        return cls(base, tuple(usual[path] for path in chosen))

    @property
    def paths(self) -> tuple[str, ...]:
        """Paths of the parameters, in order."""
        return tuple(one.path for one in self.parameters)

    def coordinates(self, scenario: Scenario) -> Coordinates:
        """The coordinates of a scenario; shape (parameters,)."""
        values = [float(value_at(scenario, path)) for path in self.paths]
        return self.coordinates_of(np.array(values))

    def coordinates_of(self, values: NDArray[np.float64]) -> Coordinates:
        """The coordinates of values; shape (..., parameters), as the argument."""
        flat = np.atleast_2d(values)
        found = np.array(
            [
                [one.coordinate(x) for one, x in zip(self.parameters, row, strict=True)]
                for row in flat
            ]
        )
        return found.reshape(values.shape)

    def values(self, point: Coordinates) -> dict[str, float | int]:
        """The allowed values nearest to a point, by path."""
        return {
            one.path: one.value(float(x)) for one, x in zip(self.parameters, point, strict=True)
        }

    def scenario(self, point: Coordinates, *, name: str, provenance: str = "") -> Scenario:
        """The scenario at a point.

        Args:
            point: shape (parameters,).
            name: name of the scenario.
            provenance: its origin.

        Returns:
            A valid scenario of the same kind as the base.

        Raises:
            ConfigError: if the point is not finite, or the values are inconsistent.
        """
        if not np.isfinite(point).all():
            raise ConfigError(f"a point has finite coordinates, got {point.tolist()}")
        about = {"name": name, "provenance": provenance}
        return changed(self.base, self.values(point) | about)


def parameters_of(base: Scenario) -> tuple[Parameter, ...]:
    """The parameters that generators may vary in scenarios of this kind.

    Args:
        base: its slices or groups determine the number of parameters.

    Returns:
        The parameters in order: rates and loads, then times, then sizes.

    Raises:
        ConfigError: if nothing can vary (everything is replayed), or the kind lists no parameters.
    """
    kind = kind_named(base.kind)
    listed: Callable[[Any], list[Parameter]] | None = kind.facet("parameters")
    if listed is None:
        raise ConfigError(
            f"scenarios of the kind {kind.name!r} list no parameters for generators: write "
            f" {kind.to_write('parameters')}"
        )
    found = listed(base)
    if not found:
        raise ConfigError(f"{base.name!r} has no parameters that a generator could vary")
    return tuple(found)
