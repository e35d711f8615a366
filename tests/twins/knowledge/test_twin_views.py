"""Running networks and recorded ones as knowledge graphs: answers with the ages of the twin."""

import gymnasium as gym
import pytest

from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.policies import make_policy
from twin_gym.scenario.loading import load
from twin_gym.twins.history import open_store, read_store, record_run
from twin_gym.twins.knowledge import (
    Asker,
    HistoryGraph,
    LiveGraph,
    Unknown,
    parse_sentence,
    pool,
    topology_of,
)
from twin_gym.twins.realtime import Event, Link, LiveTwin, TwinGraph


def running(env_id, scenario, steps, **given):
    """An environment with a twin, after some random steps."""
    env = gym.make(env_id, scenario=scenario)
    twin = LiveTwin(env, **given)
    env.reset(seed=3)
    env.action_space.seed(3)
    twin.observe()
    for _ in range(steps):
        *_, terminated, truncated, _ = env.step(env.action_space.sample())
        twin.observe()
        if terminated or truncated:
            break
    return env, twin


def test_running_synchronisation_answers_with_the_age_of_the_last_update():
    """The value that arrived last, as old as its update; before that it is unknown."""
    env, twin = running("twin_gym/RightTimeSync-v0", "sync-small", 40)
    asker = Asker(LiveGraph(twin))
    entities = twin.graph.twins("Entity")
    answers = [asker.ask(f'what is the value of "{one}"') for one in entities]
    for one, answer in zip(entities, answers, strict=True):
        assert answer.statements[0].value == twin.graph.value(one, "value")
        if answer.is_known:
            assert answer.age_s == pytest.approx(twin.graph.age_s(one, "value"), abs=1e-9)
    assert sum(answer.is_known for answer in answers) > 0
    ages = {answer.age_s for answer in answers}
    assert len(ages) > 1
    env.reset(seed=4)
    twin.observe()
    assert asker.ask("how many entities are there").headline == str(len(entities))
    env.close()


def test_running_trucks_answer_through_a_lossy_link():
    """Where a truck is, and what is known of a bin; over a link that delays by a minute."""
    env, twin = running(
        "twin_gym/TruckRouting-v0", "truck-grid-20", 30, link=Link(delay_s=60.0, seed=2)
    )
    asker = Asker(LiveGraph(twin))
    answer = asker.ask("where is truck 0")
    assert answer.is_known
    assert answer.age_s >= 60.0
    assert answer.statements[0].value == twin.graph.value("truck/0", "goal")
    assert asker.ask("how many bins are there").headline == str(len(twin.graph.twins("Bin")))
    answers = [asker.ask(f"what is the reading of bin {i}") for i in range(5)]
    assert all("bin/" in one.text for one in answers)
    assert asker.ask("what is bin 99999").statements == (Unknown("bin/99999"),)
    env.close()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A store with an episode of a network with gateways, and its twin in the end."""
    path = tmp_path_factory.mktemp("knowledge") / "history.db"
    scenario = load("tic-small-45")
    with open_store(path) as store:
        policy = make_policy("equal", scenario)
        link = Link(loss=0.1, delay_s=1e-3, seed=1)
        twin = record_run(store, policy, scenario, 7, link=link, period_s=2e-3, max_steps=150)
    return path, twin


def test_recorded_network_answers_as_its_twin_did_in_the_end(recorded):
    """Relations and values, of every gateway; ages are those of the twin."""
    path, twin = recorded
    live = Asker(LiveGraph(twin))
    with read_store(path) as store:
        then = Asker(HistoryGraph(store))
        for question in (
            "to which gateway is sensor 17 connected",
            "how many sensors does gateway 1 serve",
            "what is sensor 3",
            "what is the queue length of gateway 0",
            "where is gateway 1",
        ):
            assert then.ask(question) == live.ask(question)
        assert then.ask("to which gateway is sensor 99 connected").statements == (
            Unknown("sensor/99"),
        )


def test_recorded_network_answers_as_of_a_time(recorded):
    """The last value true by then, and its age; nothing of what came later."""
    path, _ = recorded
    with read_store(path) as store:
        series = store.series("gateway/0", "queue_length")
        time_s = float(series.times_s[20]) + 5e-4
        (fact,) = (
            Asker(HistoryGraph(store, time_s))
            .ask("what is the queue length of gateway 0")
            .statements
        )
        assert fact.value == series.values[20]
        assert fact.age_s == pytest.approx(5e-4)
        at_start = HistoryGraph(store, 0.0)
        assert at_start.fact("gateway/0", "x_m").age_s == 0.0
        measured = [one for one in at_start.facts("service/uplink") if one.property == "offered"]
        assert all(one.age_s == 0.0 for one in measured)


def test_pools_of_a_recorded_network_follow_its_gateways(recorded):
    """`serves` leads from gateways to sensors."""
    path, _ = recorded
    with read_store(path) as store:
        topology = topology_of(
            HistoryGraph(store), connection="serves", from_gateway=True, counted="connections"
        )
    pools = pool(topology)
    assert topology.total == len(topology.sensors) == int((~topology.is_gateway).sum())
    assert int(pools.weights[topology.is_gateway].sum()) == topology.total


def test_store_without_snapshot_is_refused(tmp_path):
    """Telemetry alone does not say which twins there were."""
    with open_store(tmp_path / "history.db") as store:
        store.begin_episode(load("tic-small-45"), 0)
        store.append([Event(0.0, "gateway/0", "queue_length", 1)])
        with pytest.raises(ConfigError, match="no snapshot of episode 1"):
            HistoryGraph(store)


def test_view_of_a_graph_says_what_it_has():
    """Relationships with properties, unknown names, and all edges."""
    graph = TwinGraph()
    graph.add_twin("slice/a", "Slice")
    graph.add_twin("resource/r", "Resource", {"capacity": 4.0})
    graph.relate("slice/a", "uses", "resource/r", {"amount": 2.0})
    graph.advance(3.0)
    view = LiveGraph(graph)
    assert view.values("capacity") == {"resource/r": 4.0}
    assert view.values("queue_limit") == {}
    assert list(view.edges()) == [("slice/a", "uses", "resource/r")]
    assert view.relations("resource/r", incoming=True)[0].properties == (("amount", 2.0),)
    assert view.kind("slice/b") is None
    with pytest.raises(UnknownNameError):
        view.facts("slice/b")
    answer = Asker(view).ask("which resources does slice a use")
    assert answer.text == "slice/a uses resource/r with amount=2.0 (3 s old)."
    assert parse_sentence(answer.text) == answer.statements[0]


def test_time_and_value_as_of_a_time_come_together(recorded):
    """`known_as_of` agrees with `value_as_of`, and says when the value was true."""
    path, _ = recorded
    with read_store(path) as store:
        series = store.series("gateway/1", "queue_length")
        known = store.known_as_of("gateway/1", "queue_length", 0.1)
        assert known.value == store.value_as_of("gateway/1", "queue_length", 0.1)
        assert known.time_s == series.times_s[series.times_s <= 0.1].max()
        assert store.known_as_of("gateway/1", "queue_length", -1.0) is None
        assert store.known_as_of("gateway/1", "no_such", 1.0) is None
