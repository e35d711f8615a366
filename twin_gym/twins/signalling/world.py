"""What the world does to the UEs of a log: hashed draws of behaviour, failures, losses and delays.

The k-th draw of a purpose of a UE is a pure function of (seed, purpose, UE, k). Failures have a
purpose each, so that a change of one share leaves all other draws as they were.
"""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.compiled import entry_point
from twin_gym.core.draws import uniform, unit_exponential, unit_normal, world_key
from twin_gym.scenario.laws import Exponential, Lognormal, Pareto
from twin_gym.twins.signalling.scenario import (
    Failures,
    SignallingScenario,
    SignallingSlice,
    Sojourn,
)

NANOSECONDS = 1_000_000_000
LEAST_SOJOURN_NS = 1_000_000
MOST_SOJOURN_NS = 10**17

_UNIFORM, _EXPONENTIAL, _NORMAL = 0, 1, 2
_UE_SHIFT = 28  # 2^28 draws of a purpose for each UE


class Purpose(IntEnum):
    """What a draw is for: the stream of the world."""

    HOME = 0
    START = 1
    DEREGISTERED = 2
    IDLE = 3
    CONNECTED = 4
    PROCEDURE = 5
    PICK = 6
    CORE = 7
    RADIO = 8
    USER_PLANE = 9
    DEFERRED = 10
    GAP = 11
    SESSION_AT_REGISTRATION = 12
    PARALLEL = 13
    SWITCH_OFF = 14
    ASSOCIATION = 15
    FAILURE = 32  # and one more for each share of `Failures`


_FAILURES = {name: int(Purpose.FAILURE) + place for place, name in enumerate(Failures.model_fields)}
_DELAYS = (Purpose.CORE, Purpose.RADIO, Purpose.USER_PLANE)


@entry_point
def _fill(world: np.uint64, stream: int, first: int, law: int, out: NDArray[np.float64]) -> None:
    """Writes draws of consecutive indices."""
    for place in range(len(out)):
        if law == _UNIFORM:
            out[place] = uniform(world, stream, first + place)
        elif law == _EXPONENTIAL:
            out[place] = unit_exponential(world, stream, first + place)
        else:
            out[place] = unit_normal(world, stream, first + place)


class World:
    """All draws of a log.

    Args:
        scenario: whose shares, laws and delays they follow.
        seed: names the world.
        block: draws of a purpose that are made at a time; it changes no draw.
    """

    def __init__(self, scenario: SignallingScenario, seed: int, block: int = 32) -> None:
        self.scenario = scenario
        self.key = np.uint64(world_key(np.uint64(seed), 0))
        self.block = block
        weights = np.cumsum([one.share for one in scenario.slices])
        self.shares = tuple(float(weight / weights[-1]) for weight in weights)
        self.failures = {name: float(share) for name, share in dict(scenario.failures).items()}
        self.procedures = tuple(
            {
                "CONNECTED": _cumulated(dict(one.when_connected)),
                "IDLE": _cumulated(dict(one.when_idle)),
            }
            for one in scenario.slices
        )
        means = (scenario.delays.core_s, scenario.delays.radio_s, scenario.delays.user_plane_s)
        self.half_delays_ns = {
            purpose: mean_s * NANOSECONDS / 2
            for purpose, mean_s in zip(_DELAYS, means, strict=True)
        }


class UeWorld:
    """What the world does to one UE: each method gives the next draw of its purpose.

    Args:
        world: of the log.
        ue: its number.
    """

    def __init__(self, world: World, ue: int) -> None:
        self._world = world
        self._first = ue << _UE_SHIFT
        self._drawn: dict[int, list[float]] = {}
        self._numbers: dict[int, int] = {}
        halves = world.half_delays_ns
        self._core, self._radio, self._user_plane = (halves[purpose] for purpose in _DELAYS)
        scenario = world.scenario
        self.slice_number = _place(world.shares, self._uniform(Purpose.HOME))
        self.home: SignallingSlice = scenario.slices[self.slice_number]
        self.start_ns = int(self._uniform(Purpose.START) * scenario.start_within_s * NANOSECONDS)
        self._procedures = world.procedures[self.slice_number]
        self._sojourns = {
            "DEREGISTERED": (Purpose.DEREGISTERED, self.home.deregistered),
            "IDLE": (Purpose.IDLE, self.home.idle),
            "CONNECTED": (Purpose.CONNECTED, self.home.connected),
        }

    def core_ns(self) -> int:
        """Time of the core from a message to an answer, or from an answer to the next one."""
        return int(self._core * (1.0 + self._next(Purpose.CORE, _EXPONENTIAL)))

    def radio_ns(self) -> int:
        """Time of base station and UE."""
        return int(self._radio * (1.0 + self._next(Purpose.RADIO, _EXPONENTIAL)))

    def user_plane_ns(self) -> int:
        """Time of the UPF."""
        return int(self._user_plane * (1.0 + self._next(Purpose.USER_PLANE, _EXPONENTIAL)))

    def deferred_ns(self) -> int:
        """Time that a policy takes that decides late."""
        mean_s = self._world.scenario.delays.deferred_s
        return int(mean_s * NANOSECONDS * self._next(Purpose.DEFERRED, _EXPONENTIAL))

    def sojourn_ns(self, state: str) -> int:
        """Time in DEREGISTERED, IDLE or CONNECTED until the next procedure."""
        purpose, sojourn = self._sojourns[state]
        return self._time_ns(purpose, sojourn)

    def gap_ns(self) -> int:
        """Time between the procedures of a planned life."""
        mix = self._world.scenario.mix
        return LEAST_SOJOURN_NS if mix is None else self._time_ns(Purpose.GAP, mix.gap)

    def procedure(self, state: str) -> str:
        """Which procedure ends a sojourn in IDLE or CONNECTED."""
        names, bounds = self._procedures[state]
        return names[_place(bounds, self._uniform(Purpose.PROCEDURE))]

    def pick(self, count: int) -> int:
        """One of `count` things, all equally likely: 0 to count - 1."""
        return min(int(self._uniform(Purpose.PICK) * count), count - 1)

    def fails(self, name: str) -> bool:
        """Whether a failure of this name (see `Failures`) happens."""
        share = self._world.failures[name]
        return share > 0.0 and self._next(_FAILURES[name], _UNIFORM) <= share

    def happens(self, purpose: Purpose, share: float) -> bool:
        """Whether something happens that has this share."""
        return self._uniform(purpose) <= share

    def count(self, name: str, most: int) -> int:
        """How many times in a row a failure happens, at most `most`."""
        number = 0
        while number < most and self.fails(name):
            number += 1
        return number

    def _time_ns(self, purpose: int, sojourn: Sojourn) -> int:
        law = sojourn.law
        if isinstance(law, Exponential):
            factor = self._next(purpose, _EXPONENTIAL)
        elif isinstance(law, Lognormal):
            factor = math.exp(law.sigma * self._next(purpose, _NORMAL) - law.sigma**2 / 2)
        elif isinstance(law, Pareto):
            scale = (law.shape - 1.0) / law.shape
            factor = scale * math.exp(self._next(purpose, _EXPONENTIAL) / law.shape)
        else:
            factor = 1.0
        time_ns = LEAST_SOJOURN_NS + sojourn.mean_s * NANOSECONDS * factor
        return int(min(time_ns, MOST_SOJOURN_NS))

    def _uniform(self, purpose: int) -> float:
        return self._next(purpose, _UNIFORM)

    def _next(self, purpose: int, law: int) -> float:
        drawn = self._drawn.get(purpose)
        if not drawn:
            number = self._numbers.get(purpose, 0)
            out = np.empty(self._world.block)
            _fill(self._world.key, int(purpose), self._first + number, law, out)
            self._numbers[purpose] = number + len(out)
            drawn = self._drawn[purpose] = out[::-1].tolist()
        return drawn.pop()


def _place(bounds: tuple[float, ...], draw: float) -> int:
    """The first place whose bound the draw does not exceed."""
    return next((place for place, bound in enumerate(bounds) if draw <= bound), len(bounds) - 1)


def _cumulated(weights: dict[str, float]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Names of positive weight, and the cumulated shares."""
    positive = {name: weight for name, weight in weights.items() if weight > 0}
    total = sum(positive.values())
    bounds = np.cumsum([weight / total for weight in positive.values()])
    return tuple(positive), tuple(float(bound) for bound in bounds)
