"""Files that users name: regular ones are read, everything else is refused and never waited for."""

import os
import socket
import time
from pathlib import Path

import pytest

from twin_gym.environments.right_time_sync.series import SeriesFile, load_series
from twin_gym.environments.slice_admission.replay import load_trace
from twin_gym.environments.tic_scheduling.links import LinkFile, load_links
from twin_gym.errors import ConfigError, TraceError
from twin_gym.files.reading import read_bytes, read_text
from twin_gym.scenario import Trace
from twin_gym.scenario.loading import load


def fifo(folder):
    """A pipe that nobody writes to."""
    os.mkfifo(folder / "pipe.toml")
    return folder / "pipe.toml"


def loop(folder):
    """Two links to one another."""
    (folder / "a.toml").symlink_to(folder / "b.toml")
    (folder / "b.toml").symlink_to(folder / "a.toml")
    return folder / "a.toml"


def bound_socket(folder):
    """A socket of this process."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(folder / "s.toml"))
    server.close()
    return folder / "s.toml"


def linked(target):
    """A link to something of the system."""

    def made(folder):
        (folder / "link.toml").symlink_to(target)
        return folder / "link.toml"

    return made


ODD = {
    "pipe": fifo,
    "loop": loop,
    "socket": bound_socket,
    "folder": lambda folder: folder,
    "zeros": linked("/dev/zero"),
    "terminal": linked("/dev/tty"),
    "memory": linked("/proc/self/mem"),
    "pagemap": linked("/proc/self/pagemap"),
    "kernel": linked("/proc/kmsg"),
    "long name": lambda folder: folder / ("a" * 300 + ".toml"),
    "long path": lambda folder: folder / "/".join(["a" * 200] * 30) / "a.toml",
    "nul": lambda folder: folder / "a\0b.toml",
    "half a letter": lambda folder: folder / "a\ud800b.toml",
    "below a file": lambda folder: Path(__file__) / "a.toml",
    "nothing": lambda folder: folder / "none.toml",
}


@pytest.mark.parametrize("what", ODD)
def test_no_reader_takes_or_waits_for_what_is_no_file(what, tmp_path):
    """Scenarios, traces, series and links, each in one sentence with the path."""
    path = ODD[what](tmp_path)
    began_s = time.monotonic()
    if what != "folder":  # `load` takes it for the name of a preset
        with pytest.raises(ConfigError):
            load(path)
    if what in ("nul", "half a letter"):
        return
    for read in (
        lambda: load_trace(Trace(path=str(path), last_s=1.0), ("a",)),
        lambda: load_series(SeriesFile(path=str(path), last_s=1.0), ("a",), 1.0),
        lambda: load_series(
            SeriesFile(path=str(path), format="beijing", column="pm25", last_s=1.0), ("a",), 1.0
        ),
        lambda: load_links(LinkFile(path=str(path), links=("a",), num_blocks=1)),
        lambda: load_links(
            LinkFile(path=str(path), format="campusiot", links=("a/1",), num_blocks=1)
        ),
    ):
        with pytest.raises((TraceError, ConfigError)) as caught:
            read()
        assert "\n" not in str(caught.value)
        assert str(path)[:40] in str(caught.value) or "/proc/" in str(caught.value)
    assert time.monotonic() - began_s < 5.0


def test_text_in_another_encoding_is_refused(tmp_path):
    """With the path and what to do."""
    path = tmp_path / "a.toml"
    path.write_text("kind = 'admission'", "utf-16")
    with pytest.raises(ConfigError, match=r"a\.toml.*not UTF-8.*save it as UTF-8"):
        load(path)


def test_an_empty_file_is_called_empty(tmp_path):
    """Files that claim to be empty are not read."""
    (tmp_path / "a.toml").touch()
    for path in (tmp_path / "a.toml", linked("/proc/self/status")(tmp_path)):
        with pytest.raises(ConfigError, match=f"{path.name}' is empty"):
            load(path)


def test_a_file_is_read_whole_or_not_at_all(tmp_path):
    """Up to the limit, and with it."""
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_bytes(path, 5) == b"12345"
    assert read_text(path, 5) == "12345"
    with pytest.raises(TraceError, match="has 5 bytes; at most 4 are read"):
        read_bytes(path, 4, "trace", TraceError)


def test_unreadable_files_are_told_of(tmp_path, monkeypatch):
    """As the system says, whoever runs the test."""
    path = tmp_path / "a.toml"
    path.write_text("x = 1")

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ConfigError, match=r"a\.toml' cannot be read \(Permission denied\)"):
        load(path)
