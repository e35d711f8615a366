"""Learning curves on fixed worlds: right, recorded, resumed, and of no influence."""

import csv

import numpy as np
import pytest
import torch
from stable_baselines3 import A2C
from stable_baselines3.common.vec_env import VecNormalize
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.learning.cases import (
    SMALL,
    are_equal,
    make_env,
    make_model,
    make_slot_model,
    parameters,
)
from twin_gym.errors import ConfigError
from twin_gym.policies import evaluate, world_seeds
from twin_gym.sb3 import EvaluateOnWorlds, ModelPolicy


def rows_of(path):
    """The lines of a CSV file, as numbers."""
    with path.open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def steps_of(callback):
    """When it evaluated."""
    return [line["step"] for line in callback.history]


def test_curve_is_recorded_everywhere(tmp_path):
    """Before the first step, at the ends of rollouts, at the end; history, CSV and TensorBoard."""
    callback = EvaluateOnWorlds(64, num_worlds=3, csv_path=tmp_path / "new" / "curve.csv")
    model = make_model(tensorboard_log=str(tmp_path / "board")).learn(160, callback=callback)
    assert steps_of(callback) == [0, 64, 128, 160]
    assert rows_of(tmp_path / "new" / "curve.csv") == callback.history
    names = set(callback.history[0]) - {"step"}
    assert {"revenue_rate", "utilisation", "utilisation/radio", "loss_ratio/heavy"} <= names
    (folder,) = (tmp_path / "board").iterdir()
    board = EventAccumulator(str(folder)).Reload()
    for name in names:
        events = board.Scalars(f"validation/{name}")
        assert [event.step for event in events] == steps_of(callback)
        assert [event.value for event in events] == pytest.approx(
            [line[name] for line in callback.history]
        )
    last = evaluate(ModelPolicy(model), SMALL, world_seeds("validation", 3))
    assert callback.history[-1]["revenue_rate"] == last.mean("revenue_rate")


@pytest.mark.parametrize("greedy", [True, False])
def test_training_is_the_same_with_it_and_without(greedy):
    """Neither the parameters nor the global states of torch and NumPy know of it."""
    callback = EvaluateOnWorlds(32, num_worlds=2, greedy=greedy)
    plain, watched, states = make_model().learn(128), make_model(), []
    watched.learn(128, callback=callback)
    assert are_equal(parameters(plain), parameters(watched))
    for _ in range(2):
        states.append((torch.get_rng_state(), np.random.get_state()[1].copy()))  # noqa: NPY002
        callback.evaluate_now()
    assert torch.equal(states[0][0], states[1][0])
    assert np.array_equal(states[0][1], states[1][1])
    again = EvaluateOnWorlds(32, num_worlds=2, greedy=greedy)
    make_model().learn(128, callback=again)
    assert again.history == callback.history[: len(again.history)]


def test_resumed_curve_goes_on(tmp_path):
    """Lines up to the first step stay; those that a killed training wrote after it go."""
    path = tmp_path / "curve.csv"
    whole = EvaluateOnWorlds(32, num_worlds=2, csv_path=tmp_path / "whole.csv")
    make_model().learn(96, callback=whole)
    model = make_model().learn(64, callback=EvaluateOnWorlds(32, num_worlds=2, csv_path=path))
    with path.open("a") as file:
        file.write(path.read_text().splitlines()[-1].replace("64.0", "96.0", 1) + "\n96.0,0.")
    resumed = EvaluateOnWorlds(32, num_worlds=2, csv_path=path)
    model.learn(32, callback=resumed, reset_num_timesteps=False)
    assert steps_of(resumed) == [0, 32, 64, 96]
    assert rows_of(path) == resumed.history == whole.history
    assert [each.name for each in tmp_path.iterdir() if each.suffix == ".new"] == []


def test_new_training_begins_the_file_anew(tmp_path):
    """From step 0 on, whatever stood there."""
    path = tmp_path / "curve.csv"
    path.write_text("something else\n")
    callback = EvaluateOnWorlds(1000, num_worlds=1, csv_path=path)
    for _ in range(2):
        make_model().learn(32, callback=callback)
        assert steps_of(callback) == [0, 32]
        assert rows_of(path) == callback.history


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "step,x\n0,lots\n", "step,x\n0.0,1.0\n"])
def test_file_of_another_curve_is_refused(content, tmp_path):
    """A resumed training writes nothing into a file with other indicators."""
    path = tmp_path / "curve.csv"
    path.write_text(content)
    model = make_model().learn(32)
    callback = EvaluateOnWorlds(32, num_worlds=1, csv_path=path)
    with pytest.raises(ConfigError, match=r"curve\.csv"):
        model.learn(32, callback=callback, reset_num_timesteps=False)
    assert path.read_text().split() == content.split()


def test_indicators_are_chosen():
    """Those asked for and no others."""
    callback = EvaluateOnWorlds(1000, num_worlds=1, record=("fairness", "offered"))
    make_model().learn(32, callback=callback)
    assert set(callback.history[0]) == {"step", "fairness", "offered"}


def test_other_forms_and_normalisation():
    """Slots are evaluated as slots; a normalised model sees normalised observations."""
    callback = EvaluateOnWorlds(32, num_worlds=1)
    make_slot_model().learn(32, callback=callback)
    assert len(callback.history) == 2
    env = VecNormalize(make_env(), gamma=1.0)
    model = A2C("MlpPolicy", env, n_steps=8, seed=0).learn(64, callback=callback)
    env.obs_rms.mean += np.linspace(-2.0, 2.0, len(env.obs_rms.mean))  # far from the raw values
    counted = env.obs_rms.count
    observations = np.random.default_rng(0).random((64, len(env.obs_rms.mean)), np.float32)
    expected = model.predict(env.normalize_obs(observations), deterministic=True)[0]
    chosen = ModelPolicy(model).actions(observations, np.ones((64, 4), np.int8))
    assert np.array_equal(chosen, expected)
    assert not np.array_equal(chosen, model.predict(observations, deterministic=True)[0])
    assert env.obs_rms.count == counted


@pytest.mark.parametrize("kwargs", [{"every_steps": 0}, {"every_steps": 8, "num_worlds": 0}])
def test_bad_numbers_are_refused(kwargs):
    """At construction."""
    with pytest.raises(ConfigError, match="must be positive"):
        EvaluateOnWorlds(**kwargs)
