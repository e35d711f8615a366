"""The tightest proven upper bound of the revenue a second of an episode, for any scenario."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.protocol import BoundKind
from twin_gym.errors import ConfigError, TooLargeError
from twin_gym.scenario import AdmissionScenario
from twin_gym.theory import finite_horizon_optimum, fluid_bound

_MAX_STATES = 2_000
"""States up to which the exact optimum of an episode is a matter of seconds."""


@dataclass(frozen=True)
class Bound:
    """What no policy that does not see the future exceeds on average, episodes from empty.

    Attributes:
        kind: what it is.
        value_per_s: revenue a second, penalties subtracted.
        half_width: by how much at most the value may be above the exact optimum (kind "exact
            optimum"), or half of the 95 % interval that is already added (kind "perfect
            information"); 0 for other bounds, which are above the optimum by an unknown amount.
        proof: where it is proven, in a line.
    """

    kind: BoundKind
    value_per_s: float
    half_width: float
    proof: str


def tightest(scenario: AdmissionScenario) -> Bound:
    """The least of the proven bounds that are computed within half a minute.

    Args:
        scenario: without a trace.

    Returns:
        The bound for episodes of the scenario's horizon.

    Raises:
        ConfigError: if the scenario replays a trace.
    """
    exact = exact_optimum(scenario)
    if exact is not None:
        return exact
    return min(proven_bounds(scenario), key=lambda bound: bound.value_per_s)


def exact_optimum(scenario: AdmissionScenario) -> Bound | None:
    """The exact optimum of an episode, or None if a law has a memory or there are many states."""
    try:
        found = finite_horizon_optimum(scenario, max_states=_MAX_STATES)
    except (ConfigError, TooLargeError):
        return None
    low, high = found.bounds
    return Bound(
        "exact optimum", high, high - low, "twin_gym.theory.finite_horizon_optimum: its upper end"
    )


def proven_bounds(scenario: AdmissionScenario) -> list[Bound]:
    """Bounds of scenarios that are too large for an exact answer."""
    fluid = fluid_bound(scenario, horizon_s=scenario.horizon_s)
    proof = "twin_gym.theory.fluid_bound with the horizon: Little, Wald, weak duality"
    return [Bound("LP", fluid.revenue_rate_per_s, 0.0, proof)]
