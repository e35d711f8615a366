"""Slice admission: rates, holding times, patience and places of each slice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.scenario.changes import path_of
from twin_gym.twins.history.records import Series
from twin_gym.twins.scenarios.estimation.evidence import Average, Evidence, Rate, Reported
from twin_gym.twins.scenarios.estimation.telemetry import EpisodeTelemetry

Floats = NDArray[np.float64]


def estimate_parameters(
    telemetry: EpisodeTelemetry, base: AdmissionScenario, start_s: float, end_s: float
) -> dict[str, Evidence]:
    """Estimates the parameters of the slices from a window.

    - `arrival_rate_hz`: growth of the counter of offered requests over the time in which it is
      known, the maximum likelihood of a Poisson process. Where arrivals have a profile, it is the
      rate of this window, not the long-run average.
    - `mean_holding_time_s`: growth of the served request-seconds over the requests that ended,
      the occurrence-exposure rate turned over (Aalen, Annals of Statistics 6(4), 1978): the maximum
      likelihood of exponential times with those that run on censored, and over long windows the
      time-average in service over the rate of ends, which is Little's law (Operations Research
      9(3), 1961), for every law.
    - `mean_patience_s`: see `_exponential_patience` and `_longest_wait`.
    - `queue_limit`: told with the twin of the slice.

    Args:
        telemetry: the episode.
        base: names the slices and the law of patience.
        start_s: of the window.
        end_s: of the window.

    Returns:
        By path.
    """
    evidence: dict[str, Evidence] = {}
    is_exponential = base.patience_law == "exponential"
    patience = _exponential_patience if is_exponential else _longest_wait
    for name in base.slice_names:
        window = (telemetry, name, start_s, end_s)
        evidence |= {
            path_of("slices", name, "arrival_rate_hz"): _arrivals(*window),
            path_of("slices", name, "mean_holding_time_s"): _holding(*window),
            path_of("slices", name, "mean_patience_s"): patience(*window),
            path_of("slices", name, "queue_limit"): _limit(telemetry, name),
        }
    return evidence


def _arrivals(telemetry: EpisodeTelemetry, name: str, start_s: float, end_s: float) -> Rate:
    service = f"service/{name}"
    events, exposure_s = telemetry.growth(service, "offered", start_s, end_s)
    return Rate(telemetry.last_s(service, "offered", end_s=end_s), events, exposure_s)


def _holding(telemetry: EpisodeTelemetry, name: str, start_s: float, end_s: float) -> Average:
    """Request-seconds over ends; ends are what was admitted and is not in service any more."""
    service, part = f"service/{name}", f"slice/{name}"
    total_s, exposure_s = telemetry.growth(service, "served_s", start_s, end_s)
    admitted, _ = telemetry.growth(service, "served", start_s, end_s)
    counts = telemetry.series(part, "in_service")
    last_s = telemetry.last_s(service, "served_s", "served", end_s=end_s)
    if exposure_s <= 0.0 or not len(counts.times_s):
        return Average(last_s, 0.0, 0.0)
    before, after = (_held(counts, time_s) for time_s in (start_s, end_s))
    return Average(last_s, total_s, max(admitted - (after - before), 0.0))


def _held(series: Series, time_s: float) -> float:
    """The last value at or before a time; the first one before all."""
    place = int(np.searchsorted(series.times_s, time_s, side="right"))
    return float(series.values[max(place - 1, 0)])


def _longest_wait(telemetry: EpisodeTelemetry, name: str, start_s: float, end_s: float) -> Average:
    """Of requests that all wait equally long before they leave: the oldest that was seen.

    An age that was seen is never more than the patience, and where requests do expire, and are
    looked at often, hardly less: the largest of many ages is a consistent estimate from below of
    where they end. A window in which nothing expired says nothing. Those that expired are the
    observations, each of the largest age.
    """
    service, part = f"service/{name}", f"slice/{name}"
    expired, _ = telemetry.growth(service, "expired", start_s, end_s)
    ages = telemetry.series(part, "head_age_s")
    inside = ages.values[(ages.times_s >= start_s) & (ages.times_s <= end_s)]
    longest_s = float(inside.max()) if len(inside) else 0.0
    last_s = telemetry.last_s(service, "expired", end_s=end_s)
    if expired < 1.0 or longest_s <= 0.0:
        return Average(last_s, 0.0, 0.0)
    return Average(last_s, longest_s * expired, expired)


def _exponential_patience(
    telemetry: EpisodeTelemetry, name: str, start_s: float, end_s: float
) -> Average:
    """Time spent waiting over those that gave up: the occurrence-exposure rate turned over.

    The time is the area under the queue from one decision to the next, between which nobody is
    admitted: from what is left after the admission to what there was before the arrival, if any,
    that brought the next decision, as if it had changed evenly. Only where all of it was heard at
    both ends: a lost value takes from the evidence and not from the estimate.
    """
    part, service = f"slice/{name}", f"service/{name}"
    several = [(part, "queue_length"), (part, "head_age_s"), (service, "served")]
    series = [telemetry.series(*one) for one in (*several, (service, "expired"))]
    last_s = telemetry.last_s(service, "served", "expired", end_s=end_s)
    times_s, firsts, lasts, is_next = _heard_together(series, start_s, end_s)
    queue, age_s, served, expired = range(len(series))
    admitted = firsts[served, 1:] - lasts[served, :-1]
    has_come = (firsts[age_s, 1:] == 0.0) & (firsts[queue, 1:] > 0.0)
    after = np.maximum(lasts[queue, :-1] - admitted, 0.0)
    before = firsts[queue, 1:] - has_come
    area_s = 0.5 * (after + before) * np.diff(times_s)
    gone = firsts[expired, 1:] - lasts[expired, :-1]
    return Average(last_s, float(area_s[is_next].sum()), float(gone[is_next].sum()))


def _limit(telemetry: EpisodeTelemetry, name: str) -> Reported:
    value = telemetry.told(f"slice/{name}", "queue_limit")
    return Reported(0.0, () if value is None else (value,))


def _heard_together(
    series: list[Series], start_s: float, end_s: float
) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
    """Moments of a window at which all of several series were heard, as often each.

    Args:
        series: of one episode.
        start_s: of the window.
        end_s: of the window.

    Returns:
        Their times, shape (moments,); first and last values of each moment, shape (series,
        moments); whether the next one is the next moment at which anything was heard, shape
        (moments - 1,).
    """
    cut = [_inside(one, start_s, end_s) for one in series]
    every_s = np.unique(np.concatenate([one.times_s for one in cut]))
    firsts = np.zeros((len(cut), len(every_s)))
    lasts, counts = np.zeros_like(firsts), np.zeros(firsts.shape, np.int64)
    for k, one in enumerate(cut):
        begins = np.searchsorted(one.times_s, every_s, side="left")
        ends = np.searchsorted(one.times_s, every_s, side="right")
        counts[k] = ends - begins
        if len(one.times_s):
            firsts[k] = one.values[np.minimum(begins, len(one.values) - 1)]
            lasts[k] = one.values[np.maximum(ends - 1, 0)]
    is_whole = (counts == counts[0]).all(0) & (counts[0] > 0)
    places = np.flatnonzero(is_whole)
    return every_s[places], firsts[:, places], lasts[:, places], np.diff(places) == 1


def _inside(series: Series, start_s: float, end_s: float) -> Series:
    first = int(np.searchsorted(series.times_s, start_s, side="left"))
    last = int(np.searchsorted(series.times_s, end_s, side="right"))
    return Series(series.times_s[first:last], series.values[first:last])
