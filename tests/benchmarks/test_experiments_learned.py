"""Agents of the experiments: trained once a seed, kept as weights, measured in their own block."""

import numpy as np
import pytest

from benchmarks.experiments import learned
from benchmarks.experiments.learned import Training, agent_cells, learned_policy, trained_note
from twin_gym.environments.massive_access.observation import field_names
from twin_gym.policies import evaluate
from twin_gym.scenario.loading import load

TINY = Training("ppo", "access-small-20", 16, {"n_envs": 2, "n_steps": 8, "batch_size": 16})
SMALL = load("access-small-20")


def test_agent_of_each_seed_is_measured_in_the_block_of_its_number():
    """And its cell is named by the settings of its training."""
    cells = agent_cells("PPO", TINY, SMALL, ("return",), seeds=3, worlds=2)
    assert [cell.blocks for cell in cells] == [(0,), (1,), (2,)]
    other = Training("ppo", "access-small-20", 16, {**TINY.given, "learning_rate": 0.5})
    again = agent_cells("PPO", other, SMALL, ("return",), seeds=1, worlds=2)
    assert again[0].digest not in {cell.digest for cell in cells}
    assert len({cell.digest for cell in cells}) == 3


def test_steps_of_a_training_are_whole_rollouts_in_one_leg():
    """The number nearest to what was asked for."""
    settings = Training("ppo", "access-small-20", 250, TINY.given).settings(4)
    assert (settings.seed, settings.total_timesteps, settings.leg_steps) == (4, 256, 256)


@pytest.mark.parametrize("training", [learned.OF_TIC, learned.OF_ACCESS])
def test_published_trainings_are_allowed(training):
    """Their settings are valid and say on a page what was trained."""
    assert training.settings(4).seed == 4
    assert training.scenario in trained_note("PPO", training, ["PPO", "none"])
    assert trained_note("PPO", training, ["none"]) == ""


@pytest.mark.slow
def test_agent_is_trained_once_and_read_from_its_weights_afterwards(tmp_path, monkeypatch):
    """The kept one decides as the trained one did; another seed is another agent."""
    worlds = [3, 4]
    first = evaluate(learned_policy(TINY.settings(0), tmp_path), SMALL, worlds)
    other = learned_policy(TINY.settings(1), tmp_path)
    assert len(list(tmp_path.iterdir())) == 2

    def refuse(*_, **__):
        raise AssertionError("trained again")

    monkeypatch.setattr("agents.trained.train", refuse)
    second = evaluate(learned_policy(TINY.settings(0), tmp_path), SMALL, worlds)
    np.testing.assert_array_equal(first.returns, second.returns)
    seen = np.random.default_rng(0).random((64, len(field_names()))).astype(np.float32)
    kept = learned_policy(TINY.settings(1), tmp_path)
    masks = np.ones((len(seen), 16), np.int8)
    np.testing.assert_array_equal(kept.actions(seen, masks), other.actions(seen, masks))
