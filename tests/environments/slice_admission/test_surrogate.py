"""The optimum of a Markov surrogate: exact where nothing was changed, and good where it was."""

import numpy as np
import pytest

from tests.environments.slice_admission.theory_cases import KNOWN_OPTIMA, two_queues
from twin_gym.environments.slice_admission.env import SliceAdmissionEnv
from twin_gym.environments.slice_admission.observation import field_names
from twin_gym.environments.slice_admission.policies import surrogate as surrogates
from twin_gym.environments.slice_admission.policies.surrogate import (
    InformedSurrogateOptimumPolicy,
    SurrogateOptimumPolicy,
)
from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.environments.slice_admission.theory.optimal import optimal_policy
from twin_gym.environments.slice_admission.theory.surrogate import (
    queue_cuts,
    surrogate_of,
    surrogate_optimum,
)
from twin_gym.errors import ConfigError, TooLargeError
from twin_gym.policies import PrivilegedPolicy, evaluate, make_policy, world_seeds
from twin_gym.scenario import Daily, Deterministic, Schedule
from twin_gym.scenario.loading import load


def night_and_day(law=Daily, horizon_s=200.0):
    """Two classes on five units; the dear one comes by day alone, and then there is no room."""
    one = {"holding": Deterministic(), "mean_holding_time_s": 1.0, "demand": {"units": 1.0}}
    return AdmissionScenario(
        name="night-and-day",
        capacity={"units": 5.0},
        slices=(
            Slice(name="cheap", arrival_rate_hz=6.0, revenue=1.0, **one),
            Slice(
                name="dear",
                arrival_rate_hz=6.0,
                revenue=9.0,
                arrival=law(period_s=100.0, factors=(0.0, 2.0)),
                **one,
            ),
        ),
        horizon_s=horizon_s,
    )


def one_trajectory(policy, scenario, worlds=4):
    """Hash of all that happens under a policy."""
    return evaluate(policy, scenario, world_seeds("validation", worlds)).trajectory


@pytest.mark.parametrize("preset", [one for one in KNOWN_OPTIMA if "heavy" not in one])
def test_surrogate_of_an_exponential_scenario_is_its_optimum(preset):
    """With nothing to replace, every decision is that of the exact optimum."""
    scenario = load(preset)
    policy = make_policy("surrogate-optimum", scenario)
    assert policy.cuts == tuple(one.queue_limit for one in scenario.slices)
    assert one_trajectory(policy, scenario) == one_trajectory(
        make_policy("optimum", scenario), scenario
    )


def test_surrogate_with_queues_inside_the_cut_is_the_optimum():
    """Two exponential queues of two places are left as they are, and so is the optimum."""
    scenario = two_queues(2)
    assert queue_cuts(scenario) == (2, 2)
    rates = tuple(one.arrival_rate_hz for one in scenario.slices)
    surrogate = surrogate_optimum(scenario, rates, 150_000)
    exact = optimal_policy(scenario)
    assert surrogate.optimum.bounds[0] <= exact.gain_per_s <= surrogate.optimum.bounds[1]
    assert one_trajectory(SurrogateOptimumPolicy(scenario), scenario) == one_trajectory(
        make_policy("optimum", scenario), scenario
    )


def test_cuts_are_those_that_the_budget_allows():
    """Short queues grow first, none beyond what is of use, and the product fits the budget."""
    scenario = load("contention")
    assert queue_cuts(scenario) == (4, 1, 2, 2)
    assert queue_cuts(scenario, 30_000) == (1, 1, 1, 1)
    assert queue_cuts(scenario, 60_000) == (2, 1, 2, 1)
    with pytest.raises(TooLargeError, match="Markov surrogate needs 26,400 states"):
        queue_cuts(scenario, 20_000)


def test_what_waits_beyond_the_cut_is_not_counted():
    """Ten who wait are decided on as are as many as the surrogate has places."""
    scenario = two_queues(10)
    rates = tuple(one.arrival_rate_hz for one in scenario.slices)
    surrogate = surrogate_optimum(scenario, rates, 4_000)
    assert max(surrogate.cuts) < 10
    in_service = np.array([[2, 1]])
    many = surrogate.actions(in_service, np.array([[10, 10]]))
    assert many == surrogate.actions(in_service, np.array([surrogate.cuts]))


def test_surrogate_has_no_memory_and_keeps_rates_and_prices():
    """Laws are exponential; what is offered and paid is that of the scenario."""
    contention = load("contention")
    surrogate = surrogate_of(contention, (1.0, 2.0, 3.0, 4.0), (1, 1, 1, 1))
    assert optimal_policy(surrogate, tolerance=0.1).num_states == 26_400
    for one, own in zip(surrogate.slices, contention.slices, strict=True):
        assert (one.revenue, one.demand, one.mean_holding_time_s) == (
            own.revenue,
            own.demand,
            own.mean_holding_time_s,
        )


def test_time_of_day_changes_the_decision():
    """By night the cheap class has the last unit, by day it has not."""
    scenario = night_and_day()
    policy, names = SurrogateOptimumPolicy(scenario), field_names(scenario)
    observation = np.zeros((2, len(names)), np.float32)
    observation[:, names.index("in_service/cheap")] = 4 / 5
    observation[:, names.index("queue_length/cheap")] = 1.0
    observation[:, names.index("time_of_day")] = 0.25, 0.75
    chosen = policy.actions(observation, np.array([[1, 0, 1]] * 2, np.int8))
    assert chosen.tolist() == [0, 2]


def test_informed_surrogate_reads_the_clock_and_earns_more():
    """On rates that swap unannounced, knowing when is worth something."""
    scenario = night_and_day(Schedule)
    worlds = world_seeds("validation", 32)
    informed = InformedSurrogateOptimumPolicy(scenario)
    assert isinstance(informed, PrivilegedPolicy)
    ahead = evaluate(informed, scenario, worlds).kpi["revenue_rate"]
    behind = evaluate(SurrogateOptimumPolicy(scenario), scenario, worlds).kpi["revenue_rate"]
    gain = ahead - behind
    assert gain.mean() > 4.0 * gain.std(ddof=1) / np.sqrt(len(gain))  # one in 30,000 by chance


def test_informed_surrogate_refuses_what_it_cannot_use():
    """Rates that stay as they are, and decisions before it was given the rows."""
    with pytest.raises(ConfigError, match="no slice of 'contention' has one"):
        InformedSurrogateOptimumPolicy(load("contention"))
    scenario = night_and_day(Schedule)
    policy = InformedSurrogateOptimumPolicy(scenario)
    observation, info = SliceAdmissionEnv(scenario).reset(seed=1)
    with pytest.raises(ConfigError, match="bind"):
        policy.actions(observation[None], info["action_mask"][None])


def test_surrogate_is_made_without_computing(monkeypatch):
    """Lists of rules make it, and must not wait for it."""

    def refuse(*_):
        raise AssertionError("computed too early")

    monkeypatch.setattr(surrogates, "surrogate_optimum", refuse)
    assert make_policy("surrogate-optimum", "contention").cuts == (4, 1, 2, 2)


@pytest.mark.slow
def test_surrogate_is_level_with_tuned_reservation_in_contention():
    """Without tuning it earns what tuned thresholds earn, within 1 %, on worlds of neither."""
    worlds = world_seeds("validation", 16, first=800_000)
    earned = {
        name: evaluate(make_policy(name, "contention"), "contention", worlds).kpi["revenue_rate"]
        for name in ("reservation", "surrogate-optimum")
    }
    assert earned["surrogate-optimum"].mean() > 0.99 * earned["reservation"].mean()
