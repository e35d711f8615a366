"""The native VecEnv keeps the contract of Stable-Baselines3, and a row is the environment."""

import pickle

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported
from stable_baselines3 import A2C
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor, VecNormalize

from tests.learning.cases import ID, SMALL, collect, make_env
from twin_gym.errors import ConfigError
from twin_gym.sb3 import NativeVecEnv, make_vec_env, native_env

ROWS = 4


@pytest.fixture
def env():
    """Four rows of the small network, begun."""
    made = make_env(ROWS)
    made.reset()
    return made


def test_shapes_and_types(env):
    """Observations are float32, rewards float32, dones boolean, infos a list of dicts."""
    observations, rewards, dones, infos = env.step(np.full(ROWS, 3))
    assert observations.shape == (ROWS, *env.observation_space.shape)
    assert observations.dtype == env.observation_space.dtype == np.float32
    assert (rewards.shape, rewards.dtype) == ((ROWS,), np.float32)
    assert (dones.shape, dones.dtype) == ((ROWS,), np.bool_)
    assert len(infos) == ROWS
    assert all(type(info) is dict for info in infos)
    assert env.elapsed_s.shape == env.costs.shape == (ROWS,)


def test_what_was_returned_stays(env):
    """Later steps do not write into what earlier ones gave."""
    rng = np.random.default_rng(0)
    first = env.reset()
    kept = first.copy()
    steps = collect(env, 40, rng=rng)
    copies = [[part.copy() for part in step[1:4]] for step in steps[:20]]
    lists = [step[4] for step in steps]
    collect(env, 40, rng=rng)
    assert np.array_equal(first, kept)
    for step, copied in zip(steps, copies, strict=False):
        assert all(np.array_equal(a, b) for a, b in zip(step[1:4], copied, strict=True))
    assert len({id(infos) for infos in lists}) == len(lists)


@pytest.mark.parametrize("action", ["slice", "slot"])
def test_row_equals_the_single_environment(action):
    """Row i of seed s goes through the episodes of the single environment of seed s + i."""
    env = make_env(3, seed=20, action=action)
    singles = [gymnasium.make(ID, scenario=SMALL, action=action) for _ in range(3)]
    seen = [single.reset(seed=20 + row)[0] for row, single in enumerate(singles)]
    assert np.array_equal(env.reset(), seen)
    sums, lengths, episodes = np.zeros(3), np.zeros(3), 0
    for step in collect(env, 150, rng=np.random.default_rng(1)):
        actions, observations, rewards, dones, infos, masks = step
        for row, single in enumerate(singles):
            assert np.array_equal(masks[row], single.unwrapped.action_masks())
            last, reward, _, truncated, info = single.step(actions[row])
            sums[row] += reward
            lengths[row] += 1
            assert rewards[row] == np.float32(reward)
            assert dones[row] == truncated
            assert ("episode" in infos[row]) == truncated
            if truncated:
                episodes += 1
                assert np.array_equal(infos[row]["terminal_observation"], last)
                assert infos[row]["TimeLimit.truncated"] is True
                assert infos[row]["episode"]["r"] == pytest.approx(sums[row], abs=1e-9)
                assert infos[row]["episode"]["l"] == lengths[row]
                assert infos[row]["kpi"] == pytest.approx(info["kpi"])
                sums[row] = lengths[row] = 0
                last = single.reset()[0]
            assert np.array_equal(observations[row], last)
    assert episodes > 3


def test_elapsed_time_and_cost_are_those_of_the_step():
    """Also where the step ended an episode; the sum over an episode is the horizon."""
    env = make_env(2, seed=5)
    env.reset()
    sums = np.zeros(2)
    for _ in range(120):
        masks = env.action_masks()
        _, _, dones, _ = env.step(masks.argmax(axis=1))
        sums += env.elapsed_s
        assert (env.elapsed_s >= 0).all()
        for row in np.flatnonzero(dones):
            # The first decision is at the first arrival.
            assert 0.5 * SMALL.horizon_s < sums[row] <= SMALL.horizon_s + 1e-9
            sums[row] = 0
    env.reset()
    assert not env.elapsed_s.any()
    assert not env.costs.any()


def arrivals(env):
    """Times between the first decisions of a new episode where nobody is admitted; a row each."""
    env.reset()
    passed = []
    for _ in range(4):
        env.step(np.full(env.num_envs, 3))
        passed.append(env.elapsed_s.copy())
    return np.array(passed).T


def test_seeds_are_obeyed():
    """The same seed the same, another one not, without a seed the next episodes; rows differ."""
    env = make_env(seed=3)
    begun, again = arrivals(env), arrivals(env)
    assert np.array_equal(arrivals(make_env(seed=3)), begun)
    assert not (begun == again).any()
    assert np.array_equal(arrivals(make_env(seed=4))[:-1], begun[1:])
    assert len(np.unique(begun, axis=0)) == ROWS
    assert env.seed(3) == [3, 4, 5, 6]
    assert np.array_equal(arrivals(env), begun)


def test_masks_by_row(env):
    """env_method and get_attr give each row its own; sb3-contrib finds and stacks them."""
    collect(env, 10, rng=np.random.default_rng(0))
    masks = env.action_masks()
    assert (masks.shape, masks.dtype) == ((ROWS, 4), np.bool_)
    assert is_masking_supported(env)
    assert np.array_equal(get_action_masks(env), masks)
    assert np.array_equal(env.env_method("action_masks", indices=[2, 0]), masks[[2, 0]])
    assert np.array_equal([method() for method in env.get_attr("action_masks")], masks)


def test_attributes_by_row(env):
    """Rows share an environment: reading gives one value a row, writing is refused."""
    assert env.get_attr("scenario", [0, 1]) == [SMALL, SMALL]
    assert env.get_attr("render_mode") == [None] * ROWS
    assert env.has_attr("scenario")
    assert not env.has_attr("nothing_of_that_name")
    with pytest.raises(NotImplementedError, match="single rows"):
        env.set_attr("scenario", SMALL)
    with pytest.raises(NotImplementedError, match="'render'"):
        env.env_method("render")
    assert env.env_is_wrapped(Monitor) == [True] * ROWS
    assert env.env_is_wrapped(gymnasium.wrappers.TimeLimit, [0]) == [False]
    env.close()


def test_reward_scale_leaves_returns_alone():
    """Rewards of the learner are scaled; reported returns are not."""
    plain, scaled = make_env(2), make_env(2, reward_scale=0.5)
    plain.reset()
    scaled.reset()
    for one, half in zip(
        collect(plain, 60, rng=np.random.default_rng(0)),
        collect(scaled, 60, rng=np.random.default_rng(0)),
        strict=True,
    ):
        assert np.array_equal(one[2] * np.float32(0.5), half[2])
        assert str(one[4]) == str(half[4])


def test_normalised_and_monitored():
    """VecNormalize and VecMonitor stand on top as on any VecEnv."""
    with pytest.warns(UserWarning, match="overwritten"):  # it is a monitor already
        env = VecNormalize(VecMonitor(make_env(2)), gamma=1.0)
    env.reset()
    assert native_env(env) is env.venv.venv
    ends = []
    for _ in range(80):
        observations, rewards, dones, infos = env.step(env.venv.venv.action_masks().argmax(axis=1))
        assert np.isfinite(observations).all()
        assert np.isfinite(rewards).all()
        ends += [info for info, done in zip(infos, dones, strict=True) if done]
    assert ends
    assert all(end["episode"]["l"] > 0 and end["episode"]["t"] > 0 for end in ends)
    assert all(end["kpi"]["offered"] > 0 for end in ends)


def test_evaluated_by_sb3_without_a_warning():
    """evaluate_policy and EvalCallback find the returns they ask a monitor for."""
    model = A2C("MlpPolicy", make_env(2), n_steps=4, seed=0)
    mean, spread = evaluate_policy(model, make_env(2, reward_scale=0.1), n_eval_episodes=2)
    assert mean > 0.5  # unscaled: a request pays 1
    assert spread >= 0


def test_pickled_in_the_middle():
    """A copy goes on as the original does."""
    env = make_env(2)
    env.reset()
    collect(env, 25, rng=np.random.default_rng(0))
    copied = pickle.loads(pickle.dumps(env))  # noqa: S301 - our own bytes
    for one, other in zip(
        collect(env, 40, rng=np.random.default_rng(2)),
        collect(copied, 40, rng=np.random.default_rng(2)),
        strict=True,
    ):
        assert all(np.array_equal(a, b) for a, b in zip(one[:4], other[:4], strict=True))
        assert str(one[4]) == str(other[4])


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"reward_scale": 0.0}, "reward_scale"),
        ({"reward_scale": float("nan")}, "reward_scale"),
        ({"objective": "vector"}, "one number as reward"),
        ({"scenario": "contntion"}, "contention"),  # misspelt
        ({"n_envs": 0}, "rows"),
    ],
)
def test_bad_arguments_are_refused(kwargs, message):
    """At construction, with what is allowed."""
    with pytest.raises(ConfigError, match=message):
        make_vec_env(ID, **kwargs)


def test_other_autoreset_is_refused():
    """SB3 needs the first observation of the next episode in the same step."""
    venv = gymnasium.make_vec(ID, num_envs=2, autoreset_mode=AutoresetMode.NEXT_STEP)
    with pytest.raises(ConfigError, match="SAME_STEP"):
        NativeVecEnv(venv)


def test_environment_that_is_not_native_is_refused():
    """The error names the function that makes a native environment."""
    with pytest.raises(ConfigError, match="make_vec_env"):
        native_env(DummyVecEnv([lambda: gymnasium.make(ID)]))


def test_former_keyword_of_staggered_warns_and_works():
    """The first observations are those of the new keyword, in both places."""
    with pytest.warns(DeprecationWarning, match="spread_rows is now staggered"):
        former = make_vec_env(ID, ROWS, scenario=SMALL, seed=3, spread_rows=True)
    now = make_vec_env(ID, ROWS, scenario=SMALL, seed=3, staggered=True)
    assert former.staggered
    assert np.array_equal(former.reset(), now.reset())
    with pytest.warns(DeprecationWarning, match="spread_rows is now staggered"):
        assert not NativeVecEnv(now.venv, spread_rows=False).staggered
