"""Accept what pays more than the capacity that it takes away: bid prices of revenue management."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin_gym.environments.slice_admission.observation import ActionName
from twin_gym.environments.slice_admission.policies.reservation import demands
from twin_gym.environments.slice_admission.policies.rules import Admissible, Chosen, SlicePolicy
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.theory.bounds import fluid_bound
from twin_gym.errors import ConfigError, unknown_name
from twin_gym.policies.base import Observations

ByResource = Mapping[str, float]

_ROUNDING = 1e-9  # of what a request pays: the solver's prices carry errors of that order
_LARGEST = 1e6


class BidPricePolicy(SlicePolicy):
    """Admits what pays at least the price of the capacity that it takes, the best bargain first.

    A request of slice s is worth v_s = revenue + lost penalty. It holds d_sk of resource k for
    h_s on average and is charged

        price_s = sum over k of d_sk h_s (factor_k p_k + rise_k (R / C_k) u_sk)

    with p_k the shadow price of resource k (money a second for a unit) and R the value in the
    fluid linear programme, and u_sk the used share of resource k once the request is in. It is
    admitted if v_s >= price_s; of several the one with the greatest v_s - price_s comes first.
    With factor 1 and rise 0 these are the bid prices of the linear programme as they are: they
    turn down the slices that the programme does not admit at all, but never one that it admits in
    part, whose value is its price.

    A trace has no programme: there the rates and means of the slices that describe it stand in.

    Args:
        scenario: what the rows run.
        action: `slice` or `slot`.
        factor: of the shadow prices, by resource name (what is not named is 1), or an array
            (resources,), or (rows, resources) to run other prices in each row; 0 to 1e6.
        rise: by how much a price rises until the resource is full, as a share of the value of all
            the network for one unit; likewise, 0 where not named.

    Raises:
        ConfigError: if a resource is unknown, or a number is out of range.

    References:
        K. T. Talluri and G. J. van Ryzin (2004), The Theory and Practice of Revenue Management,
        chapter 3: bid-price controls for networks, prices from the deterministic linear programme.
    """

    name = "bid-price"

    def __init__(
        self,
        scenario: AdmissionScenario,
        action: ActionName = "slice",
        *,
        factor: ByResource | ArrayLike = 1.0,
        rise: ByResource | ArrayLike = 0.0,
    ) -> None:
        super().__init__(scenario, action)
        self.factor = _by_resource(scenario, "factor", factor, 1.0)
        self.rise = _by_resource(scenario, "rise", rise, 0.0)
        programme = fluid_bound(scenario.replace(trace=None))
        capacity = np.array(list(scenario.capacity.values()))
        holding_s = np.array([one.mean_holding_time_s for one in scenario.slices])
        value = np.array([one.revenue + one.lost_penalty for one in scenario.slices])
        taken = demands(scenario) * holding_s[:, None]
        level = self.factor * np.array([programme.price[name] for name in scenario.capacity])
        slope = self.rise * programme.revenue_rate_per_s / capacity
        self._capacity = capacity
        self._charge_of_share = taken * slope[..., None, :]
        own_share = demands(scenario) / capacity
        charge = (self._charge_of_share * own_share).sum(axis=-1) + level @ taken.T
        self._margin_when_empty = value - charge
        self._least_margin = -_ROUNDING * value

    def choose(self, observations: Observations, admissible: Admissible) -> Chosen:
        """The slice with the best bargain, or waiting."""
        used = 1.0 - self.decoder.free(observations) / self._capacity
        # Resource by resource and not as one product: a row's sum must not depend on how many
        # rows stand beside it.
        margin = np.broadcast_to(self._margin_when_empty, admissible.shape).copy()
        for k in range(used.shape[1]):
            margin -= used[:, k, None] * self._charge_of_share[..., k]
        passes = admissible & (margin >= self._least_margin)
        best = np.where(passes, margin, -np.inf).argmax(axis=1)
        return np.where(passes.any(axis=1), best, self.decoder.num_slices)


def _by_resource(
    scenario: AdmissionScenario, what: str, given: ByResource | ArrayLike, default: float
) -> NDArray[np.float64]:
    """Numbers by resource as an array (resources,) or (rows, resources)."""
    shape = (len(scenario.capacity),)
    if isinstance(given, Mapping):
        for resource in given:
            if resource not in scenario.capacity:
                raise unknown_name("resource", resource, scenario.capacity)
        values = np.array([given.get(name, default) for name in scenario.capacity], np.float64)
    else:
        values = np.array(given, np.float64)
        if values.ndim == 0:
            values = np.broadcast_to(values, shape).copy()
    if values.shape[-1:] != shape or values.ndim not in (1, 2):
        raise ConfigError(
            f"`{what}` must have {shape[0]} numbers for {scenario.name!r}, one a resource, got "
            f"shape {values.shape}"
        )
    if not ((values >= 0.0) & (values <= _LARGEST)).all():
        raise ConfigError(f"`{what}` must be 0 to {_LARGEST:g}, got {values.tolist()}")
    return values
