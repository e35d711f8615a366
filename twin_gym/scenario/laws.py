"""Laws of arrival and of holding time: the shapes; the means are the slice's own fields."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from twin_gym.errors import ConfigError
from twin_gym.scenario.base import Duration, FrozenModel, NonNegative

Factors = Annotated[tuple[NonNegative, ...], Field(min_length=2, max_length=10_000)]
Quantiles = Annotated[tuple[NonNegative, ...], Field(min_length=2, max_length=10_000)]


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
        if sum(factors) <= 0:
            raise ConfigError("at least one factor must be positive: no request would ever arrive")
        return factors

    def relative_rates(self) -> tuple[float, ...]:
        """The factors, scaled to an average of 1."""
        mean = sum(self.factors) / len(self.factors)
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
        if sum(self.factors) <= 0:
            raise ConfigError("at least one factor must be positive: no request would ever arrive")
        return self

    def relative_rates(self) -> tuple[float, ...]:
        """The factors, scaled so that the average over time is 1."""
        total_s = sum(self.mean_sojourn_s)
        mean = (
            sum(f * s for f, s in zip(self.factors, self.mean_sojourn_s, strict=True)) / total_s
        )
        return tuple(factor / mean for factor in self.factors)


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
        if any(later < earlier for earlier, later in zip(quantiles, quantiles[1:], strict=False)):
            raise ConfigError("quantiles must not fall: sort them")
        if quantiles[-1] <= 0:
            raise ConfigError("the last quantile must be positive")
        return quantiles

    def relative_quantiles(self) -> tuple[float, ...]:
        """The quantiles, scaled to a mean of 1."""
        pairs = zip(self.quantiles, self.quantiles[1:], strict=False)
        mean = sum((a + b) / 2 for a, b in pairs) / (len(self.quantiles) - 1)
        return tuple(quantile / mean for quantile in self.quantiles)


HoldingLaw = Annotated[
    Exponential | Deterministic | Lognormal | Pareto | Empirical, Field(discriminator="law")
]
