"""Offline agents: the data are a function of their name, and the agents learn what they show."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from agents.actor import load_actor
from agents.offline import OFFLINE_METHODS, fit_offline, offline_data
from agents.offline_cql import CQLSettings, ReplayBuffer, learn_values
from tests.agents import cases  # noqa: F401 - one thread
from twin_gym.environments.slice_admission.observation import field_names
from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.scenario.loading import load
from twin_gym.twins import Transitions, record_transitions

# A change means that offline scores of before and after are not of the same data.
DIGESTS = {
    ("contention", "density", 0.3, 100_000): "95041a7927786434",
    ("teletraffic-small", "random", 0.0, 2_000): "6e52fa047fba5d4a",
}

SMALL = CQLSettings(
    steps=600, batch_size=128, hidden=(8,), tau=0.05, learning_rate=1e-2, rate_step=0.05
)


@pytest.fixture(scope="module")
def contention():
    """The headline preset."""
    return load("contention")


@pytest.fixture(scope="module")
def data():
    """A short log of an operator who explores."""
    return offline_data("contention", num_steps=4_000)


@pytest.mark.parametrize(("scenario", "policy", "epsilon", "num_steps"), list(DIGESTS))
def test_track_data_are_what_they_were(scenario, policy, epsilon, num_steps):
    """The same name gives the same data, on every machine and for ever."""
    data = offline_data(scenario, policy=policy, epsilon=epsilon, num_steps=num_steps)
    assert len(data) == num_steps
    assert data.digest == DIGESTS[scenario, policy, epsilon, num_steps]


def test_seeds_give_other_data(data):
    """And so does everything else that is asked for."""
    assert offline_data("contention", num_steps=4_000, seed=1).digest != data.digest
    assert offline_data("contention", num_steps=4_000, epsilon=0.2).digest != data.digest


def test_clone_does_what_the_operator_does_when_he_does_not_explore(data, contention):
    """In 95 of 100 states, though three decisions of ten were others."""
    agent = fit_offline("bc", data, contention, steps=400)
    usual = make_policy("density", contention).actions(data.observations, data.masks)
    agreement = (agent.policy.actions(data.observations, data.masks) == usual).mean()
    assert agreement > 0.95
    assert agreement > (data.actions == usual).mean() + 0.1


@pytest.mark.parametrize("method", list(OFFLINE_METHODS))
def test_same_seed_learns_the_same(data, contention, method):
    """To the last bit; another seed gives other weights; and no global generator is touched."""
    before = torch.get_rng_state()
    states = [
        fit_offline(method, data, contention, seed=seed, steps=40).policy.network.state_dict()
        for seed in (3, 3, 4)
    ]
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert any(not torch.equal(states[0][name], states[2][name]) for name in states[0])


@pytest.mark.parametrize("method", list(OFFLINE_METHODS))
def test_saved_agent_decides_the_same(data, contention, method, tmp_path):
    """As weights and a card, that `load_actor` reads."""
    agent = fit_offline(method, data, contention, steps=60)
    agent.save(contention, tmp_path)
    actor = load_actor(tmp_path)
    chosen = agent.policy.actions(data.observations, data.masks)
    np.testing.assert_array_equal(actor.actions(data.observations, data.masks), chosen)
    assert actor.name == agent.policy.name == f"offline-{method}"
    assert agent.num_decisions == len(data)
    assert agent.num_parameters == 19 * 64 + 64 + 64 * 64 + 64 + 64 * 5 + 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["actor.json", "actor.safetensors"]


def test_steps_are_counted_as_they_are_done(data, contention):
    """A caller can show progress."""
    seen = []
    agent = fit_offline("cql", data, contention, steps=7, on_step=seen.append)
    assert agent.gradient_steps == 7
    assert agent.settings["following"] == CQLSettings().tau  # files keep the name of before
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    seen.clear()
    done = fit_offline("bc", data, contention, steps=60, on_step=seen.append).gradient_steps
    assert done == seen[-1]
    assert 25 <= done <= 75  # 25 batches an epoch


def test_what_cannot_be_learned_is_refused(data, contention):
    """An unknown method, another scenario, another form of action, values out of range."""
    with pytest.raises(UnknownNameError, match="did you mean 'cql'"):
        fit_offline("cqll", data, contention)
    with pytest.raises(ConfigError, match="that was recorded"):
        fit_offline("cql", data, load("mild"))
    slots = record_transitions(
        make_policy("density", contention, "slot"), contention, 20, action="slot"
    )
    for method in OFFLINE_METHODS:
        with pytest.raises(ConfigError, match="'slot'"):
            fit_offline(method, slots, contention)
    with pytest.raises(ConfigError, match="'slot'"):
        learn_values(slots, contention)
    for name, value in {"steps": 0, "weight": -1.0, "discount_holding_times": math.nan}.items():
        with pytest.raises(ConfigError, match=f"`{name}`"):
            CQLSettings(**{name: value})


def test_targets_are_those_of_the_formula():
    """Reward less rate times seconds, plus the best allowed value, discounted by seconds."""

    def values(observations):
        return torch.tensor([[1.0, 5.0, 9.0], [1.0, 5.0, 9.0], [1.0, 5.0, 9.0]])

    buffer = ReplayBuffer(
        observations=torch.zeros(3, 1),
        allowed=torch.ones(3, 3, dtype=torch.bool),
        actions=torch.zeros(3, dtype=torch.int64),
        rewards=torch.tensor([0.5, 0.0, -1.0]),
        elapsed_s=torch.tensor([0.0, 1.0, 2.0]),
        discounts=torch.tensor([1.0, 0.5, 0.25]),
        next_observations=torch.zeros(3, 1),
        next_allowed=torch.tensor([[1, 1, 1], [1, 1, 0], [1, 0, 0]], dtype=torch.bool),
    )
    targets = buffer.targets(values, torch.tensor(0.1))
    expected = [0.5 + 9.0, -0.1 + 0.5 * 5.0, -1.0 - 0.2 + 0.25 * 1.0]
    np.testing.assert_allclose(targets, expected, rtol=1e-6)


def test_memory_centres_rewards_and_discounts_by_seconds(data):
    """The log's own reward a second is taken off, and e^-1 is the discount of the discount time."""
    buffer = ReplayBuffer.of(data, 2.0)
    assert float(buffer.rewards.sum()) == pytest.approx(0.0, abs=0.1)
    assert float(buffer.rewards.std()) == pytest.approx(0.2, rel=1e-3)
    np.testing.assert_allclose(buffer.discounts, np.exp(-data.elapsed_s / 2.0), rtol=1e-5)


def one_state(rewards, times):
    """A log in which nothing changes: action i was taken `times[i]` times, each for a second."""
    scenario = AdmissionScenario(
        name="one-state",
        capacity={"radio": 1.0},
        horizon_s=10.0,
        slices=tuple(
            Slice(name=name, demand={"radio": 1.0}, arrival_rate_hz=1.0, mean_holding_time_s=1.0)
            for name in ("one", "other")
        ),
    )
    actions = np.repeat(np.arange(3), times)
    count, width = len(actions), len(field_names(scenario))
    seen, masks = np.zeros((count, width), np.float32), np.ones((count, 3), np.int8)
    ended = np.arange(count) == count - 1
    earned = np.asarray(rewards, np.float64)[actions]
    return scenario, Transitions(
        seen, masks, actions, earned, np.ones(count), seen, masks, ended,
        np.zeros(1, np.int64), scenario.digest, "slice", "by-hand",
    )  # fmt: skip


@pytest.mark.parametrize("weight", [0.0, 0.05])
def test_values_differ_by_the_reward_and_by_how_often_it_was_shown(weight):
    """In one state the answer is known.

    The values of two actions differ by their rewards alone; the conservative term lifts what was
    shown more often: its gradient is w (softmax(Q)_a - p_a), that of the errors p_a (Q_a - y_a).
    """
    scenario, data = one_state([1.0, 0.0, 0.5], [300, 300, 30])
    settings = replace(SMALL, weight=weight)
    network = learn_values(data, scenario, settings=settings)
    q_values = network(torch.zeros(1, data.observations.shape[1])).detach().numpy()[0].astype(float)
    unit = 5.0 * (data.rewards - data.reward_rate).std()
    shown = np.array([300, 300, 30]) / 630
    softmax = np.exp(q_values) / np.exp(q_values).sum()
    expected = np.array([1.0, 0.0, 0.5]) / unit + weight * (1.0 - softmax / shown)
    np.testing.assert_allclose(q_values - q_values[0], expected - expected[0], atol=0.04)


def test_rate_follows_what_the_greedy_policy_earns():
    """Without it the values grow towards the discount time times the difference; with it less."""
    scenario, data = one_state([1.0, 0.0, 0.5], [100, 100, 100])
    sizes = []
    for rate_step in (0.0, 0.5):
        settings = replace(SMALL, weight=0.0, discount_holding_times=40.0, rate_step=rate_step)
        network = learn_values(data, scenario, settings=settings)
        seen = torch.zeros(1, data.observations.shape[1])
        sizes.append(float(network(seen).detach().abs().max()))
    assert sizes[1] < 0.6 * sizes[0]


@pytest.mark.slow
def test_values_learned_from_random_decisions_come_near_the_optimum():
    """On the small network whose optimum is known: far above the log, above greedy admission."""
    scenario = load("teletraffic-small")
    log = offline_data("teletraffic-small", policy="random", epsilon=0.0, num_steps=30_000)
    agent = fit_offline("cql", log, scenario, steps=2_000)
    worlds = world_seeds("validation", 8)
    earned = {
        policy.name: evaluate(policy, scenario, worlds).mean()
        for policy in (agent.policy, *(make_policy(n, scenario) for n in ("random", "optimum")))
    }
    share = (earned["offline-cql"] - earned["random"]) / (earned["optimum"] - earned["random"])
    assert share > 0.9, earned
