"""One block of the figure: rankings that learn from ever more shifts, and how right they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.experiments.blocks import Cell, Floats, Values, worlds_of
from benchmarks.experiments.waste_next_stop.generated import by_gan, routes_from, train
from benchmarks.experiments.waste_next_stop.lived import RULES, Stop, lived
from twin_gym.environments.truck_routing.policies.planned import OverflowPlanPolicy
from twin_gym.environments.truck_routing.policies.svm import RouteMachine, RouteMachinePolicy
from twin_gym.environments.truck_routing.policies.svm_fitting import (
    RouteExample,
    fit_route,
    route_accuracy,
)
from twin_gym.environments.truck_routing.scenario import TruckScenario
from twin_gym.policies import evaluate
from twin_gym.twins.scenarios.gan_training import ScenarioGanSettings

H, TWIN, GAN = "H", "H+R", "H+R+GAI"
EVEN, MORE = "H+R+even states", "H+R, three trucks"
ARMS = (H, TWIN, GAN, EVEN, MORE)
PLANNER = OverflowPlanPolicy.name
RULE_NAMES = tuple(rule.name for rule in RULES)
EXTRA_WORLDS = 2


@dataclass(frozen=True)
class Protocol:
    """How much is learned from and looked at.

    Attributes:
        rounds: of twinning; a shift is driven in each.
        generated: states that are generated in each round.
        gan: settings of the training but for its seed.
    """

    rounds: int
    generated: int
    gan: ScenarioGanSettings = field(default_factory=ScenarioGanSettings)


def measure(cell: Cell, protocol: Protocol) -> Values:
    """The measurements of one block.

    Args:
        cell: its scenario has a day more than there are rounds; worlds are for tests.
        protocol: how much is learned from.

    Returns:
        By "arm|round|measure" one value: `accuracy`, that of decisions at the `depot` and in the
        `field`, and of the last round the `cost` of the routes. Of the rules, by round 0.
    """
    scenario, block = cell.scenario, cell.blocks[0]
    if not isinstance(scenario, TruckScenario):
        raise TypeError(f"this is an experiment of trucks, got {scenario.kind!r}")
    seeds = worlds_of(block, cell.worlds + 1 + EXTRA_WORLDS)
    tests, (own, *others) = seeds[: cell.worlds], lived(scenario, seeds[cell.worlds :]).stops
    fresh = lived(scenario, tests)
    looked_at = [stop for world in fresh.stops for stop in world]
    values = _of_rules(looked_at)
    learner = Learner(scenario, own, others, protocol, block)
    machine: Mapping[str, RouteMachine] = {}
    for round_ in range(1, protocol.rounds + 1):
        machine = learner.learn()
        for arm, one in machine.items():
            place = f"{arm}|{round_}|"
            values |= {place + name: share for name, share in _shares(one, arm, looked_at).items()}
            values[place + "examples"] = float(learner.num_examples[arm])
        values[f"{GAN}|{round_}|kept"] = float(learner.is_kept)
    for arm, one in machine.items():
        told = scenario.replace(report_period_s="never") if arm == H else scenario
        cost = evaluate(RouteMachinePolicy(told, ranking=one), told, tests).kpi["cost_total"]
        values[f"{arm}|{protocol.rounds}|cost"] = _a_bin_and_day(cost, scenario)
    for rule in RULES:
        cost = evaluate(rule(scenario), scenario, tests).kpi["cost_total"]
        values[f"{rule.name}|0|cost"] = _a_bin_and_day(cost, scenario)
    values[f"{PLANNER}|0|cost"] = _a_bin_and_day(fresh.cost_total, scenario)
    return {name: [value] for name, value in values.items()}


class Learner:
    """Learns the arms anew in each round, from all rounds so far.

    Args:
        scenario: of the worlds.
        own: the shifts that are lived, in order.
        others: those of other trucks, for the arm that learns from more lived shifts.
        protocol: how much is generated.
        block: the seed.

    Attributes:
        is_kept: whether the GAN of the last round learned more than the normal law that it begins
            as.
        num_examples: decisions that each arm learned from in the last round.
    """

    def __init__(
        self, scenario: TruckScenario, own: Sequence[Stop], others: Sequence[Sequence[Stop]],
        protocol: Protocol, block: int,
    ) -> None:  # fmt: skip
        self._policy, self._own, self._others = OverflowPlanPolicy(scenario), own, others
        self._protocol, self._block, self._round = protocol, block, 0
        self._made: dict[str, list[RouteExample]] = {GAN: [], EVEN: []}
        self.is_kept = False
        self.num_examples: dict[str, int] = {}

    def learn(self) -> dict[str, RouteMachine]:
        """Lives one more shift, and gives the ranking of each arm."""
        self._round += 1
        history = [stop for stop in self._own if stop.day < self._round]
        self._generate(history)
        twin = [stop.by_twin for stop in history]
        more = [one.by_twin for world in self._others for one in world if one.day < self._round]
        sets = {
            H: [stop.by_history for stop in history], TWIN: twin,
            **{arm: twin + made for arm, made in self._made.items()}, MORE: twin + more,
        }  # fmt: skip
        self.num_examples = {arm: len(examples) for arm, examples in sets.items()}
        return {arm: fit_route(sets[arm], seed=self._block) for arm in ARMS}

    def _generate(self, history: Sequence[Stop]) -> None:
        """Continues states of the last shift, and lets the planner drive from there."""
        rng = np.random.default_rng([self._block, self._round, 11])
        today = [stop for stop in history if stop.day == self._round - 1]
        bases = [today[k] for k in rng.integers(len(today), size=self._protocol.generated)]
        states = np.array([base.fills for base in bases])
        gan = train(history, self._protocol.gan, self._block)
        self.is_kept = gan.metadata.num_steps > 0
        drawn = {GAN: by_gan(gan, states, rng), EVEN: rng.random(states.shape)}
        for arm, fills in drawn.items():
            for base, one in zip(bases, fills, strict=True):
                self._made[arm] += routes_from(self._policy, base, one)


def _shares(machine: RouteMachine, arm: str, stops: Sequence[Stop]) -> dict[str, float]:
    """Shares of the decisions in which a ranking has the planner's next stop first."""
    parts = {
        "accuracy": list(stops), "depot": [stop for stop in stops if stop.at_depot],
        "field": [stop for stop in stops if not stop.at_depot],
    }  # fmt: skip
    return {
        name: route_accuracy(machine, [one.by_history if arm == H else one.by_twin for one in part])
        for name, part in parts.items()
    }


def _of_rules(stops: Sequence[Stop]) -> dict[str, float]:
    hits: Floats = np.array([stop.is_hit for stop in stops], np.float64)
    at_depot = np.array([stop.at_depot for stop in stops])
    parts = {"accuracy": hits, "depot": hits[at_depot], "field": hits[~at_depot]}
    return {
        f"{rule}|0|{name}": float(part[:, k].mean())
        for k, rule in enumerate(RULE_NAMES)
        for name, part in parts.items()
    }


def _a_bin_and_day(cost: Floats, scenario: TruckScenario) -> float:
    return float(cost.mean()) / (scenario.num_bins * scenario.num_days)
