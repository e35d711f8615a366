"""How waste comes into the bins: a law, or recorded emptyings replayed."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from twin_gym.environments.truck_routing.emptyings import (
    DAY_S,
    HOUR_S,
    EmptyingFile,
    Emptyings,
    inflows_by_moments,
    read_emptyings,
)
from twin_gym.environments.truck_routing.registers import BinTable
from twin_gym.errors import ConfigError, TraceError, unknown_name
from twin_gym.scenario.base import FrozenModel

HOURS_A_DAY = 24
HOURS_A_WEEK = 168
MAX_DAYS = 1_000
_PROFILE_ROUNDING = 1e-3

Factor = Annotated[float, Field(strict=True, ge=0, le=1e3, allow_inf_nan=False)]
Day = Annotated[int, Field(strict=True, ge=0, le=MAX_DAYS)]
Floats = NDArray[np.float64]
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
        if mean == 0.0:
            raise ConfigError("the profile is 0 in every hour: give it an hour with inflow")
        if abs(mean - 1.0) > _PROFILE_ROUNDING:
            raise ConfigError(
                f"the mean of the profile must be 1, got {mean:.4g}: divide every hour by it"
            )
        return self


class ReplayedEmptyings(FrozenModel):
    """What was found at recorded emptyings, thrown in evenly since the emptying before.

    An episode begins on a day of the window that its world draws, so that it ends within it; all
    bins begin on the same day.

    Attributes:
        file: whose emptyings are replayed; every bin of the scenario has some.
        first_day: first day of the window; 0 is the day from whose midnight the file counts.
        last_day: the day after its last one.
    """

    law: Literal["replay"] = "replay"
    file: EmptyingFile
    first_day: Day = 0
    last_day: Day

    @model_validator(mode="after")
    def _window(self) -> ReplayedEmptyings:
        if self.first_day >= self.last_day:
            raise ConfigError(
                f"the window must end after it begins, got first_day={self.first_day}, "
                f"last_day={self.last_day}"
            )
        return self

    @property
    def num_days(self) -> int:
        """Days of the window: the longest episode."""
        return self.last_day - self.first_day


Deposits = Annotated[PoissonGamma | ReplayedEmptyings, Field(discriminator="law")]


def replayed_volumes_l(
    deposits: ReplayedEmptyings, bins: BinTable, shift_start_hour: int = 0
) -> Floats:
    """What has been thrown into each bin since the beginning of the window, hour by hour.

    Between two emptyings of a bin its content rises in a straight line to what the later one found;
    before its first and after its last one it rises at its mean inflow.

    Args:
        deposits: file and window.
        bins: of the scenario.
        shift_start_hour: hour of the day at which the days of the window begin, 0 to 23.

    Returns:
        Litres, not falling, 0 in the first row, read-only; shape (24 num_days + 1, bins).

    Raises:
        TraceError: if the file is not there or breaks its format (with the line), has no emptying
            of a bin, or does not cover the window.
    """
    by_bin = read_emptyings(deposits.file)
    for name in bins.names:
        if name not in by_bin:
            raise TraceError(f"{deposits.file.path}: {unknown_name('bin', name, by_bin)}")
    first_hour = deposits.first_day * HOURS_A_DAY + shift_start_hour
    hours = np.arange(deposits.num_days * HOURS_A_DAY + 1, dtype=np.float64) + first_hour
    _check_window(deposits, by_bin)
    emptyings = [by_bin[name] for name in bins.names]
    share = deposits.file.full_share
    inflow = inflows_by_moments(emptyings, bins.capacity_l, share).inflow_l_per_h
    volumes = np.empty((len(hours), len(emptyings)))
    for k, one in enumerate(emptyings):
        volumes[:, k] = _thrown_in_l(one, share * bins.capacity_l[k], inflow[k], hours)
    volumes = np.maximum.accumulate(volumes - volumes[0], axis=0)  # rounding may make it fall
    volumes.flags.writeable = False
    return volumes


def _thrown_in_l(one: Emptyings, full_l: float, inflow_l_per_h: float, hours: Floats) -> Floats:
    """Litres since the first emptying (less than 0 before it); shape (hours,)."""
    at_h = one.times_s / HOUR_S
    found_l = np.concatenate(([0.0], np.cumsum(one.fills[1:]))) * full_l
    beyond_h = np.minimum(hours - at_h[0], 0.0) + np.maximum(hours - at_h[-1], 0.0)
    thrown: Floats = np.interp(hours, at_h, found_l) + beyond_h * inflow_l_per_h
    return thrown


def _check_window(deposits: ReplayedEmptyings, by_bin: dict[str, Emptyings]) -> None:
    first_s = min(float(one.times_s[0]) for one in by_bin.values())
    last_s = max(float(one.times_s[-1]) for one in by_bin.values())
    if deposits.first_day * DAY_S + DAY_S <= first_s or deposits.last_day * DAY_S > last_s + DAY_S:
        raise TraceError(
            f"{deposits.file.path} has emptyings from day {first_s / DAY_S:.1f} to day "
            f"{last_s / DAY_S:.1f} and the window is day {deposits.first_day} to "
            f"{deposits.last_day}: move the window"
        )
