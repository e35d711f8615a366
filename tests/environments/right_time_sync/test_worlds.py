"""The world of right-time synchronisation depends on its seed alone."""

import numpy as np
import pytest

from twin_gym.core.draws import world_key
from twin_gym.environments.right_time_sync.layout import build_tables
from twin_gym.environments.right_time_sync.vector import RightTimeSyncVectorEnv
from twin_gym.environments.right_time_sync.world import World
from twin_gym.scenario.loading import load


def short(preset="sync-small", slots=40, **changes):
    """A preset of a few slots."""
    scenario = load(preset)
    return scenario.replace(horizon_s=slots * scenario.slot_s, **changes)


def test_values_and_losses_do_not_depend_on_decisions():
    """The world of a seed alone decides values and losses."""
    scenario = short()
    fates = {}
    for stride in (1, 7):
        env = RightTimeSyncVectorEnv(2, scenario, autoreset_mode="Disabled")
        env.reset(seed=9)
        for slot in range(scenario.num_slots):
            entity = slot * stride % 50
            before = env.batch.arrays["rows"]["delivered"].copy()
            env.step(np.full(2, entity))
            arrived = env.batch.arrays["rows"]["delivered"] > before
            for row in range(2):
                world = World(build_tables([scenario]), 0, int(world_key(np.uint64(9 + row), 0)))
                assert arrived[row] == world.is_delivered(entity, slot, 1)
                if arrived[row]:
                    assert env.batch.twin(row)["value"][entity] == world.value(entity, slot)
                fates[row, entity, slot] = arrived[row]
    assert 0.5 < np.mean(list(fates.values())) < 1.0


def test_world_does_not_depend_on_the_channel_or_the_rules():
    """Other delivery, delays, costs and predictors: the same values in the same slots."""
    one = short()
    other = one.replace(
        delivery_probability=0.3, delay_slots=3, update_cost=0.5, predictor="trend", tolerance=0.2
    )
    paths = [
        [World(build_tables([scenario]), 0, 77).path(k) for k in range(50)]
        for scenario in (one, other)
    ]
    assert np.array_equal(*paths)


def test_losses_are_paired_over_delivery_probabilities():
    """Updates that arrive over a bad channel arrive over a better one, at the agreed rates."""
    arrived = {}
    for share in (0.3, 0.8):
        world = World(build_tables([short(delivery_probability=share)]), 0, 5)
        arrived[share] = np.array(
            [[world.is_delivered(k, t, 1) for t in range(40)] for k in range(50)]
        )
        assert arrived[share].mean() == pytest.approx(share, abs=4.5 * np.sqrt(0.25 / 2000))
    assert not (arrived[0.3] & ~arrived[0.8]).any()


def test_entities_and_worlds_have_values_of_their_own():
    """No two entities of a world, nor an entity in two worlds, have the same path."""
    tables = build_tables([short()])
    seen = [World(tables, 0, key).path(k).tobytes() for key in (1, 2) for k in range(40)]
    assert len(set(seen)) == 80
    walks = np.array([World(tables, 0, key).path(3) for key in range(200)])
    others = np.array([World(tables, 0, key).path(4) for key in range(200)])
    assert abs(np.corrcoef(walks[:, 9], others[:, 9])[0, 1]) < 4.5 / np.sqrt(200)
