"""The rules of slice admission that have parameters, and what their tuning is weighed by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.protocol import Track
from benchmarks.tuning.rule import DIGITS, Floats, TunableRule, Values
from twin_gym.environments.slice_admission.policies.bid_price import BidPricePolicy
from twin_gym.environments.slice_admission.policies.reservation import (
    ReservationPolicy,
    demands,
    reserve_mapping,
)
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.theory.bounds import fluid_bound
from twin_gym.policies import Policy

_MOST_FACTOR = _MOST_RISE = 2.0
_GRID = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)
_LONGEST = {"teletraffic": 200.0}
"""Seconds of an episode by the start of a track's name; other tracks: those of the scenario."""


class Reservation(TunableRule):
    """Thresholds by slice and resource, 0 to all that a request leaves free."""

    name = "reservation"
    description = "Density order, but what is kept for better requests is not given away; tuned."
    untuned = "density"
    kind = "admission"
    forms = (None, "slice")

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
        reserve = np.zeros((*shares.shape[:-1], *self._room.shape))
        reserve[..., self._where[0], self._where[1]] = shares * self._room[self._where]
        return reserve.round(DIGITS)


class BidPrice(TunableRule):
    """By resource, the factor of its shadow price and the rise of its price, each 0 to 2.

    A factor is a parameter only where the linear programme of some scenario has a price. At its
    price the marginal slice is admitted always, above it never: a threshold comes of a lower factor
    and a rise together, and so the search begins with a grid of both, the same for all resources.
    """

    name = "tuned-bid-price"
    description = "Bid prices from the linear programme, scaled and rising with use; tuned."
    untuned = "bid-price"
    kind = "admission"
    forms = (None, "slice")

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
        return factor.round(DIGITS), rise.round(DIGITS)


def weight_per_s(scenario: AdmissionScenario) -> float:
    """The weight of a scenario among several: its fluid bound."""
    return fluid_bound(scenario.replace(trace=None)).revenue_rate_per_s


def horizon_s(scenario: AdmissionScenario, track: Track) -> float:
    """Length of an episode in which a rule is tuned."""
    longest = (most_s for start, most_s in _LONGEST.items() if track.name.startswith(start))
    return min(scenario.horizon_s, next(longest, scenario.horizon_s))


RULES = (Reservation, BidPrice)
