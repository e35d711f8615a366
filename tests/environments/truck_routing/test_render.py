"""Pictures of truck routing, in characters and in pixels, and what the real-time twin is told."""

import time

import numpy as np
import pytest

from twin_gym.environments.truck_routing.env import TruckRoutingEnv
from twin_gym.environments.truck_routing.snapshot import take_snapshot
from twin_gym.environments.truck_routing.twin import TruckAdapter
from twin_gym.scenario.loading import load
from twin_gym.twins.realtime.graph import TwinGraph


def played(scenario, render_mode="ansi", steps=12, **settings):
    """An environment after some allowed steps."""
    env = TruckRoutingEnv(scenario, render_mode=render_mode, **settings)
    _, info = env.reset(seed=1)
    for step in range(steps):
        allowed = np.flatnonzero(info["action_mask"])
        *_, info = env.step(allowed[(7 * step) % max(len(allowed) - 1, 1)])
    return env


@pytest.mark.parametrize("preset", ["truck-grid-20", "truck-grid-50-fleet"])
@pytest.mark.parametrize("form", ["pick", "nearest"])
def test_pixels_have_one_shape_and_move(preset, form):
    """(420, 720, 3) uint8 whatever the size; a later picture is another one; margins are empty."""
    env = played(preset, "rgb_array", action=form)
    first = env.render()
    assert first.shape == (420, 720, 3)
    assert first.dtype == np.uint8
    assert (first[:, :8] == first[0, 0]).all()
    env.step(env.action_masks().argmax())
    assert (env.render() != first).any()


def test_text_tells_the_state():
    """At most 80 columns: name, day, what was driven and lost, bins by fill, and every truck."""
    env = played(load("truck-grid-50-fleet").replace(num_trucks=9))
    text, state = env.render(), take_snapshot(env)
    assert max(map(len, text.splitlines())) <= 80
    assert "truck-grid-50-fleet" in text
    assert "day 1 of" in text
    assert f"{state.distance_km:.1f} km, {state.stops} stops" in text
    assert f"decides at bin {state.trucks[state.deciding].place}" in text
    assert "and 1 more trucks" in text
    counts = [int(line[10:16]) for line in text.splitlines() if " %  " in line[:12]]
    assert sum(counts) == 50
    assert counts[-1] == (np.minimum(state.fills, 0.999) >= 0.75).sum()
    loads = [truck.load for truck in state.trucks]
    assert 0.0 < max(loads) <= 1.0


def test_the_real_time_twin_is_told_what_is_known():
    """Of bins that have reported or were emptied, the content and since when; of trucks, loads."""
    env = played("truck-grid-50-fleet")
    adapter, known = TruckAdapter(env.batch, 0), env.batch.believed(0)
    graph = TwinGraph()
    adapter.build(graph)
    events = {(event.twin, event.property): event for event in adapter.measure()}
    told = [i for i in range(50) if (f"bin/{i}", "content_l") in events]
    assert 0 < len(told) <= 50
    for i in told:
        event = events[f"bin/{i}", "content_l"]
        assert (event.time_s, event.value) == (known.read_at_s[i], known.reading_l[i])
        assert event.time_s <= adapter.now_s
    assert adapter.now_s == known.time_s > 0.0
    assert events[f"truck/{known.truck}", "load_l"].value == known.load_l


def test_thirty_pictures_a_second():
    """Of 50 bins, in processor time: the best of three."""
    env = played("truck-grid-50", "rgb_array")
    env.render()
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        for _ in range(10):
            env.render()
        best = min(best, time.process_time() - start)
    assert 10 / best > 30
