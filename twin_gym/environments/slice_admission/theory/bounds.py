"""Upper bounds of every admission policy, from a linear programme over flows of requests."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.environments.slice_admission.theory.requirements import require_no_trace
from twin_gym.environments.slice_admission.theory.residual_service import longest_mean_residual_s
from twin_gym.errors import ConfigError, TwinGymError
from twin_gym.scenario import Daily, Schedule

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FluidBound:
    """An upper bound of the revenue a second, and what it is made of.

    Attributes:
        revenue_rate_per_s: no policy earns more on average, penalties subtracted.
        admitted_rate_hz: by slice, the admissions a second that would attain it.
        price: by resource, by how much the bound rises with one more unit of capacity.
        horizon_s: length of the episodes that it holds for; None: the long run.
    """

    revenue_rate_per_s: float
    admitted_rate_hz: Mapping[str, float]
    price: Mapping[str, float]
    horizon_s: float | None


def fluid_bound(scenario: AdmissionScenario, *, horizon_s: float | None = None) -> FluidBound:
    """An upper bound of the revenue a second of every policy that does not see the future.

    With x_s the mean admissions a second of slice s, h_s its mean holding time, d_sk its demand:

        maximise Σ_s r_s x_s - p_s (λ_s - x_s)
        subject to x_s <= λ_s and Σ_s x_s h_s d_sk <= C_k for each resource k.

    *Proof, long run.* No more is admitted than arrives. A policy that does not know the holding
    time of a request when it admits it has h_s x_s requests in service on average (Little), and at
    no moment do they use more than the capacity. So the mean rates of every policy are feasible,
    whatever the laws, the queue limits and the patience.

    *Proof, episodes of length T from an empty network.* Let A_s requests be admitted until T. Their
    holding times sum up to h_s E[A_s] on average (Wald). Of these, E ∫_0^T n_s(t) dt falls before
    T, and the rest is what those in service at T still have to stay. Each of them has some age
    a <= T and stays E[H - a | H > a] on average, for neither its admission nor the moment T depends
    on the rest: at most m_s, the greatest such mean (`longest_mean_residual_s`; for exponential
    and deterministic holding it is h_s). Hence Σ_s d_sk h_s E[A_s] is at most
    ∫_0^T Σ_s d_sk E[n_s(t)] dt + Σ_s d_sk m_s E[n_s(T)], and this at most C_k T + C_k m_k, with m_k
    the greatest m_s of the slices that use resource k. Divided by T: the capacity is multiplied by
    1 + m_k / T. Instead of λ_s stand the mean arrivals until T, divided by T; and of the requests
    not admitted, up to `queue_limit` may wait at T and are not lost yet, which spares their
    penalty.

    The value is computed from the prices by weak duality: it is a bound even if the solver's
    solution is only nearly optimal.

    Args:
        scenario: any laws; no trace.
        horizon_s: length of the episodes, > 0; None for the long run.

    Returns:
        The bound, the admission rates that attain it, and the price of each resource.

    Raises:
        ConfigError: if the scenario replays a trace, or the horizon is not positive.

    Example:
        >>> from twin_gym.scenario.loading import load
        >>> round(fluid_bound(load("contention")).revenue_rate_per_s, 2)
        29.06

    References:
        The relaxation is that of F. P. Kelly (1991), Loss networks; as an optimal-in-the-limit
        plan: P. B. Key (1990), Optimal control and trunk reservation in loss networks.
    """
    _check(scenario, horizon_s, "the fluid bound")
    slices = scenario.slices
    rates_hz = np.array([_mean_rate_hz(one, horizon_s) for one in slices])
    penalty = np.array([one.lost_penalty for one in slices])
    value = np.array([one.revenue for one in slices]) + penalty
    spared_hz = np.zeros(len(slices))
    stretch = np.ones(len(scenario.capacity))
    if horizon_s is not None:
        spared_hz = np.minimum([one.queue_limit / horizon_s for one in slices], rates_hz)
        stretch += _remaining_s(scenario, horizon_s) / horizon_s
    work = _work_share(scenario)
    admitted, price = _solve(
        np.concatenate((value, penalty)),
        np.hstack((work, np.zeros_like(work))),
        stretch,
        np.concatenate((rates_hz, spared_hz)),
        np.hstack((np.eye(len(slices)), np.eye(len(slices)))),
        rates_hz,
    )
    margin = np.maximum(value - price @ work, 0.0)
    bound = price @ stretch + rates_hz @ margin - penalty @ rates_hz
    bound += spared_hz @ np.maximum(penalty - margin, 0.0)
    capacity = np.array(list(scenario.capacity.values()))
    return FluidBound(
        revenue_rate_per_s=float(bound),
        admitted_rate_hz=dict(
            zip(scenario.slice_names, admitted[: len(slices)].tolist(), strict=True)
        ),
        price=dict(
            zip(scenario.resource_names, (price * stretch / capacity).tolist(), strict=True)
        ),
        horizon_s=horizon_s,
    )


def utilisation_bound(scenario: AdmissionScenario, *, horizon_s: float | None = None) -> float:
    """An upper bound of the utilisation, averaged over time and resources, of every policy.

    With u_s the mean number of requests in service: maximise Σ_s u_s Σ_k d_sk / (K C_k) subject to
    u_s <= λ_s h_s and Σ_s u_s d_sk <= C_k. Episodes need no correction: time in service before
    their end is no more than all of it, and the capacity holds at every moment.

    Args:
        scenario: any laws; no trace.
        horizon_s: length of the episodes, > 0; None for the long run.

    Returns:
        The bound, in [0, 1].

    Raises:
        ConfigError: if the scenario replays a trace, or the horizon is not positive.

    Example:
        >>> from twin_gym.scenario.loading import load
        >>> round(utilisation_bound(load("teletraffic-erlang-8-10")), 6)
        0.8
    """
    _check(scenario, horizon_s, "the utilisation bound")
    rates_hz = np.array([_mean_rate_hz(one, horizon_s) for one in scenario.slices])
    work = _work_share(scenario)
    value = work.mean(axis=0)
    _, price = _solve(value, work, np.ones(len(work)), rates_hz)
    bound = price.sum() + rates_hz @ np.maximum(value - price @ work, 0.0)
    return min(float(bound), 1.0)


def _check(scenario: AdmissionScenario, horizon_s: float | None, computation: str) -> None:
    require_no_trace(scenario, computation)
    if horizon_s is not None and not (math.isfinite(horizon_s) and horizon_s > 0):
        raise ConfigError(
            f"`horizon_s` must be finite and > 0, or None for the long run, got {horizon_s!r}"
        )


def _work_share(scenario: AdmissionScenario) -> Floats:
    """Share of each resource that one admission a second keeps busy; shape (resources, slices)."""
    return np.array(
        [
            [
                one.mean_holding_time_s * one.demand.get(name, 0.0) / amount
                for one in scenario.slices
            ]
            for name, amount in scenario.capacity.items()
        ]
    )


def _mean_rate_hz(one: Slice, horizon_s: float | None) -> float:
    """Mean arrivals until the horizon, divided by it."""
    law = one.arrival
    if horizon_s is None or not isinstance(law, Daily | Schedule):
        return one.arrival_rate_hz  # a modulated stream starts in its stationary phase
    factors = np.array(law.relative_rates())
    periods, rest = divmod(horizon_s / law.period_s, 1.0)
    parts = np.clip(rest * len(factors) - np.arange(len(factors)), 0.0, 1.0)
    arrived = (periods + float(factors @ parts) / len(factors)) * law.period_s
    return one.arrival_rate_hz * arrived / horizon_s


def _remaining_s(scenario: AdmissionScenario, horizon_s: float) -> Floats:
    """By resource, the longest mean remaining time of the slices that use it."""
    longest = [longest_mean_residual_s(one, horizon_s) for one in scenario.slices]
    return np.array(
        [
            max(
                (
                    remaining_s
                    for one, remaining_s in zip(scenario.slices, longest, strict=True)
                    if one.demand.get(name, 0.0) > 0
                ),
                default=0.0,
            )
            for name in scenario.capacity
        ]
    )


def _solve(
    value: Floats,
    work: Floats,
    share: Floats,
    most: Floats,
    together: Floats | None = None,
    most_together: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Maximises value·x with work·x <= share, 0 <= x <= most, together·x <= most_together.

    Returns:
        The solution, and the prices of the first set of constraints, no less than 0.
    """
    rows = work if together is None else np.vstack((work, together))
    limits = share if most_together is None else np.concatenate((share, most_together))
    bounds = [(0.0, limit) for limit in most.tolist()]
    solution = linprog(-value, A_ub=rows, b_ub=limits, bounds=bounds, method="highs")
    if solution.status != 0:
        raise TwinGymError(f"the linear programme was not solved: {solution.message}")
    price: Floats = np.maximum(-solution.ineqlin.marginals[: len(share)], 0.0)
    return np.asarray(solution.x), price
