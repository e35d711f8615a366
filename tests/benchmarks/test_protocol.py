"""Tracks, families, anchors: what makes two scores comparable."""

from functools import partial
from pathlib import Path

import pytest

from benchmarks import protocol
from benchmarks.anchors import as_toml
from benchmarks.environments.slice_admission.what_if import variants
from benchmarks.protocol import Anchors, LoggedData, Track, anchors_of, read_anchors
from benchmarks.tracks import track_named, tracks
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.policies import world_seeds
from twin_gym.scenario.loading import load, names


def anchors(**changes) -> Anchors:
    """Random earns 10, the bound is 30."""
    values = {
        "scenario": "contention", "digest": load("contention").digest, "objective": "revenue",
        "random_per_s": 10.0, "random_half_width_per_s": 0.1, "bound_per_s": 30.0,
        "kind": "LP", "proof": "fluid_bound",
    }  # fmt: skip
    return Anchors(**values | changes)


def test_score_is_0_at_random_100_at_the_bound_and_a_line_between():
    """100 (J - random) / (bound - random), below 0 too."""
    assert [anchors().normalised(x) for x in (10.0, 20.0, 30.0, 8.0)] == [0.0, 50.0, 100.0, -10.0]


def test_seeds_share_no_world_and_families_none():
    """Nor do the board's validation worlds meet those of tuning and curves."""
    track = track_named("contention")
    blocks = [
        track.seeds_of_worlds(family, seed)
        for family in ("validation", "test")
        for seed in range(20)
    ]
    flat = [world for block in blocks for world in block]
    assert len(set(flat)) == len(flat) == 40 * track.worlds
    assert not set(flat) & set(world_seeds("validation", 2**20))
    assert not set(flat) & set(world_seeds("train", 10_000))


@pytest.mark.parametrize("seed", [-1, 1000])
def test_a_seed_out_of_range_is_refused(seed):
    """With what is allowed."""
    with pytest.raises(ConfigError, match="0 to 999"):
        track_named("contention").seeds_of_worlds("validation", seed)


def test_every_admission_preset_has_a_track():
    """A preset without one would be compared on by nobody."""
    tested = {name for track in tracks().values() for name in track.test}
    assert set(names("admission")) <= tested


def test_digest_of_a_track_follows_everything_that_decides_a_score():
    """Scenario, worlds, steps and data."""
    task = partial(Track, environment="twin_gym/SliceAdmission-v0", objective="revenue")
    base = task("x", "", ("mild",), ("mild",), 4096)
    others = [
        task("x", "", ("contention",), ("mild",), 4096),
        task("x", "", ("mild",), ("contention",), 4096),
        task("x", "", ("mild",), ("mild",), 8192),
        task("x", "", ("mild",), ("mild",), 4096, worlds=8),
        task("x", "", ("mild",), ("mild",), 4096, data=LoggedData("density", 0.3, 100)),
        task("x", "", ("mild",), ("mild",), 4096, objective="fairness"),
    ]
    digests = {one.digest for one in (base, *others)}
    assert len(digests) == 7
    assert task("y", "other words", ("mild",), ("mild",), 4096).digest == base.digest


def test_a_track_whose_trace_is_absent_says_so(monkeypatch):
    """And one without a trace is available everywhere."""
    monkeypatch.setenv("TWIN_GYM_DATA", "/nowhere")
    assert "TWIN_GYM_DATA" in str(track_named("service-trace").unavailable())
    assert track_named("contention").unavailable() is None


def test_what_if_files_hold_what_their_seeds_say_and_share_no_scenario():
    """Eight to train on, eight others to test on, all with the slices of contention."""
    track = track_named("what-if")
    assert list(track.train_scenarios()) == variants("train")
    assert list(track.test_scenarios()) == variants("test")
    digests = {one.digest for one in (*track.train_scenarios(), *track.test_scenarios())}
    assert len(digests) == 16
    base = load("contention")
    for scenario in track.test_scenarios():
        assert scenario.slice_names == base.slice_names
        assert scenario.capacity == base.capacity


def test_unknown_track_is_answered_with_the_nearest():
    """As every name in the project."""
    with pytest.raises(UnknownNameError, match="contention"):
        track_named("contentoin")


def test_anchors_are_read_back_to_the_last_bit(tmp_path: Path):
    """And sorted, so that two ways of working them out give one file."""
    one, two = anchors(random_per_s=0.1 + 0.2), anchors(scenario="a", digest="0" * 16)
    path = tmp_path / "anchors.toml"
    path.write_text(as_toml([one, two]))
    assert read_anchors(path) == {(a.digest, a.objective, ""): a for a in (one, two)}
    assert as_toml([two, one]) == as_toml([one, two])


def test_without_anchors_there_is_no_score(tmp_path: Path, monkeypatch):
    """The error says what to run."""
    monkeypatch.setattr(protocol, "ANCHORS_FILE", tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="python -m benchmarks anchors"):
        anchors_of(load("contention"), "revenue")
