"""How waste comes into the bins: a law, or recorded emptyings replayed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from twin_gym.errors import ConfigError
from twin_gym.scenario.base import FrozenModel

HOURS_A_DAY = 24
HOURS_A_WEEK = 168
_PROFILE_ROUNDING = 1e-3

Factor = Annotated[float, Field(strict=True, ge=0, le=1e3, allow_inf_nan=False)]
FLAT = (1.0,) * HOURS_A_DAY


class PoissonGamma(FrozenModel):
    """Deposits at the times of a Poisson process, of Gamma sizes.

    Attributes:
        deposit_mean_l: mean size of a deposit.
        deposit_shape: shape of the Gamma law; 1: exponential. The variance of what is thrown in is
            deposit_mean_l * (1 + 1 / deposit_shape) times its mean.
        profile: inflow of each hour over the mean one, from midnight on: 24 hours of a day or 168
            of a week that begins on Monday. Their mean is 1.
    """

    law: Literal["poisson-gamma"] = "poisson-gamma"
    deposit_mean_l: Annotated[float, Field(strict=True, ge=1e-3, le=1e4, allow_inf_nan=False)] = 5.0
    deposit_shape: Annotated[int, Field(strict=True, ge=1, le=100)] = 1
    profile: Annotated[tuple[Factor, ...], Field(max_length=HOURS_A_WEEK)] = FLAT

    @model_validator(mode="after")
    def _is_a_profile(self) -> PoissonGamma:
        if len(self.profile) not in (HOURS_A_DAY, HOURS_A_WEEK):
            raise ConfigError(
                f"the profile must have {HOURS_A_DAY} hours or {HOURS_A_WEEK}, "
                f"got {len(self.profile)}"
            )
        mean = sum(self.profile) / len(self.profile)
        if abs(mean - 1.0) > _PROFILE_ROUNDING:
            raise ConfigError(
                f"the mean of the profile must be 1, got {mean:.4g}: divide every hour by it"
            )
        return self


Deposits = PoissonGamma
