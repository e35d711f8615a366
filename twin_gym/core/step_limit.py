"""A limit on the steps of episodes, as Gymnasium's `TimeLimit` sets it for one environment."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.batch import AUTORESET_NEXT_STEP, AUTORESET_SAME_STEP, Batch


class StepLimit:
    """Ends the episodes of rows after a number of steps, in any environment.

    The rows know nothing of it: their own episodes run to the horizon, and what was ended here is
    begun anew from outside, as a reset with a `reset_mask` does.

    Args:
        batch: the rows.
        most: steps of an episode, 1 or more.
        autoreset: one of the `AUTORESET_*` constants, of the vector environment.

    Attributes:
        autoreset: what the rows do by themselves; they never begin in the step that ended them.
    """

    def __init__(self, batch: Batch, most: int, autoreset: int) -> None:
        same_step = autoreset == AUTORESET_SAME_STEP
        self.autoreset = AUTORESET_NEXT_STEP if same_step else autoreset
        self._begins_in_next_step = autoreset == AUTORESET_NEXT_STEP
        self._batch = batch
        self._most = most
        self._steps = np.zeros(batch.num_rows, np.int64)
        self._over = np.zeros(batch.num_rows, np.bool_)
        self._cut = np.zeros(batch.num_rows, np.bool_)  # over, and the row itself does not know

    def forget(self, chosen: NDArray[np.bool_]) -> None:
        """Counts from 0 in rows that were begun."""
        self._steps[chosen] = 0
        self._over[chosen] = self._cut[chosen] = False

    def count(self) -> bool:
        """Counts the step that all rows have just taken, and marks those that are over.

        Returns:
            Whether any of them is, by its horizon or by the limit.
        """
        batch = self._batch
        if self._begins_in_next_step and self._over.any():
            # A row that was cut here has just gone on with its old episode: it begins instead.
            began, cut = self._over.copy(), self._cut.copy()
            if cut.any():
                batch.begin(cut)
            self.forget(began)
            self._steps[began] = -1
        self._steps += 1
        truncated = batch.outcomes["truncated"]
        self._cut = (self._steps >= self._most) & ~truncated
        truncated[self._cut] = True
        self._over = truncated.copy()
        return bool(self._over.any())

    def begin_again(self) -> NDArray[np.void]:
        """Begins the next episode in the rows that are over.

        Returns:
            The outcomes, with those of these rows as their new episode's beginning has them.
        """
        self._batch.begin(self._over)
        self.forget(self._over)
        return self._batch.copied_outcomes()


def ones_but(masks: NDArray[Any], at: NDArray[np.int64]) -> NDArray[Any]:
    """The masks of some rows, and ones in the others."""
    result = np.ones_like(masks)
    result[at] = masks[at]
    return result
