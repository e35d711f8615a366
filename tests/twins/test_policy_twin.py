"""The saved twin: the round trip, and everything that may be wrong with the two files."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch
import torch

from tests.twins.cases import small_network
from twin_gym.errors import ConfigError
from twin_gym.policies import Policy, evaluate, world_seeds
from twin_gym.scenario import Daily
from twin_gym.twins import PolicyMetadata, PolicyTwin

CARD, WEIGHTS = "policy.json", "policy.safetensors"


@pytest.fixture
def folder(twin, tmp_path):
    """A folder with a saved twin."""
    twin.save(tmp_path / "twin")
    return tmp_path / "twin"


def rewrite(folder, **changes):
    """Changes keys of the saved metadata."""
    values = json.loads((folder / CARD).read_text()) | changes
    (folder / CARD).write_text(json.dumps(values))


def rewrite_weights(folder, change):
    """Changes the saved weights, and the digest in the metadata with them."""
    weights = safetensors.torch.load((folder / WEIGHTS).read_bytes())
    content = safetensors.torch.save(change(weights))
    (folder / WEIGHTS).write_bytes(content)
    rewrite(folder, weights_sha256=hashlib.sha256(content).hexdigest())


def test_round_trip_gives_equal_logits(twin, folder, log):
    """The loaded twin decides exactly as the saved one, and has the same metadata."""
    loaded = PolicyTwin.load(folder)
    ours, theirs = (one.log_probabilities(log.observations, log.masks) for one in (twin, loaded))
    np.testing.assert_array_equal(ours, theirs)
    assert loaded.metadata.replace(weights_sha256="") == twin.metadata
    assert isinstance(loaded, Policy)


def test_folder_holds_two_files_without_pickles(folder):
    """JSON and safetensors, nothing left aside, and loading does not touch torch's own state."""
    assert sorted(path.name for path in folder.iterdir()) == [CARD, WEIGHTS]
    content = (folder / WEIGHTS).read_bytes()
    length = int.from_bytes(content[:8], "little")
    assert set(json.loads(content[8 : 8 + length])["action_net.bias"]) == {
        "dtype", "shape", "data_offsets",
    }  # fmt: skip
    before = torch.random.get_rng_state()
    PolicyTwin.load(folder)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_saving_again_replaces_the_twin(twin, folder, log):
    """A second save into the same folder leaves a twin that loads."""
    changed = {name: value + 1 for name, value in twin.network.state_dict().items()}
    other = PolicyTwin.load(folder)
    other.network.load_state_dict(changed)
    other.save(folder)
    loaded = PolicyTwin.load(folder)
    assert torch.equal(loaded.network.action_net.bias, changed["action_net.bias"])


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "red"},
        {"format": "twin_gym policy twin 2"},
        {"action": "pick"},
        {"hidden": [32]},
        {"hidden": [10**9]},
        {"hidden": []},
        {"hidden": "64"},
        {"field_names": []},
        {"field_names": ["free/radio"]},
        {"field_names": None},
        {"scenario_digest": "../../etc"},
        {"num_decisions": -1},
        {"num_decisions": 1.5},
        {"smoothing": 1.0},
        {"held_out_loss": None},
        {"seed": "0"},
        {"versions": {"torch": 2}},
        {"weights_sha256": "0" * 64},
        {"weights_sha256": ""},
    ],
)
def test_changed_cards_are_refused(folder, changes):
    """Unknown keys, wrong types and sizes, and metadata of other weights."""
    rewrite(folder, **changes)
    with pytest.raises(ConfigError):
        PolicyTwin.load(folder)


@pytest.mark.parametrize("key", sorted(PolicyMetadata.model_fields.keys() - {"shared"}))
def test_cards_without_a_key_are_refused(folder, key):
    """Nothing is made up for what is not there."""
    values = json.loads((folder / CARD).read_text())
    del values[key]
    (folder / CARD).write_text(json.dumps(values))
    with pytest.raises(ConfigError, match=key):
        PolicyTwin.load(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "[" * 100_000, '{"a": NaN}', "\x00"])
def test_cards_that_are_no_object_are_refused(folder, text):
    """Any other content gives an error that says so."""
    (folder / CARD).write_text(text)
    with pytest.raises(ConfigError):
        PolicyTwin.load(folder)
    (folder / CARD).write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        PolicyTwin.load(folder)


def test_field_names_of_another_network_are_refused(folder):
    """The weights have the shapes of the fields that the metadata names, or the twin is refused."""
    values = json.loads((folder / CARD).read_text())
    rewrite(folder, field_names=[f"free/{i}" for i in range(5)] + values["field_names"])
    with pytest.raises(ConfigError, match="must be"):
        PolicyTwin.load(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda weights: {},
        lambda weights: weights | {"extra": torch.zeros(1)},
        lambda weights: weights | {"action_net.bias": torch.zeros(99)},
        lambda weights: weights | {"action_net.bias": weights["action_net.bias"].double()},
        lambda weights: weights | {"action_net.bias": weights["action_net.bias"] * float("nan")},
    ],
)
def test_changed_weights_are_refused(folder, change):
    """Names, shapes, types, finite values: all as the metadata says."""
    rewrite_weights(folder, change)
    with pytest.raises(ConfigError):
        PolicyTwin.load(folder)


def test_damaged_or_missing_files_are_refused(folder):
    """Cut off, of another save, a pickle, or not there."""
    whole = (folder / WEIGHTS).read_bytes()
    for content in (whole[:-1], b"", b"\x80\x04K\x01."):
        (folder / WEIGHTS).write_bytes(content)
        with pytest.raises(ConfigError, match="changed"):
            PolicyTwin.load(folder)
    pickled = b"\x80\x04K\x01."
    (folder / WEIGHTS).write_bytes(pickled)
    rewrite(folder, weights_sha256=hashlib.sha256(pickled).hexdigest())
    with pytest.raises(ConfigError, match="no weights"):
        PolicyTwin.load(folder)
    for name in (WEIGHTS, CARD):
        (folder / name).unlink()
        with pytest.raises(ConfigError, match="there is no file"):
            PolicyTwin.load(folder)


def test_fits_the_scenario_and_networks_like_it(twin, small, action):
    """Capacities, rates and revenues may differ: that is what a what-if changes."""
    twin.check_fits(small, action)
    twin.check_fits(small.replace(capacity={"radio": 16.0, "computing": 12.0}), action)


def test_other_fields_are_refused(twin, small, action, contention):
    """Another form of the action, other slices, other resources, or a time of day."""
    with pytest.raises(ConfigError, match="form"):
        twin.check_fits(small, "slot" if action == "slice" else "slice")
    daily = tuple(s.replace(arrival=Daily(period_s=10.0, factors=(1.0, 2.0))) for s in small.slices)
    turned = {"computing": 6.0, "radio": 8.0}
    for other in (
        contention,
        small.replace(slices=small.slices[::-1]),
        small.replace(slices=small.slices[:2]),
        small.replace(slices=daily),
        small.replace(capacity=turned),
    ):
        with pytest.raises(ConfigError, match="other fields"):
            twin.check_fits(other, action)


def test_slot_twin_takes_other_queue_limits(twin, small, action):
    """It runs where the queues are longer; so does a slice twin, which sees no positions."""
    longer = small_network(slices=tuple(s.replace(queue_limit=6) for s in small.slices))
    twin.check_fits(longer, action)
    assert evaluate(twin, longer, world_seeds("validation", 2), action=action).mean() > 0


def test_arrays_of_another_network_are_refused(twin, log):
    """Too few fields, too few actions, a single row without its dimension."""
    observations, masks = log.observations, log.masks
    for bad in (
        (observations[:, :-1], masks),
        (observations, masks[:, :-1]),
        (observations[:-1], masks),
        (observations[0], masks[0]),
    ):
        with pytest.raises(ConfigError, match="check_fits"):
            twin.actions(*bad)


def test_sampled_twin_draws_by_its_seed_row_by_row(twin, log):
    """Same seed, same draws; other seed, others; row i whatever the number of rows."""
    observations, masks = log.observations, log.masks
    sampled = twin.sampled()
    assert sampled.name == f"{twin.name}-sampled"
    drawn = []
    for seed in (1, 1, 2):
        sampled.reset(seed)
        drawn.append([sampled.actions(observations, masks) for _ in range(2)])
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[0][0] != drawn[0][1]).any()
    assert (drawn[0][0] != drawn[2][0]).any()
    sampled.reset(1)
    few = sampled.actions(observations[:7], masks[:7])
    np.testing.assert_array_equal(few, drawn[0][0][:7])


def test_sampled_frequencies_are_the_probabilities(twin, log):
    """Of 20,000 draws in one state; the chance of a false alarm is below 1 in 10,000."""
    row = int(log.masks.sum(axis=1).argmax())
    observations = np.repeat(log.observations[row : row + 1], 20_000, axis=0)
    masks = np.repeat(log.masks[row : row + 1], 20_000, axis=0)
    sampled = twin.sampled()
    counts = np.bincount(sampled.actions(observations, masks), minlength=masks.shape[1])
    expected = np.exp(sampled.log_probabilities(observations[:1], masks[:1])[0].astype(float))
    errors = np.sqrt(expected * (1 - expected) / 20_000)
    assert (np.abs(counts / 20_000 - expected) <= 5 * errors + 1e-9).all()


def test_bad_seed_and_bad_card_are_refused(twin):
    """At once, with what is allowed."""
    with pytest.raises(ConfigError, match="seed"):
        twin.reset(-1)
    with pytest.raises(ConfigError, match="no field"):
        replace(twin, metadata=twin.metadata.replace(colour="red"))
