"""Simulated time as whole nanoseconds, so that sums are exact and ties are ties."""

from __future__ import annotations

import numpy as np

from twin_gym.core.compiled import Integer, inlined

TICKS_PER_SECOND = 1_000_000_000
SECONDS_PER_TICK = 1e-9

START: Integer = np.int64(0)
"""The tick at which an episode begins."""

NEVER = 2**57 - 1
"""The last tick, 4.5 years on: what happens then happens after every horizon."""


@inlined
def to_ticks(duration_s: float) -> Integer:
    """Seconds to ticks, rounded to the nearest, at most `NEVER`."""
    ticks = duration_s * TICKS_PER_SECOND
    if ticks >= NEVER:
        return np.int64(NEVER)
    return np.int64(ticks + 0.5)


def to_seconds(ticks: int) -> float:
    """Whole ticks as the float nearest to their seconds: what one writes as 0.013 s is 0.013 s.

    A product with `SECONDS_PER_TICK` may be off by one in the last place: use it for rates and
    sums, and this for times that are compared with others.

    Example:
        >>> to_seconds(13_000_000), 13_000_000 * SECONDS_PER_TICK
        (0.013, 0.013000000000000001)
    """
    return int(ticks) / TICKS_PER_SECOND


def slots_to_seconds(slots: int, slot_s: float) -> float:
    """So many slots, in seconds; exact to the float where a slot is a whole number of ticks.

    Args:
        slots: 0 or more.
        slot_s: length of one, in seconds.

    Example:
        >>> slots_to_seconds(3, 0.1), 3 * 0.1
        (0.3, 0.30000000000000004)
    """
    ticks = round(slot_s * TICKS_PER_SECOND)
    return to_seconds(slots * ticks) if to_seconds(ticks) == slot_s else float(slots * slot_s)


@inlined
def later(now: int, ticks: int) -> Integer:
    """`now` plus a duration, at most `NEVER`."""
    return min(now + ticks, np.int64(NEVER))
