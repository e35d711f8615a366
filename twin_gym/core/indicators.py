"""The objective of a scenario as the reward: four indicators of a step, weighted.

Equation (2) of Duran et al., arXiv:2411.14222, 2024: O = sum of w_i r_i over density, deadline,
latency and buffer. The paper names the four and gives no formula for their values r_i; what they
are is said in each environment's `indicators.py`. What all of them obey:

- each lies in [0, 1], 1 is best, and where nothing happened that could be judged it is 1: nobody
  was let down;
- **density**: what was carried over what could have been carried;
- **deadline**: share of what ended (served or lost) that was served in time;
- **latency**: 1 - mean latency over its deadline, of what ended; what was lost has waited it all;
- **buffer**: 1 - mean fill of the places where things wait.

The reward of a step is O times the simulated seconds that it took, so that the return over the
horizon is the time-average of O. A step that takes no time earns nothing, and what happened in it
counts in the step in which time passes. At the beginning of an episode nothing has been measured:
`info` has 0 for all four, as for every other outcome.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError, shown, unknown_name
from twin_gym.scenario.objective import INDICATORS, KpiObjective

Counts = NDArray[np.int64]
Values = NDArray[np.float64]

MAX_OBJECTIVE_SEED = 2**63 - 1


class IndicatorReader(ABC):
    """Reads the indicators of an environment from its rows, for either engine."""

    @abstractmethod
    def counts(self, first: int, last: int) -> Counts:
        """Counters since the start of the episodes, and the current state of the networks.

        Args:
            first: the first row to look at.
            last: one after the last.

        Returns:
            Shape (rows to look at, ...); whole numbers, so that differences are exact.
        """

    @abstractmethod
    def values(self, before: Counts, after: Counts) -> Values:
        """The indicators of the time between two readings of the same rows.

        Args:
            before: as `counts` gave them when time last passed.
            after: as they are now.

        Returns:
            Shape (rows, 4), in the order of `INDICATORS`; each in [0, 1].
        """


class ObjectiveReward:
    """Replaces the kernel's reward by that of an objective of the scenario.

    The weights are drawn once, from a seed of their own: they are the same in every row, episode
    and world, so that one agent learns one reward and returns can be compared.

    Args:
        objective: what is wanted of the network.
        seed: of its weights.
        reader: of the environment.
        raw_outcomes: the outcomes that the kernel writes; shape (rows,).

    Attributes:
        weights: of the four indicators.
        outcomes: `raw_outcomes` with the reward of the objective, and the indicators as fields.
    """

    def __init__(
        self,
        objective: KpiObjective,
        seed: int,
        reader: IndicatorReader,
        raw_outcomes: NDArray[np.void],
    ) -> None:
        self.weights = objective.weights(seed)
        self._reader = reader
        self._brought = raw_outcomes
        self._names = raw_outcomes.dtype.names or ()
        self.outcomes = np.zeros(len(raw_outcomes), _with_indicators(raw_outcomes.dtype))
        self._marks = np.zeros_like(reader.counts(0, len(raw_outcomes)))

    def apply(
        self,
        first: int,
        last: int,
        begins: NDArray[np.bool_],
        ended: NDArray[np.bool_] | None = None,
        at_end: Counts | None = None,
    ) -> None:
        """Updates the outcomes of rows that have moved.

        Args:
            first: the first row that has moved.
            last: one after the last.
            begins: which of them have begun an episode: nothing has been earned in it.
            ended: which of them have ended one and begun the next in the same step.
            at_end: counts of those that ended, as they were at the end.
        """
        raw_outcomes, outcomes = self._brought[first:last], self.outcomes[first:last]
        for name in self._names:
            outcomes[name] = raw_outcomes[name]
        marks, now = self._marks[first:last], self._reader.counts(first, last)
        after = now
        if ended is not None and at_end is not None:
            after = now.copy()
            after[ended] = at_end
        values = self._reader.values(marks, after)
        values[begins] = 0.0
        # Term by term: a product of matrices may round otherwise with another number of rows.
        total = np.zeros(last - first)
        for k, name in enumerate(INDICATORS):
            outcomes[name] = values[:, k]
            total += self.weights[k] * values[:, k]
        outcomes["reward"] = total * raw_outcomes["elapsed_s"]
        has_moved = begins | (raw_outcomes["elapsed_s"] > 0.0)
        if ended is not None:
            has_moved |= ended
        marks[has_moved] = now[has_moved]


def as_objective(given: Any) -> Any:  # noqa: ANN401 - each environment has its own names
    """An objective from whatever the `objective` argument of an environment takes.

    Args:
        given: a name, a `KpiObjective`, or its plain values, as JSON has them.

    Returns:
        The name or the objective.

    Raises:
        ConfigError: if the values describe no valid objective.

    Example:
        >>> as_objective({"demand": {"num_devices": 250}}) == KpiObjective(
        ...     demand={"num_devices": 250}
        ... )
        True
    """
    if not isinstance(given, Mapping):
        return given
    for key in given:
        if not isinstance(key, str):
            raise ConfigError(f"an objective has fields by name, got {shown(key)}")
    return KpiObjective(**given)


def check_objective(objective: Any, seed: Any, known: Sequence[str]) -> None:  # noqa: ANN401
    """Refuses unknown objectives, and seeds that name no weights.

    Args:
        objective: as a user gives it to an environment.
        seed: of its weights.
        known: names of the environment's own objectives.

    Raises:
        UnknownNameError: if the objective is neither a known name nor a `KpiObjective`.
        ConfigError: if the seed is no whole number from 0 on, or is given for an objective that has
            no weights to be drawn.
    """
    if not isinstance(objective, KpiObjective | str) or (
        isinstance(objective, str) and objective not in known
    ):
        raise unknown_name("objective", str(objective), known)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise ConfigError(f"objective_seed is a whole number, 0 or more, got {seed!r}")
    if not 0 <= seed <= MAX_OBJECTIVE_SEED:
        raise ConfigError(f"objective_seed is 0 to 2^63 - 1, got {seed}")
    if seed and not isinstance(objective, KpiObjective):
        raise ConfigError(
            f"objective_seed draws the weights of a KpiObjective; {objective!r} has none: leave it "
            "out"
        )


def objective_index(objective: str | KpiObjective, known: Sequence[str]) -> int:
    """The number by which a kernel knows an objective.

    Args:
        objective: one that `check_objective` lets pass.
        known: names of the environment's own objectives.

    Returns:
        Its place among them; 0 for a `KpiObjective`, which is not paid by the kernel.
    """
    return 0 if isinstance(objective, KpiObjective) else known.index(objective)


def in_order(density: Values, deadline: Values, latency: Values, buffer: Values) -> Values:
    """The four indicators as one array, in the order of `INDICATORS`; shape (rows, 4)."""
    values = np.empty((len(density), len(INDICATORS)))
    values[:, 0], values[:, 1], values[:, 2], values[:, 3] = density, deadline, latency, buffer
    return values


def share(part: NDArray[Any], whole: NDArray[Any]) -> Values:
    """Part over whole, at most 1; where there is no whole, 1: nothing was asked, nothing missed.

    Args:
        part: 0 or more.
        whole: 0 or more; likewise.

    Returns:
        In [0, 1]; as many.
    """
    shares = np.ones(np.shape(whole))
    np.divide(part, whole, out=shares, where=np.asarray(whole) > 0)
    return np.clip(shares, 0.0, 1.0)


def _with_indicators(kind: np.dtype[np.void]) -> np.dtype[np.void]:
    """The record of outcomes with the four indicators at its end."""
    fields = [(name, kind[name]) for name in kind.names or ()]
    return np.dtype([*fields, *((name, np.float64) for name in INDICATORS)], align=True)
