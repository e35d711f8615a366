"""The adapter of equation (8), its training, and its two files."""

import json

import numpy as np
import pytest
import torch

from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.twins.knowledge.adapter import (
    AdapterNetwork,
    AdapterSettings,
    BottleneckAdapter,
    Split,
    TfidfBackbone,
    TwinAdapter,
    task_of,
    train_adapter,
)

COLOURS, FORMS = ("red", "blue"), ("ball", "ring", "cone", "cube")
THINGS = tuple(f"a {colour} {form}" for colour in COLOURS for form in FORMS)
TEXTS = (*THINGS, "warm", "cold")
TRIPLES = [(one, "is", "warm" if "red" in one else "cold") for one in THINGS]
SETTINGS = AdapterSettings(bottleneck=4, rank=4, epochs=30, learning_rate=0.02)


@pytest.fixture(scope="module")
def task():
    """Red things are warm, blue ones are cold."""
    return task_of(TEXTS, TEXTS, TRIPLES)


@pytest.fixture(scope="module")
def backbone():
    """Words of these texts."""
    return TfidfBackbone(TEXTS)


def trained(task, backbone, settings=SETTINGS, **options):
    """An adapter that has learned of all things but cubes."""
    features = backbone.features(task.texts)
    is_cube = np.array(["cube" in one for one in THINGS])
    split = Split(np.flatnonzero(~is_cube), np.flatnonzero(is_cube))
    return train_adapter(task, features, split, backbone, settings, **options)


def test_adapter_is_equation_8():
    """h + ReLU(h W_D) W_U, and h itself before it learns."""
    rng = np.random.default_rng(0)
    adapter = BottleneckAdapter(5, 3, torch.Generator().manual_seed(0))
    h = rng.normal(size=(4, 5)).astype(np.float32)
    with torch.no_grad():
        assert torch.equal(adapter(torch.from_numpy(h)), torch.from_numpy(h))
        adapter.up.copy_(torch.from_numpy(rng.normal(size=(3, 5)).astype(np.float32)))
        found = adapter(torch.from_numpy(h)).numpy()
    down, up = adapter.down.detach().numpy(), adapter.up.detach().numpy()
    assert found == pytest.approx(h + np.maximum(h @ down, 0.0) @ up, abs=1e-5)
    assert (found != h).any()


def test_score_is_a_bilinear_form_of_both_entities():
    """Without an adapter: of the head twice as far from the centre the score differs twice."""
    network = AdapterNetwork(6, 2, AdapterSettings(bottleneck=0, rank=3))
    rng = np.random.default_rng(1)
    heads, tails = (torch.from_numpy(rng.normal(size=(2, 6)).astype(np.float32)) for _ in range(2))
    with torch.no_grad():
        none, once, twice = (network(heads * k, tails, 1).numpy() for k in (0.0, 1.0, 2.0))
        other = network(heads, tails, 0).numpy()
    assert twice - none == pytest.approx(2.0 * (once - none), abs=1e-5)
    assert np.abs(once - other).max() > 0.01


def test_single_large_dimension_is_tamed_and_rare_ones_are_not_blown_up():
    """After scaling no dimension varies by more than one, and the small one by less."""
    network = AdapterNetwork(3, 1, AdapterSettings(bottleneck=0, rank=1))
    features = torch.tensor([[100.0, 0.01, 5.0], [-100.0, -0.01, 5.0]])
    network.standardise(features)
    found = network.adapted(features)
    assert found[:, 0].tolist() == pytest.approx([1.0, -1.0])
    assert abs(float(found[0, 1])) < 0.01
    assert found[:, 2].tolist() == [0.0, 0.0]


def test_training_learns_and_holds_for_entities_never_seen(task, backbone):
    """No cube is learned from, cubes are asked for: accuracy goes from a guess to one."""
    seen = []
    trained(task, backbone, on_epoch=lambda n, train, held: seen.append((n, train, held)))
    assert [one[0] for one in seen] == list(range(31))
    assert seen[0][1].means()["pair_l1"] == pytest.approx(0.5, abs=0.2)
    assert seen[-1][1].means()["top"] == seen[-1][2].means()["top"] == 1.0
    assert seen[-1][1].means()["pair_l1"] < 0.05


def test_features_stay_as_they_are(task, backbone):
    """The backbone is frozen: nothing of it is changed by a training."""
    features = backbone.features(task.texts)
    before = features.copy()
    train_adapter(task, features, Split(np.arange(8), np.arange(0)), backbone, SETTINGS)
    assert (features == before).all()


def test_same_seed_gives_the_same_adapter(task, backbone):
    """Another seed gives another one."""
    first, same, other = (trained(task, backbone, seed=seed).network for seed in (0, 0, 1))
    assert torch.equal(first.heads, same.heads)
    assert not torch.equal(first.heads, other.heads)


def test_adapter_ranks_texts_of_entities_that_it_never_met(task, backbone):
    """Something red is warm, whatever it is called; probabilities add up to one."""
    ranked = trained(task, backbone).rank(backbone, "a red lamp", "is", ("warm", "cold"))
    assert [one for one, _ in ranked] == ["warm", "cold"]
    assert sum(share for _, share in ranked) == pytest.approx(1.0)
    assert ranked[0][1] > 0.5


def test_saved_adapter_is_the_same(task, backbone, tmp_path):
    """Weights, lineage and scores come back."""
    made = trained(task, backbone, seed=3)
    made.save(tmp_path)
    found = TwinAdapter.load(tmp_path)
    features = backbone.features(TEXTS)
    assert (found.scores(features, "is", features) == made.scores(features, "is", features)).all()
    about = found.metadata
    assert (about.backbone, about.backbone_digest) == ("TF-IDF", backbone.digest)
    assert (about.task, about.num_facts, about.seed) == (task.digest, 6, 3)
    assert about.weights_sha256


@pytest.mark.parametrize("change", [{"width": 70}, {"rank": -1}, {"backbone_digest": "x"}])
def test_files_that_do_not_belong_together_are_refused(task, backbone, tmp_path, change):
    """Metadata of other networks, or of none."""
    trained(task, backbone).save(tmp_path)
    path = tmp_path / "adapter.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ConfigError):
        TwinAdapter.load(tmp_path)


def test_weights_that_were_changed_are_refused(task, backbone, tmp_path):
    """The metadata name the file of weights by its hash."""
    trained(task, backbone).save(tmp_path)
    path = tmp_path / "adapter.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ConfigError, match="not the file"):
        TwinAdapter.load(tmp_path)


def test_adapter_refuses_what_it_did_not_learn_on(task, backbone):
    """Another backbone, another relation, another width, no candidates."""
    made = trained(task, backbone)
    with pytest.raises(ConfigError, match="train another adapter"):
        made.rank(TfidfBackbone(["red"]), "red", "is", ["warm"])
    with pytest.raises(UnknownNameError):
        made.rank(backbone, "red", "was", ["warm"])
    with pytest.raises(ConfigError, match="nothing to rank"):
        made.rank(backbone, "red", "is", [])
    with pytest.raises(ConfigError, match="rows of"):
        made.scores(np.zeros((1, 2), np.float32), "is", np.zeros((1, 2), np.float32))


@pytest.mark.parametrize("change", [{"bottleneck": -1}, {"rank": 0}, {"learning_rate": 2.0}])
def test_settings_out_of_range_are_refused(change):
    """Before anything is trained."""
    with pytest.raises(ConfigError, match=next(iter(change))):
        AdapterSettings(**change)


def test_training_without_facts_or_features_is_refused(task, backbone):
    """An error says which of both is missing."""
    features, nothing = backbone.features(task.texts), np.arange(0)
    with pytest.raises(ConfigError, match="row of features"):
        train_adapter(task, features[:2], Split(np.arange(4), nothing), backbone, SETTINGS)
    with pytest.raises(ConfigError, match="learns from facts"):
        train_adapter(task, features, Split(nothing, np.arange(4)), backbone, SETTINGS)
