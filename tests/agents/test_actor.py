"""A learned actor leaves and comes back as weights and a card."""

import json

import numpy as np
import pytest
import safetensors.torch

from agents.actor import load_actor, save_actor
from agents.models import build
from agents.training import trained_policy
from tests.agents.cases import TINY
from twin_gym.envs.slice_admission import field_names
from twin_gym.errors import ConfigError
from twin_gym.scenario import load
from twin_gym.twins import ObservationLayout


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
    first = ObservationLayout.of(scenario).admissible  # A2C reads the mask in what it sees
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


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut_weights, "is not the file of"),
        (other_weights, "is not the file of"),
        (changed_card(format="other"), "has the format 'other'"),
        (changed_card(hidden=[8]), "holds no actor"),  # the weights have two layers
        (changed_card(hidden=[10**9, 8]), "widths of 1 to"),  # before anything is allocated
        (changed_card(num_actions="5"), "widths of 1 to"),
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
