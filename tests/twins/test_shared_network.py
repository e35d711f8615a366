"""Twins with one network for all candidates: made, saved, loaded, and of old files none."""

import json
from functools import cache

import numpy as np
import pytest
import torch

from tests.twins.kinds import SeenAmountsPolicy
from twin_gym.errors import ConfigError
from twin_gym.policies import make_policy
from twin_gym.scenario.loading import load
from twin_gym.twins import (
    CloneSettings,
    DecisionLog,
    FlatNetwork,
    GanSettings,
    PolicyTwin,
    SharedNetwork,
    censored_square_error,
    clone,
    fidelity,
    record,
    synthesise,
    train_generator,
)
from twin_gym.twins.decision_space import DecisionSpace
from twin_gym.twins.networks import blank_network

PICKS = {"tic-pick": "edf", "sync-small": "oldest-first", "truck-grid-20": "svm-fill"}
QUICK = CloneSettings(max_epochs=3, min_steps=60)


@cache
def logged(preset, count=200):
    """Decisions of a rule that decides by what it observes."""
    return record(
        make_policy(PICKS[preset], load(preset), "pick"), load(preset), count, action="pick"
    )


@pytest.fixture(scope="module")
def twin():
    """A hasty twin of earliest deadline first."""
    return clone(logged("tic-pick"), load("tic-pick"), settings=QUICK)


@pytest.mark.parametrize("preset", PICKS)
def test_twins_of_picks_share_one_network(preset):
    """Unless it is not wanted; the width is one, and disallowed actions are not taken."""
    log = logged(preset)
    made = clone(log, load(preset), settings=QUICK)
    assert isinstance(made.network, SharedNetwork)
    assert (made.metadata.shared, made.metadata.hidden) == (True, (16,))
    chosen = made.actions(log.observations, log.masks)
    assert log.masks[np.arange(len(log)), chosen].all()
    logs = made.log_probabilities(log.observations, log.masks)
    np.testing.assert_array_equal(logs.argmax(axis=1), chosen)


def test_flat_networks_are_there_where_they_are_asked_for():
    """And a shared one where nothing is picked is refused."""
    flat = clone(
        logged("tic-pick"), load("tic-pick"), settings=CloneSettings(shared=False, max_epochs=1)
    )
    assert isinstance(flat.network, FlatNetwork)
    assert not flat.metadata.shared
    weights = load("tic-small-45")
    log = record(make_policy("edf", weights), weights, 20)
    with pytest.raises(ConfigError, match="leave `shared` False"):
        clone(log, weights, settings=CloneSettings(shared=True))
    with pytest.raises(ConfigError, match="one width"):
        clone(logged("tic-pick"), load("tic-pick"), settings=CloneSettings(hidden=(8, 8)))


def test_plain_form_and_layers_are_the_network(twin):
    """In NumPy, and as one large network on the whole observation."""
    log = logged("tic-pick")
    seen = torch.from_numpy(log.observations)
    logits = twin.network(seen).detach().numpy()
    np.testing.assert_allclose(twin.network.plain()(log.observations), logits, atol=1e-5)
    count = 16 * (logits.shape[1] - 1)
    flat = FlatNetwork(seen.shape[1], logits.shape[1], (count, count))
    flat.load_state_dict(twin.network.as_layers(seen.shape[1]))
    np.testing.assert_allclose(flat(seen).detach().numpy(), logits, atol=1e-4)
    assert logits.std() > 0.1


def test_seed_decides_the_weights():
    """Same seed, same weights, the numbers of its own too; torch's own state stays as it was."""
    space = DecisionSpace.of(load("tic-pick"), "pick")
    before = torch.random.get_rng_state()
    one, same, other = (
        SharedNetwork.of(space, generator=torch.Generator().manual_seed(seed)).state_dict()
        for seed in (1, 1, 2)
    )
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["own"], other["own"])


def test_blank_network_has_the_shapes_and_draws_nothing():
    """Whatever its width is."""
    space = DecisionSpace.of(load("tic-pick"), "pick")
    before = torch.random.get_rng_state()
    blank = blank_network(space, (4096,), shared=True)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert {one.device.type for one in blank.state_dict().values()} == {"meta"}
    assert blank.columns.device.type == "cpu"


def test_round_trip_gives_the_same_twin(twin, tmp_path):
    """The card names the network; what is loaded decides the same."""
    twin.save(tmp_path)
    loaded, log = PolicyTwin.load(tmp_path), logged("tic-pick")
    assert json.loads((tmp_path / "policy.json").read_text())["shared"] is True
    assert loaded.metadata.replace(weights_sha256="") == twin.metadata
    for one in (loaded, loaded.sampled(), twin.sampled()):
        one.reset(3)
    np.testing.assert_array_equal(
        loaded.log_probabilities(log.observations, log.masks),
        twin.log_probabilities(log.observations, log.masks),
    )
    np.testing.assert_array_equal(
        loaded.actions(log.observations, log.masks), twin.actions(log.observations, log.masks)
    )


def test_files_from_before_shared_networks_are_read(twin, tmp_path):
    """They are of flat networks; weights of another network than the card names are refused."""
    flat = clone(
        logged("tic-pick"), load("tic-pick"), settings=CloneSettings(shared=False, max_epochs=1)
    )
    for one, folder in ((flat, tmp_path / "flat"), (twin, tmp_path / "shared")):
        one.save(folder)
        card = json.loads((folder / "policy.json").read_text())
        del card["shared"]
        (folder / "policy.json").write_text(json.dumps(card))
    assert isinstance(PolicyTwin.load(tmp_path / "flat").network, FlatNetwork)
    with pytest.raises(ConfigError, match="other parameters than the metadata says"):
        PolicyTwin.load(tmp_path / "shared")
    with pytest.raises(ConfigError, match="nothing is picked"):
        twin.metadata.replace(kind="access", action="level")


def test_known_rule_is_recovered_from_few_decisions():
    """Earliest deadline first from 1,000 decisions."""
    scenario = load("tic-pick")
    rule = make_policy("edf", scenario, "pick")
    made = clone(logged("tic-pick", 1000), scenario, settings=CloneSettings(smoothing=0.0))
    assert fidelity(made, rule, scenario, num_states=500).on_policy.agreement > 0.9


def test_pairs_of_a_gan_are_learned_from():
    """The GAN sees whole states; the clone scores the candidates in them."""
    log, scenario = logged("sync-small"), load("sync-small")
    generator = train_generator(log, scenario, settings=GanSettings(num_steps=3))
    made = clone(log, scenario, settings=QUICK, synthetic=synthesise(generator, log, scenario, 50))
    assert isinstance(made.network, SharedNetwork)
    assert made.metadata.num_synthetic == 50


def test_who_decides_by_what_is_not_shown_is_not_cloned(tmp_path):
    """The log says it, also after it was saved; a rough likeness can be asked for."""
    scenario = load("tic-pick")
    log = record(make_policy("round-robin", scenario, "pick"), scenario, 60, action="pick")
    log.save(tmp_path / "log")
    for one in (log, DecisionLog.load(tmp_path / "log"), log.take(np.arange(50))):
        with pytest.raises(ConfigError, match="decides by whose turn it is"):
            clone(one, scenario)
    rough = CloneSettings(max_epochs=1, min_steps=1, allow_unseen=True)
    assert clone(log, scenario, settings=rough).metadata.default_policy == "round-robin"


def test_amounts_at_a_bound_are_met_by_any_output_beyond_it():
    """On one side only; in between the error is the plain square."""
    amounts = torch.tensor([[0.0, 0.0, 1.0, 1.0, 0.4]])
    outputs = torch.tensor([[-0.5, 0.1, 1.5, 0.9, 0.2]])
    errors = [0.0, (0.1 + 0.05) ** 2, 0.0, (0.1 + 0.05) ** 2, 0.2**2]
    found = float(censored_square_error(outputs, amounts, 0.05))
    assert found == pytest.approx(sum(errors) / 5)
    plain = censored_square_error(outputs[:, 4:], amounts[:, 4:], 0.05)
    assert float(plain) == pytest.approx(0.04)


def test_clone_of_a_corner_is_that_corner():
    """To the last bit, in states of other worlds; the plain square error is off by hundredths."""
    scenario = load("tic-small-70")
    rule = make_policy("edf", scenario)
    made = clone(record(rule, scenario, 300), scenario)
    fresh = record(rule, scenario, 200, seed=9)
    exact = (made.actions(fresh.observations, fresh.masks) == fresh.actions).all(axis=1)
    assert exact.mean() > 0.97


def test_amounts_that_vary_are_still_cloned():
    """The margin at the bounds does not spoil what lies between them."""
    scenario = load("tic-small-70")
    rule = SeenAmountsPolicy(4)
    made = clone(record(rule, scenario, 500), scenario)
    assert fidelity(made, rule, scenario, num_states=200).on_policy.mean_absolute_difference < 0.05
