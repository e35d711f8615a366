"""A learned actor leaves and comes back as weights and a card."""

import hashlib
import json
import time

import numpy as np
import pytest
import safetensors.torch

from agents.actor import load_actor, save_actor, write_actor
from agents.models import build
from agents.training import trained_policy
from tests.agents.cases import TINY
from twin_gym.environments.slice_admission.observation import field_names
from twin_gym.errors import ConfigError
from twin_gym.scenario.loading import load
from twin_gym.twins import DecisionSpace, FlatNetwork, QueueLayout


@pytest.fixture(scope="module", params=["a2c", "maskable-ppo"])
def learned(request):
    """A model of either algorithm after a few updates, with its settings."""
    settings = TINY.with_(agent=request.param, learning_rate=0.05)
    model = build(settings).model
    model.learn(128)
    return model, settings


def test_saved_actor_decides_the_same(learned, tmp_path):
    """In every state, and under the same name."""
    model, settings = learned
    save_actor(model, settings, tmp_path)
    actor = load_actor(tmp_path)
    scenario = load(settings.scenario)
    actor.check_fits(scenario)
    rng = np.random.default_rng(0)
    seen = rng.random((500, len(field_names(scenario)))).astype(np.float32)
    masks = (rng.random((500, len(scenario.slices) + 1)) < 0.5).astype(np.int8)
    masks[:, -1] = 1
    first = QueueLayout.of(scenario).admissible  # A2C reads the mask in what it sees
    seen[:, first : first + len(scenario.slices)] = masks[:, :-1]
    policy = trained_policy(model, settings)
    chosen = actor.actions(seen, masks)
    assert (chosen == policy.actions(seen, masks)).all()
    assert len(set(chosen)) > 1
    assert actor.name == policy.name


def test_other_network_is_refused(learned, tmp_path):
    """An actor knows what it looks at."""
    model, settings = learned
    save_actor(model, settings, tmp_path)
    with pytest.raises(ConfigError, match="other fields"):
        load_actor(tmp_path).check_fits(load("teletraffic-small"))


def changed_card(**changes):
    """A fault: values of the card are replaced."""

    def damage(folder):
        path = folder / "actor.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return damage


def cut_weights(folder):
    """A fault: the end of the weights is missing."""
    path = folder / "actor.safetensors"
    path.write_bytes(path.read_bytes()[:-4])


def other_weights(folder):
    """A fault: whole weights of another actor."""
    path = folder / "actor.safetensors"
    weights = safetensors.torch.load(path.read_bytes())
    path.write_bytes(safetensors.torch.save({name: value + 1 for name, value in weights.items()}))


def changed_weights(change):
    """A fault: other weights, and a card that has their digest."""

    def damage(folder):
        path = folder / "actor.safetensors"
        weights = safetensors.torch.load(path.read_bytes())
        path.write_bytes(safetensors.torch.save({n: change(one) for n, one in weights.items()}))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        changed_card(weights_sha256=digest)(folder)

    return damage


def said_twice(folder):
    """A fault: a key stands twice, of which programs take either."""
    path = folder / "actor.json"
    path.write_text(path.read_text().rstrip().removesuffix("}") + ', "steps": 1}')


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut_weights, "is not the file of"),
        (other_weights, "is not the file of"),
        (changed_card(format="other"), "has the format 'other'"),
        (changed_card(hidden=[8]), "holds no actor"),  # the weights have two layers
        (changed_card(hidden=[10**9, 8]), "widths of 1 to"),  # before anything is allocated
        (changed_card(hidden=[4096] * 9), "1 to 8 hidden layers"),
        (changed_card(hidden=[4096] * 8), "other parameters than the metadata says"),
        (changed_card(hidden=[4096, 4096]), "by the metadata"),
        (changed_card(num_actions="5"), "widths of 1 to"),
        (changed_card(num_actions=6), "say 5 actions, `num_actions` says 6"),
        (changed_card(colour="red"), "no field 'colour'"),
        (changed_card(steps=-1), "steps"),
        (changed_card(agent=""), "agent"),
        (changed_card(low=[0.0], high=[1.0]), "has 0 amounts"),
        (said_twice, "the key 'steps' stands twice"),
        (changed_weights(lambda one: one.double()), "must be F32"),
        (changed_weights(lambda one: one.int()), "must be F32"),
        (changed_weights(lambda one: one + 3e38), "at most 1e"),
        (changed_weights(lambda one: one * float("nan")), "not finite"),
        (changed_card(hidden=None), "holds no actor"),
        (lambda folder: (folder / "actor.json").write_text("{"), "holds no actor"),
        (lambda folder: (folder / "actor.json").write_text("[]"), "holds no actor"),
        (lambda folder: (folder / "actor.json").unlink(), "there is no file"),
        (lambda folder: (folder / "actor.safetensors").unlink(), "there is no file"),
    ],
)
def test_damaged_actor_is_refused(learned, tmp_path, damage, message):
    """With what is wrong."""
    model, settings = learned
    save_actor(model, settings, tmp_path)
    damage(tmp_path)
    with pytest.raises(ConfigError, match=message):
        load_actor(tmp_path)


def test_a_card_of_before_there_were_kinds_is_read(learned, tmp_path):
    """It has no kind, no names of actions and no amounts."""
    model, settings = learned
    save_actor(model, settings, tmp_path)
    path = tmp_path / "actor.json"
    card = json.loads(path.read_text())
    for key in ("kind", "action_names", "low", "high"):
        del card[key]
    path.write_text(json.dumps(card))
    assert load_actor(tmp_path).space.kind == "admission"


@pytest.mark.parametrize("layers", [8, 9, 160_000])
def test_a_card_of_wide_layers_costs_nothing(learned, tmp_path, layers):
    """It is refused before a layer is made."""
    model, settings = learned
    save_actor(model, settings, tmp_path)
    changed_card(hidden=[4096] * layers)(tmp_path)
    start = time.process_time()
    with pytest.raises(ConfigError, match="holds no actor"):
        load_actor(tmp_path)
    assert time.process_time() - start < 1.0


def test_amounts_between_other_bounds_are_refused(tmp_path):
    """An environment takes amounts from 0 to 1, whatever a card says."""
    scenario = load("tic-small-45")
    space = DecisionSpace.of(scenario, "weights")
    network = FlatNetwork(len(space.field_names), space.num_actions, [4])
    write_actor(
        network.state_dict(), scenario, tmp_path,
        agent="x", hidden=[4], steps=1, settings={}, action="weights",
    )  # fmt: skip
    load_actor(tmp_path).check_fits(scenario)
    changed_card(high=[5.0] * space.num_actions)(tmp_path)
    with pytest.raises(ConfigError, match="other actions"):
        load_actor(tmp_path).check_fits(scenario)
