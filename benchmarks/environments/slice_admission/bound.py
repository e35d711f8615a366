"""The tightest proven upper bound of the revenue a second of an episode."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.bounds.bound import Bound
from benchmarks.environments.slice_admission.replay import replay_bound_per_s
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.theory.bounds import fluid_bound
from twin_gym.environments.slice_admission.theory.finite_horizon import finite_horizon_optimum
from twin_gym.environments.slice_admission.theory.option_bound import option_bound
from twin_gym.errors import ConfigError, TooLargeError

OBJECTIVE = "revenue"
_MAX_STATES = 2_000
"""States up to which the exact optimum of an episode is a matter of a minute at most."""
_MAX_VECTORS = 5_000


def bound_of(scenario: AdmissionScenario, action: str | None = None) -> Bound:
    """The least of the proven bounds that are computed within a minute or so.

    Args:
        scenario: any; that of a trace takes minutes.
        action: the form of the actions, which changes nothing.

    Returns:
        The bound for episodes of the scenario's horizon.

    Raises:
        ConfigError: if the scenario replays a trace and has penalties or exponential patience.
        TraceError: if its trace is missing.
    """
    if scenario.trace is not None:
        return replay_bound(scenario)
    exact = exact_optimum(scenario)
    if exact is not None:
        return exact
    return min(proven_bounds(scenario), key=lambda bound: bound.value_per_s)


def replay_bound(
    scenario: AdmissionScenario, progress: Callable[[float], None] | None = None
) -> Bound:
    """Perfect information over a replayed trace, averaged over all beginnings of an episode."""
    value = replay_bound_per_s(scenario, progress=progress)
    proof = (
        "benchmarks.environments.slice_admission.replay: hindsight over all beginnings, weak "
        "duality"
    )
    return Bound("perfect information", value, 0.0, proof)


def exact_optimum(scenario: AdmissionScenario) -> Bound | None:
    """The exact optimum of an episode, or None if a law has a memory or there are many states."""
    try:
        optimum = finite_horizon_optimum(scenario, max_states=_MAX_STATES)
    except (ConfigError, TooLargeError):
        return None
    low, high = optimum.bounds
    return Bound(
        "exact optimum",
        high,
        high - low,
        "slice_admission.theory.finite_horizon.finite_horizon_optimum: its upper end",
    )


def proven_bounds(scenario: AdmissionScenario) -> list[Bound]:
    """Bounds of scenarios that are too large for an exact answer."""
    fluid = fluid_bound(scenario, horizon_s=scenario.horizon_s)
    proof = "slice_admission.theory.bounds.fluid_bound with the horizon: Little, Wald, weak duality"
    bounds = [Bound("LP", fluid.revenue_rate_per_s, 0.0, proof)]
    try:
        option = option_bound(scenario, horizon_s=scenario.horizon_s, max_vectors=_MAX_VECTORS)
    except (ConfigError, TooLargeError):
        return bounds  # a law, or the size, does not allow it
    proof = "slice_admission.theory.option_bound with the horizon: supersolution, Dynkin's formula"
    return [*bounds, Bound("option bound", option.revenue_rate_per_s, 0.0, proof)]
