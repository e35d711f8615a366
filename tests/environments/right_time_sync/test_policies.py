"""Rules of right-time synchronisation: whom each prefers, by hand."""

import numpy as np
import pytest

from twin_gym.environments.right_time_sync.env import RightTimeSyncEnv
from twin_gym.environments.right_time_sync.observation import field_names
from twin_gym.environments.right_time_sync.policies import POLICIES
from twin_gym.environments.right_time_sync.scenario import (
    EntityGroup,
    MeanReverting,
    SyncScenario,
    TwoState,
    Walk,
)
from twin_gym.environments.right_time_sync.theory import error_by_age, whittle_index
from twin_gym.errors import ConfigError, UnknownNameError

SLOW, FAST, DOOR = range(3)


def three(**changes):
    """A slow walk, a fast one that counts half, and a door."""
    scenario = SyncScenario(
        name="three", horizon_s=100.0,
        groups=(
            EntityGroup(name="slow", count=1, process=Walk(variance_rate_hz=1e-4)),
            EntityGroup(name="fast", count=1, process=Walk(variance_rate_hz=8e-4), weight=0.5),
            EntityGroup(name="door", count=1, process=TwoState(change_rate_hz=1e-3), weight=0.01),
        ),
    )  # fmt: skip
    return scenario.replace(**changes)


def seen(*ages, slot=0, rates=(0.0, 0.0, 0.0)):
    """An observation with these ages in slots; None: unknown."""
    shares = [1.0 if age is None else age / (age + 3.0) for age in ages]
    observation = np.array([[*shares, *rates, 0.5, 0.5, 0.5, 1.0, slot / 100.0]], np.float32)
    assert observation.shape[1] == len(field_names(three()))
    return observation


def picked(name, observation, scenario=None, masks=None):
    """The pick of a rule; 3: nobody."""
    policy = POLICIES[name](scenario or three(), "pick")
    policy.reset(0)
    masks = np.ones((1, 4), np.int8) if masks is None else masks
    return int(policy.actions(observation, masks)[0])


@pytest.mark.parametrize(
    ("rule", "ages", "slot", "expected"),
    [
        ("none", (9, 9, 9), 0, 3),
        ("round-robin", (9, 0, 4), 4, FAST),
        ("zero-wait", (0, 7, 3), 5, FAST),
        ("zero-wait", (5, 7, 0), 5, SLOW),
        ("oldest-first", (5, 3, 7), 0, DOOR),
        ("oldest-first", (5, None, 7), 0, FAST),
        ("periodic", (1, 1, 1), 0, 3),
        ("periodic", (2, 3, 1), 0, FAST),
        ("largest-expected-error", (20, 5, 5), 0, FAST),
        ("largest-expected-error", (30, 5, 5), 0, SLOW),
        ("whittle", (20, 5, 0), 0, SLOW),
    ],
)
def test_rules_pick_what_they_say(rule, ages, slot, expected):
    """Ages 20 and 5: errors 21 and 6 x 8 / 2 = 24; indices grow with the square of the age."""
    assert picked(rule, seen(*ages, slot=slot)) == expected


def test_whittle_waits_where_nothing_is_worth_its_price():
    """The index of every entity is below the cost of an update, by the formula."""
    errors = error_by_age(three().groups[0], 0, 1.0, 100)
    index = whittle_index(errors, 0.8)[6] / 1.51
    ages = seen(6, 0, 0)
    assert picked("whittle", ages, three(update_cost=float(index) * 0.99)) == SLOW
    assert picked("whittle", ages, three(update_cost=float(index) * 1.01)) == 3


def test_whittle_knows_a_group_s_own_delivery():
    """A channel that loses more makes an update worth less."""
    groups = [
        EntityGroup(name=name, count=1, process=Walk(variance_rate_hz=1e-4),
                    delivery_probability=share)
        for name, share in (("a", 0.3), ("b", None), ("c", 0.3))
    ]  # fmt: skip
    assert picked("whittle", seen(5, 5, 5), three(groups=tuple(groups))) == 1


def test_held_and_fitted_predictors_have_other_errors():
    """A mean-reverting value that is held is soon off by more than its own variance."""
    reverting = EntityGroup(name="r", count=1, process=MeanReverting(relaxation_s=5.0))
    walk = EntityGroup(name="w", count=1, process=Walk(variance_rate_hz=1.2e-3))
    other = EntityGroup(name="o", count=1, process=Walk(variance_rate_hz=1e-9))
    for predictor, expected in (("hold", 0), ("fitted", 1)):
        scenario = three(groups=(reverting, walk, other), predictor=predictor)
        assert picked("largest-expected-error", seen(40, 40, 0), scenario) == expected


def test_ages_of_long_episodes_have_indices():
    """Walks that were left alone for most of 20,000 slots: the faster one comes first."""
    scenario = three(horizon_s=20_000.0)
    for rule in ("whittle", "largest-expected-error"):
        assert picked(rule, seen(9000, 1000, 0), scenario) == SLOW
        assert picked(rule, seen(2000, 8000, 0), scenario) == FAST


def test_rounds_rank_the_places():
    """Two places: the two oldest have positive scores above the rest, the rest may have less."""
    scenario = three(updates_per_round=2)
    policy = POLICIES["oldest-first"](scenario, "rounds")
    policy.reset(0)
    scores = policy.actions(seen(5, 3, 7), np.ones((1, 0), np.int8))
    assert np.argsort(-scores[0]).tolist() == [DOOR, SLOW, FAST]
    waits = POLICIES["zero-wait"](scenario, "rounds")
    scores = waits.actions(seen(5, 0, None), np.ones((1, 0), np.int8))
    assert np.argsort(-scores[0]).tolist() == [DOOR, SLOW, FAST]
    turn = POLICIES["round-robin"](scenario, "rounds")
    scores = turn.actions(seen(5, 3, 7, slot=1), np.ones((1, 0), np.int8))
    assert np.flatnonzero(scores[0]).tolist() == [SLOW, DOOR]


def test_spent_budget_leaves_nobody():
    """The mask is obeyed by every rule."""
    masks = np.array([[0, 0, 0, 1]], np.int8)
    assert {picked(name, seen(9, 8, 7), None, masks) for name in POLICIES} == {3}


@pytest.mark.parametrize("action", ["pick", "rounds"])
def test_every_rule_acts(action):
    """Actions of the space, in either form; random ones differ by seed and are repeated."""
    env = RightTimeSyncEnv("sync-small", action=action)
    for name, factory in POLICIES.items():
        policy = factory(env.scenario, action)
        policy.reset(1)
        observation, info = env.reset(seed=0)
        mask = info.get("action_mask", np.ones(0, np.int8))
        for _ in range(20):
            chosen = policy.actions(observation[None], mask[None])[0]
            if action == "rounds":
                chosen = chosen.astype(np.float32)
            assert env.action_space.contains(chosen), name
            observation, *_, info = env.step(chosen)
    policy = POLICIES["random"](env.scenario, action)
    picks = []
    for seed in (1, 2, 1):
        policy.reset(seed)
        picks.append(policy.actions(observation[None], mask[None]).tobytes())
    assert picks[0] == picks[2] != picks[1]


def test_other_scenarios_and_forms_are_refused():
    """With what is wanted."""
    with pytest.raises(UnknownNameError, match="rounds"):
        POLICIES["whittle"](three(), "round")
    with pytest.raises(ConfigError, match="that scenario alone"):
        picked("whittle", np.zeros((1, 152), np.float32))
