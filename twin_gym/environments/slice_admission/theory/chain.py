"""The Markov chain of slice admission: its states between decisions, and how they are numbered.

With Poisson arrivals and exponential holding times and patience, all that matters between two
events is how many requests of each slice are in service (n) and waiting (q). A request of a slice
with no place to wait is *pending* for the instant of its arrival only, until it is admitted or the
decision is to wait; it is no part of these states.

Vectors n that fit are numbered in lexicographic order, vectors q as the digits of a number, and a
state is the pair (number of n, number of q). Admitting raises the number of n: going through the
numbers downwards meets every state after those that admissions lead to.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.theory.requirements import require_memoryless
from twin_gym.environments.slice_admission.theory.states import Ints, all_occupancies, whole_units
from twin_gym.errors import ConfigError

Floats = NDArray[np.float64]

MAX_STATES = 200_000
_MAX_CODE = 2**62


@dataclass(frozen=True, eq=False)
class AdmissionChain:
    """States, neighbours and rates.

    Attributes:
        num_slices: slices.
        in_service: vectors n that fit; shape (vectors, slices).
        weights: of the digits of n in its code; shape (slices,).
        codes: n as one number, rising; shape (vectors,).
        up: number of n with one more request of a slice, or -1 if it does not fit; same shape.
        down: number of n with one less, or -1; same shape.
        waiting: vectors q; shape (combinations, slices).
        stride: by how much one more waiting request of a slice raises the number of q.
        queue_limit: by slice.
        arrival_rate_hz: by slice.
        service_rate_hz: by slice.
        abandon_rate_hz: by slice.
        revenue: by slice, at admission.
        penalty: by slice, for each lost request.
    """

    num_slices: int
    in_service: Ints
    weights: Ints
    codes: Ints
    up: Ints
    down: Ints
    waiting: Ints
    stride: Ints
    queue_limit: Ints
    arrival_rate_hz: Floats
    service_rate_hz: Floats
    abandon_rate_hz: Floats
    revenue: Floats
    penalty: Floats

    @property
    def shape(self) -> tuple[int, int]:
        """Number of vectors n and of vectors q."""
        return len(self.in_service), len(self.waiting)

    @property
    def num_states(self) -> int:
        """States between decisions."""
        return len(self.in_service) * len(self.waiting)

    @property
    def total_rates_hz(self) -> Floats:
        """Rate of events in each state; of the same shape as the states."""
        leaving = self.in_service @ self.service_rate_hz
        giving_up = self.waiting @ self.abandon_rate_hz
        rates: Floats = self.arrival_rate_hz.sum() + leaving[:, None] + giving_up[None, :]
        return rates

    def after_admissions(self, resting: Floats, best: Floats) -> None:
        """See `sweeps.after_admissions`."""
        from twin_gym.environments.slice_admission.theory import sweeps

        sweeps.after_admissions(resting, self.up, self.waiting, self.stride, self.revenue, best)

    def until_next_event(
        self, resting: Floats, best: Floats, rate_hz: float, result: Floats
    ) -> tuple[float, float]:
        """See `sweeps.until_next_event`."""
        from twin_gym.environments.slice_admission.theory import sweeps

        change: tuple[float, float] = sweeps.until_next_event(
            resting, best, self.in_service, self.up, self.down, self.waiting, self.stride,
            self.queue_limit, self.arrival_rate_hz, self.service_rate_hz, self.abandon_rate_hz,
            self.revenue, self.penalty, rate_hz, result,
        )  # fmt: skip
        return change

    def service_numbers(self, in_service: Ints) -> Ints:
        """Numbers of vectors n.

        Args:
            in_service: shape (rows, slices).

        Returns:
            One number a row, -1 where the vector does not fit.
        """
        # A vector whose code overflows or is that of another one is told apart by the comparison.
        codes = in_service @ self.weights
        nearest = np.minimum(np.searchsorted(self.codes, codes), len(self.codes) - 1)
        is_there = (self.in_service[nearest] == in_service).all(axis=1)
        numbers: Ints = np.where(is_there, nearest, -1)
        return numbers


def admission_chain(
    scenario: AdmissionScenario, *, max_states: int, computation: str
) -> AdmissionChain:
    """The chain of a scenario.

    Args:
        scenario: Poisson arrivals, exponential holding times, and exponential patience where
            requests wait.
        max_states: how many states are allowed.
        computation: what it is for, as errors call it.

    Returns:
        The chain.

    Raises:
        ConfigError: if a law has a memory; the message says whose, and what to change.
        TooLargeError: if there are too many states, with their count.
    """
    require_memoryless(scenario, computation)
    slices = scenario.slices
    limits = [one.queue_limit for one in slices]
    combinations = 1
    for limit in limits:
        combinations *= limit + 1
    units = whole_units(scenario)
    in_service = all_occupancies(
        units, max_states=max_states, computation=computation, each=combinations
    )
    base = in_service.max(axis=0) + 1
    weights = _weights(base)
    codes = in_service @ weights
    up, down = _neighbours(in_service, weights, codes, base)
    queue_limit = np.array(limits, dtype=np.int64)
    stride = _weights(queue_limit + 1)
    waiting = np.arange(combinations)[:, None] // stride % (queue_limit + 1)
    return AdmissionChain(
        num_slices=len(slices),
        in_service=in_service,
        weights=weights,
        codes=codes,
        up=up,
        down=down,
        waiting=waiting,
        stride=stride,
        queue_limit=queue_limit,
        arrival_rate_hz=np.array([one.arrival_rate_hz for one in slices]),
        service_rate_hz=np.array([1.0 / one.mean_holding_time_s for one in slices]),
        abandon_rate_hz=np.array([1.0 / one.mean_patience_s for one in slices]),
        revenue=np.array([one.revenue for one in slices]),
        penalty=np.array([one.lost_penalty for one in slices]),
    )


def _neighbours(in_service: Ints, weights: Ints, codes: Ints, base: Ints) -> tuple[Ints, Ints]:
    up = np.full(in_service.shape, -1, np.int64)
    down = np.full(in_service.shape, -1, np.int64)
    rows = np.arange(len(codes))
    for s, weight in enumerate(weights):
        nearest = np.minimum(np.searchsorted(codes, codes + weight), len(codes) - 1)
        # Of two vectors that differ by this much, one may have carried into the next digit.
        is_there = (codes[nearest] == codes + weight) & (in_service[:, s] + 1 < base[s])
        up[rows[is_there], s] = nearest[is_there]
        down[nearest[is_there], s] = rows[is_there]
    return up, down


def _weights(base: Ints) -> Ints:
    """Weights of the digits of a number in a mixed base, the last digit counting ones."""
    weights = [1]
    for digit in base[:0:-1].tolist():
        weights.append(weights[-1] * digit)
    if weights[-1] * int(base[0]) > _MAX_CODE:
        raise ConfigError(
            "the numbers of requests that fit are too large to be told apart in 64 bits: take "
            "fewer slices or less capacity"
        )
    return np.array(weights[::-1], dtype=np.int64)
