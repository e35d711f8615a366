"""Upper bounds on the return of any policy in right-time synchronisation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from benchmarks.bounds.bound import Bound, sampled_bound
from twin_gym.core.draws import world_key
from twin_gym.environments.right_time_sync.layout import build_tables
from twin_gym.environments.right_time_sync.scenario import (
    EntityGroup,
    MeanReverting,
    Replay,
    SyncScenario,
    TwoState,
    Walk,
)
from twin_gym.environments.right_time_sync.theory import relaxation_bound
from twin_gym.environments.right_time_sync.world import World
from twin_gym.errors import ConfigError

Floats = NDArray[np.float64]

OBJECTIVE = "balanced"
_RELAXED = "right_time_sync.theory.relaxation_bound for the episode: Lagrangian relaxation"
_UNHEARD = "benchmarks.environments.right_time_sync.bound.unheard_error: who was not heard of yet"
_INFORMED = (
    "benchmarks.environments.right_time_sync.bound: relaxation that knows the values beforehand"
)
_REPLAY_WORLDS = 48
_TRIALS = 16
"""Prices that are tried; each gives a bound."""


def bound_of(scenario: SyncScenario, action: str | None = None) -> Bound:
    """The relaxation of an episode; of a replay that of one who knows the values beforehand."""
    places = places_of(scenario, action)
    if any(isinstance(group.process, Replay) for group in scenario.groups):

        def returns(one: SyncScenario, seeds: list[int]) -> Floats:
            return informed_returns(one, seeds, places)

        return sampled_bound(scenario, returns, _REPLAY_WORLDS, _INFORMED)
    relaxed, proof = relaxation_bound(scenario, places=places), _RELAXED
    if scenario.initial == "unknown":
        unheard = unheard_error(scenario, places)
        if unheard > relaxed:
            relaxed, proof = unheard, _UNHEARD
    return Bound("relaxation", -relaxed / scenario.slot_s, 0.0, proof)


def places_of(scenario: SyncScenario, action: str | None) -> int:
    """Updates that a slot can have."""
    return scenario.round_size if action == "rounds" else 1


def unheard_error(scenario: SyncScenario, places: int) -> float:
    """A mean error that no policy goes below where the twin knows nothing at first.

    After t slots p · places · t updates have arrived at most on average, with p the greatest
    probability of a delivery, and no entity has been heard of with a chance above 1. Whoever has
    not been heard of has the variance of its first value as error at least. So the errors that are
    gone are at most those of the entities with the largest weighted ones, as many as those updates
    (a fractional knapsack). What has been heard of is taken to have no error at all.

    Args:
        scenario: with `initial` "unknown".
        places: updates that a slot can have.

    Returns:
        The bound on minus the mean reward of a slot.

    Raises:
        ConfigError: if the twin knows the values at first, or an entity is replayed.
    """
    if scenario.initial != "unknown":
        raise ConfigError(
            f"in {scenario.name!r} the twin knows every value at first: take relaxation_bound"
        )
    whole = sum(group.weight * group.count for group in scenario.groups)
    errors = np.concatenate(
        [np.full(one.count, one.weight / whole * _first_variance(one)) for one in scenario.groups]
    )
    largest_first = np.sort(errors)[::-1]
    slots = np.arange(1.0, scenario.num_slots + 1.0)
    surest = max(scenario.delivery_of(group) for group in scenario.groups)
    heard = np.minimum(surest * places * slots, len(errors))
    at_most = np.concatenate([[0.0], np.cumsum(largest_first)])
    gone = np.interp(heard, np.arange(len(errors) + 1.0), at_most)
    return float((errors.sum() - gone).mean())


def _first_variance(group: EntityGroup) -> float:
    """Mean squared error of the mean as a prediction of the first value."""
    process = group.process
    if isinstance(process, Walk):
        return process.initial_sd**2
    if isinstance(process, MeanReverting):
        return process.sd**2
    if isinstance(process, TwoState):
        return 0.25
    raise ConfigError(f"the group {group.name!r} is replayed: its first values have no law")


def informed_returns(scenario: SyncScenario, seeds: Sequence[int], places: int) -> Floats:
    """The most that a policy earns in replayed worlds whose values it knows beforehand.

    What it does not know is which updates arrive. With the limit on the updates of every slot
    relaxed to one on their mean number, any price of an update makes each entity a problem of its
    own, solved exactly by backward induction over (slot, slot of the last delivered value); the
    price that is best among those tried gives the bound (Lagrangian relaxation, as in
    `right_time_sync.theory.relaxation_bound`).

    Args:
        scenario: of which every entity is replayed, with the predictor `hold`, no delay, and
            deliveries that are drawn.
        seeds: of the worlds, as `reset` takes them; never of the test family.
        places: updates that a slot can have.

    Returns:
        Returns of an episode, in the units of the balanced reward; shape (worlds,).

    Raises:
        ConfigError: if the scenario is another one.
        TraceError: if the traces are missing.
    """
    _check_replayed(scenario)
    tables = build_tables([scenario])
    worlds = [World(tables, 0, int(world_key(np.uint64(seed), 0))) for seed in seeds]
    members = range(scenario.num_entities)
    return np.array(
        [_informed(scenario, np.array([one.path(k) for k in members]), places) for one in worlds]
    )


def _informed(scenario: SyncScenario, paths: Floats, places: int) -> float:
    groups = scenario.groups
    weights = np.concatenate([np.full(one.count, one.weight) for one in groups])
    weights /= weights.sum()
    surety = np.concatenate([np.full(one.count, scenario.delivery_of(one)) for one in groups])
    updates = float(places * scenario.num_slots)
    if scenario.update_budget is not None:
        updates = min(updates, float(scenario.update_budget))

    def bound(price: float) -> float:
        paid = scenario.update_cost + price
        total = _least_totals(paths, weights, surety, paid).sum()
        return float(total) - price * updates

    dearest = float((weights * np.ptp(paths, axis=1) ** 2).max()) * scenario.num_slots / 10.0
    optimum = minimize_scalar(
        lambda root: -bound(root**2), bounds=(0.0, dearest**0.5), method="bounded",
        options={"maxiter": _TRIALS},
    )  # fmt: skip
    return -max(bound(0.0), -float(optimum.fun))


def _check_replayed(scenario: SyncScenario) -> None:
    processes = [group.process for group in scenario.groups]
    if not all(isinstance(one, Replay) and not one.losses for one in processes):
        raise ConfigError(f"{scenario.name!r} is not replayed with deliveries that are drawn")
    if scenario.predictor != "hold" or scenario.delay_slots or scenario.initial != "synchronised":
        raise ConfigError(
            f"a bound on a replay is known for the predictor 'hold' without delay, where the twin "
            f"knows the first values; {scenario.name!r} is another one"
        )


def _least_totals(paths: Floats, weights: Floats, surety: Floats, price: float) -> Floats:
    """Least mean sums of weighted squared errors and prices; shape (entities,).

    Args:
        paths: values at the beginnings of slots and at the horizon; shape (entities, slots + 1).
        weights: shape (entities,).
        surety: probability of a delivery; shape (entities,).
        price: of an update.
    """
    slots = paths.shape[1] - 1
    to_come = np.zeros((len(paths), slots))  # by the slot of the last delivered value
    for slot in range(slots - 1, -1, -1):
        held = to_come[:, : slot + 1]
        gaps = paths[:, slot + 1, None] - paths[:, : slot + 1]
        held += weights[:, None] * gaps * gaps
        arrives = surety[:, None]
        sent = price + arrives * held[:, slot, None] + (1.0 - arrives) * held
        np.minimum(held, sent, out=held)
    return to_come[:, 0].copy()
