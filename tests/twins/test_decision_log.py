"""The log of decisions: what is recorded, the file, and what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy

from tests.twins.cases import DearestPolicy, small_network
from twin_gym.environments.slice_admission.scenario import Slice
from twin_gym.errors import ConfigError, TwinGymError
from twin_gym.twins import DecisionLog, record

ARRAYS = ("observations", "masks", "actions", "networks")


def assert_equal(one, other):
    """Two logs are the same, array by array."""
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert getattr(one, name).dtype == getattr(other, name).dtype
    assert (one.scenario_digest, one.action, one.policy) == (
        other.scenario_digest,
        other.action,
        other.policy,
    )


def test_record_holds_the_rule(log, small):
    """Every logged action is what the rule does in the logged state, and something was open."""
    np.testing.assert_array_equal(log.actions, DearestPolicy().actions(log.observations, log.masks))
    assert log.masks[:, :-1].any(axis=1).all()
    assert len(log) == 300
    assert np.bincount(log.networks).tolist() == [150, 150]
    log.check_fits(small)


def test_longer_record_begins_with_the_shorter_one(small):
    """One network is logged in order: more decisions are later ones."""
    short, long = (record(DearestPolicy(), small, count, seed=4) for count in (50, 120))
    assert_equal(short, long.take(np.arange(50)))


def test_seed_names_the_physical_worlds(small):
    """The same seed logs the same decisions, another one others."""
    logs = [record(DearestPolicy(), small, 60, seed=seed) for seed in (1, 1, 2)]
    assert_equal(logs[0], logs[1])
    assert (logs[0].observations != logs[2].observations).any()


def test_split_holds_out_the_latest_of_each_network(log):
    """Nothing is lost, and what is held out comes after what is learned from."""
    learned, held_out = log.split(0.2)
    assert (len(learned), len(held_out)) == (240, 60)
    late = np.arange(300).reshape(2, 150)[:, 120:].ravel()
    assert_equal(held_out, log.take(late))


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, float("nan"), 1e-6])
def test_split_needs_something_on_both_sides(log, share):
    """A share that leaves one side empty is refused."""
    with pytest.raises(ConfigError, match="share"):
        log.take(np.arange(5)).split(share)


def test_file_round_trip(log, tmp_path):
    """The loaded log equals the saved one, and no file is left beside it."""
    log.save(tmp_path / "log.safetensors")
    assert_equal(DecisionLog.load(tmp_path / "log.safetensors"), log)
    assert [path.name for path in tmp_path.iterdir()] == ["log.safetensors"]


def test_damaged_files_are_refused(log, tmp_path):
    """Cut off, empty, changed in the header, or something else altogether."""
    path = tmp_path / "log"
    log.save(path)
    whole = path.read_bytes()
    broken = [b"", whole[:7], whole[:-1], whole + b"0", b"\x80\x04K\x01.", b"\xff" * 200]
    broken += [whole[:8] + b"[" + whole[9:], whole.replace(b"actions", b"motions", 1)]
    broken += [
        whole.replace(b'"I8"', b'"U8"', 1),
        whole.replace(b"decision log 1", b"decision log 2"),
    ]
    for content in broken:
        path.write_bytes(content)
        with pytest.raises(ConfigError, match="log"):
            DecisionLog.load(path)
    with pytest.raises(ConfigError, match="there is no file"):
        DecisionLog.load(tmp_path / "nothing")


@pytest.mark.parametrize(
    "about",
    [
        None,
        {},
        {"format": "twin_gym decision log 1"},
        {"format": 1, "scenario_digest": "0", "action": "slice", "policy": "p"},
        {"format": "twin_gym decision log 1", "scenario_digest": 0, "action": "s", "policy": "p"},
    ],
)
def test_other_metadata_is_refused(log, tmp_path, about):
    """Every entry beside the arrays must be there and be text."""
    arrays = {name: getattr(log, name) for name in ARRAYS}
    metadata = None if about is None else {"about": json.dumps(about)}
    (tmp_path / "log").write_bytes(safetensors.numpy.save(arrays, metadata))
    with pytest.raises(ConfigError):
        DecisionLog.load(tmp_path / "log")


def changed(array, index, value):
    """A copy with one value changed."""
    copy = array.copy()
    copy[index] = value
    return copy


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("observations", lambda a: changed(a, (0, 0), np.nan)),
        ("observations", lambda a: changed(a, (0, 0), 1.5)),
        ("observations", lambda a: a.astype(np.float64)),
        ("observations", lambda a: a[:-1]),
        ("observations", lambda a: a[:, :0]),
        ("masks", lambda a: changed(a, (0, 0), 2)),
        ("masks", np.zeros_like),  # the action taken is not allowed
        ("masks", lambda a: a[:, 0]),
        ("actions", lambda a: changed(a, 0, -1)),
        ("actions", lambda a: changed(a, 0, 10**6)),
        ("actions", lambda a: a[:0]),
        ("networks", lambda a: a[::-1].copy()),
        ("networks", lambda a: a + 10**6),
        ("networks", lambda a: a - 1),
        ("action", lambda _: "pick"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(log, name, change):
    """A log is checked when it is made, wherever it comes from."""
    with pytest.raises(ConfigError, match="decision log"):
        replace(log, **{name: change(getattr(log, name))})


def test_log_of_another_scenario_is_refused(log):
    """The digest tells: a log is of one scenario."""
    with pytest.raises(ConfigError, match="scenario that was logged"):
        log.check_fits(small_network(horizon_s=51.0))


@pytest.mark.parametrize(
    ("count", "networks", "seed"), [(0, 1, 0), (3, 4, 0), (3, 0, 0), (3, 1, -1)]
)
def test_record_refuses_impossible_counts(small, count, networks, seed):
    """At least one decision a network."""
    with pytest.raises(ConfigError):
        record(DearestPolicy(), small, count, num_networks=networks, seed=seed)


def test_record_gives_up_where_nothing_happens():
    """Episodes that end before the first arrival have no decisions to log."""
    rare = Slice(name="rare", demand={"radio": 1.0}, arrival_rate_hz=1e-9, mean_holding_time_s=1.0)
    with pytest.raises(TwinGymError, match="decisions"):
        record(DearestPolicy(), small_network(slices=(rare,)), 5)
