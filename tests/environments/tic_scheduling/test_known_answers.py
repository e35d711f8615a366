"""Tiny instant communication against what is known: matchings and the discrete-time queue."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.environments.tic_scheduling.strategies import tic_scenarios
from twin_gym.core.draws import world_key
from twin_gym.environments.tic_scheduling.bound import most_deliveries
from twin_gym.environments.tic_scheduling.layout import build_tables
from twin_gym.environments.tic_scheduling.policies import POLICIES
from twin_gym.environments.tic_scheduling.scenario import TicScenario
from twin_gym.environments.tic_scheduling.theory import mean_wait_slots, most_by_earliest_deadline
from twin_gym.environments.tic_scheduling.vector import TicSchedulingVectorEnv
from twin_gym.environments.tic_scheduling.world import World
from twin_gym.scenario.loading import load

ROOMY = {"buffer_messages": 40}


def final_kpis(scenario, name, seeds):
    """Indicators of one episode in each world under a policy that weighs."""
    env = TicSchedulingVectorEnv(len(seeds), scenario, autoreset_mode="Disabled")
    policy = POLICIES[name](scenario, "weights")
    observations, _ = env.reset(seed=list(seeds))
    policy.reset(seeds[0])
    unmasked = np.ones((len(seeds), 0), np.int8)
    over = False
    while not over:  # with weights, all episodes of a scenario end together
        observations, _, _, truncated, _ = env.step(policy.actions(observations, unmasked))
        over = bool(truncated.all())
    return env.batch.kpis()


def perfect(scenario):
    """One gateway, every transmission succeeds, uplink only, nothing is dropped."""
    return scenario.replace(good_success=1.0, bad_success=1.0, answers=False, **ROOMY)


@given(tic_scenarios(max_sensors=15, num_gateways=1), st.integers(0, 2**40))
@settings(max_examples=40)
def test_earliest_deadline_first_is_the_best_assignment(scenario, seed):
    """One gateway, perfect channel, uplink only: as many in time as the maximum matching."""
    ideal = perfect(scenario)
    kpi = final_kpis(ideal, "edf", [seed])
    assert kpi["dropped"][0] == 0
    world = World(build_tables([ideal]).networks[0], int(world_key(np.uint64(seed), 0)))
    windows = [
        (slot, min(slot + ideal.deadline_slots, ideal.num_slots) - 1)
        for slot, _ in world.uplinks(ideal.num_slots)
    ]
    assert kpi["offered"][0] == len(windows)
    assert kpi["delivered"][0] == most_by_earliest_deadline(windows, ideal.grants)
    assert kpi["delivered"][0] == most_deliveries(ideal, seed)


@given(tic_scenarios(), st.integers(0, 2**40))
@settings(max_examples=40)
def test_nothing_delivers_more_than_the_matching(scenario, seed):
    """Imperfect channels, answers, small buffers, several gateways: no rule exceeds the bound."""
    bound = most_deliveries(scenario, seed)
    for name in ("edf", "first-come", "longest-queue", "random", "density-buffer"):
        assert final_kpis(scenario, name, [seed])["delivered"][0] <= bound


@pytest.mark.parametrize("preset", ["tic-small-20", "tic-small-45", "tic-small-70"])
def test_bound_of_presets_is_near(preset):
    """Not empty: where there is room the rule comes within a few per cent of the bound."""
    scenario = load(preset).replace(horizon_s=0.1)
    reached = final_kpis(scenario, "edf", [1, 2, 3])["delivered"]
    bounds = np.array([most_deliveries(scenario, seed) for seed in (1, 2, 3)])
    assert (reached <= bounds).all()
    assert (reached > 0.8 * bounds).all()


@pytest.mark.parametrize("rule", ["edf", "first-come", "longest-queue", "max-weight"])
def test_picks_do_not_exceed_the_matching_either(rule):
    """Grant by grant on the preset for it."""
    scenario = load("tic-pick").replace(horizon_s=0.02)
    env = TicSchedulingVectorEnv(3, scenario, action="pick", autoreset_mode="NextStep")
    policy = POLICIES[rule](scenario, "pick")
    observations, infos = env.reset(seed=5)
    by_row = {}
    while len(by_row) < 3:
        actions = policy.actions(observations, infos["action_mask"])
        observations, _, _, truncated, infos = env.step(actions)
        for row in np.flatnonzero(truncated):
            by_row.setdefault(int(row), infos["kpi"]["delivered"][row])
    for row, delivered in by_row.items():
        assert 0 < delivered <= most_deliveries(scenario, 5 + row)


def test_earliest_deadline_first_by_picks_is_that_by_weights():
    """The same messages in the same slots where no channel fails."""
    scenario = load("tic-pick").replace(horizon_s=0.05, good_success=1.0, bad_success=1.0, grants=2)
    for rule in ("edf", "first-come"):
        by_weights = final_kpis(scenario, rule, [3])
        env = TicSchedulingVectorEnv(1, scenario, action="pick")
        policy = POLICIES[rule](scenario, "pick")
        observations, infos = env.reset(seed=3)
        truncated = [False]
        while not truncated[0]:
            actions = policy.actions(observations, infos["action_mask"])
            observations, _, _, truncated, infos = env.step(actions)
        for name, values in by_weights.items():
            assert infos["kpi"][name][0] == values[0], name


@pytest.mark.parametrize("load_of_grant", [0.4, 0.8])
def test_mean_wait_is_that_of_the_discrete_time_queue(load_of_grant):
    """One grant, no deadline to speak of, a message of each sensor with one probability a slot."""
    sensors, slot_s = 30, 0.000125
    scenario = TicScenario(
        name="queue", horizon_s=5.0, num_sensors=sensors, num_gateways=1, grants=1,
        buffer_messages=1000, frame_slots=1000, deadline_slots=5000, answers=False,
        burst_fraction=0.0, background_rate_hz=load_of_grant / sensors / slot_s,
        good_success=1.0, bad_success=1.0,
    )  # fmt: skip
    kpi = final_kpis(scenario, "first-come", list(range(16)))
    assert not kpi["expired"].any()
    assert not kpi["dropped"].any()
    probability = load_of_grant / sensors
    wait = mean_wait_slots(load_of_grant, sensors * (sensors - 1) * probability**2)
    measured = kpi["latency_mean_s"] / slot_s - 1.0
    error = measured.std(ddof=1) / np.sqrt(len(measured))
    assert abs(measured.mean() - wait) < 4.5 * error
    assert error < 0.05 * wait
