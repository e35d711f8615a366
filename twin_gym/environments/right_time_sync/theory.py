"""Exact results on ages and errors of a twin: means, indices, and a lower bound.

An update that is delivered makes the age 0 at the beginning of a slot, so that it is 1 at the end
of the slot; errors are measured at the ends of slots. An error function is given as an array: entry
a - 1 is the mean error at age a.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from twin_gym.environments.right_time_sync.scenario import (
    EntityGroup,
    MeanReverting,
    Replay,
    SyncScenario,
    TwoState,
    Walk,
)
from twin_gym.errors import ConfigError

Floats = NDArray[np.float64]

_TRIES = 16  # prices for an episode
_SOME = 40  # entities with which they are tried
_TAIL = 1e-15  # what is left of the failures of an update when they are no longer counted


def mean_age_periodic(period_s: float, delivery_probability: float) -> float:
    """Mean age where an update is sent every so often and delivered at once or never.

    Deliveries are independent, so that the time between two of them is the period times a geometric
    number K, and the mean age is E[T^2] / (2 E[T]) = period E[K^2] / (2 E[K]).

    Args:
        period_s: from one update to the next.
        delivery_probability: in (0, 1].

    Returns:
        Seconds.

    Example:
        >>> mean_age_periodic(10.0, 0.8)
        7.5
    """
    p = delivery_probability
    return period_s * (2.0 - p) / (2.0 * p)


def fresh_share_periodic(change_rate_hz: float, period_s: float) -> float:
    """Share of the time in which an entity has not changed since its last update.

    Changes come at a rate as a Poisson process, every update is delivered.

    Args:
        change_rate_hz: of the changes.
        period_s: from one update to the next.

    Returns:
        (1 - exp(-x)) / x with x the changes expected in a period.

    Example:
        >>> round(fresh_share_periodic(1.0, 1.0), 6)
        0.632121
    """
    changes = change_rate_hz * period_s
    return -math.expm1(-changes) / changes if changes else 1.0


def updated_share(rounds: int, budget_share: float, delivery_probability: float) -> float:
    """Share of the entities that a twin has heard of after some rounds, in a large network.

    In every round a share of the entities is asked, those not heard of first.

    Args:
        rounds: that are over.
        budget_share: of the entities in a round.
        delivery_probability: of an update.

    Returns:
        A share.

    Example:
        >>> round(updated_share(12, 0.1, 0.8), 3), round(updated_share(12, 0.102, 0.8), 3)
        (0.96, 0.979)
    """
    return min(1.0, rounds * budget_share * delivery_probability)


def error_by_age(group: EntityGroup, member: int, slot_s: float, slots: int) -> Floats:
    """The least mean squared error of an entity by age, whatever the predictor.

    A random walk: its variance rate times the age. Mean-reverting: the conditional variance
    sd^2 (1 - exp(-2 age / relaxation)), which the predictor `fitted` reaches. Two-state, always
    held: the probability (1 - exp(-2 rate age)) / 2 of another state.

    Args:
        group: of the entity.
        member: its number in the group.
        slot_s: length of a slot.
        slots: ages up to here.

    Returns:
        Shape (slots,), not falling.

    Raises:
        ConfigError: if the entity is replayed: a measured series has no law.
    """
    process, factor = group.process, group.rate_factor(member)
    ages_s = slot_s * np.arange(1.0, slots + 1.0)
    if isinstance(process, Walk):
        return process.variance_rate_hz * factor * ages_s
    if isinstance(process, MeanReverting):
        variance: Floats = -(process.sd**2) * np.expm1(
            -2.0 * factor / process.relaxation_s * ages_s
        )
        return variance
    if isinstance(process, TwoState):
        wrong: Floats = -np.expm1(-2.0 * process.change_rate_hz * factor * ages_s) / 2.0
        return wrong
    raise ConfigError(
        f"the group {group.name!r} is replayed and a measured series has no law: take a calibrated "
        "preset"
    )


def held_error_by_age(group: EntityGroup, member: int, slot_s: float, slots: int) -> Floats:
    """The mean squared error of an entity by age where the last value is held.

    As `error_by_age` but for a mean-reverting entity: 2 sd^2 (1 - exp(-age / relaxation)), over all
    values that may have been delivered.

    Args:
        group: as there, and what follows.
        member: as there.
        slot_s: as there.
        slots: as there.

    Returns:
        Shape (slots,), not falling.

    Raises:
        ConfigError: if the entity is replayed.
    """
    process = group.process
    if not isinstance(process, MeanReverting):
        return error_by_age(group, member, slot_s, slots)
    ages_s = slot_s * np.arange(1.0, slots + 1.0)
    exponent = group.rate_factor(member) / process.relaxation_s * ages_s
    held: Floats = -2.0 * process.sd**2 * np.expm1(-exponent)
    return held


def cycle_errors(errors: Floats, delivery_probability: float) -> Floats:
    """Mean sum of the errors between two deliveries, by the age at which sending begins.

    Whoever sends at every age from a on lives through the ages 1 to a, and through a + j with the
    probability that the first j updates are lost.

    Args:
        errors: by age; shape (ages,). Beyond its end the last error goes on.
        delivery_probability: in (0, 1].

    Returns:
        Entry a: for beginning at age a; shape (ages,), entry 0 unused (0).
    """
    lost = 1.0 - delivery_probability
    count = len(errors)
    most = 0 if lost == 0.0 else math.ceil(math.log(_TAIL) / math.log(lost))
    beyond = np.concatenate([errors, np.full(most + 1, errors[-1])])
    powers = lost ** np.arange(1.0, most + 1.0)
    sums = np.concatenate([[0.0], np.cumsum(errors)])[:count]
    for j in range(most):
        sums += powers[j] * beyond[j : j + count]
    sums[0] = 0.0
    return sums


def whittle_index(errors: Floats, delivery_probability: float) -> Floats:
    """The price of an update at which sending and waiting are equally good, by age.

    P. Whittle, Restless Bandits, Journal of Applied Probability 25, 1988; for linear errors and
    lost updates Kadota et al., IEEE/ACM Transactions on Networking 26(6), 2018: w p a (a + 2/p - 1)
    / 2; for other functions of the age Tripathi and Modiano, A Whittle Index Approach to Minimizing
    Functions of Age of Information, Allerton 2019. With S(a) the mean errors of a cycle that sends
    from age a on (`cycle_errors`) and its mean length a + (1 - p) / p, equal averages for a and
    a + 1 give p [(S(a + 1) - S(a)) (a + (1 - p) / p) - S(a)].

    Args:
        errors: by age, not falling; shape (ages,).
        delivery_probability: in (0, 1].

    Returns:
        Entry a: at age a; shape (ages - 1,), entry 0 unused (0).

    Example:
        >>> [round(x, 6) for x in whittle_index(np.arange(1.0, 99.0), 0.5).tolist()[:4]]
        [0.0, 1.0, 2.5, 4.5]
    """
    p = delivery_probability
    sums = cycle_errors(errors, p)
    ages = np.arange(len(errors) - 1.0)
    index: Floats = p * (np.diff(sums) * (ages + (1.0 - p) / p) - sums[:-1])
    index[0] = 0.0
    return index


def least_average(errors: Floats, delivery_probability: float, price: float) -> float:
    """The least average of error and price of an entity that pays for each update it sends.

    Errors do not fall with the age, so that some policy that sends from an age on, or never, is
    best among all.

    Args:
        errors: by age; the last one is taken to go on for ever.
        delivery_probability: in (0, 1].
        price: of an update.

    Returns:
        A slot's average. It is never above the least one for errors that go on rising.
    """
    return _least_average(*_averaged(errors, delivery_probability), price / delivery_probability)


def _averaged(errors: Floats, delivery_probability: float) -> tuple[Floats, Floats, float]:
    """By the age at which sending begins: errors of a cycle and its length; error of never."""
    p = delivery_probability
    ages = np.arange(1.0, len(errors))
    return cycle_errors(errors, p)[1:], ages + (1.0 - p) / p, float(errors[-1])


def _least_average(sums: Floats, lengths: Floats, last: float, paid: float) -> float:
    return float(min(((sums + paid) / lengths).min(initial=math.inf), last))


def least_total(errors: Floats, delivery_probability: float, price: float, slots: int) -> float:
    """The least mean sum of error and price over an episode that begins with age 0.

    Backward induction over (slots left, age): the exact optimum of one entity. It takes a
    nanosecond or so for each of slots^2 / 2 states.

    Args:
        errors: by age; shape (slots,) at least.
        delivery_probability: in (0, 1].
        price: of an update.
        slots: of the episode.

    Returns:
        The sum.
    """
    value = np.zeros(slots + 1)
    _induce(np.ascontiguousarray(errors[:slots], np.float64), delivery_probability, price, value)
    return float(value[0])


@numba.njit(cache=True, error_model="numpy")
def _induce(errors: Floats, p: float, price: float, value: Floats) -> None:
    """Backward induction; `value`: by age 0 to slots, of what is still to come, 0 at first."""
    slots = len(errors)
    for left in range(slots):
        delivered = price + p * (errors[0] + value[1])
        for a in range(slots - left):
            wait = errors[a] + value[a + 1]
            value[a] = min(wait, delivered + (1.0 - p) * wait)


def relaxation_bound(scenario: SyncScenario, *, places: int = 1, is_finite: bool = True) -> float:
    """A mean error plus cost of updates a slot that no policy goes below, on average.

    The limits of every slot and of the budget are relaxed to one on the mean number of updates. For
    any price of an update that falls apart into one problem an entity, each solved exactly; the
    best price gives the tightest bound (Lagrangian relaxation; Whittle 1988). Delays and shared
    slots only raise errors and losses, the twin knows every value at first, and every predictor is
    taken to be as good as the fitted one: the bound holds for all of them.

    Args:
        scenario: without replayed entities.
        places: updates that a slot can have: 1, or `round_size` where the action is `rounds`.
        is_finite: whether the bound is for the episode (it takes time that grows with the square
            of the slots), or for the average over all time.

    Returns:
        The bound on minus the mean reward.

    Raises:
        ConfigError: if an entity is replayed.
    """
    slots, cost = scenario.num_slots, scenario.update_cost
    updates = float(places)
    if scenario.update_budget is not None:
        updates = min(updates, scenario.update_budget / slots)
    parts = _weighted_errors(scenario, slots)
    averaged = [(_averaged(part.errors, part.delivery), part) for part in parts]

    def of_all_time(price: float) -> float:
        paid = cost + price
        least = (one.number * _least_average(*of, paid / one.delivery) for of, one in averaged)
        return sum(least) - price * updates

    def of_episode(price: float, step: int = 1) -> float:
        paid, few = cost + price, parts[step // 2 :: step]
        least = (p.number * least_total(p.errors, p.delivery, paid, slots) for p in few)
        whole = sum(part.number for part in parts) / sum(part.number for part in few)
        return sum(least) * whole / slots - price * updates

    most = max(float(part.errors.sum()) for part in parts)
    best = _best_price(of_all_time, 0.0, most, 60)
    if not is_finite:
        return max(of_all_time(best), of_all_time(0.0))
    # Every price gives a bound. A try takes long, so that the price is sought with some entities.
    step = max(len(parts) // _SOME, 1)
    if best > 0.0:
        best = _best_price(lambda price: of_episode(price, step), 0.25 * best, 1.5 * best, _TRIES)
    return max(of_episode(best), of_episode(0.0))


def _best_price(bound: Callable[[float], float], low: float, high: float, tries: int) -> float:
    """The price at which a concave bound is greatest, nearly."""
    optimum = optimize.minimize_scalar(
        lambda price: -bound(price), bounds=(low, high), method="bounded",
        options={"maxiter": tries, "xatol": 1e-9 * high},
    )  # fmt: skip
    return float(optimum.x)


class _AlikeEntities(NamedTuple):
    """Entities that are alike: their share of the mean error by age."""

    errors: Floats
    delivery: float
    number: int


def _weighted_errors(scenario: SyncScenario, slots: int) -> Sequence[_AlikeEntities]:
    whole = sum(group.weight * group.count for group in scenario.groups)
    parts = []
    for group in scenario.groups:
        if isinstance(group.process, Replay):
            error_by_age(group, 0, scenario.slot_s, 1)  # says why not
        members = range(group.count) if group.spread > 1.0 else range(1)
        number = 1 if group.spread > 1.0 else group.count
        for k in members:
            errors = error_by_age(group, k, scenario.slot_s, slots) * (group.weight / whole)
            parts.append(_AlikeEntities(errors, scenario.delivery_of(group), number))
    return parts
