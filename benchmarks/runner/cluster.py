"""Cells on a Ray cluster: hosts run them, this process alone keeps what they give.

Hosts share no folder. What an agent kept of its training goes with the cell as bytes and comes back
with its result, so that a later test finds it wherever it runs.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from benchmarks.cell import Cell
from benchmarks.runner.engine_base import Answer, CellFunction, Listener, attempt, on_answer
from twin_gym.errors import ConfigError, missing_extra

MAX_KEPT_BYTES = 64 * 2**20
"""The most that a cell may keep; a result that comes with more is refused."""

Files = dict[str, bytes]
"""Content by path below the folder of the cell, with slashes."""

RayThing = Any
"""Ray has no types for its module as it is imported late, for remote functions, nor for handles."""

_REMEDY = "start one with `ray start --head`, or leave --address and RAY_ADDRESS away"
_CONNECT_S = 5.0
_ATTEMPTS = 4
_TICK_S = 0.5
_MOST_FILES = 1000
_IN_FLIGHT_A_CORE = 2


@dataclass(frozen=True)
class RayEngine:
    """Runs cells on a Ray cluster.

    Attributes:
        function: see `CellFunction`; hosts must be able to import it.
        folder_of: gives the folder of a cell on this host.
        jobs: processes of the cluster that is made here where there is no other.
        address: of the cluster; None: that of RAY_ADDRESS, else one is made here.
    """

    function: CellFunction
    folder_of: Callable[[Cell], Path]
    jobs: int = 2
    address: str | None = None

    def run(self, cells: Sequence[Cell], listener: Listener) -> None:
        """See `Engine`.

        Raises:
            MissingExtraError: if Ray is not installed.
            ConfigError: if there is no cluster at the address.
        """
        ray = _ray()
        self._connect(ray)
        try:
            _Driver(ray, self, deque(cells), listener).work()
        finally:
            ray.shutdown()

    def _connect(self, ray: RayThing) -> None:
        """Without dashboard and without reports on the use of Ray."""
        address = self.address or os.environ.get("RAY_ADDRESS")
        _check_answers(address)
        quiet = {"log_to_driver": False, "logging_level": "ERROR"}
        try:
            if address is None:
                ray.init(num_cpus=self.jobs, include_dashboard=False, **quiet)
            else:
                ray.init(address=address, **quiet)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise ConfigError(
                f"no Ray cluster answers at {address!r} ({error}): {_REMEDY}"
            ) from None


@dataclass
class _Driver:
    """Hands cells out and takes what comes back."""

    ray: RayThing
    engine: RayEngine
    waiting: deque[Cell]
    listener: Listener
    running: dict[RayThing, Cell] = field(default_factory=dict)
    attempts: Counter[Cell] = field(default_factory=Counter)

    def work(self) -> None:
        """Until no cell waits or is being run."""
        ray = self.ray
        # Ray itself tries nothing again: a lost cell is handed out anew below, and seen.
        task = ray.remote(num_cpus=1, max_retries=0)(_remote_cell)
        board = _board(ray)
        while self.waiting or self.running:
            self._hand_out(task, board)
            if self.running:
                ready, _ = ray.wait(list(self.running), timeout=_TICK_S, fetch_local=True)
                self._pass_on(_news(ray, board))
                for handle in ready:
                    self._take(handle)
            self.listener.tick()

    def _hand_out(self, task: RayThing, board: RayThing) -> None:
        cores = max(1, int(self.ray.cluster_resources().get("CPU", 1)))
        while self.waiting and len(self.running) < _IN_FLIGHT_A_CORE * cores:
            cell = self.waiting.popleft()
            self.attempts[cell] += 1
            try:
                kept = pack(self.engine.folder_of(cell))
            except ConfigError as error:
                self.listener.failed(cell, str(error))
                continue
            self.running[task.remote(self.engine.function, cell, kept, board)] = cell

    def _pass_on(self, news: Mapping[Cell, tuple[str, float]]) -> None:
        running = set(self.running.values())
        for cell, (what, share) in news.items():
            if cell in running:
                self.listener.stage(cell, what, share)

    def _take(self, handle: RayThing) -> None:
        """A result, or a cell whose worker is lost."""
        cell = self.running.pop(handle)
        try:
            answer, files = self.ray.get(handle)
            if answer[0] == "done":
                unpack(files, self.engine.folder_of(cell))
        except self.ray.exceptions.RayTaskError as error:
            answer = ("failed", f"its host cannot run it: {error.cause}")
        except self.ray.exceptions.RayError as error:
            if self.attempts[cell] < _ATTEMPTS:
                self.waiting.appendleft(cell)
                return
            reason = f"its worker was lost {_ATTEMPTS} times: {type(error).__name__}"
            answer = ("failed", reason)
        except ConfigError as error:
            answer = ("failed", str(error))
        on_answer(answer, cell, self.listener)


def pack(folder: Path) -> Files:
    """The files of a folder.

    Args:
        folder: may be absent; links are left out.

    Returns:
        See `Files`.

    Raises:
        ConfigError: if they are too many or too large.
    """
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    size = sum(path.stat().st_size for path in paths)
    if size > MAX_KEPT_BYTES or len(paths) > _MOST_FILES:
        raise ConfigError(
            f"a cell may keep {_MOST_FILES} files and {MAX_KEPT_BYTES:,} bytes, this one has "
            f"{len(paths)} and {size:,}"
        )
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def unpack(files: Files, folder: Path) -> None:
    """Puts files in the place of a folder: aside first, so that it is never half there.

    Args:
        files: see `Files`; without any, the folder is left as it is.
        folder: what is in it is replaced.

    Raises:
        ConfigError: if a path leads out of the folder, or they are too large.
    """
    if not files:
        return
    if sum(map(len, files.values())) > MAX_KEPT_BYTES:
        raise ConfigError(f"files of a cell with more than {MAX_KEPT_BYTES:,} bytes are refused")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".aside-", dir=folder.parent) as place:
        aside = Path(place) / "files"
        for name, content in files.items():
            inside = PurePosixPath(name)
            if inside.is_absolute() or ".." in inside.parts:
                raise ConfigError(f"the path {name!r} leads out of the folder of its cell")
            path = aside / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)


def _check_answers(address: str | None) -> None:
    """Ray itself asks for minutes before it gives up a host and port."""
    host, colon, port = (address or "").rpartition(":")
    if not colon or not port.isdigit() or "/" in host:
        return
    try:
        socket.create_connection((host, int(port)), _CONNECT_S).close()
    except OSError as error:
        raise ConfigError(f"nothing answers at {address!r} ({error}): {_REMEDY}") from None


def _ray() -> RayThing:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise missing_extra("--engine ray", "cluster") from error
    return ray


class _Board:
    """Collects the progress of the cells, on the host of the driver."""

    def __init__(self) -> None:
        self._news: dict[Cell, tuple[str, float]] = {}

    def tell(self, cell: Cell, what: str, share: float) -> None:
        self._news[cell] = what, share

    def take(self) -> dict[Cell, tuple[str, float]]:
        news, self._news = self._news, {}
        return news


def _board(ray: RayThing) -> RayThing:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(num_cpus=0, scheduling_strategy=here)(_Board).remote()


def _news(ray: RayThing, board: RayThing) -> dict[Cell, tuple[str, float]]:
    """The progress of the cells; empty if the collector does not answer."""
    try:
        news: dict[Cell, tuple[str, float]] = ray.get(board.take.remote(), timeout=_TICK_S)
    except ray.exceptions.RayError:
        return {}
    return news


def _remote_cell(
    function: CellFunction, cell: Cell, kept: Files, board: RayThing
) -> tuple[Answer, Files]:
    """On some host: a cell in a folder that is gone afterwards."""
    board.tell.remote(cell, "starting", 0.0)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "cell"
        unpack(kept, folder)
        answer = attempt(function, cell, folder, lambda *news: board.tell.remote(cell, *news))
        if answer[0] == "failed":
            return answer, {}
        try:
            return answer, pack(folder)
        except ConfigError as error:
            return ("failed", str(error)), {}
