"""Laws of arrival and of holding time: the shapes; the means are the slice's own fields."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from twin_gym.errors import ConfigError
from twin_gym.scenario.base import MIN_MEAN, Duration, FrozenModel, NonNegative

_NEVER = "at least one factor must be positive: no request would ever arrive"

Factors = Annotated[tuple[NonNegative, ...], Field(min_length=2, max_length=10_000)]
Quantiles = Annotated[tuple[NonNegative, ...], Field(min_length=2, max_length=10_000)]


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values)


def _table_mean(quantiles: tuple[float, ...]) -> float:
    """Mean of the law whose quantile function is linear between the entries."""
    return _mean(tuple((a + b) / 2 for a, b in itertools.pairwise(quantiles)))


class Poisson(FrozenModel):
    """Exponential gaps at the slice's arrival rate (paper B)."""

    law: Literal["poisson"] = "poisson"


class _Profile(FrozenModel):
    """A Poisson process whose rate is piecewise constant and repeats."""

    period_s: Duration
    factors: Factors

    @field_validator("factors")
    @classmethod
    def _not_all_zero(cls, factors: tuple[float, ...]) -> tuple[float, ...]:
        if _mean(factors) < MIN_MEAN:
            raise ConfigError(_NEVER)
        return factors

    def relative_rates(self) -> tuple[float, ...]:
        """The factors, scaled to an average of 1."""
        mean = _mean(self.factors)
        return tuple(factor / mean for factor in self.factors)


class Daily(_Profile):
    """A rate profile over a day (or another period) that the agent knows: it sees the time of day.

    The period is cut into equal parts, one a factor; the average rate is the slice's.
    """

    law: Literal["daily"] = "daily"
    period_s: Duration = 86_400.0


class Schedule(_Profile):
    """A rate profile that the agent is not told: it has to notice the change."""

    law: Literal["schedule"] = "schedule"


class MMPP(FrozenModel):
    """Markov-modulated Poisson process: bursts; phases follow one another in a ring.

    Each phase lasts an exponential time; its rate is its factor times a common scale such that
    the long-run average is the slice's arrival rate.
    """

    law: Literal["mmpp"] = "mmpp"
    factors: Annotated[tuple[NonNegative, ...], Field(min_length=2, max_length=16)]
    mean_sojourn_s: Annotated[tuple[Duration, ...], Field(min_length=2, max_length=16)]

    @model_validator(mode="after")
    def _one_sojourn_a_phase(self) -> MMPP:
        if len(self.factors) != len(self.mean_sojourn_s):
            raise ConfigError(
                f"factors and mean_sojourn_s need one entry a phase each, got {len(self.factors)} "
                f"and {len(self.mean_sojourn_s)}"
            )
        if self._mean_factor() < MIN_MEAN:
            raise ConfigError(_NEVER)
        return self

    def relative_rates(self) -> tuple[float, ...]:
        """The factors, scaled so that the average over time is 1."""
        mean = self._mean_factor()
        return tuple(factor / mean for factor in self.factors)

    def _mean_factor(self) -> float:
        products = (f * s for f, s in zip(self.factors, self.mean_sojourn_s, strict=True))
        return sum(products) / sum(self.mean_sojourn_s)


ArrivalLaw = Annotated[Poisson | Daily | Schedule | MMPP, Field(discriminator="law")]


class Exponential(FrozenModel):
    """Memoryless holding times (paper B)."""

    law: Literal["exponential"] = "exponential"


class Deterministic(FrozenModel):
    """Every holding time is the mean."""

    law: Literal["deterministic"] = "deterministic"


class Lognormal(FrozenModel):
    """exp(N(m, sigma²)), with m such that the mean is the slice's."""

    law: Literal["lognormal"] = "lognormal"
    sigma: Annotated[float, Field(strict=True, gt=0, le=5, allow_inf_nan=False)]


class Pareto(FrozenModel):
    """Heavy tail: P(T > t) = (scale/t)^shape, with the scale such that the mean is the slice's."""

    law: Literal["pareto"] = "pareto"
    shape: Annotated[float, Field(strict=True, gt=1, le=100, allow_inf_nan=False)]


class Empirical(FrozenModel):
    """Inverse of a measured distribution: quantiles at equal steps of probability from 0 to 1.

    Between them the quantile function is linear; the table is scaled so that its mean is the
    slice's.
    """

    law: Literal["empirical"] = "empirical"
    quantiles: Quantiles

    @field_validator("quantiles")
    @classmethod
    def _rising(cls, quantiles: tuple[float, ...]) -> tuple[float, ...]:
        if any(later < earlier for earlier, later in itertools.pairwise(quantiles)):
            raise ConfigError("quantiles must not fall: sort them")
        if _table_mean(quantiles) < MIN_MEAN:
            raise ConfigError("the last quantile must be positive: no request would take any time")
        return quantiles

    def relative_quantiles(self) -> tuple[float, ...]:
        """The quantiles, scaled to a mean of 1."""
        mean = _table_mean(self.quantiles)
        return tuple(quantile / mean for quantile in self.quantiles)


HoldingLaw = Annotated[
    Exponential | Deterministic | Lognormal | Pareto | Empirical, Field(discriminator="law")
]
