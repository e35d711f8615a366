"""Erlang's formulas: one class of requests on identical units, without and with waiting."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError, too_large

MAX_STATES = 10_000_000


def erlang_b(offered_load_erlang: float, num_units: int) -> float:
    """Blocking probability of a loss system (Erlang's B formula).

    Uses the recursion B(a, 0) = 1, B(a, c) = a B(a, c-1) / (c + a B(a, c-1)), stable for large
    loads. It holds for every law of the holding time with the given mean (insensitivity).

    Args:
        offered_load_erlang: arrival rate times mean holding time, >= 0.
        num_units: capacity in identical units, >= 0.

    Returns:
        Probability in [0, 1] that an arriving request finds all units busy.

    Raises:
        ConfigError: if an argument is negative, not finite, or no whole number of units.
        TooLargeError: if there are more units than the recursion should be run for.

    Example:
        >>> round(erlang_b(8.0, 10), 9)
        0.121661064

    References:
        A. K. Erlang (1917), Solution of some problems in the theory of probabilities of
        significance in automatic telephone exchanges.
    """
    _check_amount("offered_load_erlang", offered_load_erlang, may_be_zero=True)
    _check_count("num_units", num_units)
    if num_units >= MAX_STATES:
        raise too_large("Erlang B", num_units + 1, MAX_STATES)
    blocking = 1.0
    for units in range(1, num_units + 1):
        carried = offered_load_erlang * blocking
        blocking = carried / (units + carried)
    return blocking


@dataclass(frozen=True)
class ErlangA:
    """Long-run figures of a system with waiting and impatience.

    Attributes:
        blocking_probability: share of the arrivals that find every waiting place taken.
        abandonment_probability: share of the arrivals that wait and leave unserved.
        utilisation: busy units over units, averaged over time.
        mean_queue: requests waiting, averaged over time.
        mean_wait_s: mean time that a request waits which is served in the end (0 for those that
            find a free unit), in seconds.
    """

    blocking_probability: float
    abandonment_probability: float
    utilisation: float
    mean_queue: float
    mean_wait_s: float


def erlang_a(
    arrival_rate_hz: float,
    service_rate_hz: float,
    abandon_rate_hz: float,
    num_units: int,
    num_waiting_places: int,
) -> ErlangA:
    """Stationary figures of M/M/c/c+m+M, Erlang A with a finite waiting room.

    The number in the system is a birth-and-death process: births at rate λ below c + m, deaths in
    state n at rate min(n, c) μ + max(n - c, 0) θ. A request that finds j others waiting is served
    with probability cμ / (cμ + (j+1)θ), and then has waited Σ_{i<=j} 1 / (cμ + (i+1)θ) on average:
    with i others ahead, the next of them goes, or it gives up itself, at that total rate.

    Args:
        arrival_rate_hz: λ > 0, Poisson arrivals.
        service_rate_hz: μ > 0, one over the mean holding time (exponential).
        abandon_rate_hz: θ >= 0, one over the mean patience (exponential); 0: nobody gives up.
        num_units: c >= 1 identical units.
        num_waiting_places: m >= 0.

    Returns:
        The figures; first come, first served for the mean wait.

    Raises:
        ConfigError: if an argument is out of its range.
        TooLargeError: if there are too many units and places to sum over.

    Example:
        >>> found = erlang_a(12.0, 1.0, 0.5, 10, 10)
        >>> round(found.blocking_probability, 6), round(found.abandonment_probability, 6)
        (0.041786, 0.15707)

    References:
        C. Palm (1957), Research on telephone traffic carried by full availability groups;
        O. Garnett, A. Mandelbaum, M. Reiman (2002), Designing a call center with impatient
        customers.
    """
    _check_amount("arrival_rate_hz", arrival_rate_hz, may_be_zero=False)
    _check_amount("service_rate_hz", service_rate_hz, may_be_zero=False)
    _check_amount("abandon_rate_hz", abandon_rate_hz, may_be_zero=True)
    _check_count("num_units", num_units, least=1)
    _check_count("num_waiting_places", num_waiting_places)
    num_states = num_units + num_waiting_places + 1
    if num_states > MAX_STATES:
        raise too_large("Erlang A", num_states, MAX_STATES)
    number = np.arange(num_states)
    busy = np.minimum(number, num_units)
    waiting = number - busy
    death_rates_hz = busy * service_rate_hz + waiting * abandon_rate_hz
    share = _stationary(arrival_rate_hz, death_rates_hz)
    ahead = np.arange(num_waiting_places)
    leave_rates_hz = num_units * service_rate_hz + (ahead + 1) * abandon_rate_hz
    served_after_wait = share[num_units:-1] * num_units * service_rate_hz / leave_rates_hz
    served = share[:num_units].sum() + served_after_wait.sum()
    mean_queue = float(share @ waiting)
    return ErlangA(
        blocking_probability=float(share[-1]),
        abandonment_probability=abandon_rate_hz * mean_queue / arrival_rate_hz,
        utilisation=float(share @ busy) / num_units,
        mean_queue=mean_queue,
        mean_wait_s=float(served_after_wait @ np.cumsum(1.0 / leave_rates_hz) / served),
    )


def _stationary(birth_rate_hz: float, death_rates_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of time in each state, from the ratios λ / death rate, in logarithms."""
    steps = math.log(birth_rate_hz) - np.log(death_rates_hz[1:])
    log_weight = np.concatenate(([0.0], np.cumsum(steps)))
    weight = np.exp(log_weight - log_weight.max())
    share: NDArray[np.float64] = weight / weight.sum()
    return share


def _check_amount(name: str, value: float, *, may_be_zero: bool) -> None:
    allowed = ">= 0" if may_be_zero else "> 0"
    if not (math.isfinite(value) and (value > 0 or (may_be_zero and value == 0))):
        raise ConfigError(f"`{name}` must be finite and {allowed}, got {value!r}")


def _check_count(name: str, value: int, least: int = 0) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ConfigError(f"`{name}` must be a whole number >= {least}, got {value!r}")
