"""Transitions: what is recorded is what the network does, and what does not fit is refused."""

from dataclasses import fields, replace

import gymnasium
import numpy as np
import pytest

from tests.twins.cases import DearestPolicy, small_network
from twin_gym.errors import ConfigError
from twin_gym.policies import make_policy, world_seeds
from twin_gym.twins import Exploring, record, record_transitions

ARRAYS = ("observations", "masks", "actions", "rewards", "elapsed_s", "truncated", "seeds")


@pytest.fixture(scope="module")
def short():
    """The small network for four seconds, so that a recording has many episodes."""
    return small_network(horizon_s=4.0)


@pytest.fixture(scope="module")
def data(short):
    """400 steps of a known rule that tries something else every third time, in three networks."""
    return record_transitions(DearestPolicy(), short, 400, epsilon=0.3, num_networks=3)


def slices_of_episodes(data):
    """Where each episode is."""
    ends = np.flatnonzero(data.truncated) + 1
    return [slice(*pair) for pair in zip([0, *ends[:-1]], ends, strict=True)]


@pytest.mark.parametrize("action", ["slice", "slot"])
def test_recorded_episodes_are_those_of_the_environment(short, action):
    """Reset to its seed, the single environment goes through every episode, value by value."""
    data = record_transitions(
        DearestPolicy(), short, 200, epsilon=0.3, seed=5, action=action, num_networks=3
    )
    env = gymnasium.make("twin_gym/SliceAdmission-v0", scenario=short, action=action)
    ended = 0
    for part, seed in zip(slices_of_episodes(data), data.seeds, strict=True):
        seen, info = env.reset(seed=int(seed))
        for step in range(part.start, part.stop):
            np.testing.assert_array_equal(data.observations[step], seen)
            np.testing.assert_array_equal(data.masks[step], info["action_mask"])
            seen, reward, _, truncated, info = env.step(data.actions[step])
            np.testing.assert_array_equal(data.next_observations[step], seen)
            np.testing.assert_array_equal(data.next_masks[step], info["action_mask"])
            assert (data.rewards[step], data.elapsed_s[step]) == (reward, info["elapsed_s"])
            assert data.truncated[step] or not truncated
        ended += truncated
    assert len(data) == 200
    assert ended == len(data.seeds) - 3  # the last episode of each network is cut


def test_same_arguments_give_the_same_transitions(short, data):
    """To the last bit; another seed, chance or rule gives others."""
    how = {"epsilon": 0.3, "num_networks": 3}
    assert record_transitions(DearestPolicy(), short, 400, **how).digest == data.digest
    others = [
        record_transitions(DearestPolicy(), short, 400, **how, seed=1),
        record_transitions(DearestPolicy(), short, 400, **(how | {"epsilon": 0.2})),
        record_transitions(make_policy("fifo", short), short, 400, **how),
    ]
    assert len({data.digest, *(other.digest for other in others)}) == 4


def test_digest_sees_every_value(data):
    """Any changed value changes the digest."""
    for name in ARRAYS[3:5]:
        changed = getattr(data, name).copy()
        changed[7] += 0.5
        assert replace(data, **{name: changed}).digest != data.digest
    for name, value in {"scenario_digest": "0" * 16, "policy": "x", "epsilon": 0.31}.items():
        assert replace(data, **{name: value}).digest != data.digest


def test_worlds_are_of_the_train_family_and_no_one_elses(short, data):
    """Not those of another seed nor of `record`, nor the first ones, in which agents train."""
    train = world_seeds("train", 1)[0]
    other = record_transitions(DearestPolicy(), short, 400, num_networks=3, seed=1)
    assert len({*data.seeds, *other.seeds}) == len(data.seeds) + len(other.seeds)
    seeds = np.concatenate([data.seeds, other.seeds])
    assert (seeds >= train + 2**39 + 2**38).all()
    assert (seeds < train + 2**40).all()
    far = record_transitions(DearestPolicy(), short, 3, seed=2**17 - 1, num_networks=3)
    assert (far.seeds < train + 2**40).all()
    log = record(DearestPolicy(), short, 60)
    assert not (log.observations[:20] == data.observations[:20]).all()


@pytest.mark.parametrize("epsilon", [0.0, 0.3, 1.0])
def test_exploring_departs_as_often_as_it_says(epsilon):
    """Evenly to the other allowed actions, never to one that is not; chance of alarm below 1e-6."""
    masks = np.tile(np.array([[1, 0, 1, 1, 1], [0, 0, 0, 0, 1]], np.int8), (3000, 1))
    masks = np.concatenate([masks, masks])  # 6,000 rows with a choice and 6,000 without
    policy = Exploring(DearestPolicy(), epsilon)
    policy.reset(3)
    chosen = policy.actions(np.zeros((len(masks), 1), np.float32), masks)
    assert masks[np.arange(len(masks)), chosen].all()
    counts = np.bincount(chosen[masks[:, 0] == 1], minlength=5)
    expected = 6000 * np.array([epsilon / 3, 0.0, epsilon / 3, 1 - epsilon, epsilon / 3])
    np.testing.assert_allclose(counts, expected, atol=5 * np.sqrt(1500) * (epsilon > 0))


def test_exploring_draws_by_row_and_call():
    """Fewer rows draw the same; the next call draws anew; a reset begins again."""
    masks, seen = np.ones((64, 6), np.int8), np.zeros((64, 1), np.float32)
    policy = Exploring(DearestPolicy(), 0.5)
    policy.reset(1)
    first, second = policy.actions(seen, masks), policy.actions(seen, masks)
    policy.reset(1)
    np.testing.assert_array_equal(policy.actions(seen[:9], masks[:9]), first[:9])
    policy.reset(2)
    assert (policy.actions(seen, masks) != first).any()
    assert (second != first).any()


def test_decisions_leave_out_what_was_none(data, short):
    """A clone learns from states in which something was open, episode by episode."""
    log = data.decisions()
    open_ = data.masks[:, :-1].any(axis=1)
    np.testing.assert_array_equal(log.actions, data.actions[open_])
    np.testing.assert_array_equal(log.observations, data.observations[open_])
    assert (log.policy, log.scenario_digest) == ("dearest", short.digest)
    assert len(np.unique(log.networks)) == log.networks.max() + 1 == len(data.seeds)


def test_nothing_to_decide_is_nothing_to_clone(data):
    """Where only waiting was allowed, the transitions stand and the log is refused."""
    closed = np.zeros_like(data.masks)
    closed[:, -1] = 1
    waited = np.full_like(data.actions, 3)
    with pytest.raises(ConfigError, match="nothing to clone"):
        replace(data, masks=closed, next_masks=closed, actions=waited).decisions()


def test_rate_is_reward_a_second(data):
    """Over all steps, whatever network they are of."""
    assert data.reward_rate == pytest.approx(data.rewards.sum() / data.elapsed_s.sum())
    assert data.episodes[0] == 0
    assert data.episodes[-1] == len(data.seeds) - 1
    np.testing.assert_array_equal(np.diff(data.episodes), data.truncated[:-1])


def with_value(name, at, value):
    """A fault: one entry of an array."""

    def fault(data):
        array = getattr(data, name).copy()
        array[at] = value
        return {name: array}

    return fault


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda data: {"rewards": data.rewards.astype(np.float32)}, "`rewards` .* float64"),
        (lambda data: {"rewards": data.rewards[:-1]}, "one row a step"),
        (lambda data: {"masks": data.masks[:, 0]}, "2 dimension"),
        (with_value("rewards", 3, np.nan), "`rewards` .* finite"),
        (with_value("elapsed_s", 3, -0.1), "0 or more"),
        (lambda data: {"elapsed_s": 0.0 * data.elapsed_s}, "not all of them 0"),
        (with_value("truncated", -1, False), "ends an episode"),
        (lambda data: {"seeds": data.seeds[:-1]}, "one an episode"),
        (with_value("seeds", 0, -1), "0 or more"),
        (with_value("observations", (5, 0), 0.123), "`next_observations`"),
        (with_value("next_observations", (5, 0), 0.123), "`next_observations`"),
        (with_value("next_masks", (5, -1), 0), "`next_masks`"),
        (lambda data: {"next_masks": data.next_masks[:, :-1]}, "`next_masks`"),
        (lambda _: {"epsilon": 1.5}, "`epsilon`"),
        (lambda _: {"epsilon": float("nan")}, "`epsilon`"),
        (lambda data: {"masks": 0 * data.masks, "next_masks": 0 * data.masks}, "does not allow"),
        (with_value("actions", 5, 4), "are 0 to 3"),
    ],
)
def test_what_does_not_fit_is_refused(data, fault, message):
    """With the array at fault."""
    with pytest.raises(ConfigError, match=message):
        replace(data, **fault(data))


@pytest.mark.parametrize(
    "how", [{"num_steps": 2}, {"seed": -1}, {"seed": 2**17}, {"epsilon": 1.1}, {"num_networks": 0}]
)
def test_impossible_recording_is_refused(short, how):
    """Before anything runs."""
    with pytest.raises(ConfigError):
        record_transitions(DearestPolicy(), short, **({"num_steps": 30, "num_networks": 3} | how))


def test_other_scenario_is_refused(data, short):
    """Transitions know where they are from."""
    data.check_fits(short)
    with pytest.raises(ConfigError, match="that was recorded"):
        data.check_fits(small_network())


def test_every_array_is_compared_here(data):
    """A new array takes its place in the tests above."""
    arrays = {f.name for f in fields(data) if isinstance(getattr(data, f.name), np.ndarray)}
    assert arrays == {*ARRAYS, "next_observations", "next_masks"}
