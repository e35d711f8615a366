"""A log in a file: whole or refused, and never half-written."""

import io
import json

import numpy as np
import pytest

from twin_gym.errors import ConfigError
from twin_gym.twins.signalling import MessageLog, emulate


@pytest.fixture(scope="module")
def log():
    """A few UEs."""
    return emulate("signalling-single-slice", 3, 4, 60.0)


@pytest.fixture(scope="module")
def content(log, tmp_path_factory):
    """The bytes of its file."""
    path = tmp_path_factory.mktemp("log") / "log.npz"
    log.save(path)
    return path.read_bytes()


def test_log_comes_back_whole(log, content, tmp_path):
    """Messages and what is known of them."""
    path = tmp_path / "log.npz"
    path.write_bytes(content)
    again = MessageLog.load(path)
    assert again.records.tobytes() == log.records.tobytes()
    assert (again.slices, again.scenario, again.seed) == (log.slices, log.scenario, log.seed)


def test_damaged_file_is_refused_by_name(log, content, tmp_path):
    """Cut short or with a flipped byte anywhere: an error of ours, or the very same log."""
    path = tmp_path / "damaged.npz"
    drawn = np.random.default_rng(0)
    cases = [content[: int(cut)] for cut in drawn.integers(0, len(content), 25)]
    for place in drawn.integers(0, len(content), 80).tolist():
        flipped = bytearray(content)
        flipped[place] ^= 0x5A
        cases.append(bytes(flipped))
    refused = 0
    for case in cases:
        path.write_bytes(case)
        try:
            read = MessageLog.load(path)
        except ConfigError as error:
            refused += "damaged.npz" in str(error)
        else:
            assert read.records.tobytes() == log.records.tobytes()
            refused += 1
    assert refused == len(cases)


@pytest.mark.parametrize(
    "change",
    [
        {"about": "[]"},
        {"about": '{"format": 1}'},
        {"about": json.dumps({"slices": [[1]], "scenario": "", "seed": 0, "not_understood": {}})},
        {"ue": np.zeros(1, np.int32)},
        {"ue": np.full(3, np.nan)},
        {"kind": None},
    ],
)
def test_archive_of_another_content_is_refused(content, change, tmp_path):
    """Columns of another length or type, and documents without what they must have."""
    columns = dict(np.load(io.BytesIO(content)))
    columns |= {name: value for name, value in change.items() if value is not None}
    for name, value in change.items():
        if value is None:
            del columns[name]
    path = tmp_path / "other.npz"
    np.savez_compressed(path, **columns)
    with pytest.raises(ConfigError, match=r"other\.npz"):
        MessageLog.load(path)


def test_failed_write_leaves_the_former_file(log, content, tmp_path, monkeypatch):
    """And nothing beside it."""
    path = tmp_path / "log.npz"
    path.write_bytes(content)

    def fail(*_, **__):
        raise OSError(27, "File too large")

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(OSError, match="too large"):
        log.save(path)
    assert path.read_bytes() == content
    assert [one.name for one in tmp_path.iterdir()] == ["log.npz"]
