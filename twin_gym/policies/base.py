"""The protocol of all policies, classical or learned."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Observations = NDArray[np.float32]
Masks = NDArray[np.int8]
Actions = NDArray[Any]


@runtime_checkable
class Policy(Protocol):
    """Chooses one action for each row of a batch.

    One that decides by something that its observations do not show has an attribute `unseen`, too
    (see `unseen_of`).

    Attributes:
        name: name in tables.
    """

    name: str

    def reset(self, seed: int) -> None:
        """Resets the policy; a random policy repeats its draws for the same seed.

        The draws of a row must depend only on the seed, the number of the call and the row, so
        that a row decides the same beside any other rows: see `twin_gym.policies.Draws`.
        """

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """One allowed action for each row.

        Args:
            observations: shape (rows, fields).
            masks: 1 = allowed; shape (rows, actions), or (rows, 0) for Box actions.

        Returns:
            Integers, shape (rows,); or Box actions, shape (rows, *action).
        """
        ...


def unseen_of(policy: Policy) -> str:
    """What a policy decides by that its observations do not show, in words.

    A clone is a function of the observation and cannot tell what such a policy does. A policy
    declares it by an attribute `unseen`, such as "whose turn it is"; random draws are not counted.

    Args:
        policy: any.

    Returns:
        Empty if it declares nothing.
    """
    if isinstance(policy, PrivilegedPolicy):
        return "hidden state of the network"
    return str(getattr(policy, "unseen", ""))


@runtime_checkable
class PrivilegedPolicy(Protocol):
    """A policy that uses state hidden from agents: a reference, not a competitor."""

    def bind(self, batch: Any) -> None:  # noqa: ANN401 - each environment has its own rows
        """Gives the policy the batch that it decides for (`env.batch`), before its reset."""
