"""Scenarios of tiny instant communication: presets, bounds, and topologies from files."""

import gzip

import networkx as nx
import numpy as np
import pytest

from twin_gym.environments.tic_scheduling.scenario import Placement, TicScenario
from twin_gym.environments.tic_scheduling.topology import read_graphml, topology_of
from twin_gym.errors import ConfigError
from twin_gym.scenario import to_toml
from twin_gym.scenario.loading import load, names, parse

# A digest that changes means another scenario under a known name: say so in the changelog.
DIGESTS = {
    "tic-campusiot": "889e31deb8ea5dfb",
    "tic-campusiot-calibrated": "3a20109381f88250",
    "tic-large-20": "07743126d07a6e15",
    "tic-large-45": "f4a2d49f640cc544",
    "tic-large-70": "444874d02de97a2b",
    "tic-medium-20": "5262abc7d81d3168",
    "tic-medium-45": "8f076fada53c26ea",
    "tic-medium-70": "75fab7cc37fee6d6",
    "tic-pick": "a0b949b01e31fcb3",
    "tic-small-20": "facb4577ff2ed163",
    "tic-small-45": "e713e518f7d93649",
    "tic-small-70": "21a16ad553062f6b",
}
SIZES = {"small": (50, 2), "medium": (250, 8), "large": (1000, 20)}


def test_presets_keep_their_digests():
    """A preset does what it did when it was published, and says where its numbers come from."""
    assert {name: load(name).digest for name in names("tic")} == DIGESTS
    for name in names("tic"):
        scenario = load(name)
        assert scenario.name == name
        assert scenario.description
        assert "choice" in scenario.provenance


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("share", [20, 45, 70])
def test_sizes_are_those_of_the_source(size, share):
    """Sensors, gateways, the share that asks at once, and a deadline below 0.9 ms."""
    scenario = load(f"tic-{size}-{share}")
    assert (scenario.num_sensors, scenario.num_gateways) == SIZES[size]
    assert scenario.burst_sensors == round(share / 100 * scenario.num_sensors)
    assert scenario.deadline_slots * scenario.slot_s <= 0.0009
    assert scenario.message_bits <= 2000


@pytest.mark.parametrize("name", names("tic"))
def test_toml_round_trip(name):
    """A written scenario is read back equal."""
    scenario = load(name)
    assert parse(to_toml(scenario)) == scenario


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_sensors": 0}, "num_sensors"),
        ({"num_sensors": 10_001}, "num_sensors"),
        ({"num_gateways": 0}, "num_gateways"),
        ({"grants": 0}, "grants"),
        ({"message_bits": 2001}, "message_bits"),
        ({"burst_fraction": 1.1}, "burst_fraction"),
        ({"good_success": float("nan")}, "good_success"),
        ({"bad_share": -0.1}, "bad_share"),
        ({"horizon_s": 0.0003}, "whole number of frames"),
        ({"horizon_s": 0.0001}, "take 0.0005 s"),
        ({"horizon_s": 1e6}, "shorten the horizon"),
        ({"burst_period_s": 0.0100001}, "whole number of slots"),
        ({"burst_jitter_s": 0.01}, "lengthen the period"),
        ({"background_rate_hz": 8001.0}, "at most one background message"),
        ({"background_rate_hz": 0.0, "burst_fraction": 0.0}, "no sensor ever asks"),
        ({"num_sensors": 10_000, "buffer_messages": 1000}, "shorten the buffers"),
        ({"grant": 3}, "did you mean 'grants'"),
    ],
)
def test_bad_values_say_what_to_do(changes, message):
    """The error says what is wrong, in the words of the field."""
    with pytest.raises(ConfigError, match=message):
        load("tic-small-45").replace(**changes)


def test_derived_numbers():
    """The tables of the simulator, computed by hand."""
    scenario = load("tic-small-20")
    assert scenario.num_slots == 4000
    assert scenario.burst_period_slots == 80
    assert scenario.burst_jitter_slots == 16
    assert scenario.background_probability == 0.0025
    assert scenario.uplinks_per_slot == pytest.approx(10 / 80 + 50 * 0.0025)
    assert scenario.messages_per_frame == pytest.approx(8 * 0.25)
    assert scenario.most_deadline_slots == 7
    assert scenario.time_unit_s == pytest.approx(13 * 0.000125)
    assert scenario.replace(answers=False).messages_per_frame == pytest.approx(1.0)


def small_graph():
    """Three sensors on two gateways, as others would write it."""
    graph = nx.Graph()
    for name, kind, x, y in (
        ("a", "sensor", 0, 0), ("hub", "gateway", 1, 0), ("b", "sensor", 2, 0),
        ("c", "sensor", 9, 9), ("mast", "gateway", 9, 8),
    ):  # fmt: skip
        graph.add_node(name, kind=kind, x_m=float(x), y_m=float(y))
    graph.add_edges_from([("a", "hub"), ("b", "hub"), ("c", "mast")])
    return graph


def written(tmp_path, graph):
    """The graph as a file."""
    path = tmp_path / "network.graphml"
    nx.write_graphml(graph, path)
    return path


def test_topology_from_graphml(tmp_path):
    """Read, run, written as TOML and read again."""
    placement = read_graphml(written(tmp_path, small_graph()))
    assert placement.gateway_of == (0, 0, 1)
    scenario = TicScenario(
        name="read", horizon_s=0.01, num_sensors=3, num_gateways=2, placement=placement
    )
    topology = topology_of(scenario)
    assert np.array_equal(topology.gateways_m, [[1, 0], [9, 8]])
    assert parse(to_toml(scenario)) == scenario
    graph = topology.graph()
    assert set(graph.neighbors("gateway 0")) == {"sensor 0", "sensor 1"}


def test_own_graph_can_be_read_back(tmp_path):
    """The output of `graph` is accepted by `read_graphml`."""
    topology = topology_of(load("tic-small-45"))
    placement = read_graphml(written(tmp_path, topology.graph()))
    assert np.array_equal(placement.sensors_m, topology.sensors_m)
    assert np.array_equal(placement.gateway_of, topology.gateway_of)


def spoil_edge(graph):
    graph.add_edge("a", "mast")


def spoil_lonely(graph):
    graph.remove_edge("c", "mast")


def spoil_sensors(graph):
    graph.remove_edge("a", "hub")
    graph.add_edge("a", "b")


def spoil_position(graph):
    graph.nodes["b"]["x_m"] = float("inf")


def spoil_missing(graph):
    del graph.nodes["b"]["y_m"]


def spoil_kind(graph):
    graph.nodes["a"]["kind"] = "phone"


def spoil_digits(graph):
    graph.nodes["b"]["x_m"] = 10**401


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_edge, "exactly one gateway"),
        (spoil_lonely, "exactly one gateway"),
        (spoil_sensors, "exactly one gateway"),
        (spoil_position, "finite"),
        (spoil_missing, "finite"),
        (spoil_digits, "finite"),
        (spoil_kind, "sensor or gateway"),
    ],
)
def test_bad_topologies_are_refused(tmp_path, spoil, message):
    """Several gateways, none, a sensor as gateway, no position, another kind."""
    graph = small_graph()
    spoil(graph)
    with pytest.raises(ConfigError, match=message):
        read_graphml(written(tmp_path, graph))


def test_graphml_that_would_take_long_is_refused_before_it_is_parsed(tmp_path):
    """Of too many tags; and a packed file is read as it lies there, not unpacked."""
    path = tmp_path / "flood.graphml"
    path.write_text("<graphml>" + "<a/>" * 500_000 + "</graphml>", "utf-8")
    with pytest.raises(ConfigError, match="500,002 tags and at most 500,000"):
        read_graphml(path)
    packed = tmp_path / "flood.graphml.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(ConfigError, match="not valid GraphML"):
        read_graphml(packed)


@pytest.mark.parametrize("path", [3, None, b"a.graphml", "a\0b", "x" * 5_000, "."])
def test_what_names_no_file_of_a_graph_is_refused(path):
    """In words, whatever the system says of it."""
    with pytest.raises(ConfigError):
        read_graphml(path)


def test_files_that_are_no_graphs_are_refused(tmp_path):
    """Missing, and not GraphML."""
    with pytest.raises(ConfigError, match="no GraphML file"):
        read_graphml(tmp_path / "nothing.graphml")
    path = tmp_path / "text.graphml"
    path.write_text("<graphml", "utf-8")
    with pytest.raises(ConfigError, match="not valid GraphML"):
        read_graphml(path)


def test_placement_must_fit():
    """As many entries as sensors, gateways that exist, and the numbers of the scenario."""
    with pytest.raises(ConfigError, match="exactly one gateway"):
        Placement(sensors_m=((0.0, 0.0),), gateways_m=((1.0, 1.0),), gateway_of=(0, 0))
    with pytest.raises(ConfigError, match="gateways 0 to 0"):
        Placement(sensors_m=((0.0, 0.0),), gateways_m=((1.0, 1.0),), gateway_of=(1,))
    placement = Placement(sensors_m=((0.0, 0.0),), gateways_m=((1.0, 1.0),), gateway_of=(0,))
    with pytest.raises(ConfigError, match="same numbers"):
        load("tic-small-45").replace(placement=placement)


def test_density_counts_neighbours():
    """Sensors of the square over those of the fullest: three together, one apart."""
    placement = Placement(
        sensors_m=((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (99.0, 99.0)),
        gateways_m=((50.0, 50.0),),
        gateway_of=(0, 0, 0, 0),
    )
    scenario = TicScenario(
        name="dense", horizon_s=0.01, num_sensors=4, num_gateways=1, placement=placement,
        cells_per_side=2,
    )  # fmt: skip
    assert topology_of(scenario).density.tolist() == [1.0, 1.0, 1.0, pytest.approx(1 / 3)]
