"""Backbones: words, ids, the small model, and features that are kept."""

import json

import numpy as np
import pytest

from twin_gym.errors import ConfigError
from twin_gym.twins.knowledge.adapter import (
    IdentityBackbone,
    TfidfBackbone,
    TinyBackbone,
    TinySettings,
    cached_features,
    city_sentences,
    pretrain_tiny,
)

SETTINGS = TinySettings(
    layers=1, width=16, heads=2, window=48, num_steps=40, batch_size=8, learning_rate=0.02
)
TEXTS = ("bin, x 12.0 m, y 8.0 m", "gateway", "")


@pytest.fixture(scope="module")
def pretrained():
    """A small model of a second, and its losses."""
    losses = []
    made = pretrain_tiny(
        city_sentences(1), SETTINGS, seed=5, on_step=lambda _, loss: losses.append(loss)
    )
    return made, losses


class Counting:
    """A backbone that counts the texts it is asked for."""

    name, digest = "counting", "0" * 16

    def __init__(self, value=1.0):
        self.asked, self.value = 0, value

    def features(self, texts):
        self.asked += len(texts)
        return np.full((len(texts), 2), self.value, np.float32)


def test_rare_words_weigh_more_and_texts_have_unit_length():
    """A word of every text weighs one, before the length is divided out."""
    found = TfidfBackbone(["a bin", "a lane"]).features(["a bin", "bin", "nothing known", "A BIN"])
    assert np.linalg.norm(found, axis=1) == pytest.approx([1.0, 1.0, 0.0, 1.0])
    assert found[0, 1] / found[0, 0] == pytest.approx(1.0 + np.log(3 / 2))
    assert (found[0] == found[3]).all()


def test_corpus_without_words_is_refused():
    """There would be no features."""
    with pytest.raises(ConfigError, match="words"):
        TfidfBackbone(["...", ""])


def test_embeddings_without_text_know_their_entities_only():
    """One number an entity; of other texts nothing is known."""
    backbone = IdentityBackbone(["a", "a"])
    assert (backbone.features(["x", "y"]) == np.eye(2)).all()
    with pytest.raises(ConfigError, match="2 entities"):
        backbone.features(["a"])


def test_small_model_learns_to_say_the_next_byte(pretrained):
    """From a guess among all bytes to less than two thirds of it in 40 steps."""
    losses = pretrained[1]
    assert losses[0] > 5.0
    assert np.mean(losses[-5:]) < 3.7


def test_features_of_a_text_do_not_depend_on_those_beside_it(pretrained):
    """Short and long texts in one batch, or each alone; an empty one is one, too."""
    model = pretrained[0]
    together = model.features(TEXTS)
    alone = np.concatenate([model.features([text]) for text in TEXTS])
    assert together == pytest.approx(alone, abs=1e-5)
    assert len(np.unique(together.round(4), axis=0)) == 3


def test_text_longer_than_the_window_is_cut(pretrained):
    """What is behind 48 bytes does not count."""
    first, second = pretrained[0].features(["x" * 60 + "a", "x" * 60 + "b"])
    assert (first == second).all()


def test_same_seed_gives_the_same_small_model(pretrained):
    """And another one without reading is another one."""
    again = pretrain_tiny(city_sentences(1), SETTINGS, seed=5)
    random = pretrain_tiny(city_sentences(1), TinySettings(layers=1, width=16, num_steps=0))
    assert again.digest == pretrained[0].digest != random.digest
    assert (again.name, random.name) == ("tiny", "random tiny")


def test_saved_small_model_is_the_same(pretrained, tmp_path):
    """Features and lineage come back."""
    pretrained[0].save(tmp_path)
    found = TinyBackbone.load(tmp_path)
    assert (found.features(TEXTS) == pretrained[0].features(TEXTS)).all()
    assert found.digest == pretrained[0].digest
    assert (found.metadata.seed, found.metadata.num_steps) == (5, 40)


@pytest.mark.parametrize("change", [{"width": 17}, {"heads": 0}, {"corpus": 1}, {"more": 1}])
def test_metadata_of_another_small_model_is_refused(pretrained, tmp_path, change):
    """Before its weights are made into a network."""
    pretrained[0].save(tmp_path)
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ConfigError):
        TinyBackbone.load(tmp_path)


def test_small_model_of_nothing_is_refused():
    """It needs sentences, and heads that share its width."""
    with pytest.raises(ConfigError, match="sentences"):
        pretrain_tiny([], SETTINGS)
    with pytest.raises(ConfigError, match="multiple"):
        TinySettings(width=10, heads=4)


def test_features_are_asked_for_once(tmp_path):
    """The same texts of the same model are read from the file; others are asked for."""
    backbone = Counting()
    first = cached_features(backbone, TEXTS, tmp_path)
    assert (cached_features(backbone, TEXTS, tmp_path) == first).all()
    assert backbone.asked == 3
    cached_features(backbone, TEXTS[:2], tmp_path)
    assert backbone.asked == 5
    assert len(list(tmp_path.glob("*.safetensors"))) == 2
    cached_features(backbone, TEXTS, None)
    assert backbone.asked == 8


def test_file_of_other_features_is_refused(tmp_path):
    """One that was renamed, and one that was damaged."""
    backbone = Counting()
    cached_features(backbone, TEXTS, tmp_path)
    (path,) = tmp_path.glob("*.safetensors")
    cached_features(backbone, TEXTS[:2], tmp_path)
    (other,) = (one for one in tmp_path.glob("*.safetensors") if one != path)
    other.replace(path)
    with pytest.raises(ConfigError, match="other features"):
        cached_features(backbone, TEXTS, tmp_path)
    path.write_bytes(b"nothing")
    with pytest.raises(ConfigError, match="holds no features"):
        cached_features(backbone, TEXTS, tmp_path)


def test_features_that_are_not_finite_are_refused():
    """They would make every score one of them."""
    with pytest.raises(ConfigError, match="no finite features"):
        cached_features(Counting(float("nan")), TEXTS, None)
