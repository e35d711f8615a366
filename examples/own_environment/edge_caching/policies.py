"""Classical caching: who makes room for an item that was missed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from edge_caching.actions import ACTION_FORMS
from edge_caching.batch import EdgeCachingBatch
from edge_caching.scenario import CachingScenario
from twin_gym.policies.base import Actions, Masks, Observations
from twin_gym.policies.draws import Draws, evenly


class CachingPolicy(ABC):
    """Names a place after a miss, and nobody's after a hit.

    Args:
        scenario: what the rows run.
        action: only `replace`.
    """

    name: str

    def __init__(self, scenario: CachingScenario, action: str = "replace") -> None:
        layout = ACTION_FORMS[0].layout(scenario)
        self._places = scenario.num_places
        self._ages, self._uses = list(layout.columns("age")), list(layout.columns("uses"))

    def reset(self, seed: int) -> None:  # noqa: B027  most rules remember nothing
        """Begins anew."""

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """One allowed action a row."""
        chosen = self.places(observations)
        return np.where(masks[np.arange(len(masks)), chosen] != 0, chosen, self._places)

    @abstractmethod
    def places(self, observations: Observations) -> NDArray[np.int64]:
        """The place that the missed item is to take, or the number of places for nobody's."""


class RandomPlace(CachingPolicy):
    """Draws a place, or nobody's, all as likely: the zero of every score."""

    name = "random"

    def __init__(self, scenario: CachingScenario, action: str = "replace") -> None:
        super().__init__(scenario, action)
        self._draws = Draws()

    def reset(self, seed: int) -> None:
        """Begins the draws of a seed."""
        self._draws.reset(seed)

    def places(self, observations: Observations) -> NDArray[np.int64]:
        """Row i draws the same whatever the number of rows."""
        allowed = np.ones((len(observations), self._places + 1), np.bool_)
        return evenly(self._draws.next().random(len(observations)), allowed)


class LeastRecentlyUsed(CachingPolicy):
    """LRU: the item that has not been asked for the longest makes room."""

    name = "lru"

    def places(self, observations: Observations) -> NDArray[np.int64]:
        """The oldest one, the first of several."""
        return np.asarray(observations[:, self._ages].argmax(axis=1))


class LeastFrequentlyUsed(CachingPolicy):
    """LFU: the item that was asked for least often makes room."""

    name = "lfu"

    def places(self, observations: Observations) -> NDArray[np.int64]:
        """The least used one, the first of several."""
        return np.asarray(observations[:, self._uses].argmin(axis=1))


class MostPopular(CachingPolicy):
    """Sees which items are the most popular ones and keeps those: an anchor, not a competitor."""

    name = "static"
    _batch: EdgeCachingBatch

    def bind(self, batch: EdgeCachingBatch) -> None:
        """Shows it the rows: items are numbered by popularity, which is hidden from agents."""
        self._batch = batch

    def places(self, observations: Observations) -> NDArray[np.int64]:
        """The least popular item makes room for one that is more popular."""
        cached, wanted = self._batch.state["cached"], self._batch.state["request"]
        worst = cached.argmax(axis=1)
        is_better = wanted < cached[np.arange(len(cached)), worst]
        return np.where(is_better, worst, self._places)


POLICIES = MappingProxyType(
    {one.name: one for one in (RandomPlace, LeastRecentlyUsed, LeastFrequentlyUsed, MostPopular)}
)
DEFAULT_POLICY = "lru"
