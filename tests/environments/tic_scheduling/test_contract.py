"""The contract of TIC scheduling, besides that of every environment."""

import itertools

import numpy as np
import pytest

from twin_gym.environments.tic_scheduling.env import TicSchedulingEnv
from twin_gym.environments.tic_scheduling.observation import field_names
from twin_gym.environments.tic_scheduling.vector import TicSchedulingVectorEnv
from twin_gym.errors import ConfigError
from twin_gym.scenario.loading import load


def test_picks_need_the_same_sensors():
    """An action means the same in all scenarios."""
    one = load("tic-pick")
    with pytest.raises(ConfigError, match="same number of sensors"):
        TicSchedulingEnv([one, one.replace(num_sensors=5)], action="pick")
    TicSchedulingEnv([one, one.replace(burst_fraction=0.7)], action="pick")


def test_several_picks_of_a_slot_take_no_time():
    """As many decisions at one instant as there are grants, then a slot has passed."""
    scenario = load("tic-pick").replace(grants=3, burst_fraction=1.0)
    env = TicSchedulingEnv(scenario, action="pick")
    _, info = env.reset(seed=0)
    elapsed = []
    for _ in range(200):
        *_, info = env.step(int(info["action_mask"].argmax()))
        elapsed.append(info["elapsed_s"])
    slots = [len(list(group)) for slot, group in itertools.groupby(elapsed) if slot == 0.0]
    assert set(elapsed) == {0.0, scenario.slot_s}
    assert max(slots) == 2


def test_observation_does_not_depend_on_the_size():
    """One policy for networks of 50 and of 1,000 sensors."""
    env = TicSchedulingVectorEnv(8, ["tic-small-45", "tic-large-45"])
    observations, _ = env.reset(seed=0)
    assert observations.shape == (8, len(field_names()))
    sizes = {env.batch.scenario_of(row).num_sensors for row in range(8)}
    assert sizes == {50, 1000}


def test_topology_is_the_graph_of_the_running_network():
    """Every sensor has one gateway; what waits is told."""
    env = TicSchedulingEnv("tic-medium-70")
    env.reset(seed=1)
    for _ in range(8):
        env.step(np.ones(4, np.float32))
    graph = env.topology()
    sensors = [
        node for node, attributes in graph.nodes(data=True) if attributes["kind"] == "sensor"
    ]
    assert len(sensors) == 250
    assert all(graph.degree(node) == 1 for node in sensors)
    waiting = sum(graph.nodes[node]["queued"] for node in sensors)
    assert waiting == env.batch.row(0)["queued"]
    assert waiting == sum(graph.nodes[f"gateway {g}"]["queued"] for g in range(8))
