"""The exact optimum of a Markov model that stands in for a scenario with other laws.

The surrogate has the rates, means, demands and prices of the scenario, but Poisson arrivals,
exponential holding times and patience, and short queues. Its optimum (`optimal_policy`) is no bound
of the scenario; as a policy of the scenario it needs no tuning.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.environments.slice_admission.theory.optimal import LongRunOptimum, optimal_policy
from twin_gym.environments.slice_admission.theory.states import (
    Ints,
    count_occupancies,
    whole_units,
)
from twin_gym.errors import too_large
from twin_gym.scenario import Exponential, Poisson

MAX_SURROGATE_STATES = 150_000
"""Value iteration over so many states takes a quarter of a minute."""

_COMPUTATION = "the optimum of a Markov surrogate"
_EXCEEDED = 0.025
"""A queue longer than the number that would wait, if nobody was admitted, is of no use but for so
small a share of the time."""
_TOLERANCE = 1e-3
_KEPT = 64  # rates: as many as a daily profile may have, and more


def queue_cuts(
    scenario: AdmissionScenario, max_states: int = MAX_SURROGATE_STATES
) -> tuple[int, ...]:
    """The places of each queue of the surrogate: as many as the budget of states allows.

    Every queue begins with one place, and the shortest one is lengthened as long as the states are
    few enough. No queue becomes longer than in the scenario, nor longer than the number that would
    wait if nobody was admitted (Poisson with mean rate times patience) is in 97.5 % of the time.

    Args:
        scenario: any laws.
        max_states: pairs of (in service, waiting) that are allowed.

    Returns:
        Places by slice; 0 where the scenario has none.

    Raises:
        TooLargeError: if there are too many states with one place each.

    Example:
        >>> from twin_gym.scenario.loading import load
        >>> queue_cuts(load("contention"))
        (4, 1, 2, 2)
    """
    vectors, _ = count_occupancies(whole_units(scenario))
    longest = [_useful_places(one) for one in scenario.slices]
    cuts = [min(most, 1) for most in longest]
    if (least := vectors * math.prod(cut + 1 for cut in cuts)) > max_states:
        raise too_large(_COMPUTATION, least, max_states)
    growing = [s for s, most in enumerate(longest) if cuts[s] < most]
    while growing:
        s = min(growing, key=lambda s: cuts[s])
        cuts[s] += 1
        is_over = vectors * math.prod(cut + 1 for cut in cuts) > max_states
        cuts[s] -= is_over
        if is_over or cuts[s] == longest[s]:
            growing.remove(s)
    return tuple(cuts)


def _useful_places(one: Slice) -> int:
    mean = one.arrival_rate_hz * one.mean_patience_s
    probability = math.exp(-mean)
    below, places = probability, 0
    while below < 1.0 - _EXCEEDED and places < one.queue_limit:
        places += 1
        probability *= mean / places
        below += probability
    return min(max(places, 1), one.queue_limit)


def surrogate_of(
    scenario: AdmissionScenario, rates_hz: tuple[float, ...], cuts: tuple[int, ...]
) -> AdmissionScenario:
    """The scenario without memory, with other arrival rates and queue limits.

    Args:
        scenario: gives all else.
        rates_hz: by slice.
        cuts: queue limits by slice.

    Returns:
        A scenario that `optimal_policy` takes.
    """
    slices = tuple(
        one.model_copy(
            update={
                "arrival_rate_hz": rate_hz,
                "queue_limit": cut,
                "arrival": Poisson(),
                "holding": Exponential(),
            }
        )
        for one, rate_hz, cut in zip(scenario.slices, rates_hz, cuts, strict=True)
    )
    return scenario.replace(trace=None, patience_law="exponential", slices=slices)


@lru_cache(maxsize=_KEPT)
def surrogate_optimum(
    scenario: AdmissionScenario, rates_hz: tuple[float, ...], max_states: int
) -> SurrogateOptimum:
    """The optimum of the surrogate of a scenario; made once a process.

    Args:
        scenario: any laws.
        rates_hz: arrivals a second by slice: those of the scenario, or of a time of day.
        max_states: see `queue_cuts`.

    Returns:
        The optimum.

    Raises:
        TooLargeError: see `queue_cuts`.
    """
    cuts = queue_cuts(scenario, max_states)
    surrogate = surrogate_of(scenario, rates_hz, cuts)
    return SurrogateOptimum(
        optimal_policy(surrogate, max_states=max_states, tolerance=_TOLERANCE), cuts
    )


class SurrogateOptimum:
    """The optimal actions of a surrogate, for states of the scenario.

    Args:
        optimum: of the surrogate.
        cuts: its queue limits.

    Attributes:
        optimum: the argument.
        cuts: the argument.
    """

    def __init__(self, optimum: LongRunOptimum, cuts: tuple[int, ...]) -> None:
        self.optimum = optimum
        self.cuts = cuts
        self._most = np.maximum(np.array(cuts), 1)

    def actions(self, in_service: Ints, waiting: Ints) -> Ints:
        """The optimal actions; those who wait beyond the surrogate's queues are not counted.

        Args:
            in_service: see `LongRunOptimum.actions`.
            waiting: likewise, any number.

        Returns:
            See `LongRunOptimum.actions`.
        """
        return self.optimum.actions(in_service, np.minimum(waiting, self._most))
