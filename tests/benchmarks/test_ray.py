"""The board on a Ray cluster: nothing is lost with a host, results are those of one process."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.cell import run_cell
from benchmarks.runner import cluster
from benchmarks.runner.cluster import RayEngine, pack, unpack
from benchmarks.store import Store
from tests.benchmarks.ray_case import ASKED, DOOMED
from tests.benchmarks.runner_cases import without_times
from twin_gym.errors import ConfigError, MissingExtraError

ROOT = Path(__file__).parents[2]


def folders_of(top: Path) -> set[str]:
    """The content of a folder, caches left out."""
    return {path.name for path in top.iterdir() if path.name != "__pycache__"}


@pytest.mark.slow
def test_a_node_killed_in_the_middle_costs_nothing(tmp_path):
    """Every cell has its result and its files, equal to the last bit to those of this process."""
    pytest.importorskip("ray")
    before = folders_of(ROOT)
    command = [sys.executable, "-m", "tests.benchmarks.ray_case", str(tmp_path)]
    with subprocess.Popen(
        command, cwd=ROOT, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            said, errors = process.communicate(timeout=900)  # for a busy machine
        finally:
            end_group(process.pid)
    assert process.returncode == 0, errors
    end = json.loads(said.splitlines()[-1])
    assert end["code"] == 0
    assert end["killed"] == 1
    assert set(end["told"]) == {"starting", "testing"}
    store = Store(tmp_path)
    records = store.current()
    cells = {c for t in ASKED.tracks for a in ASKED.agents for c in ASKED.cells(t, a)}
    assert set(records) == cells
    for cell in cells:
        kept = (store.folder_of(cell) / "kept.txt").read_text()
        assert kept == f"{cell.agent} {cell.seed}"
    assert without_times(records[DOOMED]) == without_times(run_cell(DOOMED, tmp_path / "alone"))
    assert folders_of(ROOT) <= before


def end_group(leader: int) -> None:
    """Ends what the cluster may have left behind, if it broke."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def test_files_of_a_cell_travel_whole(tmp_path):
    """Also into a folder where others lie, which they replace; no files change nothing."""
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "actor").mkdir(parents=True)
    (here / "actor" / "weights").write_bytes(b"\x00\xff")
    (here / "trained.json").write_text("{}")
    (here / "link").symlink_to("/etc/hostname")
    there.mkdir()
    (there / "old").touch()
    files = pack(here)
    assert files == {"actor/weights": b"\x00\xff", "trained.json": b"{}"}
    unpack({}, there)
    assert (there / "old").exists()
    unpack(files, there)
    assert pack(there) == files
    assert pack(tmp_path / "none") == {}
    assert folders_of(tmp_path) == {"here", "there"}


def test_a_folder_that_a_user_has_is_left_alone(tmp_path):
    """Files come aside under a name that nobody has, and nothing of them stays after a failure."""
    (tmp_path / "aside-cell").mkdir()
    (tmp_path / "aside-cell" / "mine").write_text("x")
    unpack({"file": b"x"}, tmp_path / "cell")
    assert (tmp_path / "aside-cell" / "mine").read_text() == "x"
    with pytest.raises(OSError, match="too long"):
        unpack({"file": b"y", "n" * 300: b""}, tmp_path / "cell")
    assert folders_of(tmp_path) == {"aside-cell", "cell"}
    assert (tmp_path / "cell" / "file").read_bytes() == b"x"


@pytest.mark.parametrize("name", ["/tmp/x", "../x", "actor/../../x"])
def test_a_path_that_leaves_the_folder_is_refused(tmp_path, name):
    """A host does not write where it likes."""
    with pytest.raises(ConfigError, match="leads out"):
        unpack({"first": b"", name: b""}, tmp_path / "cell")
    assert not (tmp_path / "cell").exists()


def test_more_than_a_cell_may_keep_is_refused(tmp_path, monkeypatch):
    """On the way there and on the way back."""
    monkeypatch.setattr(cluster, "MAX_KEPT_BYTES", 3)
    (tmp_path / "file").write_bytes(b"four")
    with pytest.raises(ConfigError, match="this one has 1 and 4"):
        pack(tmp_path)
    with pytest.raises(ConfigError, match="more than 3 bytes"):
        unpack({"file": b"four"}, tmp_path / "cell")


def test_without_ray_the_extra_is_named(monkeypatch):
    """With the command that installs it."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"twin-gym\[cluster\]"):
        RayEngine(run_cell, Path).run([], None)


def test_an_address_without_a_cluster_is_refused_at_once():
    """With what to do; nothing listens at port 1."""
    pytest.importorskip("ray")
    with pytest.raises(ConfigError, match="ray start --head"):
        RayEngine(run_cell, Path, address="127.0.0.1:1").run([], None)
