"""Random access on parallel preambles: who is alone, how many can be served, when devices ask."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin_gym.environments.massive_access.scenario import AccessScenario, BetaArrivals
from twin_gym.errors import ConfigError

Floats = NDArray[np.float64]

STANDARD_PREAMBLES = 54


def expected_successes(senders: float, preambles: int = STANDARD_PREAMBLES) -> float:
    """Mean number of senders that are alone on their preamble.

    Each of n senders picks one of m preambles evenly and independently: it is alone with
    probability (1 - 1/m)^(n-1), so that n (1 - 1/m)^(n-1) are alone on average.

    Args:
        senders: n >= 0.
        preambles: m >= 1.

    Returns:
        The mean, at most `best_senders`'s.

    Raises:
        ConfigError: if an argument is out of its range.

    Example:
        >>> [round(expected_successes(n), 2) for n in (10, 54, 108)]
        [8.45, 20.05, 14.62]

    References:
        N. Abramson (1970), The Aloha system; 3GPP TR 37.868 for the preambles.
    """
    _check(senders, preambles)
    if senders == 0:
        return 0.0
    return senders * float((1.0 - 1.0 / preambles) ** (senders - 1.0))


def expected_collisions(senders: float, preambles: int = STANDARD_PREAMBLES) -> float:
    """Mean number of preambles that two or more senders picked.

    Args:
        senders: n >= 0.
        preambles: m >= 1.

    Returns:
        m minus the idle ones minus those with one sender.

    Raises:
        ConfigError: if an argument is out of its range.
    """
    idle = expected_idle(senders, preambles)
    return preambles - idle - expected_successes(senders, preambles)


def expected_idle(senders: float, preambles: int = STANDARD_PREAMBLES) -> float:
    """Mean number of preambles that nobody picked, m (1 - 1/m)^n.

    Args:
        senders: n >= 0.
        preambles: m >= 1.

    Returns:
        0 to m.

    Raises:
        ConfigError: if an argument is out of its range.
    """
    _check(senders, preambles)
    return preambles * float((1.0 - 1.0 / preambles) ** senders)


def best_senders(preambles: int = STANDARD_PREAMBLES) -> tuple[int, float]:
    """How many senders bring most successes on average, and how many that is.

    The ratio of n + 1 senders to n is (1 + 1/n)(1 - 1/m), which is at least 1 if and only if
    n <= m - 1: the mean rises up to n = m, where it is m (1 - 1/m)^(m-1) (n = m - 1 has the same).

    It bounds every policy: whatever is broadcast, and whoever therefore sends, is settled before
    the preambles are drawn; given n senders the mean is that of `expected_successes`, and so the
    mean over all n is at most the greatest of them.

    Args:
        preambles: m >= 1.

    Returns:
        m, and the mean number of successes.

    Raises:
        ConfigError: if there is no preamble.

    Example:
        >>> senders, successes = best_senders(54)
        >>> senders, round(successes, 2)
        (54, 20.05)
    """
    return preambles, expected_successes(preambles, preambles)


def expected_arrivals(scenario: AccessScenario) -> Floats:
    """Mean number of devices that join at each opportunity.

    Args:
        scenario: any; with bursts, the moment of a burst is even over its part of the window.

    Returns:
        Shape (opportunities,); its sum is the number of devices.

    Example:
        >>> from twin_gym.scenario.loading import load
        >>> float(expected_arrivals(load("access-beta-30000")).max().round(1))
        31.1
    """
    edges = np.arange(scenario.num_opportunities + 1) * scenario.slot_s
    shares = np.minimum(edges / scenario.arrivals.window_s, 1.0)
    shares[-1] = 1.0
    law = scenario.arrivals
    # A burst a part, as many devices in each (up to one): even over the window in the mean.
    asked = beta_share(shares) if isinstance(law, BetaArrivals) else shares
    arrivals: Floats = scenario.num_devices * np.diff(asked)
    return arrivals


def beta_share(shares: ArrayLike) -> Floats:
    """Share of the devices that have asked by then: the distribution function of Beta(3, 4).

    It is the probability that at least three of six even draws are below x:
    x^3 (20 - 45 x + 36 x^2 - 10 x^3).

    Args:
        shares: x, shares of the window, in [0, 1].

    Returns:
        Shape as given.

    Example:
        >>> beta_share([0.0, 0.5, 1.0]).tolist()
        [0.0, 0.65625, 1.0]

    References:
        3GPP TR 37.868, traffic model 2.
    """
    x = np.asarray(shares, np.float64)
    share: Floats = x**3 * (20.0 - 45.0 * x + 36.0 * x**2 - 10.0 * x**3)
    return share


@dataclass(frozen=True)
class AccessBound:
    """Upper bounds of every barring policy, on average over the draws of preambles.

    Attributes:
        successes: devices answered within an episode.
        success_probability: the same over the devices.
        total_return: sum of the balanced rewards of an episode.
        throughput_return: sum of its first component.
    """

    successes: float
    success_probability: float
    total_return: float
    throughput_return: float


def access_bound(scenario: AccessScenario, arrivals: ArrayLike | None = None) -> AccessBound:
    """An upper bound of what any barring policy reaches, one that sees the backlog included.

    *Successes.* Let A(t) devices have joined up to opportunity t, S(t) succeeded, and b be the
    greatest mean of `best_senders`. For every s <= t, whoever succeeded up to s has joined up to s,
    and after s each opportunity answers at most b on average: E S(t) <= A(s) + b (t - s). Hence
    E S(t) <= G(t), the least of these over s.

    *Return.* With c = `delay_weight` / opportunities, a device that joins at a and succeeds at o
    earns 1 - c (o - a) in units of 1 / b, and one that never succeeds at most 0. As c (o - a) <= 1,
    adding c a for those who never succeed leaves an upper bound:
    Σ_o E[S(o) - S(o-1)] (1 - c o) + c Σ a. The weights fall with o and are not negative, so under
    E S <= G the sum is greatest for E S = G.

    Args:
        scenario: gives preambles, opportunities, devices, and the delay's weight.
        arrivals: how many join at each opportunity, such as those of one world; shape
            (opportunities,). None: the mean (a bound too: the means of both sides are taken). With
            bursts the mean over worlds hides them: give the arrivals of worlds, and average.

    Returns:
        The bound.

    Raises:
        ConfigError: if the arrivals have another shape, or one is negative or not finite.

    Example:
        >>> from twin_gym.scenario.loading import load
        >>> round(access_bound(load("access-beta-30000", AccessScenario)).success_probability, 3)
        1.0
    """
    opportunities = scenario.num_opportunities
    joined = expected_arrivals(scenario) if arrivals is None else np.asarray(arrivals, np.float64)
    if joined.shape != (opportunities,) or not (np.isfinite(joined) & (joined >= 0)).all():
        raise ConfigError(
            f"`arrivals` must be {opportunities} counts, finite and not negative, got shape "
            f"{joined.shape}"
        )
    best = best_senders(scenario.preambles)[1]
    served = _most_served(joined, best)
    price = scenario.delay_weight / opportunities
    at = np.arange(opportunities)
    gained = np.diff(served, prepend=0.0) @ (1.0 - price * at) + price * (joined @ at)
    devices = max(float(joined.sum()), 1e-300)
    return AccessBound(
        successes=float(served[-1]),
        success_probability=float(served[-1]) / devices,
        total_return=float(gained) / best,
        throughput_return=float(served[-1]) / best,
    )


def _most_served(joined: Floats, best: float) -> Floats:
    """G(t): the least over s <= t of what has joined up to s and b an opportunity after it."""
    at = np.arange(1, len(joined) + 1)
    surplus = np.concatenate(([0.0], np.cumsum(joined) - best * at))
    least: Floats = np.minimum.accumulate(surplus)[1:]
    return least + best * at


def sender_mean_given_collision(load: float) -> float:
    """Mean number of senders on a preamble that collided, if senders fall on it by Poisson's law.

    E[K | K >= 2] = x (1 - e^-x) / (1 - e^-x - x e^-x) for the load x. As x goes to 0 it goes to 2.

    Args:
        load: mean number of senders a preamble, > 0.

    Returns:
        At least 2.

    Raises:
        ConfigError: if the load is not positive and finite.

    Example:
        >>> round(sender_mean_given_collision(1.0), 4)  # Rivest's 1 + 1 / (e - 2)
        2.3922
    """
    if not 0.0 < load < math.inf:
        raise ConfigError(f"`load` must be positive and finite, got {load!r}")
    return float(collided_senders(np.array([load]))[0])


def collided_senders(loads: Floats) -> Floats:
    """`sender_mean_given_collision` of many loads; 2 where a load is 0.

    Args:
        loads: not negative; any shape.

    Returns:
        Shape as given.
    """
    x = np.maximum(loads, _SMALL_LOAD)
    # expm1 keeps the digits of the denominator, which is x^2 / 2 for small loads.
    several = -np.expm1(-x) - x * np.exp(-x)
    senders: Floats = np.maximum(-x * np.expm1(-x) / several, 2.0)
    return senders


_SMALL_LOAD = 1e-4


def _check(senders: float, preambles: int) -> None:
    if isinstance(preambles, bool) or not isinstance(preambles, int | np.integer) or preambles < 1:
        raise ConfigError(f"`preambles` must be a whole number >= 1, got {preambles!r}")
    if not (math.isfinite(senders) and senders >= 0):
        raise ConfigError(f"`senders` must be finite and >= 0, got {senders!r}")
