"""The world of tiny instant communication depends on its seed alone."""

import numpy as np
import pytest

from twin_gym.core.draws import world_key
from twin_gym.environments.tic_scheduling.layout import build_tables
from twin_gym.environments.tic_scheduling.topology import topology_of
from twin_gym.environments.tic_scheduling.vector import TicSchedulingVectorEnv
from twin_gym.environments.tic_scheduling.world import World
from twin_gym.scenario.loading import load


def short(preset, slots=160):
    """A preset of two bursts or more."""
    scenario = load(preset)
    return scenario.replace(horizon_s=slots * scenario.slot_s)


@pytest.mark.parametrize("weights", [(0, 1, 0, 0), (1, 0, 0, 0), (0, 0, 0, 1)])
def test_uplink_does_not_depend_on_decisions(weights):
    """The world alone decides the offered messages, whatever is served."""
    scenario = short("tic-small-70")
    env = TicSchedulingVectorEnv(2, scenario, autoreset_mode="Disabled")
    env.reset(seed=9)
    for _ in range(scenario.num_slots // scenario.frame_slots):
        env.step(np.tile(np.array(weights, np.float32), (2, 1)))
    tables = build_tables([scenario])
    for row in range(2):
        world = World(tables.networks[0], int(world_key(np.uint64(9 + row), 0)))
        assert env.batch.row(row)["offered"][0] == len(world.uplinks(scenario.num_slots))


def test_world_does_not_depend_on_gateways():
    """Another topology, other grants and deadlines: the same sensors ask in the same slots."""
    one = load("tic-medium-45")
    other = one.replace(topology_seed=5, num_gateways=3, grants=9, deadline_slots=2)
    worlds = [World(build_tables([scenario]).networks[0], 77) for scenario in (one, other)]
    assert worlds[0].uplinks(300) == worlds[1].uplinks(300)
    draws = [
        [world.gets_through(queue, slot) for queue in range(40) for slot in range(50)]
        for world in worlds
    ]
    assert draws[0] == draws[1]
    assert 0.8 < np.mean(draws[0]) < 1.0


def test_topology_does_not_depend_on_the_world():
    """It is the scenario's: every episode of every row has the same, other seeds others."""
    one = load("tic-small-45")
    first, again, other = (topology_of(s) for s in (one, one, one.replace(topology_seed=1)))
    assert np.array_equal(first.sensors_m, again.sensors_m)
    assert not np.array_equal(first.sensors_m, other.sensors_m)
    distances = np.linalg.norm(first.sensors_m[:, None] - first.gateways_m, axis=2)
    assert np.array_equal(first.gateway_of, distances.argmin(axis=1))


def test_shares_are_those_of_the_scenario():
    """Background messages and successes come as often as the scenario says."""
    scenario = load("tic-small-45").replace(
        burst_fraction=0.0, background_rate_hz=800.0, bad_share=0.25, good_success=0.9
    )
    world = World(build_tables([scenario]).networks[0], 12345)
    slots = 400
    messages = world.uplinks(slots)
    pairs = slots * scenario.num_sensors
    assert len(messages) / pairs == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / pairs))
    drawn = [world.gets_through(2 * s, t) for s in range(50) for t in range(slots)]
    assert np.mean(drawn) == pytest.approx(0.75 * 0.9 + 0.25 * 0.5, abs=0.03)
    asked = np.bincount([s for _, s in messages], minlength=50)
    assert asked.std() < 3 * np.sqrt(asked.mean())
