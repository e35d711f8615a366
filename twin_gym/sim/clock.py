"""Simulated time as whole nanoseconds, so that sums are exact and ties are ties."""

from __future__ import annotations

import numpy as np

from twin_gym.sim.compiled import Integer, inlined

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


@inlined
def later(now: int, ticks: int) -> Integer:
    """`now` plus a duration, at most `NEVER`."""
    return min(now + ticks, np.int64(NEVER))
