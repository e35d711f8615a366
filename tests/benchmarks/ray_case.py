"""A run on a Ray cluster of two workers, one of which is killed in the middle.

`python -m tests.benchmarks.ray_case FOLDER` writes the results there and prints a JSON line. It is
a process of its own because a cluster leaves sockets and children to the end of its driver.
"""

import json
import os
import shutil
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.cell import Cell, run_cell
from benchmarks.runner.board import run_board
from benchmarks.runner.cluster import RayEngine
from benchmarks.runner.plan import selection_of
from benchmarks.store import Store

ASKED = selection_of("random,fifo", "service-calibrated", 2, 0, "validation")
DOOMED = Cell("service-calibrated", "fifo", 1)
STORE_BYTES = 80 * 2**20


@dataclass(frozen=True)
class UntilKilled:
    """Runs cells; the first attempt at one of them says on which node it is, and never ends."""

    marker: Path

    def __call__(self, cell, folder, on_stage):
        import ray

        if cell == DOOMED and not self.marker.exists():
            aside = self.marker.with_suffix(".aside")
            aside.write_text(ray.get_runtime_context().get_node_id())
            aside.rename(self.marker)
            threading.Event().wait()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "kept.txt").write_text(f"{cell.agent} {cell.seed}")
        return run_cell(cell, folder, on_stage)


class Killing:
    """Passes an engine's news on, and kills the node of the cell that never ends."""

    def __init__(self, engine, cluster, nodes, marker: Path) -> None:
        self.engine, self.cluster, self.nodes, self.marker = engine, cluster, nodes, marker
        self.killed = 0
        self.announced = set()

    def run(self, cells, listener) -> None:
        self.listener = listener
        self.done, self.failed = listener.done, listener.failed
        self.engine.run(cells, self)

    def stage(self, cell, what, share) -> None:
        self.announced.add(what)
        self.listener.stage(cell, what, share)

    def tick(self) -> None:
        if not self.killed and self.marker.exists():
            node = next(one for one in self.nodes if one.node_id == self.marker.read_text())
            self.cluster.remove_node(node, allow_graceful=False)
            self.killed += 1


def main(folder: Path) -> None:
    """Runs `ASKED` on the cluster."""
    from ray.cluster_utils import Cluster

    place = tempfile.mkdtemp(prefix="ray", dir="/tmp")  # sockets have short paths
    # Ray writes the address of the cluster into the folder `ray` of this one, and does not make it.
    os.environ["RAY_TMPDIR"] = place
    (Path(place) / "ray").mkdir()
    common = {"include_dashboard": False, "object_store_memory": STORE_BYTES}
    head = {**common, "num_cpus": 0, "_system_config": {"health_check_period_ms": 500}}
    cluster = Cluster(initialize_head=True, head_node_args={**head, "temp_dir": place})
    try:
        nodes = [cluster.add_node(num_cpus=1, **common) for _ in range(2)]
        store, marker = Store(folder), folder / "marker"
        engine = RayEngine(UntilKilled(marker), store.folder_of, address=cluster.address)
        killing = Killing(engine, cluster, nodes, marker)
        code = run_board(ASKED, store, killing, Console(stderr=True))
        announced = sorted(killing.announced)
        print(json.dumps({"code": code, "killed": killing.killed, "told": announced}))
    finally:
        cluster.shutdown()
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    main(Path(sys.argv[1]))
