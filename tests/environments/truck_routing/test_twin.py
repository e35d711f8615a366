"""The real-time twin of truck routing: what it is told, and that the truth stays hidden."""

import numpy as np
import pytest

from twin_gym.environments.factory import vector_env
from twin_gym.environments.truck_routing import layout
from twin_gym.policies import make_policy
from twin_gym.scenario.changes import changed
from twin_gym.scenario.loading import load
from twin_gym.twins.history import open_store, record_run
from twin_gym.twins.realtime import Link, LiveTwin, adapter_of

PRESET = "truck-grid-20"
STEPS = 40


def scenario_of(**changes):
    """The preset, changed."""
    return changed(load(PRESET), changes) if changes else load(PRESET)


def steps_of(env, one, steps=STEPS):
    """Goes through a run of the default policy; gives the number of each decision before it."""
    policy = make_policy("nearest-full", one)
    policy.reset(0)
    observations, infos = env.reset(seed=3)
    for k in range(steps):
        yield k
        observations, _, _, _, infos = env.step(policy.actions(observations, infos["action_mask"]))


@pytest.fixture(scope="module")
def told():
    """Of each decision of a run: time, events, true contents, the state of the bins."""
    one = scenario_of()
    env = vector_env(one, 1)
    adapter, found = adapter_of(env.batch), []
    for _ in steps_of(env, one):
        state = env.batch.arrays["states"][0].copy()
        found.append((adapter.now_s, adapter.measure(), env.batch.contents_l(0), state))
    return found


def of(events, name):
    """Events of a property by twin."""
    return {one.twin: one for one in events if one.property == name}


def test_nothing_is_known_at_first(told):
    """The guess of the first moment is no reading."""
    now_s, events, _, _ = told[0]
    assert now_s == 0.0
    assert not of(events, "reading_l")
    assert not of(events, "found_l")


def test_readings_are_told_with_the_times_at_which_they_were_true(told):
    """They are a whole number of periods apart, and none is younger than its delay."""
    times = {}
    for now_s, events, _, _ in told:
        for twin, event in of(events, "reading_l").items():
            assert event.time_s + 60.0 <= now_s
            times.setdefault(twin, set()).add(event.time_s)
    assert len(times) == 20
    ms = [np.rint(np.array(sorted(one)) * layout.MS_PER_S).astype(int) for one in times.values()]
    gaps = np.concatenate([np.diff(one) for one in ms])
    assert len(gaps) > 20
    assert (gaps % 3_600_000 == 0).all()


def test_readings_are_what_the_bins_held(told):
    """The true content at that time, by the world of the episode."""
    one = scenario_of()
    env = vector_env(one, 1)
    env.reset(seed=3)
    world = env.batch.world(0)
    emptied, seen = set(), 0
    for _, events, _, _ in told:
        emptied |= of(events, "found_l").keys()
        for twin, event in of(events, "reading_l").items():
            if twin not in emptied:
                i = int(twin.partition("/")[2])
                content = world.initial_l(i) + world.volume_l(i, event.time_s * layout.MS_PER_S)
                assert event.value == pytest.approx(min(content, world.bins[layout.CAPACITY, i]))
                seen += 1
    assert seen > 30


def test_the_present_truth_is_not_told(told):
    """Most bins have got more since they were read, which no event says."""
    differs = [
        event.value != contents[int(twin.partition("/")[2])]
        for _, events, contents, _ in told[1:]
        for twin, event in of(events, "reading_l").items()
    ]
    assert np.mean(differs) > 0.6


def test_an_emptying_tells_what_was_found_and_left(told):
    """At its time, of that bin alone; together they are what was collected."""
    found_l = left_l = 0.0
    for now_s, events, _, state in told:
        found, left = of(events, "found_l"), of(events, "left_l")
        assert found.keys() == left.keys()
        for twin, event in found.items():
            i = int(twin.partition("/")[2])
            assert event.time_s == left[twin].time_s == now_s
            assert state[layout.EMPTIED_AT, i] == now_s * layout.MS_PER_S
            found_l, left_l = found_l + event.value, left_l + left[twin].value
    collected = of(told[-1][1], "served")["service/collection"].value
    assert found_l > 1_000.0
    assert int(found_l - left_l) == collected


def test_trucks_are_where_the_bins_are_emptied(told):
    """The place of the deciding truck is the bin; its load grows by what it took."""
    loads = []
    for _, events, _, _ in told:
        place = of(events, "place")["truck/0"].value
        loads.append(of(events, "load_l")["truck/0"].value)
        assert of(events, "goal")["truck/0"].value == place
        for twin in of(events, "found_l"):
            assert twin == f"bin/{place}"
    assert max(loads) > 500.0


def test_goals_of_trucks_under_way_are_told():
    """With two trucks one is under way while the other decides."""
    one = load("truck-grid-50-fleet")
    env = vector_env(one, 1)
    adapter = adapter_of(env.batch)
    under_way = 0
    for _ in steps_of(env, one, 12):
        events = adapter.measure()
        goals, places = of(events, "goal"), of(events, "place")
        under_way += any(goals[twin].value != places[twin].value for twin in goals)
    assert under_way > 5


def test_reports_are_counted_as_the_world_draws_them(told):
    """As many as were due a delay ago, and of them those that arrive."""
    env = vector_env(scenario_of(), 1)
    env.reset(seed=3)
    world = env.batch.world(0)
    for now_s, events, _, _ in told[:: STEPS // 4]:
        sent = came = 0
        for i in range(20):
            k = 0
            while world.offset_ms(i) + k * 3.6e6 + 6e4 <= now_s * layout.MS_PER_S:
                sent, came, k = sent + 1, came + world.is_delivered(i, k), k + 1
        assert of(events, "offered")["service/reports"].value == sent
        assert of(events, "served")["service/reports"].value == came
    assert sent > came > 300


def test_bins_that_never_report_are_known_from_emptyings():
    """No reading is told, and no report is counted."""
    one = scenario_of(report_period_s="never")
    env = vector_env(one, 1)
    adapter, found = adapter_of(env.batch), 0
    for _ in steps_of(env, one, 20):
        events = adapter.measure()
        assert not of(events, "reading_l")
        assert of(events, "offered")["service/reports"].value == 0
        found += len(of(events, "found_l"))
    assert found > 3


def test_simpy_tells_the_same(told):
    """Of every decision, as far as it is looked at: the slow rules are slow."""
    one = scenario_of()
    env = vector_env(one, 1, engine="simpy")
    adapter = adapter_of(env.batch)
    for k in steps_of(env, one, 15):
        assert adapter.measure() == told[k][1]


def test_watching_changes_nothing():
    """Contents after a run with a twin are those after a run without, to the bit."""
    ends = []
    for is_watched in (False, True):
        env = vector_env(PRESET, 1)
        twin = LiveTwin(env)
        for _ in steps_of(env, scenario_of(), 20):
            if is_watched:
                twin.observe()
        ends.append(env.batch.contents_l(0))
    assert np.array_equal(*ends)


def test_graph_has_bins_trucks_and_services():
    """With places, capacities and inflows as properties; a changed inflow is told."""
    one = scenario_of(inflow_factor=2.0)
    env = vector_env(one, 1)
    twin = LiveTwin(env)
    env.reset(seed=3)
    twin.observe()
    graph, bins = twin.graph, env.batch.tables.bin_tables[0]
    assert len(graph.neighbours("network", "has_bin")) == 20
    assert list(graph.neighbours("network", "has_truck")) == ["truck/0"]
    assert graph.value("bin/3", "capacity_l") == 240.0
    assert graph.value("bin/3", "x_m") == bins.x_m[3]
    plain = vector_env(PRESET, 1).batch.tables.bin_tables[0]
    assert graph.value("bin/3", "inflow_l_per_h") == 2.0 * plain.inflow_l_per_h[3]


def test_a_store_answers_as_of_a_time(tmp_path):
    """The content that a truck found is as of its stop; between stops, the last one holds."""
    one = scenario_of()
    with open_store(tmp_path / "store.db") as store:
        twin = record_run(store, make_policy("nearest-full", one), one, 3)
        stops = store.series("service/collection", "served")
        grown = np.flatnonzero(np.diff(stops.values) > 0)
        assert len(grown) > 10
        time_s = float(stops.times_s[grown[0] + 1])
        place = int(store.value_as_of("truck/0", "place", time_s))
        found_l = store.value_as_of(f"bin/{place}", "found_l", time_s + 1.0)
        assert found_l == store.series(f"bin/{place}", "found_l").values[0]
        assert int(found_l) == stops.values[grown[0] + 1]
        reading = store.series("bin/0", "reading_l")
        assert (
            store.value_as_of("bin/0", "reading_l", float(reading.times_s[2]))
            == (reading.values[2])
        )
    assert twin.graph.late == 0


def test_a_lossy_link_on_top_loses_some(tmp_path):
    """The link of the twin is one more channel: what it loses is not in the store."""
    one = scenario_of()
    counts = []
    for k, loss in enumerate((0.0, 0.5)):
        with open_store(tmp_path / f"{k}.db") as store:
            record_run(store, make_policy("nearest-full", one), one, 3, link=Link(loss=loss))
            counts.append(len(store.series("service/reports", "served").values))
    assert 0.3 < counts[1] / counts[0] < 0.7
