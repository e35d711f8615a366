"""Policies of synchronisation that are given fewer updates than slots."""

from __future__ import annotations

import numpy as np

from twin_gym.policies import Policy
from twin_gym.policies.base import Actions, Masks, Observations

BASE = "round robin"


class Thinned:
    """A policy that may send in a share of the slots, evenly spaced, and nobody in the others.

    Args:
        policy: whose choices are entities, or their number for nobody.
        share: of the slots; in (0, 1].
        nobody: the action that sends nothing.
    """

    def __init__(self, policy: Policy, share: float, nobody: int) -> None:
        self.name = policy.name
        self._policy, self._share, self._nobody = policy, share, nobody
        self._slots = 0

    def reset(self, seed: int) -> None:
        """Begins anew."""
        self._policy.reset(seed)
        self._slots = 0

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """The policy's choices in every slot in which the count of updates may rise."""
        before, self._slots = self._slots, self._slots + 1
        if np.floor(self._slots * self._share) > np.floor(before * self._share):
            return self._policy.actions(observations, masks)
        return np.full(len(observations), self._nobody)


class InTurn:
    """All in turn at each of its own decisions, however seldom it is asked.

    The package's round robin moves on with every slot: if it may send in every second one alone, it
    would never come to half of the entities.

    Args:
        num_entities: of the scenario.
    """

    name = BASE

    def __init__(self, num_entities: int) -> None:
        self._num_entities, self._turn = num_entities, 0

    def reset(self, seed: int) -> None:
        """Begins with the first entity."""
        self._turn = 0

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """The next entity in turn; shape (rows,)."""
        turn, self._turn = self._turn, self._turn + 1
        return np.full(len(observations), turn % self._num_entities)
