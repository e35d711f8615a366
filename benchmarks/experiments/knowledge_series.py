"""Values of sensors in an outage, drawn by known laws, and what is known of them exactly.

Values are in ranges of their property, as in right-time synchronisation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WALK_RATE_HZ = 1e-4
"""Mean square change of a walk in a second."""

CHANGE_RATE_HZ = 1.0 / 120.0
"""Rate at which either state of an on-off value is left."""

STEADY_SD, RELAXATION_S = 0.1, 30.0
"""Standard deviation of a value that returns to its mean, and the time in which it does."""

RISE_HZ, RISE_NOISE_HZ = 1e-3, 1e-6
"""Mean rise of a level in a second, and mean square of what is added to it by chance."""

LEAVING_RATE_HZ = 1.0 / 6000.0
"""At which a sensor leaves; another one joins at the same time, as when it is exchanged."""

Draw = Callable[[np.random.Generator, int, int, float], Floats]


class Property(NamedTuple):
    """A property of every sensor.

    Attributes:
        name: in words.
        draw: gives values of so many periods and entities; shape (periods, entities).
        tolerance: of a complete value, in ranges; 0: equal.
        is_state: whether it is a state or a name.
        held: the probability that the last value is within the tolerance after an age in seconds.
        known: likewise of the mean of the law, which `fitted` estimates; None: as `held`.
    """

    name: str
    draw: Draw
    tolerance: float
    is_state: bool
    held: Callable[[float], float]
    known: Callable[[float], float] | None = None


def within(sd: float, tolerance: float) -> float:
    """P(|N(0, sd^2)| <= tolerance).

    Example:
        >>> round(within(0.05, 0.05), 4)
        0.6827
    """
    return math.erf(tolerance / (sd * math.sqrt(2.0))) if sd > 0.0 else 1.0


def walk_held(age_s: float, tolerance: float = 0.05) -> float:
    """A walk held for a time: P(|N(0, s^2 age)| <= tolerance)."""
    return within(math.sqrt(WALK_RATE_HZ * age_s), tolerance)


def state_held(age_s: float) -> float:
    """An on-off value held for a time: (1 + e^(-2 k age)) / 2; e^(-k age) is that of no change."""
    return 0.5 * (1.0 + math.exp(-2.0 * CHANGE_RATE_HZ * age_s))


def steady_held(age_s: float, tolerance: float = 0.05) -> float:
    """A value that returns to its mean, held: variance 2 sd^2 (1 - e^(-age / relaxation))."""
    factor = 1.0 - math.exp(-age_s / RELAXATION_S)
    return within(STEADY_SD * math.sqrt(2.0 * factor), tolerance)


def steady_known(age_s: float, tolerance: float = 0.05) -> float:
    """As above with the mean of the law itself: variance sd^2 (1 - e^(-2 age / relaxation))."""
    factor = 1.0 - math.exp(-2.0 * age_s / RELAXATION_S)
    return within(STEADY_SD * math.sqrt(factor), tolerance)


def rise_held(age_s: float, tolerance: float = 0.05) -> float:
    """A rising level, held: P(|N(c age, s^2 age)| <= tolerance)."""
    scale = math.sqrt(2.0 * RISE_NOISE_HZ * age_s)
    mean = RISE_HZ * age_s
    return 0.5 * (math.erf((tolerance - mean) / scale) + math.erf((tolerance + mean) / scale))


def rise_known(age_s: float, tolerance: float = 0.05) -> float:
    """A rising level whose rise is known: P(|N(0, s^2 age)| <= tolerance)."""
    return within(math.sqrt(RISE_NOISE_HZ * age_s), tolerance)


def gone(age_s: float) -> float:
    """Share of the sensors of before that have left after a time."""
    return 1.0 - math.exp(-LEAVING_RATE_HZ * age_s)


def over_outage(law: Callable[[float], float], outage_s: float, period_s: float) -> float:
    """Mean of a law of age over the periods of an outage; 1 if it has none."""
    periods = round(outage_s / period_s)
    ages = [period_s * (k + 1) for k in range(periods)]
    return math.fsum(map(law, ages)) / periods if periods else 1.0


def _identifier(rng: np.random.Generator, periods: int, entities: int, _: float) -> Floats:
    return np.broadcast_to(rng.permutation(entities).astype(np.float64), (periods, entities))


def _walk(rng: np.random.Generator, periods: int, entities: int, period_s: float) -> Floats:
    steps = rng.normal(0.0, math.sqrt(WALK_RATE_HZ * period_s), (periods, entities))
    values: Floats = steps.cumsum(axis=0)
    return values


def _rise(rng: np.random.Generator, periods: int, entities: int, period_s: float) -> Floats:
    noise = rng.normal(0.0, math.sqrt(RISE_NOISE_HZ * period_s), (periods, entities))
    values: Floats = (RISE_HZ * period_s + noise).cumsum(axis=0)
    return values


def _state(rng: np.random.Generator, periods: int, entities: int, period_s: float) -> Floats:
    """A change over a period has probability (1 - e^(-2 k period)) / 2."""
    change = 0.5 * (1.0 - math.exp(-2.0 * CHANGE_RATE_HZ * period_s))
    flips = rng.random((periods, entities)) < change
    flips[0] = rng.integers(0, 2, entities) == 1
    values: Floats = (flips.cumsum(axis=0) % 2).astype(np.float64)
    return values


def _steady(rng: np.random.Generator, periods: int, entities: int, period_s: float) -> Floats:
    factor = math.exp(-period_s / RELAXATION_S)
    noise = rng.normal(0.0, STEADY_SD, (periods, entities))
    values = np.empty((periods, entities))
    values[0] = noise[0]
    for k in range(1, periods):
        values[k] = factor * values[k - 1] + math.sqrt(1.0 - factor * factor) * noise[k]
    return values


PROPERTIES = (
    Property("identifier", _identifier, 0.0, True, lambda _: 1.0),
    Property("on or off", _state, 0.0, True, state_held),
    Property("random walk", _walk, 0.05, False, walk_held),
    Property("returning to its mean", _steady, 0.05, False, steady_held, steady_known),
    Property("rising level", _rise, 0.05, False, rise_held, rise_known),
)


def leaving_times_s(rng: np.random.Generator, entities: int) -> Floats:
    """When each sensor leaves after the last report, and another one takes its place."""
    return rng.exponential(1.0 / LEAVING_RATE_HZ, entities)
