"""Edge caching keeps the contract of twin_gym, and gives what is known of it."""

import functools

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import edge_caching
from edge_caching.theory import most_hits
from twin_gym.environments.factory import vector_env
from twin_gym.errors import ConfigError
from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.policies.registry import policies_of
from twin_gym.policies.what_if import what_if
from twin_gym.scenario.loading import load, names
from twin_gym.testing import check_seeding, check_vector_env

ENV_ID, KIND = edge_caching.KIND.id, edge_caching.KIND.name
SHORT = load(names(KIND)[0]).replace(horizon_s=40.0)

single = functools.partial(gymnasium.make, ENV_ID, scenario=SHORT)


def rows(count=5, **arguments):
    """Rows of short episodes."""
    arguments = {"scenario": SHORT, **arguments}
    return gymnasium.make_vec(
        ENV_ID, num_envs=count, vectorization_mode="vector_entry_point", **arguments
    )


@pytest.mark.parametrize("name", names(KIND))
def test_every_preset_passes_gymnasiums_checker(name):
    """Spaces, types and infos of the single form."""
    check_env(gymnasium.make(ENV_ID, scenario=name).unwrapped, skip_render_check=True)


def test_seed_decides_everything():
    """The same seed gives the same; another one another world."""
    check_seeding(single, steps=100)


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_rows_are_single_environments(mode):
    """Every way of beginning anew, and pickling."""
    check_vector_env(lambda: rows(autoreset_mode=mode), single, steps=100)


@pytest.mark.parametrize("mode", ["ansi", "rgb_array", "human"])
def test_it_is_drawn(mode, capsys):
    """Text, pixels, or text on the terminal."""
    env = single(render_mode=mode)
    env.reset(seed=0)
    drawn = env.render()
    assert np.shape(drawn) == (420, 720, 3) if mode == "rgb_array" else drawn or capsys.readouterr()


def test_forbidden_action_is_the_last_one():
    """It changes nothing else, and is counted."""
    done = []
    for is_forbidden in (True, False):
        env = single()
        _, info = env.reset(seed=0)
        while info["action_mask"][0]:  # until a hit
            *_, info = env.step(len(info["action_mask"]) - 1)
        seen, _, _, _, info = env.step(0 if is_forbidden else len(info["action_mask"]) - 1)
        assert info["disallowed_actions"] == is_forbidden
        done.append(seen)
    assert np.array_equal(*done)


def test_unknown_engine_is_refused_in_words():
    """There is one telling of these rules."""
    with pytest.raises(ConfigError, match="have no SimPy model: take engine='kernel'"):
        single(engine="simpy")


@pytest.mark.parametrize("name", list(policies_of(KIND)))
def test_policy_decides_row_by_row(name):
    """A world gives the same, whatever runs beside it."""
    seeds = world_seeds("validation", 4)
    found = [evaluate(make_policy(name, SHORT), SHORT, seeds[:count]) for count in (4, 2)]
    assert np.array_equal(found[0].returns[:2], found[1].returns)


def test_most_popular_items_give_the_known_hit_probability():
    """Once they are cached, hits are independent draws; one alarm in 10,000 seeds is false."""
    scenario = load(names(KIND)[0])
    policy = make_policy("static", scenario)
    env = vector_env(scenario, 64)
    policy.bind(env.batch)
    observations, infos = env.reset(seed=0)
    hits = []
    for _ in range(scenario.num_slots):
        observations, rewards, _, _, infos = env.step(
            policy.actions(observations, infos["action_mask"])
        )
        hits.append(rewards)
    late, chance = np.concatenate(hits[1000:]), most_hits(scenario)
    assert abs(late.mean() - chance) < 3.9 * np.sqrt(chance * (1 - chance) / late.size)
    random = evaluate(make_policy("random", scenario), scenario, world_seeds("validation", 16))
    assert random.mean("hit_ratio") < chance


def test_what_if_pairs_the_same_requests():
    """With as many places the difference is exactly 0."""
    answer = what_if("lru", SHORT, {"description": "the same"}, seeds=world_seeds("validation", 8))
    assert answer.by_change["hit_ratio"].mean == 0.0


def test_stable_baselines3_trains_with_masks():
    """A rollout of MaskablePPO takes no forbidden action."""
    sb3 = pytest.importorskip("twin_gym.sb3")
    env = sb3.make_vec_env(ENV_ID, 4, scenario=SHORT, seed=0, reward_scale="auto")
    model = sb3.SemiMarkovMaskablePPO("MlpPolicy", env, n_steps=16, batch_size=32, device="cpu")
    model.learn(128)
    assert env.batch.outcomes["disallowed_actions"].sum() == 0


def test_twin_of_a_policy_starts_a_learner():
    """Recorded, cloned, and loaded into an actor."""
    twins, sb3 = pytest.importorskip("twin_gym.twins"), pytest.importorskip("twin_gym.sb3")
    log = twins.record(make_policy("lfu", SHORT), SHORT, 400, num_networks=4)
    twin = twins.clone(log, SHORT, settings=twins.CloneSettings(max_epochs=2, min_steps=1))
    env = sb3.make_vec_env(ENV_ID, 4, scenario=SHORT, seed=0)
    policy, kwargs = sb3.actor_critic_for(env)
    model = sb3.SemiMarkovA2C(policy, env, policy_kwargs=kwargs, device="cpu")
    assert sb3.warm_start(model, twin)
    assert evaluate(twin, SHORT, world_seeds("validation", 2)).policy == twin.name
