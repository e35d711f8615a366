"""Cities: generated ones have the paper's topologies; real ones are what their data say."""

import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from twin_gym.errors import ConfigError, TraceError
from twin_gym.scenario.parquet import read_columns
from twin_gym.twins.knowledge import Asker, city_model, pool, presence_of, topology_of
from twin_gym.twins.knowledge.cities import (
    LARGE,
    MEDIUM,
    SMALL,
    CityPlan,
    generate_city,
    read_beijing,
    read_campusiot,
    read_edinburgh,
)

DATA = Path(os.environ.get("TWIN_GYM_DATA", ""))
needs_data = pytest.mark.skipif(
    not os.environ.get("TWIN_GYM_DATA") or not (DATA / "edinburgh_waste").is_dir(),
    reason="TWIN_GYM_DATA does not name the directory of the data of cities",
)


@pytest.mark.parametrize(
    ("plan", "sensors", "gateways"), [(SMALL, 30, 6), (MEDIUM, 100, 20), (LARGE, 250, 50)]
)
def test_generated_cities_have_the_topologies_of_the_paper(plan, sensors, gateways):
    """Table III and IV: five sensors a gateway, a connection and a service a sensor."""
    city = generate_city(plan)
    topology = topology_of(city.graph())
    kinds = Counter(one.kind for one in city.entities)
    assert (len(topology.sensors), int(topology.is_gateway.sum())) == (sensors, gateways)
    assert (kinds["Gateway"], kinds["Service"], kinds["SmartCity"]) == (gateways, 3, 1)
    assert topology.total == 2 * sensors + gateways
    assert len(city.relations) == 2 * sensors + gateways + 3


def test_city_may_have_two_services():
    """Table III; the sensors of a gateway serve in its service."""
    graph = generate_city(CityPlan(services=("waste", "transportation"))).graph()
    assert graph.entities("Service") == ("service/transportation", "service/waste")
    for sensor in graph.entities("Vehicle"):
        gateway = graph.relations(sensor, "connected_to")[0].target
        assert (
            graph.relations(sensor, "serves_in")[0].target
            == graph.relations(gateway, "serves_in")[0].target
        )


def test_every_fact_of_a_generated_city_has_an_age():
    """Between 0 and the period of readings; other seeds, other values, the same shape."""
    city = generate_city(MEDIUM, seed=3)
    graph = city.graph()
    facts = [fact for one in graph.entities() for fact in graph.facts(one)]
    assert all(0.0 <= fact.age_s <= MEDIUM.period_s for fact in facts)
    assert len({fact.age_s for fact in facts}) > 90
    assert generate_city(MEDIUM, seed=3) == city
    other = generate_city(MEDIUM, seed=4)
    assert other.readings != city.readings
    assert [one[1:4] for one in other.relations] == [one[1:4] for one in city.relations]


def test_nearest_gateway_is_the_nearest():
    """Who knows the positions knows the connections."""
    graph = generate_city(CityPlan(sensors=40, gateways=8, assignment="nearest"), seed=1).graph()
    places = {
        one: (graph.fact(one, "x_m").value, graph.fact(one, "y_m").value)
        for one in graph.entities()
        if one.startswith(("sensor/", "gateway/"))
    }

    def square(one, other):
        return sum((a - b) ** 2 for a, b in zip(places[one], places[other], strict=True))

    gateways = graph.entities("Gateway")
    for one in places:
        if one.startswith("sensor/"):
            nearest = min(gateways, key=lambda gateway: square(one, gateway))
            assert graph.relations(one, "connected_to")[0].target == nearest


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sensors": 0}, "`sensors`"),
        ({"sensors": 3, "gateways": 4}, "`gateways`"),
        ({"services": ()}, "one or more"),
        ({"services": ("waste", "waste")}, "each once"),
        ({"services": ("wast",)}, "did you mean 'waste'"),
        ({"assignment": "far"}, "`assignment`"),
        ({"period_s": 0.0}, "`period_s`"),
    ],
)
def test_plans_that_make_no_city_are_refused(given, said):
    """What is wrong, and what is allowed."""
    with pytest.raises(ConfigError, match=said):
        CityPlan(**given)


def test_model_of_the_city_is_a_model():
    """Each kind of sensor has a gateway, a service and a name that people use."""
    model = city_model()
    assert {"AirQualityObserved", "WasteContainer", "Vehicle", "RoadSegment", "Device"} < set(
        model.interfaces
    )
    for name, interface in model.interfaces.items():
        assert interface.display_name
        if "connected_to" in interface.relationships:
            assert interface.relationships["serves_in"].target == "Service", name


@needs_data
def test_kinds_are_named_as_smart_data_models_names_them():
    """Entity types of the reference; the rest of the model is the paper's."""
    import json

    reference = DATA / "smart_data_models" / "entities.json"
    named = {one["entity"] for one in json.loads(reference.read_text("utf-8"))}
    assert set(city_model().interfaces) - named == {"SmartCity", "Service", "Gateway"}


@needs_data
def test_edinburgh_has_its_bins_and_what_was_found_in_them():
    """334 bins in lanes; what is not in the data is said to be unknown."""
    city = read_edinburgh()
    graph = city.graph()
    asker = Asker(graph)
    assert len(graph.entities("WasteContainer")) == 334
    assert len(graph.entities("RoadSegment")) == 5074
    found = graph.fact("bin/324925", "found_level")
    assert (found.value, found.age_s) == (0.9, 503_296.0)
    assert not asker.ask("to which gateway is bin 324925 connected").is_known
    assert not asker.ask("what is the filling level of bin 324925").is_known
    assert asker.ask("in which lane is bin 324925 located").statements[0].target == "lane/1699-1743"
    earlier = read_edinburgh(at_s=86_400.0)
    assert earlier.now_s == 86_400.0
    assert 0 < len(earlier.readings) < len(city.readings)


@needs_data
def test_beijing_has_the_last_value_of_every_quantity():
    """A missing value leaves the one before it, which is older."""
    pytest.importorskip("pyarrow")
    graph = read_beijing().graph()
    facts = [
        fact
        for one in graph.entities("AirQualityObserved")
        for fact in graph.facts(one)
        if fact.property == "pm25_ug_per_m3"
    ]
    assert len(facts) == 12
    assert all(fact.age_s % 3600.0 == 0.0 for fact in facts)
    then = read_beijing(at_s=3600.0 * 24 * 30).graph()
    assert then.now_s == 3600.0 * 24 * 30
    assert max(fact.age_s for one in then.entities("AirQualityObserved")
               for fact in then.facts(one) if fact.property == "no2_ug_per_m3") > 0.0  # fmt: skip


@needs_data
def test_campusiot_sensors_are_connected_to_the_gateways_that_heard_them():
    """Each as old as its last frame; pools can be made of them."""
    pytest.importorskip("pyarrow")
    graph = read_campusiot().graph()
    assert len(graph.entities("Gateway")) == 63
    assert len(graph.entities("Device")) == 3
    heard = graph.relations("sensor/sainteynard_33", "connected_to")
    assert len(heard) > 5
    assert len({one.age_s for one in heard}) > 1
    folder = DATA / "campusiot_lorawan"
    frames = read_columns(folder / "frames.parquet", ("frame_id", "dev", "time"), "a test")
    received = read_columns(folder / "receptions.parquet", ("frame_id", "gw_id"), "a test")
    own = frames["frame_id"][frames["dev"] == "sainteynard_33"]
    for one in heard:
        frame_ids = received["frame_id"][received["gw_id"] == int(one.target.partition("/")[2])]
        last = frames["time"][np.isin(frames["frame_id"], np.intersect1d(frame_ids, own))].max()
        assert one.age_s == pytest.approx((frames["time"].max() - last) / np.timedelta64(1, "s"))
    topology = topology_of(graph)
    pools = pool(topology, presence_of(graph, topology))
    assert len(pools.levels) == len(topology.names) > 10


@needs_data
@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("bins.csv", ",1743,", ",9999999,", "line 2: `road_node` '9999999' is at no end"),
        ("bins.csv", "55.955921", "955.9", "line 2: `lat` must be between"),
        ("collections.csv", "2016-06-03 13:23:26", "yesterday", "line 2: `collected_at` must be"),
    ],
)
def test_damaged_data_are_refused_with_their_line(tmp_path, file, old, new, said):
    """A copy with one cell changed."""
    for path in (DATA / "edinburgh_waste").glob("*.csv"):
        shutil.copy(path, tmp_path)
    changed = tmp_path / file
    changed.chmod(0o644)
    changed.write_text(changed.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(TraceError, match=said):
        read_edinburgh(tmp_path)


def test_absent_data_say_what_to_set(monkeypatch, tmp_path):
    """Without the directory, and with a directory that has no such file."""
    monkeypatch.delenv("TWIN_GYM_DATA", raising=False)
    with pytest.raises(TraceError, match="TWIN_GYM_DATA is not set"):
        read_edinburgh()
    monkeypatch.setenv("TWIN_GYM_DATA", str(tmp_path))
    with pytest.raises(TraceError, match="there is no trace file"):
        read_beijing()


@needs_data
def test_time_after_the_data_is_refused():
    """Nothing is known of the future."""
    with pytest.raises(ConfigError, match="`at_s` is at most"):
        read_edinburgh(at_s=1e9)
