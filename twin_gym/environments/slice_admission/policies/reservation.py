"""Greedy by density, but what is kept for better requests is not given away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin_gym.environments.slice_admission.observation import ActionName
from twin_gym.environments.slice_admission.policies.rules import (
    Admissible,
    Chosen,
    SlicePolicy,
    best_last,
    best_of,
    revenue_density,
)
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import ConfigError, unknown_name
from twin_gym.policies.base import Observations

Reserve = Mapping[str, Mapping[str, float]]

_ROUNDING = 1e-6  # of a capacity: free shares are seen as 32-bit floats


class ReservationPolicy(SlicePolicy):
    """Density order, where a slice is admitted only if enough stays free afterwards.

    A request of slice s is admitted if, once it holds what it needs, at least `reserve[s][k]` of
    every resource k is still free. Of the slices that pass, the one with the highest revenue
    density comes first. With nothing reserved it is `DensityPolicy`.

    Args:
        scenario: what the rows run.
        reserve: amounts by slice and resource name (what is not named is 0), or an array
            (slices, resources), or (rows, slices, resources) to run other thresholds in each row.
        action: `slice` or `slot`.

    Raises:
        ConfigError: if a name is unknown, or an amount is negative or not finite.
    """

    name = "reservation"

    def __init__(
        self,
        scenario: AdmissionScenario,
        reserve: Reserve | ArrayLike,
        action: ActionName = "slice",
    ) -> None:
        super().__init__(scenario, action)
        self.reserve = reserve_array(scenario, reserve)
        self._order = best_last([revenue_density(scenario, one) for one in scenario.slices])
        capacity = np.array(list(scenario.capacity.values()))
        needed = self.reserve + demands(scenario) - _ROUNDING * capacity
        # A slice that keeps nothing back is asked nothing: the mask has said already that it fits.
        # What it does not need it cannot take, and so no threshold holds it back there.
        asked = (self.reserve > 0) & (demands(scenario) > 0)
        self._needed = np.where(asked, needed, -np.inf)

    def choose(self, observations: Observations, admissible: Admissible) -> Chosen:
        """The densest slice that leaves enough, or waiting."""
        free = self.decoder.free(observations)
        passes = admissible.copy()
        for k in range(free.shape[1]):
            passes &= free[:, k, None] >= self._needed[..., k]
        return best_of(passes, self._order)


def demands(scenario: AdmissionScenario) -> NDArray[np.float64]:
    """The resources that one request holds; shape (slices, resources)."""
    return np.array(
        [[one.demand.get(name, 0.0) for name in scenario.capacity] for one in scenario.slices]
    )


def reserve_array(scenario: AdmissionScenario, reserve: Reserve | ArrayLike) -> NDArray[np.float64]:
    """Thresholds as an array.

    Args:
        scenario: gives the order of slices and resources.
        reserve: as `ReservationPolicy` takes it.

    Returns:
        Shape (slices, resources), or (rows, slices, resources).

    Raises:
        ConfigError: as `ReservationPolicy`.
    """
    shape = (len(scenario.slices), len(scenario.capacity))
    if isinstance(reserve, Mapping):
        reserved = np.zeros(shape)
        for slice_name, amounts in reserve.items():
            for resource, amount in amounts.items():
                if resource not in scenario.capacity:
                    raise unknown_name("resource", resource, scenario.capacity)
                k = scenario.resource_names.index(resource)
                reserved[scenario.slice_index(slice_name), k] = amount
    else:
        reserved = np.array(reserve, np.float64)
    if reserved.shape[-2:] != shape or reserved.ndim not in (2, 3):
        raise ConfigError(
            f"reserve must have shape {shape} for {scenario.name!r}, got {reserved.shape}"
        )
    if not np.isfinite(reserved).all() or (reserved < 0).any():
        raise ConfigError(f"reserved amounts must be finite and 0 or more, got {reserved.tolist()}")
    return reserved


def reserve_mapping(scenario: AdmissionScenario, reserve: NDArray[np.float64]) -> dict[str, Any]:
    """Thresholds by slice and resource name, without those that are 0."""
    named = {
        one.name: {
            resource: round(float(amount), 6)
            for resource, amount in zip(scenario.capacity, row, strict=True)
            if amount > 0
        }
        for one, row in zip(scenario.slices, reserve, strict=True)
    }
    return {name: amounts for name, amounts in named.items() if amounts}
