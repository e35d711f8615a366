"""A2C, PPO and MaskablePPO in simulated time: they run, are saved, go on, and are repeated."""

import pickle

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecNormalize

from tests.learning.cases import ID, SMALL, are_equal, make_env, make_model, parameters
from twin_gym.errors import ConfigError
from twin_gym.sb3 import SemiMarkovA2C, SemiMarkovMaskablePPO, SemiMarkovPPO

SETTINGS = {
    SemiMarkovA2C: {"n_steps": 8},
    SemiMarkovPPO: {"n_steps": 32, "batch_size": 64, "n_epochs": 2},
    SemiMarkovMaskablePPO: {"n_steps": 32, "batch_size": 64, "n_epochs": 2},
}


@pytest.fixture(params=list(SETTINGS), ids=lambda algorithm: algorithm.__name__)
def algorithm(request):
    """Each of the three."""
    return request.param


def make(algorithm, env=None, **kwargs):
    """A model with small rollouts."""
    settings = {"seed": 0} | SETTINGS[algorithm] | kwargs
    return algorithm("MlpPolicy", make_env() if env is None else env, **settings)


def test_runs_saves_and_goes_on(algorithm, tmp_path):
    """500 steps change the actor and the critic; what was saved is loaded and learns on."""
    model = make(algorithm, discount_time_s=7.0, trace_time_s=3.0)
    before = parameters(model)
    model.learn(500)
    after = parameters(model)
    assert all(torch.isfinite(value).all() for value in after.values())
    assert not any(torch.equal(before[name], after[name]) for name in before)
    model.save(tmp_path / "model.zip")
    loaded = algorithm.load(tmp_path / "model.zip", env=make_env())
    assert are_equal(parameters(loaded), after)
    assert (loaded.discount_time_s, loaded.trace_time_s) == (7.0, 3.0)
    assert loaded.rollout_buffer.discount_time_s == 7.0
    assert loaded.gamma == 1.0
    loaded.learn(128, reset_num_timesteps=False)
    assert loaded.num_timesteps >= 628
    assert not are_equal(parameters(loaded), after)


def test_loaded_without_an_environment_predicts(algorithm, tmp_path):
    """And learns once it is given one."""
    model = make(algorithm)
    model.save(tmp_path / "model")
    loaded = algorithm.load(tmp_path / "model")
    observations = make_env().reset()
    assert np.array_equal(
        loaded.predict(observations, deterministic=True)[0],
        model.predict(observations, deterministic=True)[0],
    )
    loaded.set_env(make_env())
    loaded.learn(32)


def test_repeated_training_is_the_same(algorithm):
    """The same seed gives the same parameters to the last bit; another one does not."""
    trained = [parameters(make(algorithm, seed=seed).learn(256)) for seed in (1, 1, 2)]
    assert are_equal(trained[0], trained[1])
    assert not are_equal(trained[0], trained[2])


def test_split_training_is_the_same():
    """To call learn twice is to call it once, as long as the process lives."""
    whole = make_model().learn(256)
    parts = make_model().learn(128)
    parts.learn(128, reset_num_timesteps=False)
    assert are_equal(parameters(whole), parameters(parts))


def test_resumed_training_is_the_same(tmp_path):
    """With the environment pickled and both global states kept, nobody can tell.

    SB3 draws actions from torch and the order of a batch from NumPy.
    """
    whole = make_model().learn(256)
    model = make_model().learn(128)
    model.save(tmp_path / "model")
    env = pickle.dumps(model.get_env())
    states = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
    del model
    torch.manual_seed(99)
    again = pickle.loads(env)  # noqa: S301 - our own bytes
    resumed = SemiMarkovA2C.load(tmp_path / "model", env=again, force_reset=False)
    torch.set_rng_state(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    resumed.learn(128, reset_num_timesteps=False)
    assert are_equal(parameters(whole), parameters(resumed))


def leg(path, number):
    """A leg of a training, seeded by (seed, leg), which goes on where the file stopped."""
    model = SemiMarkovA2C.load(path, env=make_env())
    seed = int(np.random.SeedSequence([0, number]).generate_state(1)[0])
    model.set_random_seed(seed)  # load went back to the first seed: the same worlds again
    model.learn(64, reset_num_timesteps=False)
    return model, model.env.reset()


def test_legs_are_repeatable_and_meet_other_worlds(tmp_path):
    """A leg is a function of the file and (seed, leg); another leg has other worlds."""
    make_model().learn(64).save(tmp_path / "model")
    (first, seen), (again, same), (other, differing) = (
        leg(tmp_path / "model", number) for number in (1, 1, 2)
    )
    assert are_equal(parameters(first), parameters(again))
    assert np.array_equal(seen, same)
    assert not are_equal(parameters(first), parameters(other))
    assert not np.array_equal(seen, differing)


def test_buffer_is_pickled():
    """With its clock; what a copy computes is the same."""
    model = make_model().learn(32)
    copied = pickle.loads(pickle.dumps(model.rollout_buffer))  # noqa: S301 - our own bytes
    assert np.array_equal(copied.elapsed_s, model.rollout_buffer.elapsed_s)
    assert np.array_equal(copied.advantages, model.rollout_buffer.advantages)


def test_normalised_rewards_and_their_file(tmp_path):
    """VecNormalize on top; its statistics are saved beside the model and found again."""
    env = VecNormalize(make_env(), norm_obs=False, gamma=1.0)
    model = make(SemiMarkovA2C, env).learn(200)
    env.save(tmp_path / "normalise.pkl")
    model.save(tmp_path / "model")
    again = VecNormalize.load(tmp_path / "normalise.pkl", make_env())
    assert again.ret_rms.var == env.ret_rms.var != 1.0
    loaded = SemiMarkovA2C.load(tmp_path / "model", env=again)
    loaded.learn(32, reset_num_timesteps=False)


@pytest.mark.parametrize("name", ["discount_time_s", "trace_time_s"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("inf"), float("nan")])
def test_bad_times_are_refused(name, value):
    """A time is positive and finite."""
    with pytest.raises(ConfigError, match=name):
        SemiMarkovA2C("MlpPolicy", make_env(), **{name: value})


def test_other_environments_are_refused():
    """Without a clock there is no simulated time: the message says what makes one."""
    with pytest.raises(ConfigError, match="make_vec_env"):
        SemiMarkovPPO("MlpPolicy", gymnasium.make(ID, scenario=SMALL))
    with pytest.raises(ConfigError, match="make_vec_env"):
        SemiMarkovPPO("MlpPolicy", PPO("MlpPolicy", "CartPole-v1").get_env())
