"""Random actions for checks, which obey the action mask if there is one."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from gymnasium import Space, spaces
from gymnasium.vector.utils import concatenate, create_empty_array
from numpy.typing import NDArray

Action = Any
"""An element of an action space; a batch of actions is one too."""


class Chooser:
    """Draws actions of one sub-environment; two choosers with one seed draw the same.

    Args:
        space: space of single actions.
        seed: seed of the draws.
    """

    def __init__(self, space: Space[Any], seed: int) -> None:
        self._space = copy.deepcopy(space)
        self._space.seed(seed)
        self._others = copy.deepcopy(self._space)  # of its own: the draws that follow stay the same
        self._rng = np.random.default_rng(seed)

    def choose(self, mask: NDArray[np.int8] | None) -> Action:
        """An action that the mask allows, or any where there is no mask or it allows none."""
        share = self._rng.random()
        sampled = self._space.sample()
        if mask is None or not isinstance(self._space, spaces.Discrete) or not np.any(mask):
            return sampled
        allowed = np.flatnonzero(mask)
        return self._space.start + allowed[int(share * len(allowed))]

    def other_than(self, action: Action) -> Action:
        """Another action, where the space has two."""
        if isinstance(self._space, spaces.Discrete):
            start = self._space.start
            return start + (action - start + 1) % self._space.n
        return self._others.sample()


def batched(space: Space[Any], actions: list[Action]) -> Action:
    """The actions of all sub-environments, in the form that a vector environment takes."""
    room: Any = create_empty_array(space, len(actions))
    return concatenate(space, actions, room)
