"""No policy earns more than the bound in any world, and the rules are those of the theory."""

import numpy as np
import pytest

from benchmarks.environments.truck_routing.bound import bound_of, num_worlds
from tests.environments.truck_routing.case import short
from twin_gym.environments.truck_routing.bins import Bin, ListedBins
from twin_gym.environments.truck_routing.bound import known_episodes, most_earned
from twin_gym.environments.truck_routing.env import TruckRoutingEnv
from twin_gym.environments.truck_routing.roads import StraightRoads
from twin_gym.environments.truck_routing.scenario import DAY_S, Depot, TruckScenario
from twin_gym.environments.truck_routing.theory.small_episodes import least_cost
from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.scenario.loading import load


def three_bins(**changes):
    """Bins 400 m to 900 m from the depot that fill within a day, and a truck with much room."""
    bins = tuple(
        Bin(name=name, x_m=x_m, y_m=y_m, capacity_l=240.0, inflow_l_per_h=inflow)
        for name, x_m, y_m, inflow in (("a", 400.0, 0.0, 9.0), ("b", 0.0, 900.0, 14.0),
                                       ("c", -600.0, 0.0, 12.0))
    )  # fmt: skip
    values = {
        "name": "three-bins", "horizon_s": 2 * DAY_S, "bins": ListedBins(bins=bins),
        "roads": StraightRoads(detour=1.0), "depot": Depot(x_m=0.0, y_m=0.0),
        "speed_m_per_s": 2.0, "service_s": 600.0, "unload_s": 900.0, "shift_length_s": 4_500.0,
        "truck_capacity_l": 100_000.0,
    }  # fmt: skip
    return TruckScenario(**(values | changes))


def played(scenario, seed, stops):
    """Return of an episode in which the trucks make these stops, at these times."""
    env = TruckRoutingEnv(scenario)
    env.reset(seed=seed)
    depot, total, over = scenario.num_bins, 0.0, False
    left, now_s = list(stops), 0.0
    travel_s = known_episodes(scenario, [seed])[0].travel_s
    while not over:
        chosen = depot
        if left:
            _, goal, emptied_s = left[0]
            place = int(env.unwrapped.batch.row(0)["place"][0])
            if now_s + travel_s[place, goal] + scenario.service_s == pytest.approx(emptied_s):
                chosen = goal
                left.pop(0)
        _, reward, _, over, info = env.step(chosen)
        now_s += info["elapsed_s"]
        total += reward
    assert not left
    assert int(env.unwrapped.batch.row(0)["disallowed"]) == 0
    return total


@pytest.mark.parametrize("seed", range(5))
def test_best_stops_earn_in_the_environment_what_the_theory_says(seed):
    """The least cost is that of an episode, and no bound is below it."""
    scenario = three_bins()
    found = least_cost(known_episodes(scenario, [seed])[0])
    assert found.stops
    assert played(scenario, seed, found.stops) == pytest.approx(-found.cost)
    assert most_earned(scenario, seed) >= -found.cost * (1.0 + 1e-9)


@pytest.mark.parametrize(
    "changes",
    [{}, {"num_trucks": 3}, {"truck_capacity_l": 500.0}, {"report_period_s": "never"}],
    ids=str,
)
def test_no_policy_earns_more_than_the_bound_of_a_world(changes):
    """Fleets, small trucks and no reports included; world by world."""
    scenario = load("truck-grid-20").replace(**changes)
    seeds = world_seeds("validation", 3, first=2**17)
    for one in (scenario, short(scenario)):
        most = np.array([most_earned(one, seed) for seed in seeds])
        for name in ("random", "nearest-full", "schedule", "clairvoyant-pyvrp"):
            earned = evaluate(make_policy(name, one), one, seeds).returns
            assert (earned < most).all()


def test_second_episode_has_a_bound_of_its_own():
    """A world is named by seed and episode."""
    scenario = short(load("truck-grid-20"))
    assert most_earned(scenario, 5, episode=1) != most_earned(scenario, 5)


def test_bound_of_the_board_is_above_the_mean_over_worlds():
    """It is the upper end of the interval, of a return a second."""
    scenario = three_bins()
    bound = bound_of(scenario)
    assert num_worlds(scenario) == 64
    assert bound.kind == "perfect information"
    assert bound.value_per_s < 0.0
    seeds = world_seeds("validation", 16)
    earned = evaluate(make_policy("nearest-full", scenario), scenario, seeds).returns
    assert earned.mean() / scenario.horizon_s < bound.value_per_s
