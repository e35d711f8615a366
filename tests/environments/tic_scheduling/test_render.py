"""Pictures of tiny instant communication: what they show, that they move and change nothing."""

import time

import numpy as np
import pytest

from twin_gym.environments.tic_scheduling.env import TicSchedulingEnv
from twin_gym.environments.tic_scheduling.snapshot import take_snapshot


def played(scenario, render_mode, steps=6, **settings):
    """An environment after some steps."""
    env = TicSchedulingEnv(scenario, render_mode=render_mode, **settings)
    env.action_space.seed(0)
    env.reset(seed=1)
    for _ in range(steps):
        env.step(env.action_space.sample())
    return env


@pytest.mark.parametrize(
    ("preset", "action"),
    [("tic-small-45", "weights"), ("tic-large-70", "weights"), ("tic-pick", "pick")],
)
def test_pixels_have_one_shape_and_move(preset, action):
    """(420, 720, 3) uint8 whatever the size; a later picture is another one; margins are empty."""
    env = played(preset, "rgb_array", action=action)
    first = env.render()
    assert first.shape == (420, 720, 3)
    assert first.dtype == np.uint8
    assert (first[:, :8] == first[0, 0]).all()
    for _ in range(5):
        env.step(env.action_space.sample())
    assert (env.render() != first).any()


def test_text_tells_the_state():
    """At most 80 columns: name, deliveries, gateways, messages by slots left."""
    env = played("tic-large-70", "ansi")
    text, snapshot = env.render(), take_snapshot(env)
    assert max(map(len, text.splitlines())) <= 80
    assert "tic-large-70" in text
    assert f"delivered {snapshot.delivered:,}, lost {snapshot.lost:,}" in text
    busiest = int(snapshot.queued.argmax())
    assert f"gateway {busiest:<4}" in text
    assert snapshot.slack.sum() == snapshot.queued.sum()


def test_snapshot_is_the_network():
    """Slots left and fills agree with the arrays of the row."""
    env = played("tic-small-70", "ansi", 8)
    snapshot = take_snapshot(env)
    fills = env.batch.arrays["fills"][0].reshape(-1, 2).max(axis=1) / 4
    assert np.allclose(snapshot.fills, fills)
    assert snapshot.queued.sum() == env.batch.row(0)["queued"]


def test_thirty_frames_a_second():
    """Of a network of 50 sensors, in processor time: the best of three."""
    env = played("tic-small-45", "rgb_array")
    env.render()
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        for _ in range(10):
            env.render()
        best = min(best, time.process_time() - start)
    assert 10 / best > 30
