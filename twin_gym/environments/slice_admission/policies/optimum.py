"""The exact optimum of scenarios that are small enough, as a policy."""

from __future__ import annotations

from twin_gym.environments.slice_admission.observation import ActionName
from twin_gym.environments.slice_admission.policies.rules import Admissible, Chosen, SlicePolicy
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.theory.optimal import optimal_policy
from twin_gym.policies.base import Observations


class OptimalPolicy(SlicePolicy):
    """The exact long-run optimum as a policy: for scenarios without memory and few states.

    The optimum is computed by value iteration when the policy is made (see
    `slice_admission.theory.optimal.optimal_policy`). What it needs, how many requests of each slice
    are in service and waiting, is read off the observation.

    Args:
        scenario: Poisson arrivals, exponential holding times and patience, few states.
        action: `slice` or `slot`.

    Raises:
        ConfigError: if a law of the scenario has a memory.
        TooLargeError: if there are too many states.

    Attributes:
        gain_per_s: its revenue a second in the long run, minus penalties.
    """

    name = "optimum"

    def __init__(self, scenario: AdmissionScenario, action: ActionName = "slice") -> None:
        super().__init__(scenario, action)
        self._optimum = optimal_policy(scenario)
        self.gain_per_s = self._optimum.gain_per_s

    def choose(self, observations: Observations, admissible: Admissible) -> Chosen:
        """The optimal actions of the observed states; to wait where nothing is admissible."""
        decoder = self.decoder
        chosen = self._optimum.actions(
            decoder.in_service(observations), decoder.waiting(observations)
        )
        chosen[~admissible.any(axis=1)] = decoder.num_slices  # an episode that is over
        return chosen
