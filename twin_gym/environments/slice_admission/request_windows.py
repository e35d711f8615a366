"""Parameter histories from lists of real requests: rates and holding times by window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import ConfigError, unknown_name
from twin_gym.scenario import Daily, RequestTrace
from twin_gym.scenario.changes import names_of
from twin_gym.twins.scenarios.parameter_history import MIN_WINDOWS, CurrentState, ParameterHistory
from twin_gym.twins.scenarios.parameters import ParameterSpace

Floats = NDArray[np.float64]

LEAST_PRIOR_REQUESTS = 1.0
"""Least weight of the prior, in requests: keeps logarithms finite in a window without any."""

_RATE, _HOLDING = "arrival_rate_hz", "mean_holding_time_s"
_ROUNDING = 1e-9


def history_from_requests(
    space: ParameterSpace,
    requests: RequestTrace,
    window_s: float,
    *,
    longest_s: float | None = None,
    prior_requests: float | None = None,
    clock_s: float = 0.0,
) -> ParameterHistory:
    """The parameter history of a network, estimated window by window from its requests.

    In each window and slice the arrival rate is the Poisson maximum-likelihood estimate and the
    mean holding time that of the requests which arrived in it, both shrunk to their pooled values
    by a prior worth k requests:

        rate = (n + k) / (E + k / pooled rate),    mean = (sum + k pooled mean) / (n + k)

    with n requests in exposure E (the window's length; under a daily profile the integral of the
    slice's relative rates over it, so that a rate is the day's average whatever the hour). Unless
    given, k is found by moments for each slice and each of the two: within-window variance over
    between-window variance (Buehlmann and Straub, Mitteilungen der Vereinigung schweizerischer
    Versicherungsmathematiker 70, 1970), the former of a rate being its mean. Windows that differ no
    more than chance explains become alike. Other parameters stay at the base's values.

    Args:
        space: of an admission scenario that replays nothing.
        requests: as `replay.load_trace` gives them.
        window_s: length of a window. What is left over at the beginning belongs to none.
        longest_s: lifetimes beyond it count as this; None: the horizon of the base.
        prior_requests: k for all; at least 1. None: by moments, at least 1.
        clock_s: where in the period of daily profiles the requests begin.

    Returns:
        The windows, the oldest first, so that the last one ends where the requests do.

    Raises:
        ConfigError: if the base is of another kind, a number is out of range, there are less than
            four windows, or a slice whose parameters vary has no request at all.
        UnknownNameError: if a request belongs to no slice of the base.
    """
    base = _checked(space, requests, window_s, longest_s, prior_requests)
    num_windows = int(requests.duration_s / window_s + _ROUNDING)
    first_s = requests.duration_s - num_windows * window_s
    edges_s: Floats = first_s + window_s * np.arange(num_windows + 1, dtype=np.float64)
    cut_s = base.horizon_s if longest_s is None else longest_s
    points = np.tile(space.coordinates(base), (num_windows, 1))
    for place, path in enumerate(space.paths):
        *_, name, field = ("", *names_of(path))
        if field not in (_RATE, _HOLDING):
            continue
        of_slice = _windows_of(base, requests, name, edges_s, cut_s, clock_s)
        values = of_slice.rates if field == _RATE else of_slice.holdings
        points[:, place] = [space.parameters[place].coordinate(x) for x in values(prior_requests)]
    source = (
        f"{num_windows} windows of {window_s:g} s with {len(requests.arrival_s):,} requests; prior "
        f"{'by moments' if prior_requests is None else f'of {prior_requests:g} requests'}"
    )
    return ParameterHistory(space, points, source)


def current_state_from_last(history: ParameterHistory) -> CurrentState:
    """The last window of a history as what the real-time twin knows, just measured.

    Args:
        history: whose last window has only just ended.

    Returns:
        All of its parameters, of age 0.
    """
    return CurrentState(history.space, history.points[-1].copy(), np.zeros(history.points.shape[1]))


@dataclass(frozen=True)
class _Windows:
    """The requests of one slice, by window.

    Attributes:
        counts: how many arrived; shape (windows,).
        exposure_s: in seconds of the average rate; shape (windows,).
        sums_s: of their holding times; shape (windows,).
        squares_s2: of the deviations from each window's mean, all windows together.
    """

    counts: Floats
    exposure_s: Floats
    sums_s: Floats
    squares_s2: float

    def rates(self, prior_requests: float | None) -> Floats:
        """Arrival rate in each window."""
        pooled = self.counts.sum() / self.exposure_s.sum()
        weight_s = _prior_weight(self.counts / self.exposure_s, self.exposure_s, pooled)
        k = _worth(weight_s * pooled, prior_requests)
        if np.isinf(k):
            return np.full(len(self.counts), pooled)
        rates_hz: Floats = (self.counts + k) / (self.exposure_s + k / pooled)
        return rates_hz

    def holdings(self, prior_requests: float | None) -> Floats:
        """Mean holding time in each window."""
        pooled = self.sums_s.sum() / self.counts.sum()
        some = self.counts > 0
        freedom = self.counts.sum() - some.sum()
        within = self.squares_s2 / freedom if freedom > 0 else np.inf
        means = self.sums_s[some] / self.counts[some]
        k = _worth(_prior_weight(means, self.counts[some], within), prior_requests)
        if np.isinf(k):
            return np.full(len(self.counts), pooled)
        means_s: Floats = (self.sums_s + k * pooled) / (self.counts + k)
        return means_s


def _windows_of(
    base: AdmissionScenario,
    requests: RequestTrace,
    name: str,
    edges_s: Floats,
    longest_s: float,
    clock_s: float,
) -> _Windows:
    mine = (requests.slice_names == name) & (requests.arrival_s >= edges_s[0])
    if not mine.any():
        raise ConfigError(
            f"slice {name!r} has no request in the windows: leave its rate and holding time out of "
            "the parameters"
        )
    at = np.searchsorted(edges_s[1:-1], requests.arrival_s[mine], side="right")
    held_s = np.minimum(requests.holding_s[mine], longest_s)
    counts = np.bincount(at, minlength=len(edges_s) - 1).astype(np.float64)
    sums_s = np.bincount(at, weights=held_s, minlength=len(counts)).astype(np.float64)
    deviations = held_s - (sums_s / np.maximum(counts, 1.0))[at]
    exposure_s = np.diff(_exposure(base, name, edges_s + clock_s))
    return _Windows(counts, exposure_s, sums_s, float((deviations**2).sum()))


def _exposure(base: AdmissionScenario, name: str, moments_s: Floats) -> Floats:
    """Integral of the relative rate of a slice from the beginning of its period to each moment."""
    law = base.slices[base.slice_index(name)].arrival
    if not isinstance(law, Daily):
        return moments_s
    rates = np.array(law.relative_rates())
    corners = np.concatenate([[0.0], np.cumsum(rates) / len(rates)]) * law.period_s
    periods, inside = np.divmod(moments_s, law.period_s)
    at = np.linspace(0.0, law.period_s, len(corners))
    exposure_s: Floats = periods * law.period_s + np.interp(inside, at, corners)
    return exposure_s


def _prior_weight(means: Floats, weights: Floats, within: float) -> float:
    """Within-window variance over between-window variance, in the unit of the weights."""
    total = weights.sum()
    spread = float((weights * (means - (weights * means).sum() / total) ** 2).sum())
    scale = float(total - (weights**2).sum() / total)
    if scale <= 0.0 or not np.isfinite(within):
        return float("inf")
    between = (spread - (len(means) - 1) * within) / scale
    return within / between if between > 0.0 else float("inf")


def _worth(by_moments: float, given: float | None) -> float:
    """The weight of the prior, in requests."""
    return max(by_moments if given is None else given, LEAST_PRIOR_REQUESTS)


def _checked(
    space: ParameterSpace,
    requests: RequestTrace,
    window_s: float,
    longest_s: float | None,
    prior_requests: float | None,
) -> AdmissionScenario:
    base = space.base
    if not isinstance(base, AdmissionScenario):
        raise ConfigError(f"requests come to admission scenarios, and {base.name!r} is none")
    if not 0.0 < window_s * MIN_WINDOWS <= requests.duration_s * (1.0 + _ROUNDING):
        raise ConfigError(
            f"a history needs {MIN_WINDOWS} windows at least, and of {window_s:g} s there are not "
            f"so many in {requests.duration_s:g} s: take shorter windows or more requests"
        )
    if longest_s is not None and not longest_s > 0.0:
        raise ConfigError(f"the longest lifetime is positive, got {longest_s!r}")
    if prior_requests is not None and not LEAST_PRIOR_REQUESTS <= prior_requests < np.inf:
        raise ConfigError(
            f"the prior is worth {LEAST_PRIOR_REQUESTS:g} request at least and finitely many, got "
            f"{prior_requests!r}"
        )
    for name in np.unique(requests.slice_names):
        if name not in base.slice_names:
            raise unknown_name("slice", str(name), base.slice_names)
    return base
