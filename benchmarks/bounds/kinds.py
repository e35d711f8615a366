"""The bound that is a track's 100, for scenarios of every kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.bounds.access import ceiling_return
from benchmarks.bounds.sync import informed_returns, places_of, unheard_error
from benchmarks.bounds.tic import informed_return, mean_uplinks, worth_of_uplink
from benchmarks.bounds.tightest import Bound, tightest
from benchmarks.protocol import has_trace
from benchmarks.statistics import mean_interval
from twin_gym.environments.massive_access.scenario import AccessScenario
from twin_gym.environments.right_time_sync.scenario import SyncScenario
from twin_gym.environments.right_time_sync.theory import relaxation_bound
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.tic_scheduling.scenario import TicScenario
from twin_gym.errors import ConfigError
from twin_gym.policies import world_seeds
from twin_gym.scenario import Scenario

Kind = TypeVar("Kind", bound=Scenario)

BOUNDED_OBJECTIVE = {
    "admission": "revenue",
    "access": "balanced",
    "tic": "balanced",
    "sync": "balanced",
}
"""By kind of scenario, the objective that bounds are proven for."""

_FIRST = 2**19
"""Validation worlds of sampled bounds: those of the page of bounds."""
_TIC_WORLDS, _TIC_SENSORS, _FEWEST_WORLDS = 8, 1_000, 4
_REPLAY_WORLDS = 48
_TIC_PROOF = "benchmarks.bounds.tic: linear programme that knows who will ask and the channels"
_REPLAY_PROOF = "benchmarks.bounds.sync: relaxation that knows the values beforehand"


def bound_of(scenario: Scenario, objective: str, action: str | None = None) -> Bound:
    """What no policy that does not see the future exceeds on average, as return a second.

    Args:
        scenario: of a track; large networks and replayed traces take minutes.
        objective: what is earned.
        action: the form of the actions; None: the default of the environment.

    Returns:
        The tightest bound that is proven. Where its value is a mean over worlds, which is
        estimated, it is the upper end of the 95 % interval, and the line of the proof says so.

    Raises:
        ConfigError: if no bound is known for this objective or scenario.
    """
    wanted = BOUNDED_OBJECTIVE[scenario.kind]
    if objective != wanted:
        raise ConfigError(f"a bound is known for the objective {wanted!r} alone, not {objective!r}")
    if isinstance(scenario, AdmissionScenario):
        return tightest(scenario)
    if isinstance(scenario, AccessScenario):
        proof = "massive_access.theory.access_bound for each moment of a burst: arrivals, ceiling"
        return Bound("service ceiling", ceiling_return(scenario) / scenario.horizon_s, 0.0, proof)
    if isinstance(scenario, TicScenario):
        return _sampled(scenario, _tic_returns, tic_worlds(scenario), _TIC_PROOF)
    if isinstance(scenario, SyncScenario):
        return _of_sync(scenario, places_of(scenario, action))
    raise ConfigError(f"no bound is known for scenarios of the kind {scenario.kind!r}")


def tic_worlds(scenario: TicScenario) -> int:
    """Worlds that the bound is averaged over: fewer of large networks, which take longer."""
    return min(_TIC_WORLDS, max(_FEWEST_WORLDS, _TIC_SENSORS // scenario.num_sensors))


def _tic_returns(scenario: TicScenario, seeds: list[int]) -> NDArray[np.float64]:
    """With the number of messages as control variate: its mean over worlds is known."""
    found = []
    for seed in seeds:
        earned, uplinks = informed_return(scenario, seed)
        found.append(earned - worth_of_uplink(scenario) * (uplinks - mean_uplinks(scenario)))
    return np.array(found)


def _of_sync(scenario: SyncScenario, places: int) -> Bound:
    if has_trace(scenario):

        def returns(one: SyncScenario, seeds: list[int]) -> NDArray[np.float64]:
            return informed_returns(one, seeds, places)

        return _sampled(scenario, returns, _REPLAY_WORLDS, _REPLAY_PROOF)
    relaxed = relaxation_bound(scenario, places=places)
    proof = "right_time_sync.theory.relaxation_bound for the episode: Lagrangian relaxation"
    if scenario.initial == "unknown":
        unheard = unheard_error(scenario, places)
        if unheard > relaxed:
            relaxed = unheard
            proof = "benchmarks.bounds.sync.unheard_error: who was not heard of yet"
    return Bound("relaxation", -relaxed / scenario.slot_s, 0.0, proof)


def _sampled(
    scenario: Kind,
    returns: Callable[[Kind, list[int]], NDArray[np.float64]],
    worlds: int,
    proof: str,
) -> Bound:
    """The upper end of the interval over validation worlds."""
    found = returns(scenario, world_seeds("validation", worlds, first=_FIRST))
    mean = mean_interval(found / scenario.horizon_s)
    told = f"{proof}; upper end of the 95 % interval over {worlds} validation worlds"
    return Bound("perfect information", mean.high, 0.0, told)
