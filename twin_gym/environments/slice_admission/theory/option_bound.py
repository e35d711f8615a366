"""Upper bounds of all policies: a request is an option to be served, which lapses as it waits."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.theory.chain import Floats
from twin_gym.environments.slice_admission.theory.option_model import OptionModel, option_model
from twin_gym.environments.slice_admission.theory.option_phases import PhasedModel, phases_of
from twin_gym.environments.slice_admission.theory.rate_intervals import (
    RateInterval,
    rate_intervals_of,
)
from twin_gym.errors import ConfigError, TwinGymError
from twin_gym.scenario import MMPP

MAX_VECTORS = 20_000
_MAX_RATES = 4
_SCREEN_SWEEPS, _SWEEPS = 150, 600
_PATIENT, _TINY = 40, 1e-6
"""Sweeps without an improvement of this relative size after which h is kept."""
_SCREEN_STEP, _STEP = 2.5, 1.0
"""Steps of waiting time while h is sought, in mean times to a departure of the fullest network."""
_WORTHWHILE = 3e-4
"""Relative gain of half the step for which the step is halved once more."""
_MOST_STEPS = 60_000
_SLACK = 1e-9
"""Rise of an option's value with the load that is taken for rounding, relative to the revenue."""
_LONGEST_WAIT = 5_000


@dataclass(frozen=True)
class OptionBound:
    """An upper bound of the revenue a second, penalties subtracted.

    Attributes:
        revenue_rate_per_s: no policy earns more on average in episodes from empty (or, without a
            horizon, in the long run).
        long_run_per_s: what remains of it in long episodes; for rates that change, of repetitions.
        unlimited: by interval of constant rates, the slices that could be admitted at any moment.
        horizon_s: length of the episodes that it holds for; None: the long run.
        num_vectors: vectors of requests in service.
    """

    revenue_rate_per_s: float
    long_run_per_s: float
    unlimited: tuple[tuple[str, ...], ...]
    horizon_s: float | None
    num_vectors: int


@dataclass(frozen=True, eq=False)
class _Solved:
    """A function h with what it proves for constant rates.

    `value` is h, `option` and `obstacle` hold w(., p) and φ by slice (zeros if unlimited).
    """

    unlimited: frozenset[int]
    gain: float
    value: Floats
    option: Floats
    obstacle: Floats


def option_bound(
    scenario: AdmissionScenario,
    *,
    horizon_s: float | None = None,
    max_vectors: int = MAX_VECTORS,
) -> OptionBound:
    """An upper bound of the revenue a second of every policy that does not see the future.

    Let n count the requests in service, μ_s = 1 / mean holding time, and Δf(n) = Σ_i n_i μ_i
    (f(n - e_i) - f(n)) be what departures change of f a second. To a state with requests j of
    slices s_j waiting, whose patience still lasts τ_j, the bound gives the value

        V = h(n) + Σ_j w_{s_j}(n, τ_j).

    Slices are *options* or *unlimited*: of the latter the operator may admit a request at any
    moment, arrived or not, which can only help. Let

        (a) w_s >= 0,
        (b) w_s(n, τ) >= r_s + h(n + e_s) - h(n) for options, h(n) >= r_s + h(n + e_s) for
            unlimited slices, wherever n + e_s fits,
        (c) w_s(., τ) fall in each n_i (not needed of slices without a queue: nothing waits),
        (d) -dw_s/dτ + Δw_s <= 0,
        (e) Σ_options λ_s w_s(n, p_s) + Δh(n) <= g for every n that fits.

    *Proof.* Whatever is decided, V plus the revenue so far minus g t falls on average: an admission
    takes at least r_s from V by (b), for the other options do not rise by (c); a request that
    lapses or finds no place to wait takes away no less than nothing by (a); between decisions the
    drift of h and of arrivals is at most g by (e), that of each option at most 0 by (d). By
    Dynkin's formula E[revenue until T] <= g T + V(empty) - E V(x_T) <= g T + h(0) - min h. This
    holds even for policies that know the patience of each request. Exponential patience with rate
    θ: w_s(n) without τ, and Δw_s - θ w_s <= 0 instead of (d). With penalties, revenue is r_s plus
    the penalty, and the penalties of all arrivals are subtracted; up to `queue_limit` requests
    that wait at T are not lost yet (see `fluid_bound`).

    *It is an information-relaxation bound:* give away the future of a path and charge for it the
    martingale that V makes of it. By the proof, on no path does the best hindsight decision then
    exceed g T + V(empty) - V(x_T) on average; V is the approximate value function.

    *Any h proves a bound,* so numerics can make it loose, not wrong: the least w is the value of
    stopping the pure death process of n alone, on the obstacle φ_s, the least function above
    max(0, r_s + h(n + e_s) - h(n)) that falls in n. Of w only this is used: on a grid of τ with
    step δ, straight between its points, w_0 = φ and w_{k+1}(n) the least number that is no less
    than φ(n), w_k + δ Δw_k (n), and what solves w_{k+1} = w_k + δ Δw_{k+1} at n, where smaller
    n come first. So Δw_k and Δw_{k+1} are at most (w_{k+1} - w_k) / δ, hence also all that lies
    between, which is (d) for every τ. That w falls in n is checked. The step is made small until
    it matters little; h comes from relative value iteration with a coarser w.

    *Rates that change* (`Schedule`, `Daily`): each interval k of constant rates has its h, w, g. A
    change from k to l adds E[V_l - V_k] <= max (h_l - h_k) + Σ_s m_s max (w_l,s(n, p) - φ_k,s(n)),
    the latter no less than 0, with m_s = min(queue limit, λ_s p_s at the greatest rate) >= the
    mean number waiting: those that came within their patience.

    *Bursts* (`MMPP`): h and w depend on the joint phase f, too; Δ includes changes of phase, rates
    λ_s(f) stand in (e), and h(empty) is its mean over the phases that an episode may begin in. The
    implicit equations of a step are solved over phases from above, where every value on the way
    satisfies them as an inequality.

    Args:
        scenario: exponential holding times; Poisson arrivals with constant or piecewise constant
            rates (at most 4 different sets), or bursts (at most 16 joint phases, and deterministic
            patience); any queue limits; no trace.
        horizon_s: length of the episodes, > 0; None for the long run.
        max_vectors: how many vectors n are allowed.

    Returns:
        The bound, and the slices that were taken as unlimited: none, one or more, whichever set of
        those tried proves most.

    Raises:
        ConfigError: if a law does not allow it (the message says whose), or the horizon is not
            positive.
        TooLargeError: if too many vectors fit, with their count.

    Example:
        >>> from twin_gym.scenario.loading import load
        >>> found = option_bound(load("teletraffic-heavy"))
        >>> round(found.revenue_rate_per_s, 3)  # with nothing waiting, it is the exact optimum
        28.181

    References:
        D. B. Brown, J. E. Smith, P. Sun (2010), Information relaxations and duality in stochastic
        dynamic programs; D. Adelman, A. J. Mersereau (2008), Relaxations of weakly coupled
        stochastic dynamic programs.
    """
    if horizon_s is not None and not (math.isfinite(horizon_s) and horizon_s > 0):
        raise ConfigError(
            f"`horizon_s` must be finite and > 0, or None for the long run, got {horizon_s!r}"
        )
    if any(isinstance(one.arrival, MMPP) for one in scenario.slices):
        return _in_phases(scenario, horizon_s, max_vectors)
    intervals = rate_intervals_of(scenario, horizon_s, max_different=_MAX_RATES)
    model = option_model(scenario, max_vectors=max_vectors)
    _check_patience(model)
    known: dict[tuple[float, ...], _Solved] = {}
    for interval in intervals:
        if interval.rates_hz not in known:
            length_s = math.inf if horizon_s is None else interval.length_s
            known[interval.rates_hz] = _solve(model, np.array(interval.rates_hz), length_s)
    solved = [known[interval.rates_hz] for interval in intervals]
    total_s = sum(interval.length_s for interval in intervals)
    earned = sum(
        one.gain * interval.length_s for one, interval in zip(solved, intervals, strict=True)
    )
    waiting = model.most_waiting(np.max([interval.rates_hz for interval in intervals], axis=0))
    pairs = list(itertools.pairwise(solved))
    changes = sum(_change(one, other, waiting) for one, other in pairs)
    around = changes + _change(solved[-1], solved[0], waiting)
    constant = _penalties(model, intervals, total_s, horizon_s)
    long_run = (earned + around) / total_s - _penalties(model, intervals, total_s, None)
    if horizon_s is not None:
        ends = float(solved[0].value[0] - solved[-1].value.min())
        revenue = (earned + changes + ends) / total_s - constant
    else:
        revenue = long_run
    return OptionBound(
        revenue_rate_per_s=revenue,
        long_run_per_s=long_run,
        unlimited=tuple(
            tuple(scenario.slice_names[s] for s in sorted(one.unlimited)) for one in solved
        ),
        horizon_s=horizon_s,
        num_vectors=model.num_vectors,
    )


def _in_phases(
    scenario: AdmissionScenario, horizon_s: float | None, max_vectors: int
) -> OptionBound:
    """The bound where some arrivals come in bursts; see `option_phases`."""
    phases = phases_of(scenario)
    model = option_model(scenario, max_vectors=max_vectors)
    _check_patience(model)
    length_s = math.inf if horizon_s is None else horizon_s
    calm = _solve(model, phases.rates_hz @ phases.share, length_s)
    phased = PhasedModel(model, phases, calm.unlimited)
    gain, span = phased.solve(calm.value, length_s)
    interval = RateInterval(1.0, tuple((phases.rates_hz @ phases.share).tolist()))
    return OptionBound(
        revenue_rate_per_s=gain + span / length_s - _penalties(model, [interval], 1.0, horizon_s),
        long_run_per_s=gain - _penalties(model, [interval], 1.0, None),
        unlimited=(tuple(scenario.slice_names[s] for s in sorted(calm.unlimited)),),
        horizon_s=horizon_s,
        num_vectors=model.num_vectors,
    )


def _check_patience(model: OptionModel) -> None:
    steps = model.longest_wait_s(frozenset()) * model.fastest_hz
    if steps > _LONGEST_WAIT:
        raise ConfigError(
            f"the option bound follows requests while they wait, and one may wait as long as "
            f"{steps:,.0f} departures of the full network, at most {_LONGEST_WAIT:,} are allowed: "
            "take the fluid bound"
        )


def _penalties(
    model: OptionModel, intervals: Sequence[RateInterval], total_s: float, horizon_s: float | None
) -> float:
    """The penalties of all arrivals a second, less those of the requests that still wait."""
    arrived = (
        sum(np.array(interval.rates_hz) * interval.length_s for interval in intervals) / total_s
    )
    if horizon_s is None:
        return float(model.penalty @ arrived)
    return float(model.penalty @ (arrived - np.minimum(model.queue_limit / horizon_s, arrived)))


def _change(before: _Solved, after: _Solved, waiting: Floats) -> float:
    """The most that a change of rates adds to V on average."""
    if before is after:
        return 0.0
    gained = (after.option - before.obstacle).max(axis=1, initial=0.0)
    return float((after.value - before.value).max() + waiting @ gained)


def _solve(model: OptionModel, rates_hz: Floats, length_s: float) -> _Solved:
    """The best h found, for constant rates."""
    chosen: frozenset[int] = frozenset()
    best = _search(model, rates_hz, chosen, length_s, _SCREEN_SWEEPS, _SCREEN_STEP)
    while True:
        others = [chosen | {s} for s in model.waiting_slices if s not in chosen]
        tried = [
            (_search(model, rates_hz, one, length_s, _SCREEN_SWEEPS, _SCREEN_STEP), one)
            for one in others
        ]
        candidate = min(tried, key=lambda pair: pair[0][0], default=None)
        if candidate is None or candidate[0][0] >= best[0]:
            break
        best, chosen = candidate
    _, value = _search(model, rates_hz, chosen, length_s, _SWEEPS, _STEP, best[1])
    return _prove(model, rates_hz, chosen, value)


def _search(
    model: OptionModel,
    rates_hz: Floats,
    unlimited: frozenset[int],
    length_s: float,
    sweeps: int,
    step: float,
    start: Floats | None = None,
) -> tuple[float, Floats]:
    """Relative value iteration: an estimate of the bound, and the h that has it."""
    value = np.zeros(model.num_vectors) if start is None else start
    value = model.closed(value, unlimited)
    step_s = step / model.fastest_hz
    uniform_hz = float(rates_hz.sum()) + model.fastest_hz
    best, kept = math.inf, value
    since = 0
    while sweeps > 0 and since < _PATIENT:
        sweeps, since = sweeps - 1, since + 1
        option, _ = model.options(value, unlimited, step_s, is_proven=False)
        drift = rates_hz @ option + model.departures(value)
        estimate = float(drift.max()) + float(value[0] - value.min()) / length_s
        if estimate < best:
            since = since if best - estimate <= _TINY * abs(best) else 0
            best, kept = estimate, value
        value = model.closed(value + drift / uniform_hz, unlimited)
        value -= value[0]
    return best, kept


def _prove(
    model: OptionModel, rates_hz: Floats, unlimited: frozenset[int], value: Floats
) -> _Solved:
    """The bound that an h proves, with steps so small that smaller ones hardly matter."""
    best: _Solved | None = None
    step_s = 0.5 / model.fastest_hz
    while True:
        option, obstacle = model.options(value, unlimited, step_s, is_proven=True)
        if model.greatest_rise(option, unlimited) > _SLACK * float(model.revenue.max() + 1.0):
            raise TwinGymError("the values of options do not fall with the load: no bound")
        gain = float((rates_hz @ option + model.departures(value)).max())
        last = math.inf if best is None else best.gain
        if best is None or gain < best.gain:
            best = _Solved(unlimited, gain, value, option, obstacle)
        step_s /= 2.0
        too_many = float(model.longest_wait_s(unlimited)) / step_s > _MOST_STEPS
        if last - gain <= _WORTHWHILE * abs(gain) or too_many:
            return best
