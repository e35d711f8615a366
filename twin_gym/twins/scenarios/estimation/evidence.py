"""What a window of telemetry says of a parameter, and the estimate that follows from it.

Every estimate is drawn a little towards a centre, by the weight of one observation: a window that
says nothing has the centre, one that says much has its own value. The centre of the windows is the
estimate from all of them together, and the centre of that is the base's value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
    """What was heard of a parameter.

    Attributes:
        at_s: when the last of it was true, in seconds since the start of the episode.
    """

    at_s: float

    @property
    def is_empty(self) -> bool:
        """Whether nothing was heard."""
        raise NotImplementedError

    def joined(self, others: Sequence[Self]) -> Self:
        """This and others as if they were of one window."""
        raise NotImplementedError

    def estimate(self, centre: float) -> float:
        """The value of the parameter.

        Args:
            centre: what it would be if nothing had been heard.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Rate(Evidence):
    """Events of a Poisson process.

    The estimate is the mean of the gamma law that follows from a gamma prior of one event in the
    time that the centre takes for one: (events + 1) / (exposure + 1 / centre). (Gelman et al.,
    Bayesian Data Analysis, 3rd edition, 2013, section 2.6.)

    Attributes:
        events: counted; a fraction where a counter was interpolated.
        exposure_s: seconds in which they were.
    """

    events: float
    exposure_s: float

    @property
    def is_empty(self) -> bool:
        """Whether the evidence covers no time."""
        return self.exposure_s <= 0.0

    def joined(self, others: Sequence[Self]) -> Self:
        """Events and times add up."""
        several = (self, *others)
        return type(self)(
            max(one.at_s for one in several),
            sum(one.events for one in several),
            sum(one.exposure_s for one in several),
        )

    def estimate(self, centre: float) -> float:
        """Events a second; a centre of 0 draws nothing towards it."""
        if self.is_empty:
            return centre
        if centre <= 0.0:
            return self.events / self.exposure_s
        return (self.events + 1.0) / (self.exposure_s + 1.0 / centre)


@dataclass(frozen=True)
class Average(Evidence):
    """A mean of observations, such as a mean time or a share of trials.

    The estimate has one more observation, at the centre: (total + centre) / (count + 1). Of a
    share that is the mean of the beta law, of an exponential mean time that of the inverse gamma
    law, each with a prior that weighs one observation.

    Attributes:
        total: sum of the observations.
        count: how many.
    """

    total: float
    count: float

    @property
    def is_empty(self) -> bool:
        """Whether nothing was observed, not even a part of one."""
        return self.count <= 0.0 and self.total <= 0.0

    def joined(self, others: Sequence[Self]) -> Self:
        """Observations add up."""
        several = (self, *others)
        return type(self)(
            max(one.at_s for one in several),
            sum(one.total for one in several),
            sum(one.count for one in several),
        )

    def estimate(self, centre: float) -> float:
        """The mean."""
        return (self.total + centre) / (self.count + 1.0)


@dataclass(frozen=True)
class Reported(Evidence):
    """A property that is told with a twin: it needs no estimate.

    Attributes:
        values: as told; of several windows, one each; none: nothing was told.
    """

    values: tuple[float, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was told."""
        return not self.values

    def joined(self, others: Sequence[Self]) -> Self:
        """All that was told."""
        several = (self, *others)
        values = tuple(value for one in several for value in one.values)
        return type(self)(max(one.at_s for one in several), values)

    def estimate(self, centre: float) -> float:
        """What was told; of several, the middle one."""
        return float(np.median(self.values)) if self.values else centre


@dataclass(frozen=True, eq=False)
class TransitionLikelihood(Evidence):
    """Successive values of a process whose parameter is found by maximum likelihood.

    A pseudo observation, its expected log-likelihood at the centre, is added: the maximum is then
    neither 0 nor infinite, whatever was observed.

    Attributes:
        spans: between the values of each pair, in the process's own time; shape (pairs,).
        products: what the likelihood needs of the values; shape (pairs, ...).
        likelihood: of parameters, shape (values,), given spans and products; shape (values,).
        expected: products and span of the pseudo observation for a centre.
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
        """The most likely value within three powers of ten of the centre."""
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
