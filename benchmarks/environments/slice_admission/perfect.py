"""The perfect-information bound of one world of slice admission, with and without a fee.

*The relaxation.* A request j comes at a_j, can be admitted until l_j (the end of its patience or of
the episode), pays r_j and is served for h_j. With x_j in [0, 1] instead of {0, 1} and y_jb the time
that it is served within bin b of the episode:

    maximise Σ_j r_j x_j  subject to
    m_jb x_j <= y_jb <= o_jb x_j,  Σ_b y_jb >= min(h_j, T - l_j) x_j,  Σ_j d_jk y_jb <= C_k δ.

o_jb is the time of bin b within [a_j, l_j + h_j]: only then can j be served. m_jb is that within
[l_j, a_j + h_j]: then it is served whenever it was admitted. Admitted at l_j at the latest, it is
served for min(h_j, T - l_j) before T at least. In each bin the mean of what is held of a resource
is no more than its capacity. So whatever is done in a world, knowing the future or not, is a point
of this linear programme. Queue limits are not in it, which can only help.

*The value* is taken from the prices λ of the bins by weak duality, over the true starts: with Λ_j
the integral of Σ_k d_jk λ_k over time,

    Σ_kb C_k δ λ_kb + Σ_j max(0, r_j - min over u in [a_j, l_j] of Λ_j(u + h_j) - Λ_j(u)).

It is a bound for any prices >= 0. The integral is piecewise linear, so the least cost is found
where u or u + h_j is a border of bins, or at an end.

*The fee.* A policy that does not know how long a request will stay when it admits it, gains nothing
on average from r_j + θ c_s (h_j - E h_s) instead of r_j, for any constants c_s. So the mean of the
bound with these rewards is a bound for such policies, too: hindsight pays for its knowledge of
holding times. With c_s = Σ_k price_k d_sk from the fluid bound and θ = 1, constant prices give back
the fluid bound on average, and better ones less. (D. B. Brown, J. E. Smith, P. Sun 2010,
Information relaxations and duality in stochastic dynamic programs, with a linear penalty.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array

from benchmarks.environments.slice_admission.requests import Floats, Ints, Requests, demand_share
from twin_gym.environments.slice_admission.theory.bounds import fluid_bound
from twin_gym.errors import TwinGymError

Bools = NDArray[np.bool_]

BINS = 120
_EMPTY_S = 1e-12
"""Times shorter than this share of the episode are none."""


@dataclass(frozen=True, eq=False)
class _Cells:
    """Pairs of a request and a bin in which it can be served, and times within the bin.

    `forced` is served whenever the request is admitted; `free` may be, beyond that; `rest_s` is
    what each request needs of the free times.
    """

    request: Ints
    bin: Ints
    forced: Floats
    free: Floats
    rest_s: Floats


def hindsight_per_s(requests: Requests, *, fee: float = 0.0, bins: int = BINS) -> float:
    """An upper bound on the return a second in a world; with a fee, on the mean over worlds.

    Args:
        requests: of the world.
        fee: θ; other than 0 only where holding times are drawn from their law, independently of
            everything before (no trace).
        bins: of the episode; the bound is one for any number.

    Returns:
        Revenue a second, penalties subtracted.

    Raises:
        TwinGymError: if the linear programme is not solved.
    """
    scenario = requests.scenario
    rewards = _rewards(requests, fee)
    price = _prices(requests, rewards, bins)
    return _dual(requests, rewards, price) - _lost(requests) / scenario.horizon_s


def _rewards(requests: Requests, fee: float) -> Floats:
    """Revenue and spared penalty of each request, with the fee."""
    slices = requests.scenario.slices
    revenue = requests.by_slice([one.revenue for one in slices])
    penalty = requests.by_slice([one.lost_penalty for one in slices])
    reward = revenue + np.where(_is_lost(requests), penalty, 0.0)
    if fee == 0.0:
        return reward
    prices = np.array(list(fluid_bound(requests.scenario).price.values()))
    capacity = np.array(list(requests.scenario.capacity.values()))
    hold_cost = demand_share(requests.scenario) @ (prices * capacity)
    mean_s = requests.by_slice([one.mean_holding_time_s for one in slices])
    charged: Floats = reward + fee * hold_cost[requests.slice_index] * (requests.holding_s - mean_s)
    return charged


def _is_lost(requests: Requests) -> Bools:
    """Whether the patience of each request ends before the episode: lost unless admitted."""
    lost: Bools = requests.arrival_s + requests.patience_s < requests.scenario.horizon_s
    return lost


def _lost(requests: Requests) -> float:
    """The penalties of all that would be lost if nothing were admitted."""
    penalty = requests.by_slice([one.lost_penalty for one in requests.scenario.slices])
    return float(penalty[_is_lost(requests)].sum())


def _cells(requests: Requests, bins: int) -> _Cells:
    horizon_s = requests.scenario.horizon_s
    width_s = horizon_s / bins
    start, last = requests.arrival_s, requests.last_start_s
    end = np.minimum(last + requests.holding_s, horizon_s)
    first = np.minimum((start / width_s).astype(np.int64), bins - 1)
    count = np.maximum(np.minimum(np.ceil(end / width_s).astype(np.int64), bins) - first, 1)
    request = np.repeat(np.arange(len(start)), count)
    bin_ = first[request] + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    low, high = bin_ * width_s, (bin_ + 1) * width_s
    certain = np.minimum(start + requests.holding_s, horizon_s)
    possible = np.minimum(high, end[request]) - np.maximum(low, start[request])
    forced = np.minimum(high, certain[request]) - np.maximum(low, last[request])
    forced = np.maximum(forced, 0.0)
    need = np.minimum(requests.holding_s, horizon_s - last)
    rest_s: Floats = need - np.bincount(request, forced, minlength=len(start))
    return _Cells(request, bin_, forced, np.maximum(possible - forced, 0.0), rest_s)


def _prices(requests: Requests, rewards: Floats, bins: int) -> Floats:
    """Prices of a unit share of each resource for a second of each bin; shape (bins, resources).

    The variables are x and, where there is a choice, z = y - m x.
    """
    cells, demand = _cells(requests, bins), requests.demand
    horizon_s, (count, resources) = requests.scenario.horizon_s, demand.shape
    rest = np.where(cells.rest_s > _EMPTY_S * horizon_s, cells.rest_s, 0.0)
    (open_,) = np.nonzero((cells.free > _EMPTY_S * horizon_s) & (rest[cells.request] > 0.0))
    owner, number = cells.request[open_], np.arange(len(open_))
    (forced,) = np.nonzero(cells.forced > 0.0)
    held = cells.request[forced]
    limits, needs = bins * resources, bins * resources + len(open_)
    rows, columns, values = [], [], []
    for k in range(resources):
        rows += [cells.bin[forced] * resources + k, cells.bin[open_] * resources + k]
        columns += [held, count + number]
        values += [demand[held, k] * cells.forced[forced], demand[owner, k]]
    rows += [limits + number, limits + number, needs + np.arange(count), needs + owner]
    columns += [count + number, owner, np.arange(count), count + number]
    values += [np.ones(len(open_)), -cells.free[open_], rest, -np.ones(len(open_))]
    # scipy's stubs know no sparse constraints.
    matrix: Any = csr_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
        shape=(needs + count, count + len(open_)),
    )
    amounts = np.concatenate((np.full(limits, horizon_s / bins), np.zeros(len(open_) + count)))
    ranges: list[tuple[float, float | None]] = [(0.0, 1.0)] * count
    ranges += [(0.0, None)] * len(open_)
    solution = linprog(
        np.concatenate((-rewards, np.zeros(len(open_)))),
        A_ub=matrix,
        b_ub=amounts,
        bounds=ranges,
        method="highs",
    )
    if solution.status != 0:
        raise TwinGymError(f"the programme of a world was not solved: {solution.message}")
    price: Floats = np.maximum(-solution.ineqlin.marginals[:limits], 0.0).reshape(bins, resources)
    return price


def _dual(requests: Requests, rewards: Floats, price: Floats) -> float:
    """The value of prices, a second: what capacity costs and what requests have beyond."""
    horizon_s, bins = requests.scenario.horizon_s, len(price)
    width_s = horizon_s / bins
    borders = np.linspace(0.0, horizon_s, bins + 1)
    total = float(price.sum()) * width_s
    for s, demand in enumerate(demand_share(requests.scenario)):
        (own,) = np.nonzero(requests.slice_index == s)
        if own.size == 0:
            continue
        paid = np.concatenate(([0.0], np.cumsum(price @ demand) * width_s))
        start = _starts(requests, own, width_s)
        leaving = start + requests.holding_s[own, None]
        cost = np.interp(leaving, borders, paid) - np.interp(start, borders, paid)
        total += float(np.maximum(rewards[own] - cost.min(axis=1), 0.0).sum())
    return total / horizon_s


def _starts(requests: Requests, own: Ints, width_s: float) -> Floats:
    """Where the cost of a start can be least: ends of the window, borders, borders less h."""
    first, last = requests.arrival_s[own, None], requests.last_start_s[own, None]
    holding_s = requests.holding_s[own, None]
    steps = np.arange(1, int(np.ceil(float((last - first).max()) / width_s)) + 2)
    starting = (np.floor(first / width_s) + steps) * width_s
    leaving = (np.floor((first + holding_s) / width_s) + steps) * width_s - holding_s
    every: Floats = np.clip(np.hstack((first, last, starting, leaving)), first, last)
    return every
