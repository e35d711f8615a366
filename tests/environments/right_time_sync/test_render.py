"""Pictures of right-time synchronisation: what they show, that they move and change nothing."""

import time

import numpy as np
import pytest

from twin_gym.environments.right_time_sync.env import RightTimeSyncEnv


def played(scenario, render_mode, steps=12, **settings):
    """An environment after some steps."""
    env = RightTimeSyncEnv(scenario, render_mode=render_mode, **settings)
    env.action_space.seed(0)
    env.reset(seed=1)
    for _ in range(steps):
        env.step(env.action_space.sample())
    return env


@pytest.mark.parametrize(
    ("preset", "action", "steps"),
    [("sync-small", "pick", 12), ("sync-large", "rounds", 12), ("sync-rounds", "rounds", 3)],
)
def test_pixels_have_one_shape_and_move(preset, action, steps):
    """(420, 720, 3) uint8 whatever the size; a later picture is another one; margins are empty."""
    env = played(preset, "rgb_array", steps, action=action)
    first = env.render()
    assert first.shape == (420, 720, 3)
    assert first.dtype == np.uint8
    assert (first[:, :8] == first[0, 0]).all()
    for _ in range(5):
        env.step(env.action_space.sample())
    assert (env.render() != first).any()


def test_text_tells_the_state():
    """At most 80 columns: name, updates, and the ages of every group."""
    env = played("sync-small", "ansi")
    text, row, twin = env.render(), env.batch.row(0), env.batch.twin(0)
    assert max(map(len, text.splitlines())) <= 80
    assert "sync-small" in text
    assert f"updates {row['updates']}, delivered {row['delivered']}" in text
    lines = {line.split()[0]: line.split() for line in text.splitlines()[3:] if line}
    for name, these in (("load", slice(0, 20)), ("door", slice(40, 50))):
        assert float(lines[name][1]) == pytest.approx(twin["age"][these].mean(), rel=1e-3)
        assert float(lines[name][2]) == twin["age"][these].max()
        rms = np.sqrt(twin["error"][these].mean())
        assert float(lines[name][3]) == pytest.approx(rms, rel=1e-2)


def test_thirty_pictures_a_second():
    """Of 50 entities, in processor time: the best of three."""
    env = played("sync-small", "rgb_array")
    env.render()
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        for _ in range(10):
            env.render()
        best = min(best, time.process_time() - start)
    assert 10 / best > 30
