"""The scenario GAN: what it learns, keeps, and refuses."""

from __future__ import annotations

import hashlib
import json
import time

import numpy as np
import pytest
import safetensors.torch
import torch

from twin_gym.errors import ConfigError
from twin_gym.scenario.loading import load
from twin_gym.scenario.objective import Demand, KpiObjective, Thresholds
from twin_gym.twins.scenarios.criteria import Criteria, condition_of
from twin_gym.twins.scenarios.distances import energy_distance
from twin_gym.twins.scenarios.gan import GanGenerator, GanMetadata
from twin_gym.twins.scenarios.gan_training import (
    ScenarioGanSettings,
    train_gan,
    train_on_points,
)
from twin_gym.twins.scenarios.gaussian import Step
from twin_gym.twins.scenarios.parameter_history import CurrentState, ParameterHistory
from twin_gym.twins.scenarios.parameters import ParameterSpace

SPACE = ParameterSpace.of(load("tic-small-45"), ["num_sensors", "burst_fraction"])
QUICK = ScenarioGanSettings(max_steps=300, check_every=50, width=32)


def lived(windows: int = 80, seed: int = 0) -> ParameterHistory:
    """A network that wanders."""
    rng = np.random.default_rng(seed)
    start = SPACE.coordinates(SPACE.base)
    points = [start]
    for _ in range(windows - 1):
        points.append(start + 0.8 * (points[-1] - start) + rng.normal(0.0, 0.3, 2))
    return ParameterHistory(SPACE, np.array(points), "a wandering network")


@pytest.fixture(scope="module")
def trained() -> GanGenerator:
    """A generator after a short training."""
    return train_gan(lived(), QUICK)


def test_it_makes_valid_scenarios_that_say_where_they_come_from(trained):
    """As many as asked, the same for the same generator of draws, others for another."""
    history = lived()
    now = CurrentState(SPACE, history.points[-1], np.zeros(2))
    generated = [
        trained.generate(Criteria(), history, now, 5, np.random.default_rng(seed))
        for seed in (1, 1, 2)
    ]
    assert generated[0] == generated[1] != generated[2]
    assert all("'gan'" in one.provenance for one in generated[0])


def test_before_it_learns_it_draws_what_hybrid_draws():
    """The same mean and covariance of changes; nothing clearly better is found in one step."""
    points = lived(400).points
    trained = train_on_points(points, SPACE.paths, ScenarioGanSettings(max_steps=1))
    assert trained.metadata.num_steps == 0
    step = Step.fit(points[: -round(0.2 * 399)])
    state = points[-1]
    drawn = trained.next_states(np.tile(state, (20_000, 1)), np.zeros(5), np.random.default_rng(1))
    expected = np.array(trained.metadata.mean) + trained.metadata.keep * (
        state - trained.metadata.mean
    )
    assert drawn.mean(0) == pytest.approx(expected, abs=0.02)
    assert np.cov(drawn.T) == pytest.approx(step.change, abs=0.012)


def test_another_seed_is_another_network():
    """Also where nothing has been learned yet."""
    first, other = (
        train_gan(lived(), ScenarioGanSettings(max_steps=1, seed=seed)).network.state_dict()
        for seed in (0, 1)
    )
    assert not torch.equal(first["layers.0.weight"], other["layers.0.weight"])


def test_a_training_ends_once_it_no_longer_gets_better():
    """After so many looks as its patience allows, and not at its last step."""
    steps: list[int] = []
    settings = ScenarioGanSettings(max_steps=200, check_every=1, patience=3, learning_rate=1e-6)
    train_gan(lived(), settings, on_progress=lambda step, best: steps.append(step))
    assert steps == [1, 2, 3]


def test_without_a_real_time_twin_the_last_window_is_where_it_starts():
    """Not the first one, and not the average."""
    points = lived().points.copy()
    points[-1] += 1.5
    history = ParameterHistory(SPACE, points, "with a jump at its end")
    trained = train_gan(history, ScenarioGanSettings(max_steps=1))
    drawn = trained.draw(Criteria(), history, None, 4_000, np.random.default_rng(4))
    expected = np.array(trained.metadata.mean) + trained.metadata.keep * (
        points[-1] - trained.metadata.mean
    )
    assert drawn.mean(0) == pytest.approx(expected, abs=0.05)


def test_priorities_are_handed_to_the_network(trained, monkeypatch):
    """Density and deadline of a dense network, and that something is asked at all."""
    seen = []
    inner = trained.next_states

    def spied(states, condition, rng):
        seen.append(condition.tolist())
        return inner(states, condition, rng)

    monkeypatch.setattr(trained, "next_states", spied)
    criteria = Criteria(KpiObjective(demand=Demand(num_devices=400)))
    trained.draw(criteria, lived(), None, 3, np.random.default_rng(0))
    assert seen == [[1.0, 1.0, 0.0, 0.0, 1.0]]


def switching(windows: int, seed: int) -> np.ndarray:
    """Two states that a network stays in for about ten windows each: no straight line."""
    rng = np.random.default_rng(seed)
    signs = np.cumprod(np.where(rng.random(windows) < 0.1, -1.0, 1.0))
    return signs[:, None] * [1.0, 2.0] + rng.normal(0.0, 0.3, (windows, 2))


@pytest.mark.slow
def test_it_learns_what_a_normal_law_cannot_say():
    """On a history of two states its next states are much nearer than those of hybrid twins."""
    points, come = switching(300, 0), switching(2_000, 1)
    settings = ScenarioGanSettings(max_steps=1_500, width=32, patience=8)
    trained = train_on_points(points, SPACE.paths, settings)
    assert trained.metadata.num_steps > 0
    states, truth = come[:-1:2], come[1::2]
    zeros, rng = np.zeros(5), np.random.default_rng(2)
    begun = train_on_points(points, SPACE.paths, ScenarioGanSettings(max_steps=1, width=32))
    apart = [
        energy_distance(
            np.hstack([states, one.next_states(states, zeros, rng)]), np.hstack([states, truth])
        )
        for one in (trained, begun)
    ]
    assert apart[0] < 0.6 * apart[1]


def test_demands_are_obeyed(trained):
    """A demand for many sensors is met by every scenario."""
    criteria = Criteria(KpiObjective(demand=Demand(num_devices=400)))
    scenarios = trained.generate(criteria, lived(), None, 5, np.random.default_rng(3))
    assert min(one.num_sensors for one in scenarios) >= 400


def test_what_is_unknown_now_is_drawn(trained):
    """Without a value of a parameter the scenarios still have one."""
    now = CurrentState(SPACE, np.array([np.nan, 0.0]), np.zeros(2))
    assert trained.generate(Criteria(), lived(), now, 3, np.random.default_rng(4))


def test_a_training_is_the_same_for_the_same_seed_and_draws_nothing_global(trained):
    """Weights, batches and noise come from the seed; torch's own generator is left alone."""
    torch.manual_seed(11)
    before = torch.rand(1)
    torch.manual_seed(11)
    again = train_gan(lived(), QUICK)
    assert torch.rand(1) == before
    for name, values in again.network.state_dict().items():
        assert torch.equal(values, trained.network.state_dict()[name])


def test_it_is_kept_and_read_back_without_pickles(trained, tmp_path):
    """The same draws after saving; the files are JSON and safetensors alone."""
    trained.save(tmp_path)
    again = GanGenerator.load(tmp_path)
    states = lived().points[:7]
    zeros = np.zeros(5)
    one = trained.next_states(states, zeros, np.random.default_rng(5))
    assert (one == again.next_states(states, zeros, np.random.default_rng(5))).all()
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".safetensors"]


def test_the_best_look_is_what_is_checkpointed(tmp_path):
    """The folder holds the weights of the best look at the held-out windows, as is returned."""
    progress = []
    trained = train_gan(
        lived(),
        QUICK,
        folder=tmp_path,
        on_progress=lambda step, best: progress.append((step, best)),
    )
    assert progress[-1][0] == 300
    assert (
        trained.metadata.held_out_distance == progress[-1][1] == min(best for _, best in progress)
    )
    kept = GanGenerator.load(tmp_path)
    assert kept.metadata == trained.metadata
    for name, values in trained.network.state_dict().items():
        assert torch.equal(values, kept.network.state_dict()[name])


@pytest.mark.parametrize("damage", ["metadata", "weights", "format", "missing"])
def test_damaged_files_are_refused(trained, tmp_path, damage):
    """With what is wrong."""
    trained.save(tmp_path)
    metadata = tmp_path / "generator.json"
    if damage == "metadata":
        metadata.write_text("{")
    elif damage == "weights":
        (tmp_path / "generator.safetensors").write_bytes(b"x" * 40)
    elif damage == "format":
        metadata.write_text(json.dumps(json.loads(metadata.read_text()) | {"format": "another"}))
    else:
        metadata.unlink()
    with pytest.raises(ConfigError):
        GanGenerator.load(tmp_path)


WRONG = {
    "no digest": ({"weights_sha256": None}, "not the file"),
    "another digest": ({"weights_sha256": "0" * 64}, "not the file"),
    "an older format": ({"format": "twin_gym scenario gan 2"}, "gan 2', not .* train the GAN anew"),
    "a huge width": ({"width": 10**9}, r"width: must be .* 4096"),
    "another width": ({"width": 4096}, "by the metadata"),
    "a width of text": ({"width": "32"}, "width"),
    "a width of truth": ({"width": True}, "width"),
    "no windows": ({"num_windows": -1}, "num_windows"),
    "huge noise": ({"noise_size": 10**9}, "noise_size"),
    "no seed": ({"seed": 1.5}, "seed"),
    "a scale of nothing": ({"scale": [0.0, 1.0]}, "scale.0: must be .* 0.000001"),
    "a negative scale": ({"scale": [1.0, -1.0]}, "scale"),
    "one scale": ({"scale": [1.0]}, "`scale` of a GAN has 1 values for 2 paths"),
    "a scale of text": ({"scale": "ab"}, "scale: must be a valid tuple"),
    "a huge mean": ({"mean": [10**400, 0.0]}, "mean"),
    "a mean of words": ({"mean": ["a", 0.0]}, "mean"),
    "keeping more than all": ({"keep": [2.0, 0.0]}, "keep"),
    "a mean that is no number": ({"mean": [float("nan"), 0.0]}, "no finite number"),
    "paths of numbers": ({"paths": [1, 2]}, "paths"),
    "a path twice": ({"paths": ["a", "a"]}, "different names"),
    "no distance": ({"held_out_distance": -1.0}, "held_out_distance"),
    "an unknown key": ({"colour": "red"}, "colour"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_card_that_no_training_leaves_is_refused(trained, tmp_path, name):
    """At once and with the value, before anything is made of its numbers."""
    changes, words = WRONG[name]
    trained.save(tmp_path)
    metadata = tmp_path / "generator.json"
    metadata.write_text(json.dumps(json.loads(metadata.read_text()) | changes))
    start = time.process_time()
    with pytest.raises(ConfigError, match=words):
        GanGenerator.load(tmp_path)
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize("key", [*GanMetadata.model_fields, "weights_sha256"])
def test_a_card_without_a_key_is_refused(trained, tmp_path, key):
    """Also without those that the class has a default of."""
    trained.save(tmp_path)
    metadata = tmp_path / "generator.json"
    values = json.loads(metadata.read_text())
    del values[key]
    metadata.write_text(json.dumps(values))
    with pytest.raises(ConfigError, match=key):
        GanGenerator.load(tmp_path)


@pytest.mark.parametrize("factor", [float("nan"), 1e30])
def test_weights_that_are_no_numbers_are_refused(trained, tmp_path, factor):
    """Any digest in the metadata is refused with such weights."""
    trained.save(tmp_path)
    path, metadata = tmp_path / "generator.safetensors", tmp_path / "generator.json"
    weights = safetensors.torch.load(path.read_bytes())
    path.write_bytes(safetensors.torch.save({n: one * factor for n, one in weights.items()}))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    metadata.write_text(json.dumps(json.loads(metadata.read_text()) | {"weights_sha256": digest}))
    with pytest.raises(ConfigError, match=r"not finite|at most"):
        GanGenerator.load(tmp_path)


def test_states_of_anything_can_be_learned_from():
    """Plain points with what each prioritises; of a long history few windows are held out."""
    history = lived()
    conditions = np.array([condition_of(SPACE, one, Thresholds()) for one in history.points[1:]])
    trained = train_on_points(history.points, SPACE.paths, QUICK, conditions=conditions)
    assert trained.metadata == train_gan(history, QUICK).metadata
    without = train_on_points(history.points, SPACE.paths, QUICK)
    assert without.metadata != trained.metadata
    quick = ScenarioGanSettings(max_steps=2, check_every=1, width=8)
    long = np.random.default_rng(6).standard_normal((40_000, 2))
    assert train_on_points(long, SPACE.paths, quick).metadata.num_windows == 40_000


def test_states_far_from_all_that_was_lived_are_answered_within_bounds(trained):
    """The straight line goes on, and what the network adds to it does not."""
    mean, scale = np.array(trained.metadata.mean), np.array(trained.metadata.scale)
    keep = np.array(trained.metadata.keep)
    added = []
    for units in (1e3, 1e6):
        states = np.tile(mean + units * scale, (4, 1))
        following = trained.next_states(states, np.zeros(5), np.random.default_rng(7))
        added.append((following - mean) / scale - keep * units)
    assert np.abs(added[0]).max() < 100.0
    assert added[1] == pytest.approx(added[0], abs=1e-6)


def test_what_cannot_be_trained_is_refused(trained):
    """Too few windows, settings out of range, a history of other parameters."""
    with pytest.raises(ConfigError, match="9 windows"):
        train_gan(lived(8), QUICK)
    with pytest.raises(ConfigError, match="max_steps"):
        ScenarioGanSettings(max_steps=0)
    with pytest.raises(ConfigError, match=r"`width` of the GAN is a whole number.*got '64'"):
        ScenarioGanSettings(width="64")
    assert type(ScenarioGanSettings(width=np.int64(3)).width) is int
    other = ParameterSpace.of(SPACE.base, ["num_sensors"])
    history = ParameterHistory(other, lived().points[:, :1], "x")
    with pytest.raises(ConfigError, match="was trained on"):
        trained.generate(Criteria(), history, None, 1, np.random.default_rng(0))
