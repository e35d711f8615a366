"""The measurements of waste collection: rules, tuned rules, machines, planners, learners, bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial

from benchmarks.experiments.blocks import Cell, Values, block_means, policy_cell
from benchmarks.experiments.command import Asked
from benchmarks.experiments.learned import Training, agent_cells, learned_policy
from benchmarks.experiments.waste_trips import driven_and_shortest_km
from benchmarks.tracks import track_named
from benchmarks.tuning.rules import tune_rule
from twin_gym.environments.truck_routing.bound import most_earned
from twin_gym.environments.truck_routing.policies import (
    SchedulePolicy,
    ThresholdPlanPolicy,
    ThresholdPolicy,
)
from twin_gym.environments.truck_routing.scenario import TruckScenario
from twin_gym.policies import Policy, make_policy
from twin_gym.scenario import Scenario

RULES = (
    "random", "schedule", "nearest-full", "threshold", "threshold-pyvrp",
    "probability-pyvrp", "overflow-pyvrp", "svm-fill", "svm-route", "clairvoyant-pyvrp",
)  # fmt: skip
IN_ORDER = ("threshold, tuned", "overflow-pyvrp", "MaskablePPO, pick")
TUNED_AS = "truck-edinburgh-30"
ORDER = ", order of stops"
BOUND, BASE, CLAIRVOYANT = "bound", "overflow-pyvrp", "clairvoyant-pyvrp"
LARGE = "truck-edinburgh-100"
STEPS, LOGGED = 65_536, 2_000
PICK_STEPS = {LARGE: 2 * STEPS}
LARGE_WORLDS, LARGE_BOUNDS = 2, 3
KPIS = (
    "return", "distance_km", "overflow_l", "service_level", "stops", "wasted_stops", "fill_at_stop",
    "unloads", "twin_error",
)  # fmt: skip


def cells_of(asked: Asked, scenario: TruckScenario) -> list[Cell]:
    """All that is asked of a scenario."""
    worlds = asked.worlds
    wanted = rule_cells(asked.seeds, worlds, scenario)
    if asked.learners:
        for label, training in trainings(scenario.name).items():
            wanted += agent_cells(
                label, training, scenario, KPIS, seeds=asked.seeds, worlds=worlds,
                action=training.given["action"],
            )  # fmt: skip
    if scenario.name != LARGE:
        wanted += order_cells(asked, scenario)
    return wanted + bound_cells(asked.seeds, worlds, scenario)


def trainings(scenario: str) -> dict[str, Training]:
    """The trainings on a scenario, by label; on the large one two suffice to tell."""
    nearest = {"action": "nearest"}
    twin = {"action": "pick", "num_decisions": LOGGED}
    made = {
        "MaskablePPO, pick": Training(
            "maskable-ppo", scenario, PICK_STEPS.get(scenario, 4 * STEPS), {"action": "pick"}
        ),
        "MaskablePPO, nearest": Training("maskable-ppo", scenario, STEPS, nearest),
    }
    if scenario != LARGE:
        made["PPO, nearest"] = Training("ppo", scenario, STEPS, nearest)
        made["MaskablePPO from the twin, pick"] = Training(
            "maskable-ppo-twin", scenario, STEPS, twin
        )
    return made


@cache
def tuned_value(scenario: str, method: str) -> float:
    """The parameter of a rule that a search found on validation worlds, as on the board.

    Args:
        scenario: name of the preset.
        method: name of the tunable rule.

    Returns:
        The threshold, or the mean fill at a visit.
    """
    track = replace(track_named(TUNED_AS), train=(scenario,), test=(scenario,))
    ((_, values),) = tune_rule(track, method).values.items()
    (value,) = values.values()
    return float(value)


def _tuned_threshold(scenario: Scenario) -> Policy:
    threshold = tuned_value(scenario.name, "tuned-threshold")
    return ThresholdPolicy(of_trucks(scenario), "pick", threshold=threshold)


def _tuned_plan(scenario: Scenario) -> Policy:
    threshold = tuned_value(scenario.name, "tuned-threshold")
    return ThresholdPlanPolicy(of_trucks(scenario), "pick", threshold=threshold)


def _tuned_schedule(scenario: Scenario) -> Policy:
    fill = tuned_value(scenario.name, "tuned-schedule")
    return SchedulePolicy(of_trucks(scenario), "pick", fill_at_visit=fill)


TUNED: Mapping[str, Callable[[Scenario], Policy]] = {
    "schedule, tuned": _tuned_schedule,
    "threshold, tuned": _tuned_threshold,
    "threshold-pyvrp, tuned": _tuned_plan,
}


def rule_cells(seeds: int, worlds: int, scenario: TruckScenario) -> list[Cell]:
    """The cells of what does not learn here."""
    made: dict[str, Callable[[Scenario], Policy]] = {
        rule: partial(make_policy, rule, action="pick") for rule in RULES
    }
    return [
        policy_cell(
            label, scenario, make, KPIS, blocks=[block], worlds=worlds, action="pick"
        )
        for label, make in {**made, **TUNED}.items()
        for block in range(seeds)
    ]  # fmt: skip


def bound_cells(seeds: int, worlds: int, scenario: TruckScenario) -> list[Cell]:
    """The cells of the bound; of the large scenario in a few worlds, which take minutes each."""
    if scenario.name == LARGE:
        seeds, worlds = min(seeds, LARGE_BOUNDS), 1
    return [Cell(BOUND, scenario, (block,), worlds, _bound) for block in range(seeds)]


def _bound(cell: Cell) -> Values:
    scenario = of_trucks(cell.scenario)
    returns = [most_earned(scenario, seed) for seed in cell.seeds]
    return {"return": block_means(returns, cell.worlds).tolist()}


def of_trucks(scenario: Scenario) -> TruckScenario:
    """A scenario that is one of truck routing."""
    if not isinstance(scenario, TruckScenario):
        raise TypeError(f"this is an experiment of truck routing, got {scenario.kind!r}")
    return scenario


def order_cells(asked: Asked, scenario: TruckScenario) -> list[Cell]:
    """What some policies drive, and what the same trips need in a better order."""
    return [
        Cell(
            f"{label}{ORDER}", scenario, (block,), asked.worlds, partial(_order, label=label),
            trainings(scenario.name)[label].digest if label in trainings(scenario.name) else "",
        )
        for label in IN_ORDER
        if asked.learners or label not in trainings(scenario.name)
        for block in range(asked.seeds)
    ]  # fmt: skip


def _order(cell: Cell, label: str) -> Values:
    scenario = of_trucks(cell.scenario)
    if label in trainings(scenario.name):
        policy = learned_policy(trainings(scenario.name)[label].settings(cell.blocks[0]))
    else:
        policy = TUNED[label](scenario) if label in TUNED else make_policy(label, scenario, "pick")
    both = [driven_and_shortest_km(policy, scenario, seed) for seed in cell.seeds]
    return {
        name: block_means([one[k] for one in both], cell.worlds).tolist()
        for k, name in enumerate(("driven_km", "shortest_km"))
    }
