"""Exact blocking of loss systems in which every request that fits is admitted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.theory.requirements import (
    require_no_queue,
    require_no_trace,
    require_poisson,
)
from twin_gym.environments.slice_admission.theory.states import (
    WholeUnits,
    all_occupancies,
    count_occupancies,
    whole_units,
)
from twin_gym.errors import ConfigError, too_large

Floats = NDArray[np.float64]
Method = Literal["auto", "occupancies", "units"]

MAX_STATES = 2_000_000


@dataclass(frozen=True, eq=False)
class KaufmanRoberts:
    """Complete sharing of one resource.

    Attributes:
        occupancy: share of time in which so many units are used; shape (capacity + 1,).
        blocking_probability: of each class; shape (classes,).
    """

    occupancy: Floats
    blocking_probability: Floats


def kaufman_roberts(
    capacity: int,
    demands: Sequence[int],
    offered_loads_erlang: Sequence[float],
    *,
    max_states: int = MAX_STATES,
) -> KaufmanRoberts:
    """Occupancy and blocking of several classes that share one resource completely.

    The recursion u q(u) = Σ_s a_s d_s q(u - d_s), in logarithms. It holds for Poisson arrivals and
    every law of the holding times with the given means (insensitivity).

    Args:
        capacity: units of the resource, >= 0.
        demands: units that a request of each class holds, >= 1.
        offered_loads_erlang: arrival rate times mean holding time of each class, >= 0.
        max_states: how many values of the occupancy are allowed.

    Returns:
        The distribution of used units and the blocking probabilities.

    Raises:
        ConfigError: if an argument is out of its range.
        TooLargeError: if the capacity is too large.

    Example:
        >>> found = kaufman_roberts(10, [1, 4], [5.0, 0.5])
        >>> [round(float(value), 6) for value in found.blocking_probability]
        [0.073589, 0.403816]

    References:
        J. S. Kaufman (1981), Blocking in a shared resource environment, IEEE Trans. Commun. 29;
        J. W. Roberts (1981), A service system with heterogeneous user requirements.
    """
    for number in (capacity, *demands):
        if isinstance(number, bool) or not isinstance(number, int | np.integer):
            raise ConfigError(f"capacity and demands must be whole numbers, got {number!r}")
    if capacity < 0 or min(demands, default=0) < 1:
        raise ConfigError(
            f"the capacity must be >= 0 and each demand >= 1, got {capacity} and {list(demands)}"
        )
    if len(offered_loads_erlang) != len(demands):
        raise ConfigError(
            f"each class needs one demand and one offered load, got {len(demands)} demands and "
            f"{len(offered_loads_erlang)} loads"
        )
    if not all(math.isfinite(load) and load >= 0 for load in offered_loads_erlang):
        raise ConfigError(
            f"offered loads must be finite and >= 0, got {list(offered_loads_erlang)}"
        )
    if capacity >= max_states:
        raise too_large("the Kaufman-Roberts recursion", capacity + 1, max_states)
    units = WholeUnits(
        capacity=np.array([capacity], dtype=np.int64),
        demand=np.array(demands, dtype=np.int64)[:, None],
    )
    occupancy = _used_units(units, np.array(offered_loads_erlang, dtype=np.float64))
    return KaufmanRoberts(occupancy=occupancy, blocking_probability=_blocked(units, occupancy))


@dataclass(frozen=True)
class ProductForm:
    """Long-run figures of a loss system in which every request that fits is admitted.

    Attributes:
        blocking_probability: by slice, the share of its requests that do not fit.
        carried_load_erlang: by slice, requests in service, averaged over time.
        utilisation: by resource, used capacity over capacity.
        revenue_rate_per_s: revenue a second, minus the penalties for lost requests.
        num_states: how many states were summed over.
        method: which states: `occupancies` (requests in service by slice) or `units` (used units
            by resource).
    """

    blocking_probability: Mapping[str, float]
    carried_load_erlang: Mapping[str, float]
    utilisation: Mapping[str, float]
    revenue_rate_per_s: float
    num_states: int
    method: Method


def product_form(
    scenario: AdmissionScenario, *, max_states: int = MAX_STATES, method: Method = "auto"
) -> ProductForm:
    """Exact long-run figures of complete sharing, for any number of slices and resources.

    Without waiting and with every request admitted that fits, the numbers in service have the
    distribution π(n) ∝ Π_s a_s^{n_s} / n_s! over the vectors that fit, whatever the laws of the
    holding times (only their means matter: insensitivity). It is summed either over these
    vectors, or over the used units u of the resources by the recursion
    u_k q(u) = Σ_s a_s d_sk q(u - d_s), which is Kaufman's and Roberts' for several resources;
    whichever has fewer states.

    Args:
        scenario: Poisson arrivals, no queue, no trace; any holding law.
        max_states: how many states are allowed.
        method: `occupancies`, `units`, or the smaller one.

    Returns:
        Blocking by slice, utilisation by resource, revenue rate.

    Raises:
        ConfigError: if the scenario is no such loss system; the message says which slice.
        TooLargeError: if there are too many states, with their count.

    Example:
        >>> from twin_gym.scenario.loading import load
        >>> found = product_form(load("teletraffic-erlang-8-10"))
        >>> round(found.blocking_probability["calls"], 9)
        0.121661064

    References:
        F. P. Kelly (1991), Loss networks, Ann. Appl. Probab. 1; K. W. Ross (1995), Multiservice
        Loss Models for Broadband Telecommunication Networks.
    """
    require_no_trace(scenario, "the product form")
    require_no_queue(scenario, "the product form")
    require_poisson(scenario, "the product form")
    units = whole_units(scenario)
    if method == "auto":
        method = _smaller(units)
    loads = np.array([one.offered_load_erlang for one in scenario.slices])
    if method == "units":
        num_states = units.num_lattice_points
        if num_states > max_states:
            raise too_large("the product form", num_states, max_states)
        blocking = _blocked(units, _used_units(units, loads))
    elif method == "occupancies":
        num_states, blocking = _over_occupancies(units, loads, max_states)
    else:
        raise ConfigError(f"`method` must be 'auto', 'occupancies' or 'units', got {method!r}")
    return _figures(scenario, loads, blocking, num_states, method)


def _smaller(units: WholeUnits) -> Method:
    count, is_exact = count_occupancies(units)
    return "occupancies" if is_exact and count <= units.num_lattice_points else "units"


def _figures(
    scenario: AdmissionScenario, loads: Floats, blocking: Floats, num_states: int, method: Method
) -> ProductForm:
    names = scenario.slice_names
    carried = dict(zip(names, (loads * (1.0 - blocking)).tolist(), strict=True))
    blocked = dict(zip(names, blocking.tolist(), strict=True))
    return ProductForm(
        blocking_probability=blocked,
        carried_load_erlang=carried,
        utilisation={
            resource: sum(
                carried[one.name] * one.demand.get(resource, 0.0) for one in scenario.slices
            )
            / amount
            for resource, amount in scenario.capacity.items()
        },
        revenue_rate_per_s=sum(
            one.arrival_rate_hz
            * (one.revenue * (1.0 - blocked[one.name]) - one.lost_penalty * blocked[one.name])
            for one in scenario.slices
        ),
        num_states=num_states,
        method=method,
    )


def _over_occupancies(units: WholeUnits, loads: Floats, max_states: int) -> tuple[int, Floats]:
    vectors = all_occupancies(units, max_states=max_states, computation="the product form")
    log_weight = vectors @ np.log(loads) - gammaln(vectors + 1.0).sum(axis=1)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    free = units.capacity - vectors @ units.demand
    blocking = [weight[(free < needed).any(axis=1)].sum() for needed in units.demand]
    return len(vectors), np.array(blocking)


def _used_units(units: WholeUnits, loads: Floats) -> Floats:
    """Share of time by used units; shape (capacity + 1 of each resource)."""
    log_share = np.full(tuple(units.capacity + 1), -np.inf)
    with np.errstate(divide="ignore"):  # a load of zero
        _fill(log_share, units.demand, np.log(loads))
    share: Floats = np.exp(log_share - log_share.max())
    share /= share.sum()
    return share


def _fill(log_share: Floats, demand: NDArray[np.int64], log_loads: Floats) -> None:
    """The recursion along the first resource; where none of it is used, along the others."""
    if log_share.ndim == 0:
        log_share[()] = 0.0
        return
    uses = demand[:, 0] > 0
    _fill(log_share[0, ...], demand[~uses][:, 1:], log_loads[~uses])
    steps = demand[uses]
    log_flows = log_loads[uses] + np.log(steps[:, 0])
    for used in range(1, log_share.shape[0]):
        layer = log_share[used, ...]
        for step, log_flow in zip(steps, log_flows, strict=True):
            if step[0] <= used and np.all(step[1:] < np.array(log_share.shape[1:])):
                to = tuple(slice(width, None) for width in step[1:])
                back = tuple(
                    slice(None, size - width)
                    for size, width in zip(log_share.shape[1:], step[1:], strict=True)
                )
                before = log_share[(used - step[0], *back)]
                layer[to] = np.logaddexp(layer[to], before + log_flow)
        layer -= math.log(used)


def _blocked(units: WholeUnits, share: Floats) -> Floats:
    """By slice, the share of time in which one more request does not fit."""
    blocking = []
    for needed in units.demand:
        fits = tuple(
            slice(None, max(size - width, 0))
            for size, width in zip(share.shape, needed, strict=True)
        )
        # Not one minus the rest: small probabilities keep their digits.
        full = share.copy()
        full[fits] = 0.0
        blocking.append(full.sum())
    return np.array(blocking)
