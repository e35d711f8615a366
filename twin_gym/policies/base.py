"""What every agent is to the rest of the project, whether it follows a rule or has learned."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Observations = NDArray[np.float32]
Masks = NDArray[np.int8]
Actions = NDArray[Any]


@runtime_checkable
class Policy(Protocol):
    """Chooses an action in each of many networks at once.

    Attributes:
        name: how tables call it.
    """

    name: str

    def reset(self, seed: int) -> None:
        """Begins anew: a policy that draws, draws the same again for the same seed.

        What a row draws depends on the seed, the number of the call and the row alone, so that a
        world gives the same beside any others: see `twin_gym.policies.Draws`.
        """

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """One allowed action a row.

        Args:
            observations: shape (rows, fields).
            masks: 1 = allowed; shape (rows, actions), or (rows, 0) where actions are amounts.

        Returns:
            Whole numbers, shape (rows,); or amounts, shape (rows, *action).
        """
        ...


@runtime_checkable
class PrivilegedPolicy(Protocol):
    """An anchor and no competitor: a policy that decides by what is hidden from agents."""

    def bind(self, batch: Any) -> None:  # noqa: ANN401 - each environment has its own rows
        """Shows it the rows that it decides for (`env.batch`), before they are reset."""
