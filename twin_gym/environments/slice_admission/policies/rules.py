"""Rules that an operator runs by default: they look at who waits, never at what may come."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.slice_admission.observation import ActionName
from twin_gym.environments.slice_admission.policies.decoding import Decoder
from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.policies.base import Actions, Masks, Observations
from twin_gym.policies.draws import Draws, evenly

Chosen = NDArray[np.int64]
Admissible = NDArray[np.bool_]


class SlicePolicy(ABC):
    """A policy that decides by slice, in either form of the action.

    Args:
        scenario: what the rows run; the policy is for this one alone.
        action: `slice`, or `slot`, where the oldest request of the chosen slice is admitted.

    Raises:
        ConfigError: if there is no such form of action.
    """

    name: str

    def __init__(self, scenario: AdmissionScenario, action: ActionName = "slice") -> None:
        self.decoder = Decoder(scenario, action)

    def reset(self, seed: int) -> None:  # noqa: B027  most rules remember nothing
        """Resets the policy."""

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """One allowed action a row.

        Args:
            observations: shape (rows, fields).
            masks: 1 = allowed; shape (rows, actions).

        Returns:
            Whole numbers; shape (rows,).

        Raises:
            ConfigError: if the arrays are those of another scenario or form of action.
        """
        self.decoder.check(observations, masks)
        chosen = self.choose(observations, self.decoder.admissible(masks))
        return self.decoder.to_actions(chosen)

    @abstractmethod
    def choose(self, observations: Observations, admissible: Admissible) -> Chosen:
        """The slice whose oldest request is admitted, or the number of slices to wait.

        Args:
            observations: shape (rows, fields).
            admissible: whether a request of a slice waits and fits; shape (rows, slices).

        Returns:
            Shape (rows,).
        """


class RandomPolicy(SlicePolicy):
    """Draws evenly from what is allowed: the slices of which a request waits and fits, or waiting.

    It is the zero of every score. Row i draws the same whatever the number of rows.
    """

    name = "random"

    def __init__(self, scenario: AdmissionScenario, action: ActionName = "slice") -> None:
        super().__init__(scenario, action)
        self._draws = Draws()

    def reset(self, seed: int) -> None:
        """Seeds the draws."""
        self._draws.reset(seed)

    def choose(self, observations: Observations, admissible: Admissible) -> Chosen:
        """An admissible slice, or the number of slices to wait, each with the same chance."""
        return evenly(self._draws.next().random(len(admissible)), admissible, or_none=True)


class FifoPolicy(SlicePolicy):
    """Admits the request that has waited longest of those that fit; among equals the first slice.

    A large request that does not fit does not keep smaller ones waiting.
    """

    name = "fifo"

    def choose(self, observations: Observations, admissible: Admissible) -> Chosen:
        """The slice of the oldest request that fits."""
        ages = np.where(admissible, self.decoder.ages_s(observations), -np.inf)
        return np.where(admissible.any(axis=1), ages.argmax(axis=1), self.decoder.num_slices)


class _OrderPolicy(SlicePolicy, ABC):
    """Admits by a fixed order of the slices."""

    def __init__(self, scenario: AdmissionScenario, action: ActionName = "slice") -> None:
        super().__init__(scenario, action)
        self._order = best_last([self._merit_of(scenario, one) for one in scenario.slices])

    @staticmethod
    @abstractmethod
    def _merit_of(scenario: AdmissionScenario, one: Slice) -> float: ...

    def choose(self, observations: Observations, admissible: Admissible) -> Chosen:
        """The best slice of which a request fits; among equals the first."""
        return best_of(admissible, self._order)


class DensityPolicy(_OrderPolicy):
    """Admits what earns most in a second of service for its share of the dominant resource.

    See `revenue_density`. It never leaves room that something waiting would fill.
    """

    name = "density"

    @staticmethod
    def _merit_of(scenario: AdmissionScenario, one: Slice) -> float:
        return revenue_density(scenario, one)


class MaxRevenuePolicy(_OrderPolicy):
    """Admits what pays most, however long it stays and however much it holds."""

    name = "max-revenue"

    @staticmethod
    def _merit_of(scenario: AdmissionScenario, one: Slice) -> float:
        return one.revenue


def revenue_density(scenario: AdmissionScenario, one: Slice) -> float:
    """Revenue over mean holding time, over the largest share of a capacity that a request holds.

    Args:
        scenario: has the capacities.
        one: the slice.

    Returns:
        Money a second for the whole of the dominant resource.

    Example:
        >>> from twin_gym.scenario.loading import load
        >>> contention = load("contention")
        >>> [round(revenue_density(contention, one), 1) for one in contention.slices]
        [20.0, 37.5, 25.0, 5.6]
    """
    shares = (one.demand.get(name, 0.0) / amount for name, amount in scenario.capacity.items())
    return one.revenue / one.mean_holding_time_s / max(shares)


def best_last(merits: Sequence[float]) -> tuple[int, ...]:
    """The slices from the least to the greatest merit; of equals the first stands last."""
    return tuple(sorted(range(len(merits)), key=lambda s: (merits[s], -s)))


def best_of(candidates: Admissible, order: Sequence[int]) -> Chosen:
    """The last slice in the order that is a candidate, or the number of slices if none is.

    Args:
        candidates: shape (rows, slices).
        order: as `best_last` gives it.

    Returns:
        Shape (rows,).
    """
    chosen = np.full(len(candidates), candidates.shape[1], np.int64)
    for s in order:
        np.copyto(chosen, s, where=candidates[:, s])
    return chosen
