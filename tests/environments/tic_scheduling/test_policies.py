"""Rules of tiny instant communication: what each prefers, by hand."""

import numpy as np
import pytest

from twin_gym.environments.tic_scheduling.env import TicSchedulingEnv
from twin_gym.environments.tic_scheduling.observation import pick_field_names
from twin_gym.environments.tic_scheduling.policies import POLICIES
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.policies import evaluate
from twin_gym.scenario.loading import load


def small(**changes):
    """Three sensors on one gateway, deadlines of 7 up and 4 down, buffers of 4."""
    return load("tic-pick").replace(num_sensors=3, **changes)


def seen(**values):
    """An observation by field, 0 elsewhere, and the mask that belongs to it."""
    names = pick_field_names(3)
    observation = np.zeros((1, len(names)), np.float32)
    for key, value in values.items():
        observation[0, names.index(key)] = value
    mask = np.append(observation[0, :6] > 0, True).astype(np.int8)[None]
    return observation, mask


def one(name, scenario, observation, mask):
    """The pick of a rule."""
    policy = POLICIES[name](scenario, "pick")
    policy.reset(0)
    return int(policy.actions(observation, mask)[0])


CROWD = {
    "slack/sensor 0/uplink": 3 / 7, "fill/sensor 0/uplink": 0.25,
    "slack/sensor 1/downlink": 2 / 7, "fill/sensor 1/downlink": 0.25,
    "slack/sensor 2/uplink": 5 / 7, "fill/sensor 2/uplink": 0.75,
    "channel/sensor 0": 0.98, "channel/sensor 1": 0.98, "channel/sensor 2": 0.25,
}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "queue"),
    [("edf", 3), ("first-come", 0), ("longest-queue", 4), ("max-weight", 0), ("round-robin", 0)],
)
def test_rules_pick_what_they_say(rule, queue):
    """Two slots left; four slots old; three messages; 0.25 x 0.98 against 0.75 x 0.25."""
    assert one(rule, small(), *seen(**CROWD)) == queue


def test_max_weight_without_channels_is_the_longest_queue():
    """Channels that are not observed are not used."""
    observation, mask = seen(**{k: v for k, v in CROWD.items() if not k.startswith("channel")})
    assert one("max-weight", small(channel_observable=False), observation, mask) == 4


def test_nobody_waits():
    """Then every rule picks none."""
    for name in POLICIES:
        try:
            assert one(name, small(), *seen()) == 6
        except ConfigError as error:
            assert "action='pick'" in str(error)  # noqa: PT017 - of rules for weights only


def test_round_robin_goes_on_from_the_last():
    """In turn, past those that may not be picked, each row its own."""
    policy = POLICIES["round-robin"](small(), "pick")
    policy.reset(0)
    observation, mask = seen(**CROWD)
    picked = [policy.actions(observation, mask)[0] for _ in range(5)]
    assert picked == [0, 3, 4, 0, 3]


@pytest.mark.parametrize("action", ["weights", "pick"])
def test_every_rule_acts(action):
    """Actions of the space, in either form where the rule has it; random ones differ by seed."""
    scenario = load("tic-pick").replace(horizon_s=0.01)
    env = TicSchedulingEnv(scenario, action=action)
    made = 0
    for name, factory in POLICIES.items():
        try:
            policy = factory(scenario, action)
        except ConfigError:
            continue
        made += 1
        policy.reset(1)
        observation, info = env.reset(seed=0)
        mask = info.get("action_mask", np.ones(0, np.int8))
        for _ in range(20):
            chosen = policy.actions(observation[None], mask[None])[0]
            assert env.action_space.contains(chosen), name
            observation, *_, info = env.step(chosen)
            mask = info.get("action_mask", mask)
            assert info["disallowed_actions"] == 0
    assert made == {"weights": 11, "pick": 6}[action]


def test_random_weights_are_even_on_the_simplex():
    """Means of a quarter, variances of 3/80, sums of one, the same again for the same seed."""
    policy = POLICIES["random"](small(), "weights")
    policy.reset(3)
    drawn = policy.actions(np.zeros((4000, 1), np.float32), np.ones((4000, 0), np.int8))
    assert np.allclose(drawn.sum(axis=1), 1.0, atol=1e-6)
    assert np.allclose(drawn.mean(axis=0), 0.25, atol=0.02)
    assert np.allclose(np.cov(drawn.T), 0.05 * np.eye(4) - 0.0125, atol=0.003)
    assert (drawn >= 0.0).all()
    policy.reset(3)
    again = policy.actions(np.zeros((4000, 1), np.float32), np.ones((4000, 0), np.int8))
    assert np.array_equal(drawn, again)


def test_random_picks_are_even_over_what_is_allowed():
    """Two of six queues, half each within five standard deviations; none where nobody waits."""
    count = 10_000
    policy = POLICIES["random"](small(), "pick")
    masks = np.tile(np.array([[0, 1, 0, 0, 1, 0, 1]], np.int8), (count, 1))
    picked = policy.actions(np.zeros((count, 1), np.float32), masks)
    assert set(picked.tolist()) == {1, 4}
    assert abs((picked == 1).mean() - 0.5) < 5 * 0.5 / np.sqrt(count)
    masks[:, :6] = 0
    assert (policy.actions(np.zeros((count, 1), np.float32), masks) == 6).all()


def test_unknown_form_is_refused():
    """With the near name."""
    with pytest.raises(UnknownNameError, match="weights"):
        POLICIES["edf"](small(), "weight")


def test_evaluation_runs_these_rules():
    """Through the common evaluation; the urgent first lose less than the fullest first."""
    scenario = load("tic-large-45").replace(horizon_s=0.05)
    lost = {
        name: evaluate(POLICIES[name](scenario, "weights"), scenario, [1, 2, 3]).mean("expired")
        for name in ("edf", "longest-queue")
    }
    assert lost["edf"] < lost["longest-queue"]
