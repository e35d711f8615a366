"""The rules that have parameters: what the parameters are, their ranges, and how they are named."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import product
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.protocol import Track
from twin_gym.environments.massive_access.policies.barring import IdleEstimator
from twin_gym.environments.massive_access.scenario import AccessScenario
from twin_gym.environments.right_time_sync.policies import PeriodicPolicy
from twin_gym.environments.right_time_sync.scenario import SyncScenario
from twin_gym.environments.slice_admission.policies.bid_price import BidPricePolicy
from twin_gym.environments.slice_admission.policies.reservation import (
    ReservationPolicy,
    demands,
    reserve_mapping,
)
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.theory.bounds import fluid_bound
from twin_gym.environments.tic_scheduling.policies import ConstantWeights
from twin_gym.environments.tic_scheduling.scenario import TicScenario
from twin_gym.policies import Policy
from twin_gym.policies.base import Actions, Masks, Observations

Floats = NDArray[np.float64]
Values = Mapping[str, Any]

_DIGITS = 6
_WEIGHT_NAMES = ("density", "deadline", "latency", "buffer")
_NUM_WEIGHTS, _PARTS = len(_WEIGHT_NAMES), 4
_MOST_LOAD, _MOST_GAIN, _MOST_TURNS, _LEAST = 2.0, 0.25, 4.0, 1e-3
_MOST_FACTOR = _MOST_RISE = 2.0
_GRID = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)


class TunableRule(ABC):
    """A rule with parameters, for scenarios that its parameters mean the same in.

    Args:
        scenarios: what it is tuned for.
        action: the form of the actions; None: the default of the environment.

    Attributes:
        kind: of the scenarios.
        forms: of the actions.
        start: the untuned rule, shares of the ranges; shape (parameters,).
        coarse: other sets to begin the search with; shape (candidates, parameters).
    """

    kind: ClassVar[str] = "admission"
    forms: ClassVar[tuple[str | None, ...]] = (None, "slice")
    start: Floats
    coarse: Floats

    def __init__(self, scenarios: Sequence[Any], action: str | None = None) -> None:
        self.scenarios = scenarios
        self.first = scenarios[0]
        self.action = action

    @abstractmethod
    def policy(self, scenario: Any, shares: Floats) -> Policy:  # noqa: ANN401 - of its kind
        """The rule with other parameters in each row; shares of shape (rows, parameters)."""

    @abstractmethod
    def values(self, shares: Floats) -> dict[str, Any]:
        """Parameters by name, for people and files."""

    @staticmethod
    @abstractmethod
    def from_values(scenario: Any, values: Values, action: str | None = None) -> Policy:  # noqa: ANN401
        """The rule with named parameters; none: the untuned rule."""


class Reservation(TunableRule):
    """Thresholds by slice and resource, 0 to all that a request leaves free."""

    def __init__(self, scenarios: Sequence[AdmissionScenario], action: str | None = None) -> None:
        super().__init__(scenarios, action)
        needed = demands(self.first)
        self._room = np.array(list(self.first.capacity.values())) - needed
        self._where = np.nonzero((needed > 0) & (self._room > 0))
        self.start = np.zeros(len(self._where[0]))
        self.coarse = np.zeros((0, len(self.start)))

    def policy(self, scenario: AdmissionScenario, shares: Floats) -> Policy:
        """Density order with these thresholds."""
        return ReservationPolicy(scenario, self._reserve(shares))

    def values(self, shares: Floats) -> dict[str, Any]:
        """Amounts by slice and resource."""
        return {"reserve": reserve_mapping(self.first, self._reserve(shares))}

    @staticmethod
    def from_values(
        scenario: AdmissionScenario, values: Values, action: str | None = None
    ) -> Policy:
        """Thresholds by name."""
        return ReservationPolicy(scenario, values.get("reserve", {}))

    def _reserve(self, shares: Floats) -> Floats:
        found = np.zeros((*shares.shape[:-1], *self._room.shape))
        found[..., self._where[0], self._where[1]] = shares * self._room[self._where]
        return found.round(_DIGITS)


class BidPrice(TunableRule):
    """By resource, the factor of its shadow price and the rise of its price, each 0 to 2.

    A factor is a parameter only where the linear programme of some scenario has a price. At its
    price the marginal slice is admitted always, above it never: a threshold comes of a lower factor
    and a rise together, and so the search begins with a grid of both, the same for all resources.
    """

    def __init__(self, scenarios: Sequence[AdmissionScenario], action: str | None = None) -> None:
        super().__init__(scenarios, action)
        prices = [fluid_bound(one.replace(trace=None)).price for one in scenarios]
        names = self.first.resource_names
        self._priced = [k for k, name in enumerate(names) if any(p[name] > 0 for p in prices)]
        factors, rises = len(self._priced), len(names)
        self.start = np.concatenate([np.full(factors, 1.0 / _MOST_FACTOR), np.zeros(rises)])
        self.coarse = np.array(
            [[factor] * factors + [rise] * rises for factor in _GRID for rise in _GRID]
        )

    def policy(self, scenario: AdmissionScenario, shares: Floats) -> Policy:
        """Bid prices with these factors and rises."""
        factor, rise = self._split(shares)
        return BidPricePolicy(scenario, factor=factor, rise=rise)

    def values(self, shares: Floats) -> dict[str, Any]:
        """Factors and rises by resource."""
        names = self.first.resource_names
        return {
            what: dict(zip(names, numbers.tolist(), strict=True))
            for what, numbers in zip(("factor", "rise"), self._split(shares), strict=True)
        }

    @staticmethod
    def from_values(
        scenario: AdmissionScenario, values: Values, action: str | None = None
    ) -> Policy:
        """Factors and rises by name."""
        return BidPricePolicy(
            scenario, factor=values.get("factor", {}), rise=values.get("rise", {})
        )

    def _split(self, shares: Floats) -> tuple[Floats, Floats]:
        count = len(self._priced)
        factor = np.ones((*shares.shape[:-1], len(self.first.capacity)))
        factor[..., self._priced] = shares[..., :count] * _MOST_FACTOR
        rise = shares[..., count:] * _MOST_RISE
        return factor.round(_DIGITS), rise.round(_DIGITS)


class Weights(TunableRule):
    """The same four weights in every frame, anywhere on the simplex.

    The search begins with equal weights and a grid of the simplex in quarters, corners included, so
    that no constant rule of the package is better than what it finds on its own worlds.
    """

    kind = "tic"
    forms = (None, "weights")

    def __init__(self, scenarios: Sequence[TicScenario], action: str | None = None) -> None:
        super().__init__(scenarios, action)
        self.start = np.full(_NUM_WEIGHTS, 1.0 / _NUM_WEIGHTS)
        parts = range(_PARTS + 1)
        self.coarse = np.array(
            [
                (a, b, c, _PARTS - a - b - c)
                for a, b, c in product(parts, repeat=3)
                if a + b + c <= _PARTS
            ]
        ) / float(_PARTS)

    def policy(self, scenario: TicScenario, shares: Floats) -> Policy:
        """Constant weights, others in each row."""
        return _WeightsOfRows(_on_simplex(shares).round(_DIGITS).astype(np.float32))

    def values(self, shares: Floats) -> dict[str, Any]:
        """Weights by name."""
        weights = [round(float(one), _DIGITS) for one in _on_simplex(shares)]
        return {"weights": dict(zip(_WEIGHT_NAMES, weights, strict=True))}

    @staticmethod
    def from_values(scenario: TicScenario, values: Values, action: str | None = None) -> Policy:
        """Weights by name."""
        equal = dict.fromkeys(_WEIGHT_NAMES, 1.0 / _NUM_WEIGHTS)
        found = values.get("weights", equal)
        density, deadline, latency, buffer = (float(found[name]) for name in _WEIGHT_NAMES)
        return ConstantWeights("tuned-weights", (density, deadline, latency, buffer))


class _WeightsOfRows:
    """Weights of its own in each row."""

    name = "tuned-weights"

    def __init__(self, weights: NDArray[np.float32]) -> None:
        self._weights = weights

    def reset(self, seed: int) -> None:
        """Nothing is remembered."""

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """The weights; shape (rows, 4)."""
        return self._weights


class Estimator(TunableRule):
    """The load that the estimator aims at, 0 to 2 senders a preamble, and its gain, 0 to 1/4."""

    kind = "access"
    forms = (None, "level", "probability")

    def __init__(self, scenarios: Sequence[AccessScenario], action: str | None = None) -> None:
        super().__init__(scenarios, action)
        self.start = np.array([1.0 / _MOST_LOAD, 0.05 / _MOST_GAIN])
        self.coarse = np.zeros((0, 2))

    def policy(self, scenario: AccessScenario, shares: Floats) -> Policy:
        """The estimator with these parameters."""
        load, gain = _estimator_values(shares)
        return IdleEstimator(scenario, self.action or "level", load=load, rate_gain=gain)  # type: ignore[arg-type]

    def values(self, shares: Floats) -> dict[str, Any]:
        """Load and gain."""
        load, gain = _estimator_values(shares)
        return {"estimator": {"load": float(load), "rate_gain": float(gain)}}

    @staticmethod
    def from_values(scenario: AccessScenario, values: Values, action: str | None = None) -> Policy:
        """Load and gain by name."""
        return IdleEstimator(scenario, action or "level", **values.get("estimator", {}))  # type: ignore[arg-type]


class Period(TunableRule):
    """The period in which each entity is heard of, up to four turns through all."""

    kind = "sync"
    forms = (None, "pick", "rounds")

    def __init__(self, scenarios: Sequence[SyncScenario], action: str | None = None) -> None:
        super().__init__(scenarios, action)
        self.start = np.array([1.0 / _MOST_TURNS])
        self.coarse = np.zeros((0, 1))

    def policy(self, scenario: SyncScenario, shares: Floats) -> Policy:
        """Periodic with these periods."""
        return PeriodicPolicy(scenario, self.action or "pick", period_s=_period_s(scenario, shares))  # type: ignore[arg-type]

    def values(self, shares: Floats) -> dict[str, Any]:
        """The period."""
        return {"periodic": {"period_s": float(_period_s(self.first, shares))}}

    @staticmethod
    def from_values(scenario: SyncScenario, values: Values, action: str | None = None) -> Policy:
        """The period by name."""
        return PeriodicPolicy(scenario, action or "pick", **values.get("periodic", {}))  # type: ignore[arg-type]


def _on_simplex(shares: Floats) -> Floats:
    """Shares over their sum; all zero: equal."""
    total = shares.sum(axis=-1, keepdims=True)
    equal = np.full_like(shares, 1.0 / shares.shape[-1])
    return np.where(total > 0.0, shares / np.where(total > 0.0, total, 1.0), equal)


def _estimator_values(shares: Floats) -> tuple[Floats, Floats]:
    """Load and gain, neither of them 0."""
    load = np.maximum(shares[..., 0] * _MOST_LOAD, _LEAST)
    gain = np.maximum(shares[..., 1] * _MOST_GAIN, _LEAST)
    return load.round(_DIGITS), gain.round(_DIGITS)


def _period_s(scenario: SyncScenario, shares: Floats) -> Floats:
    """A slot at least."""
    turn_s = scenario.num_entities * scenario.slot_s
    return np.maximum(shares[..., 0] * _MOST_TURNS * turn_s, scenario.slot_s).round(_DIGITS)


METHODS: Mapping[str, type[TunableRule]] = MappingProxyType(
    {
        "reservation": Reservation,
        "tuned-bid-price": BidPrice,
        "tuned-estimator": Estimator,
        "tuned-weights": Weights,
        "tuned-periodic": Period,
    }
)
"""By name of the entrant. Rules that are not named here have nothing to tune, or, as `fixed`, come
tuned with the package."""
UNTUNED: Mapping[str, str] = MappingProxyType(
    {
        "reservation": "density",
        "tuned-bid-price": "bid-price",
        "tuned-estimator": "idle-estimator",
        "tuned-weights": "equal",
        "tuned-periodic": "periodic",
    }
)
"""What each is without tuning."""


def takes_part(method: str, track: Track) -> str | None:
    """Why a method has no parameters for a track, or None.

    Args:
        method: one of `METHODS`.
        track: where it would be tuned.
    """
    rule = METHODS[method]
    if track.kind != rule.kind:
        return f"it is a rule of {rule.kind}, and this track is one of {track.kind}"
    if track.action not in rule.forms:
        return f"it has nothing for action={track.action!r}"
    return None
