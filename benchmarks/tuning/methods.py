"""The rules that have parameters: what the parameters are, their ranges, and how they are named."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.policies import BidPricePolicy, Policy, ReservationPolicy
from twin_gym.policies.reservation import demands, reserve_mapping
from twin_gym.scenario import AdmissionScenario
from twin_gym.theory import fluid_bound

Floats = NDArray[np.float64]
Values = Mapping[str, Any]

_DIGITS = 6
_MOST_FACTOR = _MOST_RISE = 2.0
_GRID = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)


class TunableRule(ABC):
    """A rule with parameters, for scenarios that share slices and capacities.

    Args:
        scenarios: what it is tuned for.

    Attributes:
        start: the untuned rule, shares of the ranges; shape (parameters,).
        coarse: other sets to begin the search with; shape (candidates, parameters).
    """

    start: Floats
    coarse: Floats

    def __init__(self, scenarios: Sequence[AdmissionScenario]) -> None:
        self.scenarios = scenarios
        self.first = scenarios[0]

    @abstractmethod
    def policy(self, scenario: AdmissionScenario, shares: Floats) -> Policy:
        """The rule with other parameters in each row; shares of shape (rows, parameters)."""

    @abstractmethod
    def values(self, shares: Floats) -> dict[str, Any]:
        """Parameters by name, for people and files."""

    @staticmethod
    @abstractmethod
    def from_values(scenario: AdmissionScenario, values: Values) -> Policy:
        """The rule with named parameters; none: the untuned rule."""


class Reservation(TunableRule):
    """Thresholds by slice and resource, 0 to all that a request leaves free."""

    def __init__(self, scenarios: Sequence[AdmissionScenario]) -> None:
        super().__init__(scenarios)
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
    def from_values(scenario: AdmissionScenario, values: Values) -> Policy:
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

    def __init__(self, scenarios: Sequence[AdmissionScenario]) -> None:
        super().__init__(scenarios)
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
    def from_values(scenario: AdmissionScenario, values: Values) -> Policy:
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


METHODS: Mapping[str, type[TunableRule]] = MappingProxyType(
    {"reservation": Reservation, "tuned-bid-price": BidPrice}
)
"""By name of the entrant. fifo, density, max-revenue and bid-price have nothing to tune."""
UNTUNED: Mapping[str, str] = MappingProxyType(
    {"reservation": "density", "tuned-bid-price": "bid-price"}
)
"""What each is without tuning."""
