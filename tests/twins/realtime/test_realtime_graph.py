"""The graph of twins: values, ages, neighbours, late events, snapshots."""

import dataclasses
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.twins.realtime import Event, TwinGraph, graph_from_json
from twin_gym.twins.realtime.snapshot import Snapshot


@pytest.fixture
def graph():
    """A gateway that serves two sensors, at 10 s."""
    twin_graph = TwinGraph()
    twin_graph.add_twin("network", "Network")
    twin_graph.add_twin("gateway/0", "Gateway", {"x_m": 1.0, "grants": 3})
    twin_graph.relate("network", "has_gateway", "gateway/0")
    for sensor in ("sensor/0", "sensor/1"):
        twin_graph.add_twin(sensor, "Sensor")
        twin_graph.relate("gateway/0", "serves", sensor)
    twin_graph.advance(10.0)
    return twin_graph


def test_value_is_the_last_one_and_ages(graph):
    """Age is now less when the value was true, not less when it was heard."""
    assert graph.value("sensor/0", "uplink_queue") is None
    assert graph.age_s("sensor/0", "uplink_queue") == math.inf
    assert graph.take(Event(7.5, "sensor/0", "uplink_queue", 2))
    assert graph.value("sensor/0", "uplink_queue") == 2
    assert graph.age_s("sensor/0", "uplink_queue") == 2.5
    graph.advance(12.0)
    assert graph.age_s("sensor/0", "uplink_queue") == 4.5
    assert graph.age_s("gateway/0", "grants") == 12.0  # told with the twin, at 0 s


def test_late_event_is_ignored_and_counted(graph):
    """Of two of one time, the one that was sent later counts, whichever arrives first."""
    graph.take(Event(7.0, "sensor/0", "uplink_queue", 2), 5)
    assert not graph.take(Event(6.0, "sensor/0", "uplink_queue", 9), 6)
    assert not graph.take(Event(7.0, "sensor/0", "uplink_queue", 8), 4)
    assert not graph.take(Event(7.0, "sensor/0", "uplink_queue", 2), 5)
    assert (graph.value("sensor/0", "uplink_queue"), graph.late, graph.taken) == (2, 3, 1)
    assert graph.take(Event(7.0, "sensor/0", "uplink_queue", 3), 6)
    assert (graph.value("sensor/0", "uplink_queue"), graph.late, graph.taken) == (3, 3, 2)


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 1), st.integers(0, 99)), min_size=1, max_size=30
    ),
    st.randoms(use_true_random=False),
)
def test_order_of_arrival_does_not_matter(triples, chance):
    """The final state does not depend on the order in which events arrive."""
    events = [
        (Event(float(time), f"sensor/{who}", "uplink_queue", value), number)
        for number, (time, who, value) in enumerate(triples)
    ]
    results = []
    for _ in range(2):
        graph = TwinGraph()
        graph.add_twin("sensor/0", "Sensor")
        graph.add_twin("sensor/1", "Sensor")
        graph.advance(5.0)
        for event, number in events:
            graph.take(event, number)
        assert graph.taken + graph.late == len(events)
        results.append(graph.snapshot())
        chance.shuffle(events)
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (Event(1.0, "sensor/7", "uplink_queue", 1), "unknown twin 'sensor/7'"),
        (Event(1.0, "sensor/0", "uplink_qeue", 1), "did you mean 'uplink_queue'"),
        (Event(1.0, "sensor/0", "uplink_queue", 1.5), "long"),
        (Event(1.0, "sensor/0", "battery.charge_j", "full"), "joule"),
        (Event(10.5, "sensor/0", "uplink_queue", 1), "of the past"),
        (Event(-1.0, "sensor/0", "uplink_queue", 1), "of the past"),
        (Event(math.nan, "sensor/0", "uplink_queue", 1), "of the past"),
    ],
)
def test_event_that_fits_nothing_is_refused(graph, event, said):
    """Unknown twins, properties and types, and times that cannot be; nothing is changed."""
    before = graph.snapshot()
    with pytest.raises(ConfigError, match=said):
        graph.take(event)
    assert graph.snapshot() == before
    assert (graph.taken, graph.late) == (0, 0)


def test_neighbours_are_found_in_both_directions(graph):
    """By one relationship, or by any."""
    assert graph.neighbours("gateway/0", "serves") == ("sensor/0", "sensor/1")
    assert graph.neighbours("sensor/1", "serves", incoming=True) == ("gateway/0",)
    assert graph.neighbours("gateway/0", incoming=True) == ("network",)
    assert graph.neighbours("sensor/1") == ()
    assert graph.twins("Sensor") == ("sensor/0", "sensor/1")
    with pytest.raises(UnknownNameError, match="serves"):
        graph.neighbours("gateway/0", "server")


def test_wrong_twins_and_relationships_are_refused(graph):
    """Each with the reason."""
    with pytest.raises(ConfigError, match="already"):
        graph.add_twin("sensor/0", "Sensor")
    with pytest.raises(ConfigError, match="printable"):
        graph.add_twin("sensor\n", "Sensor")
    with pytest.raises(UnknownNameError, match="Sensor"):
        graph.add_twin("sensor/9", "Senor")
    with pytest.raises(UnknownNameError, match="colour"):
        graph.add_twin("sensor/9", "Sensor", {"colour": "red"})
    assert "sensor/9" not in graph
    with pytest.raises(ConfigError, match="leads to a Sensor"):
        graph.relate("gateway/0", "serves", "network")
    with pytest.raises(UnknownNameError, match="relationship of a Sensor"):
        graph.relate("sensor/0", "serves", "sensor/1")
    with pytest.raises(ConfigError, match="already"):
        graph.relate("gateway/0", "serves", "sensor/0")
    graph.add_twin("gateway/1", "Gateway")
    with pytest.raises(UnknownNameError, match="amount"):
        graph.relate("network", "has_gateway", "gateway/1", {"amount": 1.0})
    for time_s in (9.0, math.inf, math.nan):
        with pytest.raises(ConfigError, match="time does not go"):
            graph.advance(time_s)


def test_networkx_copy_has_kinds_values_and_relationships(graph):
    """For all that networkx can do; changing it changes no twin."""
    copied = graph.networkx()
    assert copied.nodes["gateway/0"] == {"interface": "Gateway", "x_m": 1.0, "grants": 3}
    assert copied.has_edge("gateway/0", "sensor/0", "serves")
    copied.remove_node("gateway/0")
    assert "gateway/0" in graph


def test_snapshot_stays_as_it_was_and_is_compared_by_value(graph):
    """Later events are not in it."""
    first = graph.snapshot()
    assert first == graph.snapshot()
    assert hash(first) == hash(graph.snapshot())
    graph.take(Event(8.0, "sensor/1", "downlink_queue", 4))
    second = graph.snapshot()
    assert first != second
    assert first.value("sensor/1", "downlink_queue") is None
    assert first.age_s("sensor/1", "downlink_queue") == math.inf
    assert second.value("sensor/1", "downlink_queue") == 4
    assert second.age_s("sensor/1", "downlink_queue") == 2.0
    assert first.digest != second.digest
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.time_s = 0.0


def test_snapshot_goes_to_json_and_back(graph):
    """To an equal one, with a graph that goes on from there."""
    graph.take(Event(8.25, "sensor/1", "battery.charge_j", 0.1))
    text = graph.snapshot().to_json()
    again = graph_from_json(text)
    assert again.snapshot() == graph.snapshot() == Snapshot.parsed(text)
    assert again.snapshot().to_json() == text
    assert again.now_s == 10.0
    assert again.neighbours("gateway/0", "serves") == ("sensor/0", "sensor/1")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"format":"twin_gym snapshot 1"', '"format":"twin_gym snapshot 2"'),
        ('"Gateway"', '"Gatway"'),
        ('"grants":[0.0,3]', '"grants":[0.0,3.5]'),
        ('"grants":[0.0,3]', '"grants":[99.0,3]'),
        ('"grants":[0.0,3]', '"grants":[0.0]'),
        ('"grants":[0.0,3]', '"grants":[0.0,NaN]'),
        ('"serves"', '"servers"'),
        ('["gateway/0","serves","sensor/0",{}]', '[["gateway/0"],"serves","sensor/0",{}]'),
        ('"time_s":10.0', '"time_s":Infinity'),
        ("}", ""),
    ],
)
def test_text_that_is_no_snapshot_is_refused(graph, old, new):
    """Each change of the text breaks it."""
    text = graph.snapshot().to_json()
    assert old in text
    with pytest.raises(ConfigError):
        graph_from_json(text.replace(old, new))


def test_deep_or_foreign_json_is_refused():
    """Not with an error of Python's own."""
    for text in ("[" * 100_000, "[]", "null", json.dumps({"format": 1}), ""):
        with pytest.raises(ConfigError):
            graph_from_json(text)
