"""Stores of a knowledge graph: each keeps what it is given, with times, and refuses the rest.

`memory` and `ladybug` are asked the same; `ladybug` is skipped where it is not installed. Neo4j is
asked through a session that records statements: no server is at hand.
"""

import importlib.util

import pytest

from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.twins.knowledge import (
    Asker,
    Entity,
    Fact,
    Kind,
    LadybugStore,
    MemoryStore,
    Neo4jStore,
    Relation,
    RelationEvent,
)
from twin_gym.twins.knowledge.cities import SMALL, generate_city
from twin_gym.twins.realtime import object_model
from twin_gym.twins.realtime.events import Event

needs_ladybug = pytest.mark.skipif(
    importlib.util.find_spec("ladybug") is None,
    reason="ladybug (extra `knowledge`) is not installed",
)


@pytest.fixture(params=["memory", pytest.param("ladybug", marks=needs_ladybug)])
def make_store(request):
    """Makes an empty store of the kind."""
    made = []

    def make(model=None):
        store = MemoryStore(model) if request.param == "memory" else LadybugStore(model=model)
        made.append(store)
        return store

    yield make
    for store in made:
        if request.param == "ladybug":
            store.close()


@pytest.fixture
def store(make_store):
    """A bin, its gateway and a lane, at 10 s."""
    store = make_store()
    store.add(
        [
            Entity("bin/3", "WasteContainer", {"capacity_l": 480, "name": 'the "old" one'}),
            Entity("gateway/0", "Gateway"),
            Entity("lane/0-1", "RoadSegment"),
        ]
    )
    store.advance(10.0)
    store.relate([RelationEvent(4.0, "bin/3", "connected_to", "gateway/0")])
    return store


def test_facts_have_values_and_ages(store):
    """Of static values since the entity was added; of the others since they were true."""
    store.take([Event(7.5, "bin/3", "filling_level", 0.25), Event(8.0, "bin/3", "presence", True)])
    assert store.kind("bin/3") == Kind("bin/3", "WasteContainer", 10.0)
    assert store.facts("bin/3") == (
        Fact("bin/3", "capacity_l", 480.0, 10.0),
        Fact("bin/3", "filling_level", 0.25, 2.5),
        Fact("bin/3", "name", 'the "old" one', 10.0),
        Fact("bin/3", "presence", True, 2.0),
    )
    assert store.fact("bin/3", "found_level") == Fact("bin/3", "found_level", None, float("inf"))
    assert type(store.fact("bin/3", "presence").value) is bool


def test_relations_are_found_from_both_ends(store):
    """With their ages; a relation that is seen again is younger, and never older."""
    wanted = Relation("bin/3", "connected_to", "gateway/0", 6.0)
    assert store.relations("bin/3") == store.relations("gateway/0", incoming=True) == (wanted,)
    assert store.relations("bin/3", incoming=True) == store.relations("gateway/0") == ()
    assert store.relations("bin/3", "located_in") == ()
    store.relate([RelationEvent(9.0, "bin/3", "connected_to", "gateway/0")])
    store.relate([RelationEvent(5.0, "bin/3", "connected_to", "gateway/0")])
    assert store.relations("bin/3")[0].age_s == 1.0
    assert list(store.edges()) == [("bin/3", "connected_to", "gateway/0")]


def test_late_values_are_left_out_and_counted(store):
    """Within a call and between calls; of equal times the last one counts."""
    told = [(5.0, 0.5), (7.0, 0.7), (6.0, 0.6), (7.0, 0.8)]
    assert (
        store.take([Event(time_s, "bin/3", "filling_level", value) for time_s, value in told]) == 1
    )
    assert store.fact("bin/3", "filling_level") == Fact("bin/3", "filling_level", 0.8, 3.0)
    assert store.late == 3
    assert store.take([Event(6.5, "bin/3", "filling_level", 0.1)]) == 0
    assert store.take([Event(7.0, "bin/3", "filling_level", 0.9)]) == 1
    assert (store.fact("bin/3", "filling_level").value, store.late) == (0.9, 4)


def test_what_is_removed_is_gone_with_its_relations(store):
    """An entity, or a relation alone."""
    store.relate([RelationEvent(4.0, "bin/3", "located_in", "lane/0-1")])
    store.unrelate([("bin/3", "located_in", "lane/0-1"), ("bin/3", "located_in", "lane/0-1")])
    assert [one.name for one in store.relations("bin/3")] == ["connected_to"]
    store.remove(["gateway/0"])
    assert store.kind("gateway/0") is None
    assert store.relations("bin/3") == ()
    assert store.entities() == ("bin/3", "lane/0-1")
    assert store.entities("Gateway") == ()
    store.add([Entity("gateway/0", "Gateway")])
    assert store.kind("gateway/0").age_s == 0.0


def test_stores_agree_on_a_city(make_store):
    """All that the city has, whichever store keeps it."""
    city = generate_city(SMALL)
    store, memory = make_store(), city.graph()
    city.fill(store)
    assert store.now_s == memory.now_s
    assert store.entities() == memory.entities()
    assert sorted(store.edges()) == sorted(memory.edges())
    for entity in memory.entities():
        assert store.kind(entity) == memory.kind(entity)
        assert store.facts(entity) == memory.facts(entity)
        for incoming in (False, True):
            wanted = memory.relations(entity, incoming=incoming)
            assert store.relations(entity, incoming=incoming) == wanted
    for name in ("presence", "pm25_ug_per_m3", "no_such_name"):
        assert store.values(name) == memory.values(name)
    question = "which sensors are connected to gateway 3"
    assert Asker(store).ask(question) == Asker(memory).ask(question)


def test_relations_have_properties_and_components_have_values(make_store):
    """The model of all environments, with what the city's has not."""
    store = make_store(object_model())
    store.add(
        [Entity("slice/a", "Slice"), Entity("resource/r", "Resource"), Entity("sensor/1", "Sensor")]
    )
    store.relate([RelationEvent(0.0, "slice/a", "uses", "resource/r", {"amount": 2})])
    store.take([Event(0.0, "sensor/1", "battery.charge_j", 7.0)])
    assert store.relations("slice/a")[0].properties == (("amount", 2.0),)
    assert store.fact("sensor/1", "battery.charge_j").value == 7.0


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda store: store.add([Entity("bin/3", "WasteContainer")]), "printable and new"),
        (
            lambda store: store.add([Entity("b", "Gateway"), Entity("b", "Gateway")]),
            "printable and new",
        ),
        (lambda store: store.add([Entity("b\n", "Gateway")]), "printable and new"),
        (lambda store: store.add([Entity("b", "Gatway")]), "did you mean 'Gateway'"),
        (lambda store: store.add([Entity("b", "Gateway", {"hue": 1})]), "unknown property"),
        (lambda store: store.add([("b", "Gateway")]), "each a Entity"),
        (
            lambda store: store.take([Event(11.0, "bin/3", "filling_level", 0.5)]),
            "true by now, 10.0 s",
        ),
        (lambda store: store.take([Event(1.0, "bin/3", "filling_level", "x")]), "is a double"),
        (
            lambda store: store.take([Event(1.0, "bin/4", "filling_level", 0.5)]),
            "unknown entity 'bin/4'",
        ),
        (
            lambda store: store.relate([RelationEvent(1.0, "bin/3", "in", "gateway/0")]),
            "unknown relationship",
        ),
        (
            lambda store: store.relate([RelationEvent(1.0, "bin/3", "connected_to", "lane/0-1")]),
            "leads to a Gateway",
        ),
        (
            lambda store: store.relate([RelationEvent(-1.0, "bin/3", "connected_to", "gateway/0")]),
            "true by now",
        ),
        (
            lambda store: store.relate(
                [RelationEvent(1.0, "bin/3", "connected_to", "gateway/0", {"a": 1})]
            ),
            "unknown property",
        ),
        (lambda store: store.remove(["bin/4"]), "unknown entity"),
        (lambda store: store.advance(9.0), "time does not go to"),
    ],
)
def test_what_does_not_fit_the_model_is_refused_and_nothing_is_written(store, write, said):
    """The error says what is wrong, and the store is as it was."""
    before = [store.facts("bin/3"), store.relations("bin/3"), store.entities()]
    with pytest.raises(ConfigError, match=said):
        write(store)
    assert [store.facts("bin/3"), store.relations("bin/3"), store.entities()] == before


def test_questions_about_nothing_are_refused(store):
    """An unknown entity, or a property that its interface has not."""
    with pytest.raises(UnknownNameError, match="unknown entity"):
        store.facts("bin/4")
    with pytest.raises(UnknownNameError, match="unknown property"):
        store.fact("bin/3", "hue")
    assert store.kind("bin/4") is None
    assert store.kind(3) is None


def test_networkx_copy_has_everything():
    """Interfaces, values, times; changes of the copy leave the store alone."""
    store = generate_city(SMALL).graph()
    graph = store.networkx()
    assert len(graph) == len(store.entities())
    assert graph.number_of_edges() == len(list(store.edges()))
    assert graph.nodes["sensor/0"]["interface"] == "AirQualityObserved"
    assert (
        graph.nodes["sensor/0"]["pm25_ug_per_m3"] == store.fact("sensor/0", "pm25_ug_per_m3").value
    )
    graph.clear()
    assert len(store.entities()) > 0


@needs_ladybug
def test_ladybug_keeps_a_file_and_answers_cypher(tmp_path):
    """What was written is there when the file is opened again, at the time of the last fact."""
    city = generate_city(SMALL)
    memory = city.graph()
    with LadybugStore(tmp_path / "city.lbug") as store:
        city.fill(store)
    with LadybugStore(tmp_path / "city.lbug") as store:
        assert 0.0 < store.now_s <= city.now_s
        store.advance(city.now_s)
        assert store.facts("sensor/3") == memory.facts("sensor/3")
        assert store.entities() == memory.entities()
        cypher = "MATCH (s)-[:connected_to]->(g:Gateway {id: $id}) RETURN s.id ORDER BY s.id"
        rows = store.query(cypher, {"id": "gateway/2"})
        assert [row[0] for row in rows] == [
            one.source for one in memory.relations("gateway/2", "connected_to", incoming=True)
        ]
        with pytest.raises(ConfigError, match="refuses the query"):
            store.query("MATCH (s RETURN s")


class FakeSession:
    """Records statements, checks that values are parameters, and answers as it is told."""

    def __init__(self, answers=()):
        self.statements, self.answers, self.is_closed = [], list(answers), False

    def execute_write(self, work, *given):
        return work(self, *given)

    execute_read = execute_write

    def run(self, text, parameters):
        assert text.count("{") == text.count("}")
        self.statements.append((text, parameters))
        for key, rows in self.answers:
            if key in text:
                return [FakeRecord(row) for row in rows]
        return []

    def close(self):
        self.is_closed = True


class FakeRecord(dict):
    """A record of the driver, whose `data` is a dictionary."""

    def data(self):
        return dict(self)


LATEST = ("max(e.latest_s)", [{"latest_s": None}])


def test_neo4j_is_written_in_parameterised_batches():
    """Labels and names are of the model; ids and values never stand in a statement."""
    kinds = ("labels(e)", [{"labels": ["Entity", "WasteContainer"], "since_s": 0.0}])
    session = FakeSession([LATEST])
    store = Neo4jStore(session)
    store.add(
        [
            Entity("bin/3", "WasteContainer", {"capacity_l": 480.0}),
            Entity("bin/4", "WasteContainer"),
        ]
    )
    session.answers = [kinds, ("count(*)", [{"taken": 1}])]
    assert store.take([Event(0.0, "bin/3", "filling_level", 0.5)]) == 1
    texts = [text for text, _ in session.statements]
    assert not any("bin/" in text or "480" in text for text in texts)
    created = next(
        told for text, told in session.statements if "CREATE (e:Entity:`WasteContainer`" in text
    )
    assert [row["id"] for row in created["rows"]] == ["bin/3", "bin/4"]
    (taken,) = (
        told for text, told in session.statements if "e.`filling_level` = row.value" in text
    )
    assert taken == {"rows": [{"id": "bin/3", "value": 0.5, "time_s": 0.0}]}
    assert any("CREATE CONSTRAINT" in text for text in texts)


def test_neo4j_rows_become_facts():
    """Properties and their times; relations with their ends in order."""
    stored = {"id": "bin/3", "capacity_l": 480.0, "capacity_l_time_s": 2.0, "latest_s": 5.0}
    session = FakeSession(
        [
            ("max(e.latest_s)", [{"latest_s": 5.0}]),
            ("labels(e)", [{"labels": ["Entity", "WasteContainer"], "since_s": 1.0}]),
            ("properties(e)", [{"stored": stored}]),
            ("AS value", [{"id": "bin/3", "value": 480.0}]),
            ("<-[r]-", [{"name": "in", "other": "x/1", "stored": {"time_s": 1.0}}]),
            (
                "properties(r)",
                [{"name": "connected_to", "other": "gateway/0", "stored": {"time_s": 4.0}}],
            ),
            (
                "type(r) AS name",
                [{"source": "bin/3", "name": "connected_to", "target": "gateway/0"}],
            ),
            ("ORDER BY id", [{"id": "bin/3"}]),
        ]
    )
    with Neo4jStore(session) as store:
        assert store.facts("bin/3") == (Fact("bin/3", "capacity_l", 480.0, 3.0),)
        assert store.relations("bin/3") == (Relation("bin/3", "connected_to", "gateway/0", 1.0),)
        assert store.relations("bin/3", incoming=True) == (Relation("x/1", "in", "bin/3", 4.0),)
        assert store.entities("WasteContainer") == ("bin/3",)
        assert store.values("capacity_l") == {"bin/3": 480.0}
        assert store.values("no_such_name") == {}
        assert list(store.edges()) == [("bin/3", "connected_to", "gateway/0")]
    assert session.is_closed


def test_neo4j_relations_are_merged_and_removed():
    """MERGE with a time, DELETE by both ends, DETACH DELETE of entities."""
    kinds = iter(
        [["Entity", "WasteContainer"], ["Entity", "Gateway"]] * 2 + [["Entity", "Gateway"]]
    )
    session = FakeSession([LATEST])
    store = Neo4jStore(session)
    run = session.run
    session.run = lambda text, told: (
        [FakeRecord(labels=next(kinds), since_s=0.0)] if "labels(e)" in text else run(text, told)
    )
    store.relate([RelationEvent(0.0, "bin/3", "connected_to", "gateway/0")])
    store.unrelate([("bin/3", "connected_to", "gateway/0")])
    store.remove(["gateway/0"])
    merged, deleted, dropped = [text for text, _ in session.statements][-3:]
    assert "MERGE (a)-[r:`connected_to`]->(b)" in merged
    assert deleted.endswith("DELETE r")
    assert dropped.endswith("DETACH DELETE e")


@pytest.mark.parametrize(("module", "extra"), [("ladybug", "knowledge"), ("neo4j", "neo4j")])
def test_missing_database_names_the_extra(module, extra, monkeypatch):
    """What to install, in one line."""
    from twin_gym.errors import MissingExtraError
    from twin_gym.twins.knowledge.stores.neo4j import connect

    monkeypatch.setitem(__import__("sys").modules, module, None)
    opened = {
        "ladybug": LadybugStore,
        "neo4j": lambda: connect("neo4j://localhost:7687", user="u", password="p"),
    }
    with pytest.raises(MissingExtraError, match=rf"twin-gym\[{extra}\]"):
        opened[module]()
