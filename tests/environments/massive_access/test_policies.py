"""Policies of massive access: what they broadcast, in both forms of action."""

import numpy as np
import pytest

from twin_gym.environments.massive_access.observation import field_names
from twin_gym.environments.massive_access.policies.barring import (
    POLICIES,
    FixedBarring,
    GeniePolicy,
    IdleEstimator,
    NoBarring,
    RandomBarring,
)
from twin_gym.environments.massive_access.policies.tuning import search_level, tuned_level
from twin_gym.environments.massive_access.vector import MassiveAccessVectorEnv
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.policies import describe_policy, evaluate, make_policy, policies_for
from twin_gym.scenario.loading import load, names

SCENARIO = load("access-medium-70")
MASKS = np.ones((6, 16), np.int8)
NO_MASKS = np.ones((6, 0), np.int8)


def seen(**values):
    """Observations of six rows with some values set."""
    observations = np.zeros((6, len(field_names())), np.float32)
    for name, value in values.items():
        observations[:, field_names().index(name.replace("__", "/"))] = value
    return observations


def test_registry_has_them_all():
    """By name for their kind of scenario; the genie is no competitor."""
    assert list(POLICIES) == ["random", "none", "fixed", "idle-estimator", "genie"]
    assert [one.name for one in policies_for(SCENARIO)] == list(POLICIES)[:-1]
    assert make_policy("genie", "access-small-20").name == "genie"
    with pytest.raises(UnknownNameError, match="did you mean 'idle-estimator'"):
        make_policy("idle-estimater", SCENARIO)
    with pytest.raises(UnknownNameError, match="form of action"):
        make_policy("none", SCENARIO, "slice")
    assert "idle and collided preambles" in describe_policy("access", "idle-estimator")


@pytest.mark.parametrize("name", names("access"))
def test_every_preset_has_a_tuned_level(name):
    """Written down with the preset's digest."""
    scenario = load(name)
    assert 0 <= tuned_level(scenario) < 16


def test_untuned_scenario_says_what_to_do():
    """The thresholds of one scenario are for no other."""
    with pytest.raises(ConfigError, match="search_level"):
        FixedBarring(SCENARIO.replace(num_devices=251))
    with pytest.raises(ConfigError, match="0 to 1"):
        FixedBarring(SCENARIO, barring=1.5)


def test_search_finds_the_best_level_of_its_worlds():
    """Its score is the greatest, and is what the level earns alone; the same again."""
    small = load("access-small-70").replace(horizon_s=1.0)
    search = search_level(small, [1, 2, 3])
    assert search == search_level(small, [1, 2, 3])
    assert search.returns[search.level] == max(search.returns)
    fixed = FixedBarring(small, barring=small.barring_probabilities[search.level])
    alone = evaluate(fixed, small, [1, 2, 3]).returns.mean()
    assert alone == pytest.approx(max(search.returns))


def test_nearest_level_is_taken():
    """By its logarithm; beyond the last one, the last one; probabilities go through."""
    levels = SCENARIO.barring_probabilities
    for barring, level in ((1.0, 0), (levels[7] * 1.1, 7), (levels[7] / 1.1, 7), (0.0, 15)):
        policy = FixedBarring(SCENARIO, barring=barring)
        assert policy.actions(seen(), MASKS).tolist() == [level] * 6
        amounts = FixedBarring(SCENARIO, "probability", barring).actions(seen(), NO_MASKS)
        assert amounts.shape == (6, 1)
        assert (amounts == barring).all()
    assert (NoBarring(SCENARIO).actions(seen(), MASKS) == 0).all()


def test_random_draws_again_after_a_reset():
    """And the same for fewer rows; all levels come."""
    policy = RandomBarring(SCENARIO)
    policy.reset(3)
    first = [policy.actions(seen(), MASKS) for _ in range(100)]
    policy.reset(3)
    again = [policy.actions(seen()[:2], MASKS[:2]) for _ in range(100)]
    assert np.array_equal(np.array(first)[:, :2], again)
    assert set(np.concatenate(first).tolist()) == set(range(16))


def test_estimator_follows_the_rule_by_hand():
    """From v = 0: 27 idle, 10 collided, 17 successes; then half barred and one more look."""
    policy = IdleEstimator(SCENARIO, "probability")
    policy.actions(seen(barring=1.0), NO_MASKS)
    look = {"idle__0": 27 / 54, "collisions__0": 10 / 54, "successes__0": 17 / 54}
    actions = policy.actions(seen(barring=1.0, time=0.1, **look), NO_MASKS)
    load_ = np.log(54.5 / 27.5)  # far more than v = 0 explains
    several = load_ * (1 - np.exp(-load_)) / (1 - np.exp(-load_) * (1 + load_))
    backlog = 10 * several / 4 + 0.05 * 17  # a quarter of those who collided come back each time
    assert np.allclose(policy._backlog, backlog, rtol=1e-6)
    assert (actions == 1.0).all()
    policy.actions(seen(barring=0.5, time=0.2, idle__0=1.0), NO_MASKS)
    rate = 0.05 * 17 * 0.95
    assert np.allclose(policy._backlog, backlog / 2 + 10 * several / 4 + rate, rtol=1e-6)


def test_estimator_forgets_with_the_episode():
    """Time that goes back is another episode: nothing of the old one is left."""
    policy = IdleEstimator(SCENARIO)
    for time in (0.0, 0.1, 0.2):
        policy.actions(seen(barring=1.0, time=time, collisions__0=1.0), MASKS)
    assert (policy._backlog > 50).all()
    policy.actions(seen(barring=1.0), MASKS)
    assert not policy._backlog.any()


def test_genie_needs_to_be_shown_the_rows():
    """It lets one device a preamble try, and no other policy sees what it sees."""
    policy = GeniePolicy(SCENARIO, "probability")
    with pytest.raises(ConfigError, match=r"bind\(env.batch\)"):
        policy.actions(seen(), NO_MASKS)
    env = MassiveAccessVectorEnv(6, SCENARIO, action="probability")
    policy.bind(env.batch)
    observations, _ = env.reset(seed=0)
    most = 0
    for _ in range(200):
        ready = env.batch.num_ready()
        most = max(most, int(ready.max()))
        actions = policy.actions(observations, NO_MASKS)
        assert np.allclose(actions[:, 0], np.minimum(1.0, 54 / np.maximum(ready, 1)))
        attempts = env.batch.arrays["rows"]["attempts"].copy()
        observations = env.step(np.ones((6, 1)))[0]
        assert np.array_equal(env.batch.arrays["rows"]["attempts"] - attempts, ready)
    assert most > 100


def test_observations_of_another_environment_are_refused():
    """Said with the shape that is right."""
    with pytest.raises(ConfigError, match=r"\(rows, 27\)"):
        NoBarring(SCENARIO).actions(np.zeros((6, 21), np.float32), MASKS)


def test_estimator_is_near_the_genie_and_both_beat_no_barring():
    """700 of 1,000 at once: hundreds are lost without barring."""
    scenario = load("access-large-70")
    reached = {
        name: evaluate(make_policy(name, scenario), scenario, list(range(24))).returns.mean()
        for name in ("none", "idle-estimator", "genie")
    }
    assert reached["genie"] > 1.5 * reached["none"]
    assert reached["idle-estimator"] > 0.9 * reached["genie"]
