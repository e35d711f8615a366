"""The protocol of scenario generators, and the base class of those that draw points."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from twin_gym.errors import ConfigError, TwinGymError
from twin_gym.scenario import Scenario
from twin_gym.twins.scenarios.criteria import Criteria
from twin_gym.twins.scenarios.parameter_history import CurrentState, ParameterHistory
from twin_gym.twins.scenarios.parameters import Coordinates

MAX_COUNT = 100_000
_TRIES_A_SCENARIO = 20


class GenerationError(TwinGymError):
    """A generator could not produce the requested scenarios; the message gives the reasons."""


class Generator(Protocol):
    """Generates possible future networks from the history and the current state.

    Attributes:
        name: name in provenances and tables.
    """

    name: str

    def generate(
        self,
        criteria: Criteria,
        history: ParameterHistory,
        realtime: CurrentState | None,
        count: int,
        rng: np.random.Generator,
    ) -> list[Scenario]:
        """Generates scenario twins.

        Args:
            criteria: requirements on the scenarios.
            history: parameters in past windows.
            realtime: the current state, or None.
            count: number of scenarios.
            rng: source of randomness.

        Returns:
            `count` valid scenarios, each with its provenance.

        Raises:
            ConfigError: if the count is out of range, or a required input is missing.
            GenerationError: if too few of the drawn scenarios are valid.
        """
        ...


class PointGenerator:
    """Base class of generators that draw points of the parameter space.

    Points become scenarios; invalid ones are drawn again.

    Attributes:
        name: name of the generator.
    """

    name: str

    def draw(
        self,
        criteria: Criteria,
        history: ParameterHistory,
        realtime: CurrentState | None,
        count: int,
        rng: np.random.Generator,
    ) -> Coordinates:
        """Draws coordinates of possible next networks; shape (count, parameters)."""
        raise NotImplementedError

    def generate(
        self,
        criteria: Criteria,
        history: ParameterHistory,
        realtime: CurrentState | None,
        count: int,
        rng: np.random.Generator,
    ) -> list[Scenario]:
        """See `Generator`."""
        if not 1 <= count <= MAX_COUNT:
            raise ConfigError(f"1 to {MAX_COUNT:,} scenarios are generated at once, got {count}")
        if realtime is not None and realtime.space != history.space:
            raise ConfigError("history and current state must have the same parameters")
        made: list[Scenario] = []
        reasons: list[str] = []
        low, high = criteria.bounds(history.space)
        while len(made) < count and len(reasons) < _TRIES_A_SCENARIO * count:
            missing = count - len(made)
            points = self.draw(criteria, history, realtime, missing, rng)
            for point in np.clip(points, low, high):
                try:
                    made.append(self._scenario(criteria, history, point, len(made)))
                except ConfigError as error:
                    reasons.append(str(error))
        if len(made) < count:
            raise GenerationError(
                f"{self.name} made {len(made)} valid scenarios of {count} and {len(reasons)} that "
                f"are not; the last reason: {reasons[-1]}"
            )
        return made

    def _scenario(
        self, criteria: Criteria, history: ParameterHistory, point: Coordinates, index: int
    ) -> Scenario:
        base = history.space.base
        provenance = (
            f"Scenario twin {index} of {base.name!r} ({base.digest}) by the generator "
            f"{self.name!r}, from {history.source}; prioritised: "
            f"{', '.join(sorted(criteria.objective.prioritised)) or 'nothing'}."
        )
        return history.space.scenario(point, name=f"{criteria.name}-{index}", provenance=provenance)
