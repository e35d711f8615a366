"""Pictures of truck routing: what they show, that they move and change nothing."""

import time
from dataclasses import replace

import numpy as np
import pytest

from twin_gym.core.canvas import BACKGROUND, COLOURS, HEIGHT, WIDTH, Canvas
from twin_gym.environments.truck_routing import picture
from twin_gym.environments.truck_routing.env import TruckRoutingEnv
from twin_gym.environments.truck_routing.picture import FILL_COLOURS, FULL, fill_colour, paint
from twin_gym.environments.truck_routing.policies import NearestFullPolicy
from twin_gym.environments.truck_routing.snapshot import street_map_of, take_snapshot
from twin_gym.scenario.changes import changed
from twin_gym.scenario.loading import load


def played(scenario, render_mode, steps=8, **settings):
    """An environment after some steps of the default policy, each of them looked at."""
    env = TruckRoutingEnv(scenario, render_mode=render_mode, **settings)
    policy = NearestFullPolicy(env.scenario, settings.get("action", "pick"))
    observation, info = env.reset(seed=1)
    for _ in range(steps):
        take_snapshot(env)
        action = policy.actions(observation[None], info["action_mask"][None])[0]
        observation, *_, info = env.step(int(action))
    return env


@pytest.mark.parametrize(
    ("preset", "action"),
    [("truck-grid-20", "pick"), ("truck-grid-50", "nearest"), ("truck-grid-50-fleet", "pick")],
)
def test_pixels_have_one_shape_and_move(preset, action):
    """(420, 720, 3) uint8 whatever the size; a later picture is another one; margins are empty."""
    env = played(preset, "rgb_array", action=action)
    first = env.render()
    assert first.shape == (420, 720, 3)
    assert first.dtype == np.uint8
    assert (first[:, :8] == first[0, 0]).all()
    for _ in range(3):
        env.step(env.action_space.n - 1)
    assert (env.render() != first).any()


def test_looking_changes_nothing():
    """A run that is painted at every step has the rewards of one that is not."""
    rewards = []
    for mode in (None, "rgb_array"):
        env = TruckRoutingEnv("truck-grid-20", render_mode=mode)
        env.reset(seed=4)
        env.action_space.seed(0)
        found = []
        for _ in range(10):
            found.append(env.step(env.action_space.sample())[1])
            if mode is not None:
                env.render()
        rewards.append(found)
    assert rewards[0] == rewards[1]


def test_text_tells_the_state():
    """At most 80 columns: the clock, stops, the load of the truck, and the fullest bin."""
    env = played("truck-grid-20", "ansi")
    text, snapshot = env.render(), take_snapshot(env)
    assert max(map(len, text.splitlines())) <= 80
    assert "truck-grid-20" in text
    assert f"{snapshot.stops} stops" in text
    assert f"{snapshot.trucks[0].load_l:,.0f} l" in text
    fullest = int(snapshot.predicted.argmax())
    (line,) = (one for one in text.splitlines() if one.startswith(snapshot.bin_names[fullest]))
    assert f"{snapshot.predicted[fullest]:.0%}" in line
    assert f"{snapshot.true[fullest]:.0%}" in line


def test_snapshot_is_the_network():
    """Fills, ages and loads agree with the batch; ages grow, and an emptying ends them."""
    env = played("truck-grid-20", "ansi", 2)
    snapshot, belief = take_snapshot(env), env.batch.believed(0)
    capacity = env.batch.tables.bin_tables[0].capacity_l
    assert np.allclose(snapshot.predicted * capacity, belief.predicted_l)
    assert np.allclose(snapshot.true * capacity, env.batch.contents_l(0))
    assert snapshot.trucks[0].load_l == belief.load_l
    assert snapshot.age_s[snapshot.trucks[0].place] == 0.0
    assert snapshot.true[snapshot.trucks[0].place] == 0.0


def test_route_is_that_of_the_shift():
    """It begins at the depot, has the bins that were served, and is forgotten in the morning."""
    env = TruckRoutingEnv("truck-grid-20", render_mode="ansi")
    _, info = env.reset(seed=1)
    depot, served = env.scenario.num_bins, []
    for _ in range(3):
        served.append(int(info["action_mask"].argmax()))
        *_, info = env.step(served[-1])
        snapshot = take_snapshot(env)
    assert snapshot.trucks[0].route == (depot, *served)
    day = snapshot.now_s // 86_400
    while take_snapshot(env).now_s // 86_400 == day:
        env.step(depot)
    assert take_snapshot(env).trucks[0].route == (depot,)
    env.step(0)
    env.reset(seed=1)
    assert take_snapshot(env).trucks[0].route == (depot,)


def test_clock_is_that_of_the_city():
    """Shifts begin at six; the horizon is in the last shift."""
    env = TruckRoutingEnv("truck-grid-20", render_mode="ansi")
    env.reset(seed=1)
    assert take_snapshot(env).clock == "shift 1 of 3, 06:00"
    truncated = False
    while not truncated:
        *_, truncated, _ = env.step(env.scenario.num_bins)
    assert take_snapshot(env).clock == "shift 3 of 3, 06:00"


def test_dot_is_believed_and_ring_is_true():
    """Where the twin is wrong the two have different colours; a fresh dot is larger."""
    sizes = {}
    for age_s in (0.0, 86_400.0):
        canvas = Canvas()
        picture._paint_bin(canvas, 100.0, 100.0, 9.0, FULL, FILL_COLOURS[0], age_s)
        pixels = canvas.pixels()[85:115, 85:115].reshape(-1, 3)
        assert (pixels == FULL).all(axis=1).any()
        sizes[age_s] = (pixels == FILL_COLOURS[0]).all(axis=1).sum()
    assert sizes[0.0] > 2 * sizes[86_400.0] > 0


@pytest.mark.parametrize(("predicted", "true"), [(1.0, 0.0), (0.0, 1.0)])
def test_picture_has_both_fills(predicted, true):
    """In the middle of a bin is what is predicted, at its edge what is true."""
    env = played("truck-grid-20", "rgb_array", 1)
    snapshot = take_snapshot(env)
    same = np.ones_like(snapshot.true)
    shown = replace(snapshot, predicted=predicted * same, true=true * same, age_s=0.0 * same)
    pixels = paint(shown)
    at = picture._on_canvas(snapshot.street_map)
    far = np.abs(at[:-1] - at[snapshot.trucks[0].place]).sum(axis=1).argmax()  # from the truck
    x, y = np.rint(at[far]).astype(int)
    assert tuple(pixels[y, x]) == fill_colour(predicted)
    assert (pixels[y, x - 10 : x + 11] == fill_colour(true)).all(axis=1).any()


def test_full_bins_have_a_colour_of_their_own():
    """The others go from light to dark."""
    colours = [fill_colour(fill) for fill in np.linspace(0.0, 0.99, 50)]
    brightness = [sum(one) for one in colours]
    assert (np.diff(brightness) <= 0).all()
    assert colours[0] == FILL_COLOURS[0]
    assert colours[-1] == FILL_COLOURS[-1]
    assert fill_colour(1.0) == FULL == COLOURS[5]


@pytest.mark.parametrize("width_m", [400.0, 1_000.0, 4_000.0])
def test_all_places_are_on_the_map(width_m):
    """Whether the map is square, high or wide: the list of trucks and the legend stand free."""
    one = changed(
        load("truck-grid-20"),
        {"bins.width_m": width_m, "bins.spacing_m": None, "roads": {"law": "straight"}},
    )
    street_map = street_map_of(one)
    left, top, right, bottom = picture._places_of(street_map).box
    x, y = picture._on_canvas(street_map).T
    assert left < x.min()
    assert x.max() < right
    assert top < y.min()
    assert y.max() < bottom
    assert (left, bottom) < (right, HEIGHT)
    assert right <= WIDTH


def test_streets_are_painted_once(monkeypatch):
    """A second picture of the same map paints no street."""
    env = played("truck-grid-20", "rgb_array", 2)
    env.render()
    calls = []
    line = Canvas.line
    monkeypatch.setattr(
        Canvas, "line", lambda self, *args: (calls.append(args[1]), line(self, *args))[1]
    )
    env.step(env.scenario.num_bins)
    env.render()
    assert calls
    assert picture._STREET not in calls


def test_a_canvas_over_another_leaves_that_as_it_is():
    """The map below is used again for the next picture."""
    below = Canvas()
    above = Canvas(below)
    above.box(10, 10, 20, 20, FULL)
    assert (below.pixels() == BACKGROUND).all()
    assert (above.pixels()[15, 15] == FULL).all()


def test_twenty_pictures_a_second():
    """Of fifty bins and two trucks, in processor time: the best of three."""
    env = played("truck-grid-50-fleet", "rgb_array")
    env.render()
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        for _ in range(10):
            env.render()
        best = min(best, time.process_time() - start)
    assert 10 / best > 20


def test_picture_of_many_trucks_says_how_many_are_left_out():
    """Nothing is painted over the legend."""
    one = changed(load("truck-grid-50-fleet"), {"num_trucks": 16})
    env = TruckRoutingEnv(one, render_mode="rgb_array")
    env.reset(seed=1)
    snapshot = take_snapshot(env)
    assert len(snapshot.trucks) == 16
    assert paint(snapshot).shape == (420, 720, 3)
    env.render_mode = "ansi"
    assert "and 12 more trucks" in env.render()
