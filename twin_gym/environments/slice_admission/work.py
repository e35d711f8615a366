"""How much work an episode of requests is: what would take for ever to simulate is refused.

One step of an environment may have to pass through all that is left of an episode, such as where
everything is in use until the horizon. So it is the episode that is bounded.
"""

from __future__ import annotations

from twin_gym.errors import ConfigError, TooLargeError
from twin_gym.scenario.base import MIN_TIME_S
from twin_gym.scenario.laws import MMPP, ArrivalLaw, Daily, Schedule

MAX_EVENTS = 1e9
"""Most requests that an episode may bring, each counted with the places it is looked for in."""

MAX_PARTS = 5e7
"""Most parts of profiles and phases of bursts that an episode may pass through."""

MAX_MONEY = 1e17
"""Most money that an episode may bring or cost: rewards stay within 1e18."""

_MAX_SUM_S = 2**62 / 1e9  # sums of times are counted in nanoseconds, in 64 bits


def most_arrivals(law: ArrivalLaw, rate_hz: float, horizon_s: float) -> float:
    """Requests to expect in an episode that begins as busily as the law allows.

    Args:
        law: of the arrivals.
        rate_hz: their long-run average.
        horizon_s: length of the episode.

    Returns:
        Expected requests: of a profile from its beginning on, of bursts from the phase that brings
        most.

    Example:
        >>> most_arrivals(MMPP(factors=(0.0, 1.0), mean_sojourn_s=(99.0, 1.0)), 1.0, 10.0)
        110.0
    """
    if isinstance(law, Daily | Schedule):
        rates = law.relative_rates()
        whole, rest = divmod(horizon_s / law.period_s * len(rates), len(rates))
        part = min(int(rest), len(rates) - 1)
        in_part = sum(rates[:part]) + (rest - part) * rates[part]
        return rate_hz * law.period_s * (whole + in_part / len(rates))
    if isinstance(law, MMPP):
        phases = zip(law.relative_rates(), law.mean_sojourn_s, strict=True)
        busiest = max(rate * min(sojourn_s, horizon_s) for rate, sojourn_s in phases)
        return rate_hz * (horizon_s + busiest)
    return rate_hz * horizon_s


def parts_passed(law: ArrivalLaw, horizon_s: float) -> float:
    """Parts of a profile, or phases of bursts, that an episode passes through.

    Args:
        law: of the arrivals.
        horizon_s: length of the episode.

    Returns:
        Their expected number; 0 of a law that has none.

    Example:
        >>> parts_passed(Schedule(period_s=10.0, factors=(1.0, 3.0)), 60.0)
        12.0
    """
    if isinstance(law, Daily | Schedule):
        return horizon_s / max(law.period_s / len(law.factors), MIN_TIME_S)
    if isinstance(law, MMPP):
        return horizon_s * len(law.factors) / sum(law.mean_sojourn_s)
    return 0.0


def check_events(name: str, events: float, passed: float) -> None:
    """Refuses an episode that is too much work.

    Args:
        name: of the scenario.
        events: requests to expect, weighed by the work that each of them is.
        passed: parts and phases of all its slices.

    Raises:
        TooLargeError: if either is over its limit.
    """
    if not events <= MAX_EVENTS:
        raise TooLargeError(
            f"an episode of {name!r} has about {events:.3g} events and at most {MAX_EVENTS:.0e} "
            "are simulated: shorten the horizon, or lower the arrival rates or the queue limits"
        )
    if not passed <= MAX_PARTS:
        raise TooLargeError(
            f"an episode of {name!r} passes through about {passed:.3g} parts of profiles and "
            f"phases of bursts and at most {MAX_PARTS:.0e} are simulated: shorten the horizon, "
            "or lengthen `period_s` or `mean_sojourn_s`"
        )


def check_sums(
    name: str,
    arrivals: float,
    horizon_s: float,
    queue_limit: int,
    mean_patience_s: float,
    price: float,
) -> None:
    """Refuses a slice whose waits or money would outgrow what they are counted in.

    Args:
        name: of the slice.
        arrivals: its requests to expect in an episode.
        horizon_s: length of the episode.
        queue_limit: of the slice.
        mean_patience_s: likewise.
        price: what one request may bring or cost at most.

    Raises:
        TooLargeError: if the waits of an episode could add up to 2^62 ns, or its money to more
            than `MAX_MONEY`.
    """
    # Far more than are to be expected, for few of them may be many more by chance.
    requests = 100.0 + 2.0 * arrivals
    waits_s = min(
        min(queue_limit, requests) * horizon_s, requests * 4.0 * min(mean_patience_s, horizon_s)
    )
    if queue_limit > 0 and waits_s >= _MAX_SUM_S:
        raise TooLargeError(
            f"the requests of the slice {name!r} could wait {waits_s:.3g} s in an episode, all "
            f"together, and at most {_MAX_SUM_S:.3g} s are counted in nanoseconds: shorten the "
            "horizon or the patience, or lower the queue limit"
        )
    if arrivals * price > MAX_MONEY:
        raise ConfigError(
            f"the slice {name!r} could bring or cost {arrivals * price:.3g} in an episode and at "
            f"most {MAX_MONEY:.0e} is counted: lower `revenue` and `lost_penalty`, in all slices "
            "alike"
        )
