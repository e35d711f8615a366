"""The contract of massive access, besides that of every environment."""

import gymnasium
import numpy as np
import pytest

from tests.environments.massive_access.case import CASE
from twin_gym.errors import ConfigError
from twin_gym.scenario.loading import load, names

ENV_ID = "twin_gym/MassiveAccess-v0"


def test_presets_are_there():
    """Three sizes with three shares each, and the traffic models of the standard."""
    assert len(names("access")) == 13
    assert load("access-large-70").burst_devices == 700


def test_a_level_is_its_probability():
    """Both forms of action are one environment: the level's probability gives the same."""
    scenario = CASE.shorten(load("access-large-70"))
    levels = gymnasium.make(ENV_ID, scenario=scenario)
    # The vector form: its actions may be float64, which a level's probability is.
    vector = gymnasium.make_vec(ENV_ID, num_envs=1, scenario=scenario, action="probability")
    observation, _ = levels.reset(seed=3)
    other, _ = vector.reset(seed=3)
    for step in range(30):
        assert np.array_equal(observation, other[0])
        level = step * 5 % 16
        observation, reward, *_ = levels.step(level)
        actions = np.array([[scenario.barring_probabilities[level]]])
        other, rewards, *_ = vector.step(actions)
        assert reward == rewards[0]


def test_scenarios_with_other_levels_are_refused_together():
    """An action must mean the same in every episode."""
    one = CASE.shorten(load("access-small-20"))
    with pytest.raises(ConfigError, match="same barring levels"):
        gymnasium.make(ENV_ID, scenario=[one, one.replace(least_barring=0.01)])


def test_topology_is_a_star_of_all_devices():
    """The base station in the middle; who waits is marked."""
    env = gymnasium.make(ENV_ID, scenario=CASE.shorten(load("access-small-70"))).unwrapped
    env.reset(seed=0)
    for _ in range(20):
        env.step(15)
    graph = env.topology()
    assert graph.degree["base station"] == 50
    states = [state for node, state in graph.nodes("state") if node != "base station"]
    assert len(states) - states.count("silent") == len(env.batch.waiting(0)) > 0
