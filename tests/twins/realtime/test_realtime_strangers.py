"""Input from devices and strangers is taken as data, or refused as a ConfigError."""

import json
from fractions import Fraction
from importlib import resources

import numpy as np
import pytest

from tests.twins.realtime.cases import SCENARIOS, made
from twin_gym.errors import ConfigError, TwinGymError
from twin_gym.twins.realtime import Event, Link, LiveTwin, Snapshot, TwinGraph, graph_from_json
from twin_gym.twins.realtime.model import build_model

BIG = 10**400


def nest(depth):
    """A list in a list in a list."""
    nested = []
    for _ in range(depth):
        nested = [nested]
    return nested


ODD = [
    None, True, -1, 1.5, "x", "3", BIG, 1e308, float("nan"), float("inf"), [], {}, [[]], {"a": 1},
    "\ud800", "a" * 20_000, nest(200), nest(900), ["Telemetry", ["TimeSpan"]], 2**53 + 1,
]  # fmt: skip


@pytest.fixture(scope="module")
def graph():
    """Two twins, joined, and a value."""
    twin_graph = TwinGraph()
    twin_graph.add_twin("gateway/0", "Gateway", {"x_m": 1.0})
    twin_graph.add_twin("sensor/0", "Sensor")
    twin_graph.relate("gateway/0", "serves", "sensor/0")
    twin_graph.advance(5.0)
    twin_graph.take(Event(2.0, "gateway/0", "queue_length", 3))
    return twin_graph


def places(document, above=()):
    """All places in a parsed JSON text."""
    yield above
    inner = document.items() if isinstance(document, dict) else ()
    for key, one in enumerate(document) if isinstance(document, list) else inner:
        yield from places(one, (*above, key))


def changed(document, place, value):
    """A copy with another value at a place."""
    if not place:
        return value
    copy = json.loads(json.dumps(document))
    inner = copy
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return copy


def outcome(ask):
    """Whether it was taken; any error but ours fails the test."""
    try:
        ask()
    except TwinGymError:
        return False
    return True


def test_changed_snapshot_is_read_or_refused(graph):
    """A snapshot with any change is read or refused; one that is read can be written again."""
    document = json.loads(graph.snapshot().to_json())
    outcomes = []
    for place in places(document):
        for value in ODD:
            text = json.dumps(changed(document, place, value))
            outcomes.append(outcome(lambda text=text: graph_from_json(text).snapshot().to_json()))
    assert 0 < sum(outcomes) < len(outcomes) / 4
    for text in ("[" * 100_000, '{"a":' * 100_000, b"\xff\xfe\x00", "", "9" * 5_000, None, 3):
        assert not outcome(lambda text=text: graph_from_json(text))


def test_times_of_a_snapshot_are_numbers(graph):
    """Quotes, truth values and 401 digits are none."""
    text = graph.snapshot().to_json()
    for wrong in ('"5.0"', "true", "null", str(BIG), "NaN", "[5.0]"):
        with pytest.raises(ConfigError):
            graph_from_json(text.replace('"time_s":5.0', f'"time_s":{wrong}'))
    assert Snapshot.parsed(text) == graph.snapshot()


def test_changed_model_is_built_or_refused():
    """Every place of two of the files."""
    folder = resources.files("twin_gym.twins.realtime") / "dtdl"
    documents = [
        json.loads((folder / f"{name}.json").read_text()) for name in ("Battery", "Sensor")
    ]
    for k, document in enumerate(documents):
        for place in places(document):
            for value in ODD:
                variant = changed(document, place, value)
                outcome(
                    lambda variant=variant, k=k: build_model(
                        [*documents[:k], variant, *documents[k + 1 :]]
                    )
                )
    for wrong in (None, "x", {}, [None], 3):
        assert not outcome(lambda wrong=wrong: build_model(wrong))


WRONG = [None, "3", True, BIG, [1.0], float("nan"), b"3", np.timedelta64(3, "s"), nest(5_000)]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda one: type(one).__name__)
def test_numbers_that_are_none_are_refused(graph, wrong):
    """In events, times, links and twins of running environments."""
    env = made("tic")
    for ask in (
        lambda: graph.take(Event(wrong, "gateway/0", "queue_length", 1)),
        lambda: graph.take(Event(3.0, "gateway/0", "x_m", wrong)),
        lambda: graph.take(Event(3.0, wrong, "x_m", 1.0)),
        lambda: graph.take(Event(3.0, "gateway/0", wrong, 1.0)),
        lambda: graph.take(wrong),
        lambda: graph.advance(wrong),
        lambda: Link(loss=wrong),
        lambda: Link(delay_s=wrong),
        lambda: Link(seed=wrong),
        lambda: Link().send([Event(1.0, "a", "b", 1)], wrong),
        lambda: Link().arrived(wrong),
        lambda: LiveTwin(env, period_s=wrong),
        lambda: LiveTwin(env, row=wrong),
    ):
        with pytest.raises(ConfigError):
            ask()


def test_numbers_of_numpy_are_what_they_are(graph):
    """As of a graph's time, and as the seed of a link."""
    graph.take(Event(np.int64(4), "gateway/0", "queue_length", np.array(7)), np.int64(2))
    assert graph.value("gateway/0", "queue_length") == 7
    assert graph.age_s("gateway/0", "queue_length") == graph.now_s - 4.0
    graph.advance(Fraction(13, 2))
    assert graph.now_s == 6.5
    json.loads(graph.snapshot().to_json())
    events = [Event(0.0, "a", "b", k) for k in range(50)]
    arrivals = []
    for seed in (3, np.int64(3), np.array(3)):
        link = Link(np.float32(0.5), 0, 1, seed)
        link.send(events, np.float64(0.0))
        arrivals.append(link.arrived(np.inf))
    assert arrivals[0] == arrivals[1] == arrivals[2]
    assert 0 < len(arrivals[0]) < 50


@pytest.mark.parametrize("kind", SCENARIOS)
def test_all_is_told_as_of_whole_nanoseconds_divided_once(kind):
    """Now, of every event and in every graph: 0.013 s is 0.013 s."""
    env = made(kind)
    twin = LiveTwin(env)
    env.reset(seed=4)
    times_s = set()
    for _ in range(150):
        times_s |= {one.event.time_s for one in twin.observe()} | {twin.now_s}
        times_s.add(json.loads(twin.graph.snapshot().to_json())["time_s"])
        if env.step(env.action_space.sample())[3]:
            break
    assert len(times_s) > 50
    assert all(one == round(one * 1e9) / 1e9 for one in times_s)
