"""The upper bound of massive access: the greatest expected return of each opportunity."""

from __future__ import annotations

import numpy as np

from benchmarks.bounds.bound import Bound
from twin_gym.environments.massive_access.scenario import AccessScenario, SimultaneousArrivals
from twin_gym.environments.massive_access.theory import access_bound

OBJECTIVE = "balanced"
_PROOF = "massive_access.theory.access_bound for each moment of a burst: arrivals, ceiling"


def bound_of(scenario: AccessScenario, action: str | None = None) -> Bound:
    """The ceiling of the service; no form of the actions earns more (see `ceiling_return`)."""
    return Bound("service ceiling", ceiling_return(scenario) / scenario.horizon_s, 0.0, _PROOF)


def ceiling_return(scenario: AccessScenario) -> float:
    """The most that any barring earns in an episode, on average over worlds.

    `massive_access.theory.access_bound` holds for the mean arrivals of worlds, and loses
    little by that where they are spread. A burst is not: its moment is even over the window, so the
    bound is taken for each opportunity that it may fall on, with the mean arrivals given that, and
    then averaged. Nothing is sampled.

    Args:
        scenario: any; with several bursts the bound is that of the mean arrivals, and loose.

    Returns:
        A return of an episode, in the units of the balanced reward.
    """
    law = scenario.arrivals
    if not isinstance(law, SimultaneousArrivals) or law.bursts > 1:
        return access_bound(scenario).total_return
    edges_s = np.arange(scenario.num_opportunities + 1) * scenario.slot_s
    shares = np.minimum(edges_s / law.window_s, 1.0)
    shares[-1] = 1.0
    chances = np.diff(shares)
    spread = (scenario.num_devices - scenario.burst_devices) * chances
    earned = 0.0
    for at in np.flatnonzero(chances):
        arrivals = spread.copy()
        arrivals[at] += scenario.burst_devices
        earned += chances[at] * access_bound(scenario, arrivals).total_return
    return float(earned)
