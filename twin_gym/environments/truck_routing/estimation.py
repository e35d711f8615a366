"""Truck routing: how much is thrown in, how often bins report, and how often that arrives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

from twin_gym.environments.truck_routing.bins import bin_table
from twin_gym.environments.truck_routing.deposits import PoissonGamma
from twin_gym.environments.truck_routing.scenario import HOUR_S, TruckScenario
from twin_gym.twins.scenarios.estimation.evidence import Average, Evidence, TransitionLikelihood
from twin_gym.twins.scenarios.estimation.telemetry import EpisodeTelemetry

Floats = NDArray[np.float64]

_REPORTS = "service/reports"
_MS_PER_S = 1_000.0
_FEWEST_GAPS = 8
_NEARLY = 1.0 - 1e-9  # of what a bin holds: full
_SURE = 1e-300  # least probability, so that its logarithm is finite


@dataclass(frozen=True)
class CommonPeriod(Evidence):
    """Times between reports, all of them whole multiples of one period.

    The estimate is their greatest common divisor, exact whatever is lost in between: that all of n
    gaps are multiples of the same wrong number has a probability that falls geometrically in n.

    Attributes:
        period_ms: greatest common divisor of the gaps; 0: there are none.
        gaps: how many there are.
    """

    period_ms: int
    gaps: int

    @property
    def is_empty(self) -> bool:
        """Whether there are too few gaps."""
        return self.gaps < _FEWEST_GAPS

    def joined(self, others: Sequence[Self]) -> Self:
        """All gaps."""
        several = (self, *others)
        return type(self)(
            max(one.at_s for one in several),
            math.gcd(*(one.period_ms for one in several)),
            sum(one.gaps for one in several),
        )

    def estimate(self, centre: float) -> float:
        """The period in seconds."""
        return centre if self.is_empty else self.period_ms / _MS_PER_S


class _Known(NamedTuple):
    """What is known of the content of a bin, in the order of time.

    Attributes:
        times_s: at which it was true; shape (values,), as what follows.
        before_l: content; what a truck found; NaN: not told.
        after_l: content; what a truck left; NaN: not told.
        is_found: whether a truck saw it.
    """

    times_s: Floats
    before_l: Floats
    after_l: Floats
    is_found: NDArray[np.bool_]


def estimate_parameters(
    telemetry: EpisodeTelemetry, base: TruckScenario, start_s: float, end_s: float
) -> dict[str, Evidence]:
    """Estimates inflow and reports from a window.

    - `inflow_factor`: see `_inflow`.
    - `report_period_s`: greatest common divisor of the times between successive readings of one
      bin, in whole milliseconds.
    - `delivery_probability`: growth of the counter of reports that arrived over that of reports
      that would have arrived, as far as both are known: the maximum likelihood of independent
      losses.

    Args:
        telemetry: the episode.
        base: says the bins, their inflows and sensors, and the law of deposits.
        start_s: of the window.
        end_s: of the window.

    Returns:
        By path.
    """
    found: dict[str, Evidence] = {
        "report_period_s": _period(telemetry, base, start_s, end_s),
        "delivery_probability": _delivery(telemetry, start_s, end_s),
    }
    if isinstance(base.deposits, PoissonGamma):
        found["inflow_factor"] = _inflow(telemetry, base, base.deposits, start_s, end_s)
    return found


def _delivery(telemetry: EpisodeTelemetry, start_s: float, end_s: float) -> Average:
    last_s = telemetry.last_s(_REPORTS, "offered", "served", end_s=end_s)
    both = [(_REPORTS, "offered"), (_REPORTS, "served")]
    start_s, end_s = telemetry.known(both, start_s, end_s)
    sent, _ = telemetry.growth(_REPORTS, "offered", start_s, end_s)
    came, _ = telemetry.growth(_REPORTS, "served", start_s, end_s)
    return Average(last_s, came, sent)


def _period(
    telemetry: EpisodeTelemetry, base: TruckScenario, start_s: float, end_s: float
) -> CommonPeriod:
    gaps: list[int] = []
    last_s = 0.0
    for i in range(base.num_bins):
        times_s = telemetry.moments(f"bin/{i}", "reading_l").times_s
        first, last = np.searchsorted(times_s, (start_s, end_s), side="right")
        if last > 0:
            last_s = max(last_s, float(times_s[last - 1]))
        times = np.rint(times_s[max(first - 1, 0) : last] * _MS_PER_S).astype(np.int64)
        gaps += np.diff(times).tolist()
    return CommonPeriod(last_s, math.gcd(*gaps), len(gaps))


def _inflow(
    telemetry: EpisodeTelemetry,
    base: TruckScenario,
    law: PoissonGamma,
    start_s: float,
    end_s: float,
) -> TransitionLikelihood:
    """What was thrown in and what was expected, between successive values of single bins.

    Of each bin, all pairs of successive values of which the later one was true within the window.
    e litres are expected: the base's inflow of the bin times the hours in between, weighted by the
    profile. A compound Poisson number of Gamma deposits has the variance D e with D =
    deposit_mean_l (1 + 1 / deposit_shape): litres are counted in D, so that mean and variance are
    equal. If the later value is at what the bin holds or its sensor reads, the growth was at least
    the room that there was. If the earlier one is, the pair says nothing. A content that fell was
    emptied unheard; the pair does not count.
    """
    bins, dispersion = bin_table(base.bins), law.deposit_mean_l * (1.0 + 1.0 / law.deposit_shape)
    pairs, last_s = [np.zeros((0, 3))], 0.0
    for i in range(base.num_bins):
        known, capacity = _known(telemetry, i), float(bins.capacity_l[i])
        expected = np.diff(_profile_hours(base, law, known.times_s)) * bins.inflow_l_per_h[i]
        grown = known.before_l[1:] - known.after_l[:-1]
        limit = np.where(known.is_found, 1.0, base.sensor_full_share) * capacity * _NEARLY
        is_full = known.before_l[1:] >= limit[1:]
        is_inside = (known.times_s[1:] > start_s) & (known.times_s[1:] <= end_s)
        has_room = known.after_l[:-1] < base.sensor_full_share * capacity * _NEARLY
        counts = is_inside & has_room & (grown >= 0.0)
        pairs.append(np.column_stack((expected, grown, is_full * dispersion))[counts] / dispersion)
        last_s = max(last_s, float(known.times_s[known.times_s <= end_s].max(initial=0.0)))
    spans, grown, is_full = np.concatenate(pairs).T
    return TransitionLikelihood(
        last_s, spans, np.column_stack((grown, is_full)), inflow_likelihood, _usual_inflow
    )


def inflow_likelihood(values: Floats, spans: Floats, products: Floats) -> Floats:
    """Log-quasi-likelihood of factors of the inflow, but for a constant.

    A growth x of which e is expected counts as x log(factor) - factor e, the quasi-likelihood of a
    variance that is proportional to the mean (Wedderburn, Biometrika 61(3), 1974). One that is only
    known to be at least x has the probability of that under the Gamma law of the same mean and
    variance.

    Args:
        values: factors; shape (values,).
        spans: growth that is expected at the factor 1; shape (pairs,).
        products: growth, and 1 where it was at least that, else 0; shape (pairs, 2).

    Returns:
        Shape (values,).
    """
    grown, is_full = products[:, 0], products[:, 1] > 0.0
    thrown, expected = grown[~is_full].sum(), spans[~is_full].sum()
    least, spans = grown[is_full], spans[is_full]
    logs: Floats = thrown * np.log(values) - expected * values
    for k, factor in enumerate(values.tolist()):
        chance = gammaincc(np.maximum(factor * spans, _SURE), least)
        logs[k] += float(np.log(np.maximum(chance, _SURE)).sum())
    return logs


def _usual_inflow(centre: float) -> tuple[float, Floats]:
    """A growth that is as large as expected, of one unit."""
    return 1.0, np.array([centre, 0.0])


def _known(telemetry: EpisodeTelemetry, i: int) -> _Known:
    """Readings and emptyings of a bin; of an emptying, what was heard of it."""
    readings, found, left = (
        telemetry.moments(f"bin/{i}", name) for name in ("reading_l", "found_l", "left_l")
    )
    emptied_s = np.union1d(found.times_s, left.times_s)
    told = []
    for series in (found, left):
        values = np.full(len(emptied_s), np.nan)
        values[np.searchsorted(emptied_s, series.times_s)] = series.values
        told.append(values)
    times_s = np.concatenate((readings.times_s, emptied_s))
    order = np.argsort(times_s, kind="stable")
    is_found = np.repeat((False, True), (len(readings.times_s), len(emptied_s)))
    before, after = (np.concatenate((readings.values, one)) for one in told)
    return _Known(times_s[order], before[order], after[order], is_found[order])


def _profile_hours(base: TruckScenario, law: PoissonGamma, times_s: Floats) -> Floats:
    """Hours since the beginning, weighted by the profile of the inflow; shape as the times."""
    factors = np.roll(np.array(law.profile), -base.shift_start_hour)
    turns, hours = np.divmod(times_s / HOUR_S, len(factors))
    whole = np.concatenate(([0.0], np.cumsum(factors)))
    begun: Floats = turns * whole[-1] + np.interp(hours, np.arange(len(whole)), whole)
    return begun
