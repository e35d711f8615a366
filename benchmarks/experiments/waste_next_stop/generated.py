"""Generated states of the bins, and the routes that a planner drives from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.experiments.blocks import Floats
from benchmarks.experiments.waste_next_stop.lived import Stop, example_of
from twin_gym.environments.truck_routing.policies.decisions import Decisions, TruckPolicy
from twin_gym.environments.truck_routing.policies.svm import route_features
from twin_gym.environments.truck_routing.policies.svm_fitting import RouteExample
from twin_gym.environments.truck_routing.scenario import DAY_S
from twin_gym.twins.scenarios.criteria import Criteria
from twin_gym.twins.scenarios.gan import GanGenerator, asked
from twin_gym.twins.scenarios.gan_training import ScenarioGanSettings, train_on_points


def train(history: Sequence[Stop], settings: ScenarioGanSettings, seed: int) -> GanGenerator:
    """A GAN of the states that the twin held at successive decisions.

    Args:
        history: the decisions, in order of time.
        settings: of the training but for its seed.
        seed: of the training.
    """
    states = np.array([stop.fills for stop in history])
    names = tuple(f"fill/{k}" for k in range(states.shape[1]))
    return train_on_points(states, names, replace(settings, seed=seed))


def by_gan(gan: GanGenerator, states: Floats, rng: np.random.Generator) -> Floats:
    """States one decision later, as the GAN has it; shares of the capacity."""
    made: Floats = np.clip(gan.next_states(states, asked(Criteria().condition), rng), 0.0, 1.0)
    return made


def routes_from(policy: TruckPolicy, base: Stop, fills: Floats) -> list[RouteExample]:
    """The decisions of a planner in what is left of a shift, from a state that was made up.

    The truck stands at the depot, empty. Bins fill by their mean inflow, and readings stay as old
    as they were in the state that was continued.

    Args:
        policy: the planner.
        base: the decision that was continued: its time, and the ages of its readings.
        fills: what the bins hold, over their capacities; shape (bins,).

    Returns:
        Examples like those of lived shifts.
    """
    policy.reset(0)
    walk, examples = Walk(policy, base, fills), []
    while True:
        seen = walk.seen()
        is_idle = not seen.allowed.any()
        chosen = policy.num_choices if is_idle else int(policy.choose(seen)[0])
        if seen.allowed.sum() > 1 and chosen < policy.num_choices:
            examples.append(example_of(seen, route_features(seen), 0, chosen))
        if not walk.go(chosen):
            return examples


class Walk:
    """A truck in a world in which all comes as expected.

    Args:
        policy: that gives places, capacities and the law of what is thrown in.
        base: see `routes_from`.
        fills: likewise.
    """

    def __init__(self, policy: TruckPolicy, base: Stop, fills: Floats) -> None:
        self._tables, self._scenario, self._depot = (
            policy.tables, policy.scenario, policy.num_choices
        )  # fmt: skip
        self._now_s, self._place, self._load_l = base.now_s, policy.num_choices, 0.0
        self._fills, self._old_s = fills.copy(), base.age_s
        self._emptied_s = np.full(len(fills), -np.inf)

    def seen(self) -> Decisions:
        """What the truck knows, as of one row."""
        tables, scenario, depot = self._tables, self._scenario, self._depot
        left_s = scenario.shift_length_s - self._now_s % DAY_S
        age_s = np.minimum(self._old_s, self._now_s - self._emptied_s)
        since_l = tables.forecast.expected_l(self._now_s - age_s, self._now_s)
        there_s, back_s = tables.travel_s[self._place, :depot], tables.travel_s[:depot, depot]
        trip_s = there_s + scenario.service_s + back_s + scenario.unload_s
        room_l = scenario.truck_capacity_l - self._load_l
        allowed = (trip_s <= left_s) & (self._fills * tables.capacity_l <= room_l)
        allowed[self._place : self._place + 1] = False
        reading = np.maximum(self._fills - since_l / tables.capacity_l, 0.0)
        daily = 24.0 * tables.forecast.inflow_l_per_h / tables.capacity_l
        return Decisions(
            allowed=allowed[None], predicted=self._fills[None], reading=reading[None],
            age_s=age_s[None], is_read=np.ones((1, depot), np.bool_), daily_fill=daily[None],
            travel_s=there_s[None], return_s=back_s[None], shift_left_s=np.array([left_s]),
            now_s=np.array([self._now_s]), at_depot=np.array([self._place == depot]),
            load=np.array([self._load_l / scenario.truck_capacity_l]),
        )  # fmt: skip

    def go(self, number: int) -> bool:
        """Goes to a bin or to the depot; says whether the truck goes on after that."""
        tables, scenario = self._tables, self._scenario
        if number == self._depot and self._place == self._depot:
            return False
        duty_s = scenario.unload_s if number == self._depot else scenario.service_s
        then_s = self._now_s + float(tables.travel_s[self._place, number]) + duty_s
        more_l = tables.forecast.expected_l(self._now_s, then_s)
        self._fills = np.minimum(self._fills + more_l / tables.capacity_l, 1.0)
        self._now_s, self._place = then_s, number
        if number == self._depot:
            self._load_l = 0.0
            return then_s % DAY_S < scenario.shift_length_s
        self._load_l = min(
            self._load_l + float(self._fills[number] * tables.capacity_l[number]),
            scenario.truck_capacity_l,
        )
        self._fills[number], self._emptied_s[number] = 0.0, then_s
        return True
