"""A KPI objective as the reward: the same contract in every environment, form and engine."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from stable_baselines3 import A2C

from tests.contract.cases import (
    case_of,
    every_mode,
    every_reader,
    every_reader_form,
    makers,
    vector,
)
from twin_gym.environments.factory import vector_env
from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.policies import evaluate, make_policy
from twin_gym.sb3 import EvaluateOnWorlds, ModelPolicy, make_vec_env
from twin_gym.scenario.objective import INDICATORS, SCENARIO_OBJECTIVES, Demand, KpiObjective
from twin_gym.testing import check_vector_env
from twin_gym.testing.equality import first_difference

OBJECTIVE = KpiObjective(demand=Demand(latency_s=0.5e-3))
SEED = 3
EARNED = {"objective": OBJECTIVE, "objective_seed": SEED}


def settings_of(kind, form, **more):
    """Arguments of the environment."""
    return {
        "scenario": case_of(kind).scenario(form), "action": form, **EARNED, **more,
    }  # fmt: skip


def policy_of(kind):
    """Name of a classical one."""
    return case_of(kind).policy or kind_named(kind).facet("default_policy")


def played(env, seed, steps=200):
    """Observations, rewards and infos of one episode of sampled actions."""
    env.action_space.seed(seed)
    observation, info = env.reset(seed=seed)
    told = [(observation, 0.0, info)]
    for _ in range(steps):
        observation, reward, _, truncated, info = env.step(env.action_space.sample())
        told.append((observation, reward, info))
        if truncated:
            break
    return told


@every_reader
def test_gymnasium_s_checker_passes(kind, form):
    """One of each kind, and every warning is an error."""
    env = gymnasium.make(kind_named(kind).id, **settings_of(kind, form))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped, skip_render_check=True)


@every_reader
@every_mode
def test_vector_form_keeps_the_contract(kind, form, mode):
    """Lane by lane against the single form, pickled too, in every mode."""
    check_vector_env(*makers(kind, form, mode=mode, **EARNED), steps=45)


def test_an_episode_without_a_decision_leaves_nothing_to_the_next():
    """The only step of such an episode takes no time, and what follows is counted from its end."""
    scenario = case_of("admission").scenario().replace(horizon_s=0.1)
    make, make_single = makers(
        "admission", "slice", scenario, mode=AutoresetMode.SAME_STEP, **EARNED
    )
    env = make()
    env.reset(seed=0)
    ends = [env.step(np.full(2, 4))[-1] for _ in range(30)]
    untimed = [one for one in ends if "final_info" in one and (
        one["final_info"]["elapsed_s"][one["_final_info"]] == 0.0).any()]  # fmt: skip
    assert len(untimed) > 3
    check_vector_env(make, make_single, steps=30)


@every_reader
def test_simpy_tells_the_same_rewards(kind, form):
    """The slow engine's lanes are the kernel's single environments, to the last bit."""
    slow = {"engine": "simpy"}
    make, make_single = makers(kind, form, mode=AutoresetMode.SAME_STEP, vector_only=slow, **EARNED)
    check_vector_env(make, make_single, steps=40, pickling=False)


@every_reader_form
def test_reward_is_the_weighted_sum_times_the_time(kind, form):
    """At every step; the four values are told and lie in [0, 1]; together at most the horizon."""
    env = gymnasium.make(kind_named(kind).id, **settings_of(kind, form))
    weights = OBJECTIVE.weights(SEED)
    rewards = []
    for _, reward, info in played(env, 4)[1:]:
        values = np.array([info[name] for name in INDICATORS])
        assert ((values >= 0.0) & (values <= 1.0)).all()
        assert reward == pytest.approx(float(weights @ values) * info["elapsed_s"], rel=1e-12)
        rewards.append(reward)
    assert 0.0 < sum(rewards) <= env.unwrapped.scenario.horizon_s


@every_reader_form
def test_everything_else_is_as_without_it(kind, form):
    """Observations, masks, components and costs of the same decisions do not change."""
    given = settings_of(kind, form)
    env_id = kind_named(given["scenario"].kind).id
    mine = played(gymnasium.make(env_id, **given), 5)
    del given["objective"], given["objective_seed"]
    theirs = played(gymnasium.make(env_id, **given), 5)
    assert len(mine) == len(theirs)
    for (seen, _, told), (expected, _, plain) in zip(mine, theirs, strict=True):
        assert np.array_equal(seen, expected)
        assert set(told) == set(plain) | set(INDICATORS)
        assert all(first_difference(told[name], plain[name], name) is None for name in plain)


@every_reader
def test_all_ways_to_it_give_the_same_return(kind, form):
    """`evaluate`, the single form and the Stable-Baselines3 form, alone and among others."""
    given = settings_of(kind, form)
    scenario, rest = given["scenario"], {k: v for k, v in given.items() if k != "scenario"}
    policy = make_policy(policy_of(kind), scenario, form)
    together = evaluate(policy, scenario, [7, 8, 9], **rest)
    alone = evaluate(policy, scenario, [8], **rest)
    assert together.returns[1] == alone.returns[0]
    assert 0.0 < alone.returns[0] <= scenario.horizon_s
    env = make_vec_env(kind_named(scenario.kind).id, 1, seed=6, **given)
    single = gymnasium.make(kind_named(scenario.kind).id, **given)
    env.reset()
    single.reset(seed=6)
    single.action_space.seed(0)
    total, is_over = 0.0, False
    while not is_over:
        chosen = single.action_space.sample()
        _, reward, _, is_over, _ = single.step(chosen)
        total += reward
        _, rewards, dones, infos = env.step(np.asarray(chosen)[None])
        assert rewards[0] == np.float32(reward)
        assert dones[0] == is_over
    assert infos[0]["episode"]["r"] == pytest.approx(total)


@every_reader
def test_what_depends_on_the_reward_knows_it(kind, form):
    """The scale of a critic is a time unit's; validation in training earns the same objective."""
    given = settings_of(kind, form)
    scenario = given["scenario"]
    env = make_vec_env(kind_named(scenario.kind).id, 1, seed=6, reward_scale="auto", **given)
    assert env.reward_scale == 1.0 / scenario.time_unit_s
    told = env.batch.arguments
    assert (told["objective"], told["objective_seed"]) == (OBJECTIVE, SEED)
    assert env.batch.reported[-4:] == INDICATORS


def test_validation_in_training_earns_the_same_objective():
    """With the same weights."""
    given = settings_of("tic", "weights", objective=SCENARIO_OBJECTIVES["base"])
    model = A2C("MlpPolicy", make_vec_env(kind_named("tic").id, 1, seed=6, **given), seed=0)
    callback = EvaluateOnWorlds(1000, num_worlds=2)
    model.learn(5, callback=callback)
    found = callback.evaluate_now()
    rest = {key: value for key, value in given.items() if key != "scenario"}
    again = evaluate(ModelPolicy(model).frozen(), given["scenario"], found.seeds, **rest)
    assert np.array_equal(found.returns, again.returns)


@every_reader
def test_rows_and_threads_do_not_matter(kind, form):
    """Five rows on two threads, and two rows on one: the first two are equal."""
    told = []
    for rows, threads in ((5, 2), (2, 1)):
        env = vector(kind, form, num_envs=rows, num_threads=threads, **EARNED)
        env.reset(seed=1)
        space = env.single_action_space
        space.seed(2)
        run = []
        for _ in range(12):
            chosen = np.asarray(space.sample())
            _, rewards, _, _, infos = env.step(np.stack([chosen] * rows))
            run.append((rewards[:2], *(infos[name][:2] for name in INDICATORS)))
        env.close()
        told.append(np.array(run))
    assert np.array_equal(*told)


@every_reader
def test_weights_reach_the_reward(kind, form):
    """With other priorities the same decisions earn what the other weights say."""
    given = settings_of(kind, form)
    returns = {}
    for name in INDICATORS[1:]:
        asked = {
            "deadline": Demand(num_devices=51), "latency": Demand(latency_s=1e-4),
            "buffer": Demand(accuracy=0.98),
        }[name]  # fmt: skip
        given["objective"] = KpiObjective(demand=asked, prioritised_share=0.98)
        env = gymnasium.make(kind_named(given["scenario"].kind).id, **given)
        steps = played(env, 5)[1:]
        weighed = {one: sum(info[one] * info["elapsed_s"] for *_, info in steps)
                   for one in INDICATORS}  # fmt: skip
        returns[name] = sum(reward for _, reward, _ in steps)
        first = sum(weighed[one] for one in given["objective"].prioritised) / 2.0
        assert returns[name] == pytest.approx(first, abs=0.02 * env.unwrapped.scenario.horizon_s)
    assert len(set(returns.values())) == 3


def test_the_seed_draws_the_weights_alone():
    """Another one changes rewards and nothing that is seen."""
    given = settings_of("tic", "weights", objective=SCENARIO_OBJECTIVES["base"])
    env_id = kind_named("tic").id
    one = played(gymnasium.make(env_id, **given), 5)
    other = played(gymnasium.make(env_id, **given | {"objective_seed": SEED + 1}), 5)
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(one, other, strict=True))
    assert sum(a[1] for a in one) != sum(b[1] for b in other)
    rest = {key: value for key, value in given.items() if key not in ("scenario", "objective_seed")}
    edf = make_policy("edf", given["scenario"])
    first, second = (
        evaluate(edf, given["scenario"], [5], objective_seed=seed, **rest).returns[0]
        for seed in (SEED, SEED + 1)
    )
    assert first != second


@every_reader
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"objective_seed": -1}, ConfigError, "0 to 2"),
        ({"objective_seed": 1.5}, ConfigError, "whole number"),
        ({"objective_seed": True}, ConfigError, "whole number"),
        ({"objective": "vectr", "objective_seed": 0}, UnknownNameError, "did you mean 'vector'"),
        ({"objective": 7, "objective_seed": 0}, UnknownNameError, "unknown objective"),
        ({"objective": "vector"}, ConfigError, "leave it out"),
    ],
)
def test_bad_objectives_are_refused(kind, form, arguments, error, message):
    """At construction, in both forms, with what is allowed."""
    given = settings_of(kind, form) | arguments
    with pytest.raises(error, match=message):
        gymnasium.make(kind_named(given["scenario"].kind).id, **given)
    scenario = given.pop("scenario")
    with pytest.raises(error, match=message):
        vector_env(scenario, 2, **given)
