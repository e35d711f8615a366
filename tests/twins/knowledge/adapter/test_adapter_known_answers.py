"""What must come out, whatever the network: ceilings, chance, and majority."""

import numpy as np
import pytest

from twin_gym.errors import ConfigError
from twin_gym.twins.knowledge.adapter import (
    PLACED,
    PLAIN,
    AdapterSettings,
    IdentityBackbone,
    TfidfBackbone,
    bayes_ceiling,
    judge,
    majority,
    nearest_neighbour,
    split_facts,
    task_of_graph,
    train_adapter,
    with_shuffled_tails,
)
from twin_gym.twins.knowledge.cities import CityPlan, generate_city

PLAN = CityPlan(sensors=120, gateways=12, assignment="nearest")
SETTINGS = AdapterSettings(bottleneck=8, rank=8, epochs=20, learning_rate=0.01)


@pytest.fixture(scope="module")
def graph():
    """A city whose sensors have the nearest gateways."""
    return generate_city(PLAN).graph()


def learned(task, split, features, settings=SETTINGS, seed=0):
    """The last judgement of a training."""
    seen = {}

    def on_epoch(epoch, train, held):
        seen[epoch] = train, held

    backbone = IdentityBackbone(task.texts)
    train_adapter(task, features, split, backbone, settings, seed=seed, on_epoch=on_epoch)
    return seen[settings.epochs]


def connections(task, judged):
    """Which facts are connections of sensors."""
    return task.facts[judged.facts, 1] == task.relations.index("connected_to")


def split_of(task, seed=0):
    """A quarter of the entities is held out."""
    return split_facts(task, 0.25, np.random.default_rng(seed))


@pytest.mark.parametrize(("properties", "wanted"), [(PLACED, 1.0), (PLAIN, 1 / 12)])
def test_ceiling_of_connections_is_one_with_places_and_a_guess_without(graph, properties, wanted):
    """The gateway is the nearest one; texts without places tell no gateway from another."""
    task = task_of_graph(graph, properties)
    split, placed = split_of(task), properties is PLACED
    found = bayes_ceiling(graph, PLAN, task, split.train, split.held_out, placed=placed)
    is_connection = task.facts[split.held_out, 1] == 0
    assert found[is_connection] == pytest.approx(wanted)


def test_ceiling_of_services_is_their_kind_or_their_gateway(graph):
    """Trucks work for two services: half of them is guessed right, all with a fact of a gateway."""
    task = task_of_graph(graph, PLAIN)
    facts, nothing = np.arange(len(task.facts)), np.arange(0)
    found = bayes_ceiling(graph, PLAN, task, nothing, facts, placed=False)
    for value, (head, relation, _) in zip(found, task.facts, strict=True):
        kind = graph.kind(task.entities[head]).kind
        if task.relations[relation] == "serves_in":
            wanted = {"Vehicle": 1 / 2, "Gateway": 1 / 3}.get(kind, 1.0)
            assert value == pytest.approx(wanted)
    known = bayes_ceiling(graph, PLAN, task, facts, facts, placed=True)
    assert (known == 1.0).all()


def test_ceiling_of_places_that_say_nothing_is_refused(graph):
    """Balanced gateways are no nearest ones."""
    task = task_of_graph(graph)
    with pytest.raises(ConfigError, match="say nothing"):
        bayes_ceiling(graph, CityPlan(), task, np.arange(2), np.arange(2), placed=True)


def test_texts_that_are_alike_are_told_apart_by_nothing(graph):
    """All gateways are "gateway": an adapter is right as often as a guess, exactly."""
    task = task_of_graph(graph, PLAIN)
    split = split_of(task)
    features = TfidfBackbone(task.texts).features(task.texts)
    for judged in learned(task, split, features):
        chosen = connections(task, judged)
        assert judged.top[chosen] == pytest.approx(1 / 12)
        assert judged.pair[chosen] == pytest.approx(1 / 2)


def test_words_tell_the_service_of_sensors_never_seen():
    """Every kind of these two services is of one of them: the ceiling of 1 is reached."""
    plan = CityPlan(sensors=60, gateways=6, services=("air-quality", "waste"))
    task = task_of_graph(generate_city(plan).graph(), PLAIN)
    split = split_of(task)
    is_gateway = np.array([one.startswith("gateway") for one in task.entities])
    _, held = learned(task, split, TfidfBackbone(task.texts).features(task.texts))
    asked = ~connections(task, held) & ~is_gateway[task.facts[held.facts, 0]]
    assert asked.sum() > 10
    assert held.top[asked].mean() == 1.0


def test_embeddings_without_text_are_at_chance_for_entities_never_seen(graph):
    """Told from one wrong gateway: 1/2. 180 sensors: above 0.65 once in 10,000 (z = 3.9)."""
    task = task_of_graph(graph)
    features = IdentityBackbone(task.texts).features(task.texts)
    pairs = []
    for seed in range(6):
        train, held = learned(task, split_of(task, seed), features, seed=seed)
        assert train.top.mean() > 0.9
        pairs.append(held.pair[connections(task, held)])
    assert np.concatenate(pairs).mean() < 0.65


def test_shuffled_labels_teach_no_more_than_the_majority(graph):
    """Nothing is left but frequencies: held-out accuracy is at most theirs, within 0.15."""
    task = task_of_graph(graph)
    features = TfidfBackbone(task.texts).features(task.texts)
    found, usual = [], []
    for seed in range(4):
        split = split_of(task, seed)
        made = with_shuffled_tails(task, split.train, np.random.default_rng(seed))
        found.append(learned(made, split, features, seed=seed)[1].top.mean())
        usual.append(judge(task, split.held_out, majority(task, split.train)).top.mean())
    assert np.mean(found) < np.mean(usual) + 0.15


def test_nearest_neighbour_of_places_is_mostly_right(graph):
    """Features that are places: the nearest known sensor mostly has the same gateway."""
    task = task_of_graph(graph)
    split = split_of(task)
    places = np.array(
        [[graph.fact(one, name).value or 0.0 for name in ("x_m", "y_m")]
         if one.startswith(("sensor", "gateway")) else [0.0, 0.0] for one in task.entities],
        np.float32,
    )  # fmt: skip
    scaled = places / 5_000.0 - 0.5
    lifted = np.concatenate([scaled, 1.0 - (scaled**2).sum(1, keepdims=True)], axis=1)
    judged = judge(task, split.held_out, nearest_neighbour(task, split.train, lifted))
    assert judged.top[connections(task, judged)].mean() > 0.3
