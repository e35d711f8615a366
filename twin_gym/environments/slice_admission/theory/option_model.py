"""Vectors in service with the values of options on them: what `option_bound` computes with."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.theory.chain import (
    AdmissionChain,
    Floats,
    admission_chain,
)
from twin_gym.environments.slice_admission.theory.requirements import require_no_trace
from twin_gym.environments.slice_admission.theory.states import Ints
from twin_gym.errors import ConfigError
from twin_gym.scenario import Exponential, Poisson


@dataclass(frozen=True, eq=False)
class OptionModel:
    """A scenario as the option bound sees it.

    Attributes:
        chain: of the vectors in service alone.
        revenue: by slice, what an admission earns and spares.
        penalty: by slice.
        queue_limit: by slice.
        patience_s: by slice, 0 where nothing can wait.
        is_exponential: the law of patience.
    """

    chain: AdmissionChain
    revenue: Floats
    penalty: Floats
    queue_limit: Ints
    patience_s: Floats
    is_exponential: bool

    @property
    def num_vectors(self) -> int:
        """Vectors in service."""
        return len(self.chain.in_service)

    @property
    def fastest_hz(self) -> float:
        """The greatest rate of departures."""
        return float((self.chain.in_service @ self.chain.service_rate_hz).max())

    @property
    def waiting_slices(self) -> list[int]:
        """Slices whose requests can wait."""
        return [s for s, limit in enumerate(self.queue_limit.tolist()) if limit > 0]

    def most_waiting(self, rates_hz: Floats) -> Floats:
        """Upper bounds of the mean number waiting, by slice, at rates that are never exceeded."""
        most: Floats = np.minimum(self.queue_limit, rates_hz * self.patience_s)
        return most

    def longest_wait_s(self, unlimited: frozenset[int]) -> float:
        """The longest patience of an option that has a clock."""
        if self.is_exponential:
            return 0.0
        return max((p for s, p in enumerate(self.patience_s) if s not in unlimited), default=0.0)

    def closed(self, value: Floats, unlimited: frozenset[int]) -> Floats:
        """The least function above h for which an unlimited admission never gains."""
        from twin_gym.environments.slice_admission.theory import option_sweeps

        result = value.copy()
        option_sweeps.close_under_admission(
            result, self.chain.up, self.revenue, np.array(sorted(unlimited), dtype=np.int64)
        )
        return result

    def departures(self, value: Floats) -> Floats:
        """The change of h by departures, a second."""
        from twin_gym.environments.slice_admission.theory import option_sweeps

        result = np.zeros_like(value)
        option_sweeps.add_departures(
            value, self.chain.in_service, self.chain.down, self.chain.service_rate_hz, result
        )
        return result

    def options(
        self, value: Floats, unlimited: frozenset[int], step_s: float, *, is_proven: bool
    ) -> tuple[Floats, Floats]:
        """Values w(., p) of an arriving request and obstacles φ, for a function h.

        Args:
            value: h, closed for the unlimited slices.
            unlimited: slices without options: their rows are 0.
            step_s: of the waiting time, at most.
            is_proven: whether w must dominate; else it is of second order in the step.

        Returns:
            Two arrays of shape (slices, vectors).
        """
        from twin_gym.environments.slice_admission.theory import option_sweeps

        chain = self.chain
        option = np.zeros((chain.num_slices, self.num_vectors))
        obstacle = np.zeros_like(option)
        departing = (chain.in_service, chain.down, chain.service_rate_hz)
        for s in range(chain.num_slices):
            if s in unlimited:
                continue
            waits = bool(self.queue_limit[s] > 0)
            option_sweeps.obstacle(value, chain.up, float(self.revenue[s]), s, waits, obstacle[s])
            if waits and self.is_exponential:
                rate_hz = 1.0 / float(self.patience_s[s])
                option_sweeps.memoryless(obstacle[s], rate_hz, *departing, option[s])
            else:
                steps = math.ceil(float(self.patience_s[s]) / step_s)
                length_s = float(self.patience_s[s]) / max(steps, 1)
                option_sweeps.age(obstacle[s], steps, length_s, *departing, is_proven, option[s])
        return option, obstacle

    def greatest_rise(self, option: Floats, unlimited: frozenset[int]) -> float:
        """By how much the value of a request that waits rises at most with the load."""
        from twin_gym.environments.slice_admission.theory import option_sweeps

        rises = [
            option_sweeps.greatest_rise(option[s], self.chain.up)
            for s in range(len(option))
            if s not in unlimited and self.queue_limit[s] > 0
        ]
        return max(rises, default=0.0)


def option_model(scenario: AdmissionScenario, *, max_vectors: int) -> OptionModel:
    """A scenario as the option bound sees it.

    Args:
        scenario: with exponential holding times and no trace; arrivals are not looked at.
        max_vectors: how many vectors are allowed.

    Returns:
        The model.

    Raises:
        ConfigError: if holding times have a memory, or there is a trace.
        TooLargeError: if too many vectors fit.
    """
    computation = "the option bound"
    require_no_trace(scenario, computation)
    slices = scenario.slices
    for one in slices:
        if not isinstance(one.holding, Exponential):
            raise ConfigError(
                f"{computation} needs exponential holding times, and slice {one.name!r} has the "
                f"law {one.holding.law!r}: set its `holding` to Exponential()"
            )
    alone = tuple(one.replace(queue_limit=0, arrival=Poisson()) for one in slices)
    chain = admission_chain(
        scenario.replace(slices=alone), max_states=max_vectors, computation=computation
    )
    limits = np.array([one.queue_limit for one in slices], dtype=np.int64)
    patience_s = np.array([one.mean_patience_s for one in slices])
    return OptionModel(
        chain=chain,
        revenue=chain.revenue + chain.penalty,
        penalty=chain.penalty,
        queue_limit=limits,
        patience_s=np.where(limits > 0, patience_s, 0.0),
        is_exponential=scenario.patience_law == "exponential",
    )
