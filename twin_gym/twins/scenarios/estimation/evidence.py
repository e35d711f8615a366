"""Observations of a parameter in a window of telemetry, and the estimate that follows from them.

Every estimate is shrunk towards a centre with the weight of one observation. A window without
observations gets the centre; a window with many keeps its own value. The centre of the windows is
the estimate from all of them together, whose own centre is the base's value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LogLikelihood = Callable[[Floats, Floats, Floats], Floats]

_GRID = 97
_DECADES = 3.0
_NARROWINGS = 4


@dataclass(frozen=True)
class Evidence:
    """Observations of one parameter.

    Attributes:
        at_s: time of the last observation, in seconds since the start of the episode.
    """

    at_s: float

    @property
    def is_empty(self) -> bool:
        """Whether there are no observations."""
        raise NotImplementedError

    def joined(self, others: Sequence[Self]) -> Self:
        """These and other observations, as if from one window."""
        raise NotImplementedError

    def added(self, others: Sequence[Self], *fields: str) -> Self:
        """These observations with the sums of some fields over all of them, and the last time."""
        several = (self, *others)
        sums = {name: sum(getattr(one, name) for one in several) for name in fields}
        return replace(self, at_s=max(one.at_s for one in several), **sums)

    def estimate(self, centre: float) -> float:
        """The estimated value of the parameter.

        Args:
            centre: the estimate without observations.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Rate(Evidence):
    """Events of a Poisson process.

    The estimate is the posterior mean with a gamma prior of one event in the time 1 / centre:
    (events + 1) / (exposure + 1 / centre). (Gelman et al., Bayesian Data Analysis, 3rd edition,
    2013, section 2.6.)

    Attributes:
        events: number of events; fractional if a counter was interpolated.
        exposure_s: observed time in seconds.
    """

    events: float
    exposure_s: float

    @property
    def is_empty(self) -> bool:
        """Whether the evidence covers no time."""
        return self.exposure_s <= 0.0

    def joined(self, others: Sequence[Self]) -> Self:
        """Events and times add up."""
        return self.added(others, "events", "exposure_s")

    def estimate(self, centre: float) -> float:
        """Events per second, without shrinkage if the centre is 0."""
        if self.is_empty:
            return centre
        if centre <= 0.0:
            return self.events / self.exposure_s
        return (self.events + 1.0) / (self.exposure_s + 1.0 / centre)


@dataclass(frozen=True)
class Average(Evidence):
    """The mean of observations, such as a mean time or a share of trials.

    The estimate includes one more observation, at the centre: (total + centre) / (count + 1). For
    a share this is the posterior mean with a beta prior, for an exponential mean time with an
    inverse gamma prior, each with the weight of one observation.

    Attributes:
        total: sum of the observations.
        count: number of observations.
    """

    total: float
    count: float

    @property
    def is_empty(self) -> bool:
        """Whether nothing was observed, not even a part of one."""
        return self.count <= 0.0 and self.total <= 0.0

    def joined(self, others: Sequence[Self]) -> Self:
        """Observations add up."""
        return self.added(others, "total", "count")

    def estimate(self, centre: float) -> float:
        """The mean."""
        return (self.total + centre) / (self.count + 1.0)


@dataclass(frozen=True)
class Reported(Evidence):
    """A static property that the twin reports: it needs no estimate.

    Attributes:
        values: reported values, one for each window; empty: nothing was reported.
    """

    values: tuple[float, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was reported."""
        return not self.values

    def joined(self, others: Sequence[Self]) -> Self:
        """All reported values."""
        several = (self, *others)
        values = tuple(value for one in several for value in one.values)
        return type(self)(max(one.at_s for one in several), values)

    def estimate(self, centre: float) -> float:
        """The median of the reported values."""
        return float(np.median(self.values)) if self.values else centre


@dataclass(frozen=True, eq=False)
class TransitionLikelihood(Evidence):
    """Pairs of successive values of a process whose parameter has a maximum-likelihood estimate.

    One pseudo-observation, with its expected log-likelihood at the centre, is added, so that the
    estimate is neither 0 nor infinite.

    Attributes:
        spans: time between the values of each pair, in the process's own time; shape (pairs,).
        products: statistics of the values for the likelihood; shape (pairs, ...).
        likelihood: log-likelihood of parameters of shape (values,) given spans and products;
            returns shape (values,).
        expected: span and products of the pseudo-observation for a centre.
    """

    spans: Floats
    products: Floats
    likelihood: LogLikelihood
    expected: Callable[[float], tuple[float, Any]]

    @property
    def is_empty(self) -> bool:
        """Whether there is no pair."""
        return len(self.spans) == 0

    def joined(self, others: Sequence[Self]) -> Self:
        """All pairs."""
        several = (self, *others)
        return type(self)(
            max(one.at_s for one in several),
            np.concatenate([one.spans for one in several]),
            np.concatenate([one.products for one in several]),
            self.likelihood,
            self.expected,
        )

    def estimate(self, centre: float) -> float:
        """The most likely value within a factor of 1,000 of the centre."""
        span, product = self.expected(centre)
        spans = np.append(self.spans, span)
        products = np.concatenate([self.products, np.array([product])])
        low, high = np.log(centre) - _DECADES * np.log(10), np.log(centre) + _DECADES * np.log(10)
        best = float(np.log(centre))
        for _ in range(_NARROWINGS):
            grid = np.linspace(low, high, _GRID)
            best = float(grid[np.argmax(self.likelihood(np.exp(grid), spans, products))])
            step = grid[1] - grid[0]
            low, high = best - step, best + step
        return float(np.exp(best))
