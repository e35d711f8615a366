"""Priority pooling: worked examples in fractions, the tie of the paper's own topology, laws."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_gym.errors import ConfigError
from twin_gym.twins.knowledge import (
    Entity,
    Level,
    MemoryStore,
    PoolingSettings,
    PoolTracker,
    RelationEvent,
    Topology,
    key_values,
    pool,
    presence_of,
    topology_of,
    update_trigger,
)
from twin_gym.twins.knowledge.cities import generate_city
from twin_gym.twins.realtime.events import Event

HIGH, MEDIUM, LOW = Level.HIGH, Level.MEDIUM, Level.LOW
EXPONENT = PoolingSettings(presence="exponent")
BY_POOL = PoolingSettings(weights="pool")


def small_city() -> MemoryStore:
    """Five sensors: s1 to s3 of g1 for air quality, s4 and s5 of g2 for waste."""
    store = MemoryStore()
    store.add([Entity(f"service/{name}", "Service") for name in ("air", "waste")])
    store.add([Entity(f"gateway/{j}", "Gateway") for j in (1, 2)])
    store.add([Entity(f"sensor/{i}", "AirQualityObserved") for i in (1, 2, 3, 4, 5)])
    for i in (1, 2, 3, 4, 5):
        j, service = (1, "air") if i <= 3 else (2, "waste")
        store.relate([RelationEvent(0.0, f"sensor/{i}", "connected_to", f"gateway/{j}")])
        store.relate([RelationEvent(0.0, f"sensor/{i}", "serves_in", f"service/{service}")])
    store.relate([RelationEvent(0.0, "gateway/1", "serves_in", "service/air")])
    store.relate([RelationEvent(0.0, "gateway/2", "serves_in", "service/waste")])
    return store


@pytest.fixture
def topology() -> Topology:
    """The worked example: nodes s1 to s5, g1, g2."""
    return topology_of(small_city())


def without(topology: Topology, name: str):
    """Presence of all nodes but one."""
    return np.array([one != name for one in topology.names])


def test_worked_example_with_all_present(topology):
    """M = 12; p = 1/6 five times, 1/3, 1/4; mean 17/84; all high; 10/7 by (5), 12/7 by (6)."""
    pools = pool(topology)
    assert topology.total == 12
    assert topology.num_relations.tolist() == [2, 2, 2, 2, 2, 4, 3]
    assert [pools.priority(i) for i in range(7)] == [Fraction(1, 6)] * 5 + [
        Fraction(1, 3),
        Fraction(1, 4),
    ]
    assert pools.mean_priority == Fraction(17, 84)
    assert (pools.levels == HIGH).all()
    assert pools.weight(HIGH) == Fraction(10, 7)
    assert pool(topology, settings=BY_POOL).weight(HIGH) == Fraction(12, 7)


@pytest.mark.parametrize(
    ("settings", "priority", "mean", "high", "alpha"),
    [
        (PoolingSettings(), Fraction(0), Fraction(5, 28), Fraction(8, 7), Fraction(2, 7)),
        (EXPONENT, Fraction(1, 12), Fraction(4, 21), Fraction(9, 7), Fraction(1, 7)),
    ],
    ids=["factor", "exponent"],
)
def test_worked_example_without_a_sensor(topology, settings, priority, mean, high, alpha):
    """s5 is gone, and low in both readings; as an exponent, absence leaves it 1/M."""
    pools = pool(topology, without(topology, "sensor/5"), settings)
    assert pools.priority(4) == priority
    assert pools.mean_priority == mean
    assert pools.levels.tolist() == [HIGH] * 4 + [LOW, HIGH, HIGH]
    assert (pools.weight(HIGH), pools.weight(LOW)) == (high, Fraction(1, 7))
    change = update_trigger(pool(topology, settings=settings), pools)
    assert change == {HIGH: alpha, MEDIUM: 0, LOW: Fraction(1, 7)}


@pytest.mark.parametrize(
    ("settings", "high", "low"),
    [
        (PoolingSettings(), Fraction(8, 7), Fraction(2, 7)),
        (BY_POOL, Fraction(9, 7), Fraction(3, 7)),
    ],
    ids=["node", "pool"],
)
def test_worked_example_without_a_gateway(topology, settings, high, low):
    """g2 is gone: the mean is 1/6, and the two readings of weights differ by 1/n a gateway."""
    pools = pool(topology, without(topology, "gateway/2"), settings)
    assert pools.mean_priority == Fraction(1, 6)
    assert (pools.weight(HIGH), pools.weight(LOW)) == (high, low)


def test_sensors_of_the_paper_lie_exactly_on_the_bound():
    """250 sensors, 50 gateways: N = 2 is 3/4 of the mean 8/3. Medium; floats make all 250 high."""
    topology = topology_of(generate_city().graph())
    pools = pool(topology)
    assert np.bincount(topology.num_relations).tolist() == [0, 0, 250, 0, 0, 0, 50]
    assert topology.total == 550
    assert pools.levels.tolist() == [MEDIUM] * 250 + [HIGH] * 50
    assert pools.weight(HIGH) == pools.weight(MEDIUM) == Fraction(5, 6)
    floats = topology.num_relations / topology.total
    assert (floats > 3 * floats.mean() / 4).all()


def test_half_of_the_mean_is_low():
    """The lower bound belongs to the low pool, the upper one to the medium pool."""
    ends = np.array([0]), np.array([1])
    counts = np.array([2, 3, 4, 4, 7])  # mean 4
    names = tuple("abcde")
    pools = pool(Topology(names, np.arange(5) == 1, counts, 20, *ends))
    assert pools.levels.tolist() == [LOW, MEDIUM, HIGH, HIGH, HIGH]


def test_medium_pool_is_empty_as_printed(topology):
    """The bounds of (4) cross: the sensors of the paper are then in no pool."""
    printed = PoolingSettings(medium="printed")
    pools = pool(topology_of(generate_city().graph()), settings=printed)
    assert len(pools.members(MEDIUM)) == 0
    assert len(pools.members(Level.NONE)) == 250
    assert (pool(topology, settings=printed).levels == HIGH).all()


def test_denominator_of_figure_2_is_the_number_of_instances(topology):
    """{189, 0.001}: a gateway of one sensor among 1000 instances."""
    pools = pool(topology, settings=PoolingSettings(denominator=1000))
    assert pools.weight(HIGH) == Fraction(10, 1000)


def test_key_values_are_those_of_equation_2(topology):
    """A sensor has its gateway, a gateway the number of its sensors, whole."""
    pairs = list(key_values(topology))
    assert pairs[0] == (":s", "sensor/1", "gateway/1")
    assert pairs[5:] == [(":gw", "gateway/1", 3), (":gw", "gateway/2", 2)]


def test_connections_alone_can_be_counted():
    """Without services M = 5, and a gateway has as many relations as sensors."""
    topology = topology_of(small_city(), counted="connections")
    assert topology.total == 5
    assert topology.num_relations.tolist() == [1] * 5 + [3, 2]


def test_tracker_computes_only_where_presence_changed(topology):
    """alpha is 0 while nobody comes or goes, and nothing is computed."""
    tracker = PoolTracker(topology)
    everybody = np.ones(7, bool)
    assert set(tracker.update(everybody).values()) == {0}
    assert tracker.num_computed == 1
    assert tracker.update(without(topology, "sensor/5"))[HIGH] == Fraction(2, 7)
    assert tracker.update(everybody)[HIGH] == Fraction(2, 7)
    assert tracker.num_computed == 3


def test_presence_is_read_from_the_graph(topology):
    """A sensor that says it is absent, or that was removed, is absent; silence is presence."""
    store = small_city()
    store.take(
        [Event(0.0, "sensor/2", "presence", False), Event(0.0, "sensor/3", "presence", True)]
    )
    store.remove(["sensor/4"])
    there = presence_of(store, topology)
    assert there.tolist() == [True, False, True, False, True, True, True]


def test_order_gives_the_most_important_first(topology):
    """By priority, the nodes of a pool stay in their order; by weight, gateways lead."""
    pools = pool(topology, without(topology, "sensor/1"))
    assert pools.order("priority").tolist() == [1, 2, 3, 4, 5, 6, 0]
    assert pools.order("weight").tolist() == [5, 6, 0, 1, 2, 3, 4]
    assert pools.order("both").tolist() == [5, 6, 1, 2, 3, 4, 0]


topologies = st.integers(1, 12).flatmap(
    lambda gateways: st.lists(st.integers(0, gateways - 1), min_size=1, max_size=40).map(
        lambda chosen: (gateways, chosen)
    )
)


def drawn(gateways: int, chosen: list[int], services: bool) -> Topology:
    """A network in which sensor i has gateway `chosen[i]`."""
    sensors, used = len(chosen), sorted(set(chosen))
    place = {gateway: sensors + k for k, gateway in enumerate(used)}
    ends = np.array([place[one] for one in chosen])
    counts = np.bincount(np.concatenate([np.arange(sensors), ends]))
    return Topology(
        tuple(map(str, range(len(counts)))),
        np.arange(len(counts)) >= sensors,
        counts + services,
        sensors + services * len(counts),
        np.arange(sensors),
        ends,
    )


readings = st.sampled_from(["factor", "exponent"])


@given(topologies, st.booleans(), st.randoms(use_true_random=False), readings)
def test_pools_are_those_of_fractions(shape, services, random, presence):
    """Equation (4) in exact fractions gives the same pool of every node."""
    topology = drawn(*shape, services)
    there = np.array([random.random() < 0.8 for _ in topology.names])
    pools = pool(topology, there, PoolingSettings(presence=presence))
    values = [
        Fraction(int(count) if is_there else int(presence == "exponent"), topology.total)
        for count, is_there in zip(topology.num_relations, there, strict=True)
    ]
    mean = sum(values) / len(values)
    for value, level in zip(values, pools.levels.tolist(), strict=True):
        wanted = HIGH if value > 3 * mean / 4 else LOW if value <= mean / 2 else MEDIUM
        assert level == wanted
    assert pools.mean_priority == mean


@given(topologies, st.booleans())
def test_weights_add_up(shape, services):
    """By (5) the pools together weigh sensors and connections; by (6) each gateway 1/n more."""
    topology = drawn(*shape, services)
    nodes, sensors = len(topology.names), len(topology.sensors)
    total = sum(pool(topology).weight(level) for level in (HIGH, MEDIUM, LOW))
    more = sum(pool(topology, settings=BY_POOL).weight(level) for level in (HIGH, MEDIUM, LOW))
    assert total == Fraction(2 * sensors, nodes)
    assert more - total == Fraction(nodes - sensors, nodes)


@given(topologies, st.randoms(use_true_random=False))
def test_pools_do_not_depend_on_the_order_of_nodes(shape, random):
    """Nodes that are listed otherwise stay in their pools, with their weights."""
    topology = drawn(*shape, True)
    order = list(range(len(topology.names)))
    random.shuffle(order)
    place = np.argsort(order)
    other = Topology(
        tuple(topology.names[k] for k in order),
        topology.is_gateway[order],
        topology.num_relations[order],
        topology.total,
        place[topology.sensors],
        place[topology.gateways],
    )
    pools, others = pool(topology), pool(other)
    assert others.levels.tolist() == pools.levels[order].tolist()
    assert others.weights.tolist() == pools.weights[order].tolist()
    assert sorted(others.order().tolist()) == sorted(order)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"total": 0}, "a node and a relation"),
        ({"names": ()}, "0 nodes"),
        ({"num_relations": np.array([2**60, 1, 1, 1, 1, 1, 1])}, "numbers of relations are 0 to"),
        ({"num_relations": np.array([-1, 1, 1, 1, 1, 1, 1])}, "numbers of relations are 0 to"),
    ],
)
def test_networks_without_pools_are_refused(topology, change, said):
    """What would divide by zero or overflow is said in words."""
    with pytest.raises(ConfigError, match=said):
        pool(topology._replace(**change))


def test_wrong_readings_and_arrays_are_refused(topology):
    """Each with what is allowed."""
    for name in ("presence", "weights", "medium"):
        with pytest.raises(ConfigError, match=f"`{name}` is one of"):
            PoolingSettings(**{name: "other"})
    with pytest.raises(ConfigError, match="`denominator`"):
        PoolingSettings(denominator=0)
    with pytest.raises(ConfigError, match="a truth value for each of 7 nodes"):
        pool(topology, np.ones(6, bool))
    with pytest.raises(ConfigError, match="`by` is one of"):
        pool(topology).order("name")
    with pytest.raises(ConfigError, match="there is none"):
        topology_of(small_city(), connection="serves")
