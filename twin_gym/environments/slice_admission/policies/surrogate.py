"""The optimum of a Markov surrogate, as a policy: for scenarios of any law with few occupancies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.clock import SECONDS_PER_TICK
from twin_gym.core.forms import form_named
from twin_gym.environments.slice_admission.actions import ACTION_FORMS
from twin_gym.environments.slice_admission.batch import AdmissionBatch
from twin_gym.environments.slice_admission.observation import ActionName
from twin_gym.environments.slice_admission.policies.rules import Admissible, Chosen, SlicePolicy
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.theory.rate_intervals import (
    RateInterval,
    rate_intervals_of,
)
from twin_gym.environments.slice_admission.theory.surrogate import (
    MAX_SURROGATE_STATES,
    queue_cuts,
    surrogate_optimum,
)
from twin_gym.errors import ConfigError
from twin_gym.policies.base import Observations
from twin_gym.scenario import Daily, Poisson, Schedule

_MOST_RATES = 64
_LEAST_BUDGET = 15_000  # states for each set of rates, however many there are


class SurrogateOptimumPolicy(SlicePolicy):
    """The exact optimum of the scenario with exponential laws and short queues, as a policy.

    What it needs, how many requests of each slice are in service and waiting, is read off the
    observation; a daily profile is followed by the time of day that is observed, other arrivals
    have their mean rates. The optimum is computed at the first decision, by value iteration over at
    most 150,000 states, which takes up to a quarter of a minute, and is kept for the process.

    Args:
        scenario: what the rows run.
        action: `slice` or `slot`.

    Raises:
        ConfigError: if the rates change too often in a day.
        TooLargeError: if there are too many states with one place in each queue.

    Attributes:
        cuts: queue limits of the surrogate, by slice.
    """

    name = "surrogate-optimum"
    _FOLLOWED: tuple[type, ...] = (Daily,)

    def __init__(self, scenario: AdmissionScenario, action: ActionName = "slice") -> None:
        super().__init__(scenario, action)
        self._scenario = scenario
        self._intervals = self._rate_intervals()
        self._ends_s = np.cumsum([one.length_s for one in self._intervals])
        different = len({one.rates_hz for one in self._intervals})
        self._max_states = max(MAX_SURROGATE_STATES // different, _LEAST_BUDGET)
        self.cuts = queue_cuts(scenario, self._max_states)
        layout = form_named(ACTION_FORMS, action).layout(scenario)
        self._clock = None if scenario.period_s is None else layout.span("time_of_day")

    def _rate_intervals(self) -> list[RateInterval]:
        slices = tuple(
            one
            if isinstance(one.arrival, self._FOLLOWED)
            else one.model_copy(update={"arrival": Poisson()})
            for one in self._scenario.slices
        )
        return rate_intervals_of(
            self._scenario.replace(slices=slices), self._span_s(), max_different=_MOST_RATES
        )

    def _span_s(self) -> float | None:
        """Time over which the rates are listed; None: one day."""
        return None

    def moments_s(self, observations: Observations) -> NDArray[np.float64]:
        """Time of each row, of which the rates depend; shape (rows,)."""
        if self._clock is None or len(self._intervals) == 1:
            return np.zeros(len(observations))
        shares = observations[:, self._clock][:, 0].astype(np.float64)
        return np.asarray(shares * self._ends_s[-1])

    def choose(self, observations: Observations, admissible: Admissible) -> Chosen:
        """The optimal actions of the surrogate; to wait where nothing is admissible."""
        decoder = self.decoder
        in_service, waiting = decoder.in_service(observations), decoder.waiting(observations)
        at = np.searchsorted(self._ends_s, self.moments_s(observations), side="right")
        at = np.minimum(at, len(self._intervals) - 1)
        chosen = np.full(len(observations), decoder.num_slices, np.int64)
        decides = admissible.any(axis=1)
        for number in np.unique(at[decides]).tolist():
            rows = decides & (at == number)
            rates_hz = self._intervals[number].rates_hz
            optimum = surrogate_optimum(self._scenario, rates_hz, self._max_states)
            chosen[rows] = optimum.actions(in_service[rows], waiting[rows])
        return chosen


class InformedSurrogateOptimumPolicy(SurrogateOptimumPolicy):
    """`surrogate-optimum` that knows the schedule of the rates and what time it is.

    In each stretch of constant rates it plays the optimum of these rates, as if they lasted. It
    reads the clock, which is hidden where a scenario has no time of day.

    Args:
        scenario: with a slice whose rates follow a schedule.
        action: `slice` or `slot`.

    Raises:
        ConfigError: if no rates follow a schedule, or they change too often.
        TooLargeError: see `SurrogateOptimumPolicy`.
    """

    name = "informed-surrogate-optimum"
    _FOLLOWED = (Daily, Schedule)

    def __init__(self, scenario: AdmissionScenario, action: ActionName = "slice") -> None:
        if not any(isinstance(one.arrival, Schedule) for one in scenario.slices):
            raise ConfigError(
                f"{self.name!r} is for rates that follow a schedule, and no slice of "
                f"{scenario.name!r} has one: take 'surrogate-optimum'"
            )
        super().__init__(scenario, action)
        self._batch: AdmissionBatch | None = None

    def bind(self, batch: AdmissionBatch) -> None:
        """Gives it the rows, whose clocks it reads."""
        self._batch = batch

    def _span_s(self) -> float | None:
        return self._scenario.horizon_s

    def moments_s(self, observations: Observations) -> NDArray[np.float64]:
        """Simulated time since the start of each row's episode; shape (rows,)."""
        if self._batch is None:
            raise ConfigError(
                f"{self.name!r} reads the clock of the rows: call `bind(env.batch)` before use"
            )
        return np.asarray(self._batch.heads["now"] * SECONDS_PER_TICK)
