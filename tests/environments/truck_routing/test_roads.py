"""Distances: straight, on a grid, and on networks that are read from files."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_gym.environments.truck_routing import road_files
from twin_gym.environments.truck_routing.data_files import DataFile
from twin_gym.environments.truck_routing.road_files import (
    RoadFile,
    read_roads,
    shortest_ways_m,
)
from twin_gym.environments.truck_routing.roads import (
    GridRoads,
    StraightRoads,
    distances_m,
    road_lines,
)
from twin_gym.errors import ConfigError, TraceError

GRID = GridRoads(columns=4, rows=3, block_m=100.0)
EDINBURGH = RoadFile(
    file=DataFile(path="edinburgh_waste/road_edges.csv"),
    nodes=DataFile(path="edinburgh_waste/road_nodes.csv"),
    format="edinburgh",
)

# A square a-b-c-d with a long road from d back to a, and two roads from a to b.
NODES = ("node_id,x_m,y_m", "a,0,0", "b,100,0", "c,100,100", "d,0,100")
EDGES = ("u,v,length_m", "a,b,100", "b,a,130", "b,c,110", "d,c,100", "d,a,400", "c,c,50")

GRAPHML = """<?xml version="1.0" encoding="utf-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="d0" for="graph" attr.name="crs" attr.type="string"/>
<key id="d1" for="node" attr.name="x" attr.type="string"/>
<key id="d2" for="node" attr.name="y" attr.type="string"/>
<key id="d3" for="edge" attr.name="length" attr.type="string"/>
<graph edgedefault="directed"><data key="d0">epsg:32630</data>
<node id="1"><data key="d1">0.0</data><data key="d2">0.0</data></node>
<node id="2"><data key="d1">100.0</data><data key="d2">0.0</data></node>
<edge source="1" target="2" id="0"><data key="d3">120.5</data></edge>
<edge source="2" target="1" id="1"><data key="d3">110.5</data></edge>
</graph></graphml>
"""


def network(tmp_path, nodes=NODES, edges=EDGES, **fields):
    """A reference to a network of its own."""
    (tmp_path / "nodes.csv").write_text("\n".join(nodes) + "\n", "utf-8")
    (tmp_path / "edges.csv").write_text("\n".join(edges) + "\n", "utf-8")
    edges_file, nodes_file = (
        DataFile(path=str(tmp_path / name)) for name in ("edges.csv", "nodes.csv")
    )
    return RoadFile(**({"file": edges_file, "nodes": nodes_file} | fields))


def graphml(tmp_path, text=GRAPHML):
    """A reference to a GraphML file of its own."""
    path = tmp_path / "roads.graphml"
    path.write_text(text, "utf-8")
    return RoadFile(file=DataFile(path=str(path)), format="graphml")


def points(*pairs):
    """Coordinates of points."""
    return np.array(pairs, np.float64).T


def test_straight_roads_are_beelines_times_detour():
    """A triangle of 3, 4 and 5."""
    distances = distances_m(StraightRoads(detour=1.5), *points((0, 0), (30, 0), (30, 40)))
    assert distances == pytest.approx(np.array([[0, 45, 75], [45, 0, 60], [75, 60, 0]]))


def test_grid_roads_follow_the_streets():
    """A point off its crossing adds the way to it; two points of one crossing go by way of it."""
    distances = distances_m(GRID, *points((0, 0), (300, 200), (310, 190), (300, 195)))
    assert distances[0].tolist() == [0.0, 500.0, 520.0, 505.0]
    assert distances[2, 3] == 25.0


def test_point_off_the_grid_is_refused_by_name():
    """With how far it is off."""
    with pytest.raises(ConfigError, match=r"'hill' lies 150\.0 m from the nearest crossing"):
        distances_m(GRID, *points((0, 0), (450, 200)), names=("square", "hill"))
    with pytest.raises(ConfigError, match="number 1 lies"):
        distances_m(GRID, *points((0, 0), (450, 200)))


def test_network_gives_shortest_ways(tmp_path):
    """Round the square, never by the long road; the shorter of two roads counts."""
    roads = network(tmp_path)
    distances = distances_m(roads, *points((0, 0), (100, 0), (100, 100), (0, 100)))
    assert distances[0].tolist() == [0.0, 100.0, 210.0, 310.0]
    assert road_lines(roads).tolist()[0] == [0.0, 0.0, 100.0, 0.0]
    assert len(road_lines(roads)) == 4


def test_way_to_the_nearest_crossing_counts(tmp_path):
    """A point 30 m off one crossing and one 40 m off another."""
    distances = distances_m(network(tmp_path), *points((-30, 0), (100, 140)))
    assert distances[0, 1] == pytest.approx(30 + 210 + 40)


def test_point_far_from_the_streets_is_refused_by_name(tmp_path):
    """A bin whose position is wrong."""
    with pytest.raises(ConfigError, match=r"'pier' lies 200\.0 m .* at most 150 m"):
        distances_m(network(tmp_path), *points((0, 0), (0, -200)), names=("yard", "pier"))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"edges": (*EDGES, "a,c,-5")}, r"edges.csv, line 8: `length_m` must be between"),
        ({"edges": (*EDGES, "a,c,0")}, "line 8: `length_m`"),
        ({"edges": (*EDGES, "a,c,x")}, "line 8: `length_m` must be a decimal number"),
        ({"edges": (*EDGES, "a,e,100")}, "line 8: there is no node 'e'"),
        ({"edges": (*EDGES, "a,c,0.14")}, "line 8: a road of 0.14 m joins nodes that are 141.4 m"),
        ({"edges": EDGES[:3]}, "not connected: there is no way from node 'c'"),
        ({"edges": EDGES[:1]}, "not connected"),
        ({"edges": ("u,v,length", "a,b,100")}, "lacks the column `length_m`"),
        ({"nodes": (*NODES, "a,5,5")}, r"nodes.csv, line 6: the node 'a' .* twice"),
        ({"nodes": (*NODES, "e,nan,5")}, "line 6: `x_m` must be a decimal number"),
        ({"nodes": NODES[:1]}, "has no nodes"),
    ],
)
def test_bad_networks_are_refused_with_the_line(tmp_path, fault, message):
    """Lengths, names, units and parts that hang together with nothing."""
    with pytest.raises(TraceError, match=message):
        read_roads(network(tmp_path, **fault))


def test_file_that_is_not_there_is_refused(tmp_path):
    """With where it was looked for."""
    roads = network(tmp_path).replace(nodes=DataFile(path=str(tmp_path / "nowhere.csv")))
    with pytest.raises(TraceError, match="nowhere"):
        read_roads(roads)


def test_graphml_of_osmnx_is_read(tmp_path):
    """Both directions of a street are one road, as long as the shorter."""
    distances = distances_m(graphml(tmp_path), *points((0, 0), (100, 0)))
    assert distances.tolist() == [[0.0, 110.5], [110.5, 0.0]]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epsg:32630", "epsg:4326", "degrees.*project"),
        ("120.5", "-3", "edge from '1' to '2': `length` must be a number of metres"),
        ("120.5", "far", "edge from '1' to '2': `length`"),
        ('<data key="d3">120.5</data>', "", "edge from '1' to '2': `length` is missing"),
        ('<data key="d1">100.0</data>', "", "node '2': `x` is missing"),
        ("</graph></graphml>", "", "no GraphML"),
        ('<?xml version="1.0" encoding="utf-8"?>', "<!DOCTYPE graphml>", "document type"),
        ("</graph>", '</graph><graph edgedefault="directed"/>', "line 12: a second graph begins"),
        ('<node id="2">', '<node id="1">', "line 9: the node stands in the file twice: '1'"),
        ('<node id="2">', "<node>", "line 9: the node has no `id`"),
        (
            'attr.name="length" attr.type="string"/>',
            'attr.name="length" attr.type="double"><default/></key>',
            "no GraphML .TypeError",
        ),
        ('<data key="d1">100.0', '<data key="d1">0.001', "not in degrees"),
    ],
)
def test_bad_graphml_is_refused(tmp_path, old, new, message):
    """Degrees, lengths, lacking numbers, and documents that could grow."""
    assert old in GRAPHML
    with pytest.raises(TraceError, match=message):
        read_roads(graphml(tmp_path, GRAPHML.replace(old, new)))


def test_keys_of_graphml_need_no_type(tmp_path):
    """What is a number is checked anyway."""
    roads = read_roads(graphml(tmp_path, GRAPHML.replace(' attr.type="string"', "")))
    assert roads.length_m.tolist() == [110.5]


def test_many_points_on_a_large_network_take_little_room(tmp_path, monkeypatch):
    """Ways to all nodes are kept for some points at a time: the distances are the same."""
    roads = read_roads(network(tmp_path))
    nodes = np.array([3, 0, 1, 1, 2])
    whole = shortest_ways_m(roads, nodes)
    monkeypatch.setattr(road_files, "_MOST_WAYS", 4)
    assert np.array_equal(shortest_ways_m(roads, nodes), whole)


def test_formats_ask_for_their_files():
    """CSV needs nodes, GraphML has them."""
    some = DataFile(path="roads.graphml")
    with pytest.raises(ConfigError, match="name the `nodes`"):
        RoadFile(file=some)
    with pytest.raises(ConfigError, match="leave `nodes` out"):
        RoadFile(file=some, nodes=some, format="graphml")


@given(st.lists(st.tuples(st.floats(-40, 340), st.floats(-40, 240)), min_size=1, max_size=12))
def test_distances_are_a_metric(pairs):
    """Symmetric to the last bit, 0 on the diagonal, and no way is shorter by a third point."""
    for roads in (GRID, StraightRoads(detour=1.2)):
        distances = distances_m(roads, *points(*pairs))
        assert np.array_equal(distances, distances.T)
        assert not distances.diagonal().any()
        assert (distances[:, None] <= distances[:, :, None] + distances[None] + 1e-9).all()


def test_distances_are_read_only():
    """Tables of several rows share them."""
    with pytest.raises(ValueError, match="read-only"):
        distances_m(StraightRoads(), *points((0, 0), (1, 1)))[0, 1] = 1.0


@pytest.mark.usefixtures("data_dir")
def test_roads_of_edinburgh_are_one_network():
    """As many as its README counts, and no way is shorter than the beeline, within rounding."""
    roads = read_roads(EDINBURGH)
    assert len(roads.x_m) == 4178
    assert len(roads.ends) == 5074
    some = slice(None, None, 50)
    distances = distances_m(EDINBURGH, roads.x_m[some], roads.y_m[some])
    beelines = distances_m(StraightRoads(detour=1.0), roads.x_m[some], roads.y_m[some])
    assert np.isfinite(distances).all()
    assert (distances >= 0.95 * beelines).all()
