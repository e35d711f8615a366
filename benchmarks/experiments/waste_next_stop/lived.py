"""Shifts that a planner drove, as history alone has them and as the real-time twin has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from benchmarks.experiments.blocks import Floats
from twin_gym.environments.factory import vector_env
from twin_gym.environments.truck_routing.policies.decisions import Decisions, TruckPolicy
from twin_gym.environments.truck_routing.policies.planned import OverflowPlanPolicy
from twin_gym.environments.truck_routing.policies.rules import NearestFullPolicy, ThresholdPolicy
from twin_gym.environments.truck_routing.policies.svm import route_features
from twin_gym.environments.truck_routing.policies.svm_fitting import RouteExample
from twin_gym.environments.truck_routing.scenario import DAY_S, TruckScenario

RULES: tuple[type[TruckPolicy], ...] = (NearestFullPolicy, ThresholdPolicy)


class Stop(NamedTuple):
    """A decision of the planner to go to one of several bins.

    Attributes:
        by_history: as the times of emptyings and the mean inflows tell it.
        by_twin: as the readings of the bins tell it, too.
        is_hit: whether each of `RULES` would have gone to the same place.
        at_depot: whether the truck leaves the depot.
        day: from 0 on.
        fills: what the twin predicts, over the capacities; shape (bins,).
        age_s: of its readings; likewise.
        now_s: since the beginning of the episode.
    """

    by_history: RouteExample
    by_twin: RouteExample
    is_hit: tuple[bool, ...]
    at_depot: bool
    day: int
    fills: Floats
    age_s: Floats
    now_s: float


class Lived(NamedTuple):
    """What a planner did in some worlds.

    Attributes:
        stops: by world, in order of time, without those of the last day: the planner plans it for
            an end that never comes for an operator.
        cost_total: of the whole episodes; shape (worlds,).
    """

    stops: list[list[Stop]]
    cost_total: Floats


class EmptyingRecords:
    """What history knows of the bins of some rows: when each was emptied, and what was left.

    Args:
        policy: that gives capacities and the law of what is thrown in.
        num_rows: how many there are.
    """

    def __init__(self, policy: TruckPolicy, num_rows: int) -> None:
        self._tables = policy.tables
        shape = num_rows, policy.num_choices
        self._emptied_s = np.zeros(shape)
        self._left = np.full(shape, policy.scenario.initial_fill_max / 2.0)

    def note(self, row: int, number: int, now_s: float, left: float) -> None:
        """A bin was emptied."""
        self._emptied_s[row, number], self._left[row, number] = now_s, left

    def seen(self, seen: Decisions) -> Decisions:
        """The same decisions with the fills that history alone predicts."""
        capacity_l, forecast = self._tables.capacity_l, self._tables.forecast
        thrown_l = forecast.expected_l(self._emptied_s, seen.now_s[:, None])
        return seen._replace(
            predicted=np.clip(self._left + thrown_l / capacity_l, 0.0, 1.0),
            reading=self._left.copy(),
            age_s=seen.now_s[:, None] - self._emptied_s,
            is_read=self._emptied_s > 0.0,
        )


def lived(scenario: TruckScenario, seeds: Sequence[int]) -> Lived:
    """The decisions of `overflow-pyvrp` in some worlds.

    Args:
        scenario: of one truck.
        seeds: of the worlds.
    """
    policy, rules = OverflowPlanPolicy(scenario), [rule(scenario) for rule in RULES]
    records, stops = EmptyingRecords(policy, len(seeds)), [list[Stop]() for _ in seeds]
    before = np.full(len(seeds), policy.num_choices)
    cost_total = np.zeros(len(seeds))
    for seen, chosen in _decisions(policy, seeds, cost_total):
        for row in np.flatnonzero(before < policy.num_choices):
            number = int(before[row])
            records.note(int(row), number, seen.now_s[row], seen.reading[row, number])
        rest = scenario.horizon_s - seen.now_s
        several = (seen.allowed.sum(axis=1) > 1) & (chosen < policy.num_choices)
        kept = np.flatnonzero(several & (rest > DAY_S))
        told = zip(kept, _stops(seen, records.seen(seen), chosen, rules, kept), strict=True)
        for row, stop in told:
            stops[row].append(stop)
        before = np.where(seen.allowed.any(axis=1), chosen, policy.num_choices)
    return Lived(stops, cost_total)


def _stops(
    seen: Decisions, by_history: Decisions, chosen: NDArray[np.int64],
    rules: Sequence[TruckPolicy], rows: NDArray[np.int64],
) -> Iterator[Stop]:  # fmt: skip
    examples = [_examples(one, chosen, rows) for one in (by_history, seen)]
    hits = [rule.choose(seen) == chosen for rule in rules]
    for row, history, twin in zip(rows, *examples, strict=True):
        now_s = float(seen.now_s[row])
        yield Stop(
            history, twin, tuple(bool(hit[row]) for hit in hits), bool(seen.at_depot[row]),
            int(now_s // DAY_S), seen.predicted[row].copy(), seen.age_s[row].copy(), now_s,
        )  # fmt: skip


def _examples(
    seen: Decisions, chosen: NDArray[np.int64], rows: NDArray[np.int64]
) -> Iterator[RouteExample]:
    features = route_features(seen)
    for row in rows:
        yield example_of(seen, features, row, int(chosen[row]))


def example_of(seen: Decisions, features: Floats, row: int, chosen: int) -> RouteExample:
    """A decision to imitate.

    Args:
        seen: what is seen of all rows.
        features: of their bins.
        row: the one that decides.
        chosen: the bin.
    """
    allowed = np.flatnonzero(seen.allowed[row])
    return RouteExample(features[row, allowed], int(np.searchsorted(allowed, chosen)))


def _decisions(
    policy: TruckPolicy, seeds: Sequence[int], cost_total: Floats
) -> Iterator[tuple[Decisions, NDArray[np.int64]]]:
    """What is seen and chosen in an episode of each world; rows that are over allow nothing.

    Their costs are written.
    """
    env: Any = vector_env(policy.scenario, len(seeds), autoreset_mode=AutoresetMode.NEXT_STEP)
    observations, infos = env.reset(seed=list(seeds))
    policy.reset(seeds[0])
    running, horizon_s = np.ones(len(seeds), np.bool_), policy.scenario.horizon_s
    while running.any():
        masks = infos["action_mask"].copy()
        masks[~running, :-1] = 0
        chosen = policy.actions(observations, masks)
        seen = policy.read(observations, masks)
        yield seen._replace(now_s=np.where(running, seen.now_s, horizon_s)), chosen
        observations, _, _, truncated, infos = env.step(chosen)
        ended = running & truncated
        if ended.any():
            cost_total[ended] = infos["kpi"]["cost_total"][ended]
        running &= ~ended
