"""Admits what earns most in a second of service for its share of the scarcest resource."""

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice


class Agent:
    """One for each scenario; everything it needs to know is in the scenario."""

    def __init__(self, scenario: AdmissionScenario) -> None:
        def density(one: Slice) -> float:
            shares = (one.demand.get(name, 0.0) / c for name, c in scenario.capacity.items())
            return one.revenue / one.mean_holding_time_s / max(shares)

        self.worth = np.array([*map(density, scenario.slices), 0.0])  # the last one is to wait

    def reset(self, seed: int) -> None:
        """Begins the draws of a seed: this agent draws nothing."""

    def actions(
        self, observations: NDArray[np.float32], masks: NDArray[np.int8]
    ) -> NDArray[np.int64]:
        """One allowed action a row."""
        chosen: NDArray[np.int64] = np.where(masks == 1, self.worth, -1.0).argmax(axis=1)
        return chosen
