"""Telemetry of an episode in a store, as counters and values; and what adapters report."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest

from tests.twins.scenarios.estimation_cases import graph_of, property_events, telemetry_of
from twin_gym.environments.factory import vector_env
from twin_gym.scenario.changes import changed
from twin_gym.scenario.loading import load
from twin_gym.twins.history import open_store
from twin_gym.twins.realtime import LiveTwin

CALLS, SLICE = "service/immersive", "slice/immersive"


@pytest.fixture
def heard(tmp_path):
    """Makes an episode of the contended network in which some events were heard."""
    with open_store(tmp_path / "store.db") as store:
        base = load("contention")
        yield lambda *several, **more: telemetry_of(store, base, [*chain(*several)], **more)


def test_counter_grows_evenly_between_what_was_heard_and_nowhere_else(heard):
    """Known from 2 to 10 s; a window within, across each end, beyond, and of no length."""
    telemetry = heard(property_events(CALLS, "offered", [(2, 10), (6, 18), (10, 19)]))
    growth = {
        (3.0, 8.0): (6.5, 5.0),
        (0.0, 4.0): (4.0, 2.0),
        (8.0, 20.0): (0.5, 2.0),
        (0.0, 20.0): (9.0, 8.0),
        (11.0, 20.0): (0.0, 0.0),
        (0.0, 2.0): (0.0, 0.0),
        (5.0, 5.0): (0.0, 0.0),
    }
    for window, expected in growth.items():
        assert telemetry.growth(CALLS, "offered", *window) == pytest.approx(expected)
    assert telemetry.growth(CALLS, "served", 0.0, 9.0) == (0.0, 0.0)


def test_of_the_values_of_one_time_the_last_counts(heard):
    """As a series all stay."""
    telemetry = heard(property_events(CALLS, "offered", [(1, 3), (1, 4), (2, 5), (2, 6), (2, 7)]))
    times_s, values = telemetry.moments(CALLS, "offered")
    assert (times_s.tolist(), values.tolist()) == ([1.0, 2.0], [4.0, 7.0])
    assert telemetry.series(CALLS, "offered").values.tolist() == [3.0, 4.0, 5.0, 6.0, 7.0]
    assert len(telemetry.moments(CALLS, "nothing").times_s) == 0


def test_a_window_is_as_old_as_the_oldest_of_the_last_values(heard):
    """At the end of it, even if there is one; 0 where one was never heard."""
    telemetry = heard(
        property_events(CALLS, "offered", [(1, 1), (5, 2), (9, 3)]),
        property_events(CALLS, "served", [(4, 1)]),
    )
    assert telemetry.last_s(CALLS, "offered", end_s=5.0) == 5.0
    assert telemetry.last_s(CALLS, "offered", end_s=8.0) == 5.0
    assert telemetry.last_s(CALLS, "offered", "served", end_s=12.0) == 4.0
    assert telemetry.last_s(CALLS, "offered", "lost", end_s=12.0) == 0.0
    assert telemetry.last_s(CALLS, "offered", end_s=0.5) == 0.0


def test_episode_ends_with_the_last_that_services_told(heard):
    """Of them all; of other twins where no service told anything; at 0 where nothing did."""
    parts = property_events(SLICE, "queue_length", [(1, 0), (11, 2)])
    services = property_events(CALLS, "offered", [(1, 0), (7, 2)]) + property_events(
        "service/hrllc", "lost", [(9, 1)]
    )
    assert heard(parts, services).end_s == 9.0
    assert heard(parts).end_s == 11.0
    assert heard().end_s == 0.0


def test_what_is_later_is_not_looked_at(heard):
    """Values, ends, and the first of the graphs rather than a later one."""
    events = property_events(CALLS, "offered", [(1, 0), (7, 2), (9, 4)])
    graphs = [
        graph_of([(SLICE, "Slice", {"queue_limit": limit})], time_s)
        for limit, time_s in ((3, 6.0), (5, 8.0))
    ]
    telemetry = heard(events, snapshots=graphs, until_s=7.0)
    assert telemetry.end_s == 7.0
    assert telemetry.series(CALLS, "offered").values.tolist() == [0.0, 2.0]
    assert telemetry.told(SLICE, "queue_limit") == 3.0
    assert heard(events, snapshots=graphs).told(SLICE, "queue_limit") == 5.0


def test_what_was_told_with_twins_is_true_from_the_beginning(heard):
    """A graph that was kept later tells of it; nothing does of what is not in any."""
    graph = graph_of([(SLICE, "Slice", {"queue_limit": 3}), ("slice/hrllc", "Slice", {})], 6.0)
    telemetry = heard(snapshots=[graph], until_s=2.0)
    assert telemetry.told(SLICE, "queue_limit") == 3.0
    assert telemetry.told("slice/hrllc", "queue_limit") is None
    assert telemetry.told("slice/other", "queue_limit") is None
    assert (telemetry.count("Slice"), telemetry.count("Service")) == (2, 0)
    bare = heard()
    assert bare.told(SLICE, "queue_limit") is None
    assert bare.count("Slice") == 0


def test_twin_of_tic_counts_transmissions_and_tells_of_buffers():
    """As many as were tried, more than came, fewer than in all slots of all grants."""
    one = changed(load("tic-small-45"), {"horizon_s": 0.012, "buffer_messages": 5})
    env = vector_env(one, 1)
    twin = LiveTwin(env)
    env.action_space.seed(1)
    env.reset(seed=3)
    counts, is_over = [], False
    while not is_over:
        twin.observe()
        row = env.batch.row(0)
        counts.append((twin.graph.value("network", "transmissions"), int(row["delivered"].sum())))
        assert counts[-1][0] == row["attempts"]
        came = [twin.graph.value(f"service/{one}", "served") for one in ("uplink", "downlink")]
        assert came == row["delivered"].tolist()
        assert twin.graph.age_s("network", "transmissions") == 0.0
        *_, truncated, _ = env.step(env.action_space.sample())
        is_over = bool(truncated[0])
    tries, delivered = np.array(counts).T
    assert (np.diff(tries) >= np.diff(delivered)).all()
    assert tries[-1] > delivered[-1] > 10
    limits = [twin.graph.value(f"sensor/{i}", "buffer_messages") for i in range(one.num_sensors)]
    assert limits == [5] * one.num_sensors
