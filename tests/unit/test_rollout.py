"""Rollouts: better than their base rule, blind to the true future, and the same beside others."""

import numpy as np
import pytest

from twin_gym.environments.factory import vector_env
from twin_gym.environments.kinds import kind_named, kind_names
from twin_gym.environments.tic_scheduling.world import World
from twin_gym.errors import ConfigError
from twin_gym.policies import PrivilegedPolicy, RolloutPolicy, evaluate, make_policy, world_seeds
from twin_gym.policies.rollout import copy_rows
from twin_gym.scenario.loading import load

CASES = {
    # preset: form of the action, base rule, horizon, lookahead
    "teletraffic-heavy": ("slice", "density", 6.0, 2.0),
    "burst": ("slice", "density", 3.0, 1.0),
    "tic-pick": ("pick", "edf", 0.02, 0.005),
    "access-small-45": ("level", "fixed", 1.5, 0.1),
    "sync-small": ("pick", "oldest-first", 20.0, 5.0),
}
SEEDS = [11, 5, 8]


def small(preset):
    """The scenario, over a short horizon, its form of action and a rollout."""
    form, base, horizon_s, lookahead_s = CASES[preset]
    scenario = load(preset).replace(horizon_s=horizon_s)
    rule = make_policy(base, preset, form)
    return scenario, form, RolloutPolicy(rule, lookahead_s=lookahead_s, num_futures=4)


def in_the_middle(preset, steps=12, seeds=SEEDS):
    """An environment after some decisions of the base rule, and what it shows."""
    scenario, form, _ = small(preset)
    env = vector_env(scenario, len(seeds), action=form)
    rule = make_policy(CASES[preset][1], preset, form)
    observations, infos = env.reset(seed=list(seeds))
    rule.reset(0)
    for _ in range(steps):
        actions = rule.actions(observations, infos["action_mask"])
        observations, _, _, _, infos = env.step(actions)
    return env, rule, np.array(observations), np.array(infos["action_mask"])


def futures_of(preset, words, steps=40, other_truth=None):
    """Rewards of the base rule in redrawn futures of the first row; shape (futures, steps)."""
    env, rule, _, _ = in_the_middle(preset)
    if other_truth is not None:
        other_truth(env.batch.arrays)
    plan = type(env.batch)(len(words) + 2, env.batch.settings)
    copy_rows(env.batch, plan, np.zeros(len(words), np.int64))
    kind_named(env.scenario.kind).facet("futures")(plan, len(words), np.array(words, np.uint64))
    rewards = []
    for _ in range(steps):
        told = np.zeros(plan.num_rows, np.int64)
        masks = plan.masks[: len(words)]
        told[: len(words)] = rule.actions(plan.observations[: len(words)], masks)
        plan.advance(told, 2, 0, len(words))
        rewards.append(plan.outcomes["reward"][: len(words)].copy())
    return np.array(rewards).T


@pytest.mark.slow
def test_rollout_reaches_the_optimum_of_a_small_network():
    """From a rule that admits all, one step of lookahead closes most of the gap to the optimum."""
    scenario = load("teletraffic-heavy").replace(horizon_s=15.0)
    worlds = world_seeds("validation", 24)
    base = make_policy("density", "teletraffic-heavy")
    rollout = RolloutPolicy(base, lookahead_s=4.0, num_futures=48)
    planned = evaluate(rollout, scenario, worlds).returns
    greedy = evaluate(base, scenario, worlds).returns
    best = evaluate(make_policy("optimum", "teletraffic-heavy"), scenario, worlds).returns
    gain = planned - greedy
    assert gain.mean() > 4.0 * gain.std(ddof=1) / np.sqrt(len(gain))
    assert gain.mean() > 0.7 * (best - greedy).mean()


@pytest.mark.parametrize("preset", CASES)
def test_futures_are_named_by_their_words(preset):
    """Equal words give equal futures, others give others."""
    rewards = futures_of(preset, [7, 7, 8, 9, 10])
    np.testing.assert_array_equal(rewards[0], rewards[1])
    assert len(np.unique(rewards, axis=0)) > 2


def hidden_is_changed(name):
    """Changes one thing that the true world has in store: other ticks, or another world."""
    later = 10**8

    def change(arrays):
        rows = arrays["rows"]
        if name == "world":
            rows["world"] ^= np.uint64(12_345)
        elif name == "departures":
            served = arrays["departures"] < arrays["departures"].max()  # not "never"
            arrays["departures"][served] += later << 6
        elif name == "queues":
            arrays["queues"]["holding"] += later
            rows["oldest_holding"] += later
        else:
            rows[name][:, :1] += later << 6

    return change


@pytest.mark.parametrize("preset", ["teletraffic-heavy", "burst"])
@pytest.mark.parametrize(
    "name", ["world", "departures", "queues", "next_arrival", "following_arrival", "phase_end"]
)
def test_futures_do_not_depend_on_the_true_future(preset, name):
    """Whatever the true world has in store, the same futures are imagined."""
    words = [7, 8, 9, 10]
    usual = futures_of(preset, words)
    blind = futures_of(preset, words, other_truth=hidden_is_changed(name))
    np.testing.assert_array_equal(blind, usual)


@pytest.mark.parametrize("preset", CASES)
def test_rows_plan_alone_and_leave_the_network_as_it_is(preset):
    """A row decides the same beside others, and planning changes nothing."""
    _, _, rollout = small(preset)
    env, _, observations, masks = in_the_middle(preset)
    before = {name: array.copy() for name, array in env.batch.arrays.items()}
    rollout.bind(env.batch)
    rollout.reset(3)
    together = rollout.actions(observations, masks)
    for name, array in env.batch.arrays.items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)
    assert (masks[np.arange(len(SEEDS)), together] == 1).all()
    few, _, observations, masks = in_the_middle(preset, seeds=SEEDS[:1])
    rollout.bind(few.batch)
    rollout.reset(3)
    assert rollout.actions(observations, masks)[0] == together[0]


def test_channels_that_are_seen_stay_as_they_are():
    """In a future of tic-pick, the first observation shows the channels of the present block."""
    env, _, _, _ = in_the_middle("tic-pick")
    plan = type(env.batch)(10, env.batch.settings)
    copy_rows(env.batch, plan, np.zeros(4, np.int64))
    kind_named("tic").facet("futures")(plan, 4, np.arange(4, dtype=np.uint64))
    assert len(set(plan.heads["world"][:4].tolist())) == 4
    network = env.batch.tables.networks[0]
    slot = int(env.batch.heads["slot"][0])
    true = World(network, int(env.batch.heads["world"][0]))
    for key in plan.heads["world"][:4].tolist():
        drawn = World(network, key)
        for sensor in range(12):
            assert drawn.success_probability(sensor, slot) == true.success_probability(sensor, slot)


def test_rollout_is_privileged_and_refuses_what_it_cannot_do():
    """Continuous actions, vector rewards, laws with memory, and environments without futures."""
    rollout = RolloutPolicy(make_policy("density", "contention"), lookahead_s=1.0)
    assert isinstance(rollout, PrivilegedPolicy)
    with pytest.raises(ConfigError, match="bind"):
        rollout.actions(np.zeros((1, 19), np.float32), np.ones((1, 5), np.int8))
    with pytest.raises(ConfigError, match="lookahead_s"):
        RolloutPolicy(make_policy("density", "contention"), lookahead_s=0.0)
    with pytest.raises(ConfigError, match="discrete"):
        rollout.bind(vector_env("tic-small-45", 2).batch)
    with pytest.raises(ConfigError, match="one number"):
        rollout.bind(vector_env("contention", 2, objective="vector").batch)
    without = [name for name in kind_names() if kind_named(name).facet("futures") is None]
    assert without == ["truck"]
    with pytest.raises(ConfigError, match="cannot draw futures"):
        rollout.bind(vector_env("truck-grid-20", 2).batch)
    calibrated = vector_env("service-calibrated", 2)
    rollout = RolloutPolicy(make_policy("density", "service-calibrated"), lookahead_s=1.0)
    rollout.bind(calibrated.batch)
    observations, infos = calibrated.reset(seed=1)
    rollout.reset(0)
    with pytest.raises(ConfigError, match="exponential or deterministic"):
        rollout.actions(np.array(observations), np.ones_like(infos["action_mask"]))
