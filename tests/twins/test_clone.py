"""The clone: it finds a known rule, obeys its seed, and keeps to the allowed actions."""

import numpy as np
import pytest
import torch

from tests.twins.cases import DearestPolicy, small_network
from twin_gym.errors import ConfigError
from twin_gym.policies import evaluate, world_seeds
from twin_gym.twins import (
    CloneSettings,
    DecisionLog,
    PolicyTwin,
    clone,
    fidelity,
    record,
    smoothed_cross_entropy,
)


def weights(twin):
    """All parameters in one row."""
    return torch.cat([p.flatten() for p in twin.network.state_dict().values()])


def test_clone_recovers_a_known_rule(small):
    """From 1,000 decisions: the same decisions in states it has not seen, and the same revenue."""
    rule = DearestPolicy()
    twin = clone(record(rule, small, 1000), small, settings=CloneSettings(smoothing=0.0))
    worlds = world_seeds("validation", 4)
    report = fidelity(twin, rule, small, num_states=2000, worlds=worlds)
    assert report.on_policy.agreement > 0.99
    assert report.on_policy.open_agreement > 0.98
    assert report.uniform.agreement > 0.98
    assert report.revenue_rate == pytest.approx(report.policy_revenue_rate, rel=0.02)
    assert evaluate(twin, small, worlds).mean() == report.revenue_rate


def test_slot_clone_recovers_a_known_rule(small):
    """The slot form needs no more: it finds the last request of the last slice that fits."""
    rule = DearestPolicy()
    log = record(rule, small, 1000, action="slot")
    twin = clone(log, small, settings=CloneSettings(smoothing=0.0))
    assert fidelity(twin, rule, small, num_states=1000).on_policy.agreement > 0.95


def test_smoothing_gives_disallowed_actions_nothing():
    """The best possible logits give the label 1 - e + e/n and the other allowed ones e/n each."""
    masks = torch.tensor([[1, 0, 1, 1, 0]])
    logits = torch.zeros(1, 5, requires_grad=True)
    optimiser = torch.optim.SGD([logits], 2.0)
    for _ in range(500):
        optimiser.zero_grad()
        smoothed_cross_entropy(logits, masks, torch.tensor([2]), 0.3).backward()
        optimiser.step()
    assert logits.grad[0, [1, 4]].tolist() == [0.0, 0.0]
    allowed = torch.softmax(logits.detach()[:, [0, 2, 3]], 1)
    torch.testing.assert_close(allowed, torch.tensor([[0.1, 0.8, 0.1]]), atol=1e-3, rtol=0)


def test_smoothed_loss_is_the_formula():
    """Against the sum written out, and against plain cross-entropy where nothing is smoothed."""
    logits = torch.tensor([[0.5, -1.0, 2.0]])
    logs = torch.log_softmax(logits, 1)[0]
    label, everyone = torch.tensor([1]), torch.ones(1, 3)
    for smoothing in (0.0, 0.25):
        expected = -(1 - smoothing) * logs[1] - smoothing / 3 * logs.sum()
        loss = smoothed_cross_entropy(logits, everyone, label, smoothing)
        torch.testing.assert_close(loss, expected)


def test_twin_gives_disallowed_actions_nothing(twin, log):
    """A trained, smoothed twin never draws what is not allowed."""
    probabilities = np.exp(twin.log_probabilities(log.observations, log.masks))
    assert (probabilities[log.masks == 0] == 0.0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-5)
    for actor in (twin, twin.sampled()):
        chosen = actor.actions(log.observations, log.masks)
        assert log.masks[np.arange(len(log)), chosen].all()


def test_seed_decides_the_weights(small):
    """Same seed, same weights; other seed, other weights; torch's own state stays as it was."""
    log = record(DearestPolicy(), small, 60)
    hasty = CloneSettings(max_epochs=2, min_steps=0)
    before = torch.random.get_rng_state()
    twins = [clone(log, small, settings=hasty, seed=seed) for seed in (5, 5, 6)]
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(weights(twins[0]), weights(twins[1]))
    assert not torch.equal(weights(twins[0]), weights(twins[2]))


def test_progress_is_told_and_training_stops_early(small):
    """Each epoch is reported; random labels cannot be foretold, so that it stops."""
    rng = np.random.default_rng(0)

    class Coin(DearestPolicy):
        def actions(self, observations, masks):
            return (rng.random(masks.shape) * masks).argmax(axis=1)

    seen = []
    log = record(Coin(), small, 200)
    settings = CloneSettings(smoothing=0.0, max_epochs=200)
    twin = clone(log, small, settings=settings, on_epoch=lambda *progress: seen.append(progress))
    assert [progress[0] for progress in seen] == list(range(1, len(seen) + 1))
    assert len(seen) < 200
    assert twin.metadata.held_out_loss == min(progress[2] for progress in seen)


def test_synthetic_decisions_are_learned_from(log, small):
    """They are counted, change the weights, and must be of the same scenario."""
    hasty = CloneSettings(max_epochs=2, min_steps=0)
    plain = clone(log, small, settings=hasty)
    more = clone(log, small, settings=hasty, synthetic=log.take(np.arange(100)))
    assert (plain.metadata.num_synthetic, more.metadata.num_synthetic) == (0, 100)
    assert (plain.name, more.name) == ("twin-of-dearest-300", "twin-of-dearest-300+gan")
    assert not torch.equal(weights(plain), weights(more))
    other = small_network(horizon_s=51.0)
    with pytest.raises(ConfigError, match="logged"):
        clone(log, other, settings=hasty)


@pytest.mark.parametrize(
    "change",
    [
        {"smoothing": 1.0},
        {"smoothing": -0.1},
        {"smoothing": float("nan")},
        {"learning_rate": 0.0},
        {"batch_size": 0},
        {"max_epochs": 0},
        {"patience": -1.0},
        {"held_out_share": 1.0},
        {"learning_rate": "3e-3"},
        {"batch_size": 2.5},
        {"batch_size": None},
    ],
)
def test_bad_settings_are_refused(change):
    """When they are made, not while training."""
    with pytest.raises(ConfigError, match=next(iter(change))):
        CloneSettings(**change)


@pytest.mark.parametrize("path", [3, None, b"twin", "", "a\0b", "x" * 5_000])
def test_what_names_no_folder_of_a_twin_is_refused(path, log, tmp_path, monkeypatch):
    """Nor of a log; whatever the system says of it."""
    monkeypatch.chdir(tmp_path)
    for ask in (PolicyTwin.load, DecisionLog.load, log.save):
        with pytest.raises(ConfigError):
            ask(path)
    assert not list(tmp_path.iterdir())
