"""Stretches of time in which all arrival rates are constant."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.errors import ConfigError
from twin_gym.scenario import Daily, Poisson, Schedule

_SAME = 1e-9
"""Borders closer than this, relative to the time, are one."""


@dataclass(frozen=True)
class RateInterval:
    """A stretch of constant rates.

    Attributes:
        length_s: how long it lasts.
        rates_hz: arrivals a second, by slice.
    """

    length_s: float
    rates_hz: tuple[float, ...]


def rate_intervals_of(
    scenario: AdmissionScenario, horizon_s: float | None, *, max_different: int
) -> list[RateInterval]:
    """The rates of a scenario over time.

    Args:
        scenario: no trace is looked at.
        horizon_s: until when; None: one period of those slices that have one (they must share it).
        max_different: how many different sets of rates are allowed.

    Returns:
        Intervals in order; one that lasts a second, if no rate changes and there is no horizon.

    Raises:
        ConfigError: if arrivals are neither Poisson nor of piecewise constant rates, or there are
            too many sets of rates.
    """
    for one in scenario.slices:
        if not isinstance(one.arrival, Poisson | Schedule | Daily):
            raise ConfigError(
                f"the option bound needs Poisson arrivals, with rates that are constant or change "
                f"at known times, and slice {one.name!r} has the law {one.arrival.law!r}: set its "
                "`arrival` to Poisson()"
            )
    end_s = _period_s(scenario) if horizon_s is None else horizon_s
    intervals: list[RateInterval] = []
    for start_s, stop_s in itertools.pairwise(_borders(scenario, end_s)):
        middle_s = (start_s + stop_s) / 2
        rates_hz = tuple(_rate_hz(one, middle_s) for one in scenario.slices)
        if intervals and intervals[-1].rates_hz == rates_hz:
            intervals[-1] = RateInterval(intervals[-1].length_s + stop_s - start_s, rates_hz)
        else:
            intervals.append(RateInterval(stop_s - start_s, rates_hz))
    different = len({interval.rates_hz for interval in intervals})
    if different > max_different:
        raise ConfigError(
            f"the rates of {scenario.name!r} take {different} different sets of values in "
            f"{end_s:g} s and the option bound allows at most {max_different}: take fewer factors "
            "or a shorter horizon"
        )
    return intervals


def _period_s(scenario: AdmissionScenario) -> float:
    periods = {
        one.arrival.period_s for one in scenario.slices if isinstance(one.arrival, Schedule | Daily)
    }
    if len(periods) > 1:
        raise ConfigError(
            f"the long run needs rates of one period, got {sorted(periods)}: give a horizon"
        )
    return periods.pop() if periods else 1.0


def _borders(scenario: AdmissionScenario, end_s: float) -> list[float]:
    moments = {0.0, end_s}
    for one in scenario.slices:
        law = one.arrival
        if isinstance(law, Schedule | Daily):
            width_s = law.period_s / len(law.factors)
            moments.update(k * width_s for k in range(1, int(end_s / width_s) + 1))
    borders: list[float] = []
    for moment_s in sorted(moments):
        if moment_s <= end_s and (not borders or moment_s - borders[-1] > _SAME * end_s):
            borders.append(moment_s)
    borders[-1] = end_s
    return borders


def _rate_hz(one: Slice, moment_s: float) -> float:
    law = one.arrival
    if not isinstance(law, Schedule | Daily):
        return one.arrival_rate_hz
    factors = law.relative_rates()
    part = int(moment_s / law.period_s * len(factors)) % len(factors)
    return one.arrival_rate_hz * factors[part]
