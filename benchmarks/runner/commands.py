"""The commands `run`, `test` and `status` of `python -m benchmarks`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from twin_gym.console.printing import output
from twin_gym.errors import ConfigError
from twin_gym.files.places import check_folder

if TYPE_CHECKING:  # loaded when a command runs: `--help` is quick
    from benchmarks.protocol import BoardFamily
    from benchmarks.runner.engine_base import Engine
    from benchmarks.store import Store

EVERYTHING = "all"
EngineName = Literal["local", "ray"]
_LEAST_WHY = 3

Agents = Annotated[str, typer.Option(help='Names with commas between, or "all".')]
Tracks = Annotated[str, typer.Option(help='Names with commas between, or "all".')]
Seeds = Annotated[int, typer.Option(min=1, help="How many of each agent and track.")]
FirstSeed = Annotated[int, typer.Option(min=0, help="The first of them.")]
Jobs = Annotated[int, typer.Option(min=1, help="Processes side by side on this machine.")]
Where = Annotated[EngineName, typer.Option(help="Processes here, or a Ray cluster.")]
Address = Annotated[
    str | None,
    typer.Option(help="Of the Ray cluster; without it RAY_ADDRESS, else a cluster of this host."),
]
Out = Annotated[
    Path | None, typer.Option(help="Folder of the results; without it benchmarks/results/board.")
]
Again = Annotated[bool, typer.Option(help="Remove the results of these cells first.")]


def command_run(
    agents: Agents = EVERYTHING,
    tracks: Tracks = EVERYTHING,
    seeds: Seeds = 10,
    first_seed: FirstSeed = 0,
    jobs: Jobs = 2,
    engine: Where = "local",
    address: Address = None,
    out: Out = None,
    again: Again = False,
) -> None:
    """Run the cells that are not done yet, scored on validation worlds; a kill costs no result.

    With --engine ray the cells are spread over the hosts of a cluster. On every host, in a
    checkout of the same commit with its environment active:

        export PYTHONPATH=$PWD RAY_USAGE_STATS_ENABLED=0

        ray start --head --include-dashboard=false (on the first host)

        ray start --address=FIRST:6379 (on the others; FIRST is its address)

    Then, on the first host, this command with --engine ray --address auto. A host that is lost
    costs the cells it was running, and others run them again. At the end `ray stop` on every host.
    """
    _run("validation", agents, tracks, (seeds, first_seed), jobs, engine, address, out, again, "")


def command_test(
    why: Annotated[str, typer.Option(help="What this use of the test worlds is for.")],
    agents: Agents = EVERYTHING,
    tracks: Tracks = EVERYTHING,
    seeds: Seeds = 10,
    first_seed: FirstSeed = 0,
    jobs: Jobs = 2,
    engine: Where = "local",
    address: Address = None,
    out: Out = None,
    again: Again = False,
) -> None:
    """Test the agents on the test worlds, and write the use into test_uses.jsonl.

    Agents that `run` has trained are tested as they are; others are trained first. Choose and
    tune with `run`: a score is worth the less the more often its worlds were looked at.
    """
    if len(why.strip()) < _LEAST_WHY:
        raise ConfigError("say with --why what this use of the test worlds is for")
    _run("test", agents, tracks, (seeds, first_seed), jobs, engine, address, out, again, why)


def command_status(
    agents: Agents = EVERYTHING,
    tracks: Tracks = EVERYTHING,
    seeds: Seeds = 10,
    first_seed: FirstSeed = 0,
    out: Out = None,
    by_agent: Annotated[bool, typer.Option("--all", help="Every agent of every track.")] = False,
) -> None:
    """Show what is done and what is missing: of each track, or of the agents that are named."""
    from benchmarks.runner.plan import selection_of
    from benchmarks.runner.state import show_state

    asked = selection_of(agents, tracks, seeds, first_seed, "validation")
    by_agent = by_agent or agents != EVERYTHING or tracks != EVERYTHING
    show_state(asked, _store(out), output(), by_agent=by_agent)


def _run(
    family: BoardFamily,
    agents: str,
    tracks: str,
    seeds: tuple[int, int],
    jobs: int,
    engine: EngineName,
    address: str | None,
    out: Path | None,
    again: bool,
    why: str,
) -> None:
    from benchmarks.runner.board import run_board
    from benchmarks.runner.plan import selection_of

    asked = selection_of(agents, tracks, *seeds, family)
    store = _store(out)
    chosen = _engine(engine, store, jobs, address)
    code = run_board(asked, store, chosen, output(), why=why, again=again)
    if code:
        raise typer.Exit(code)


def _store(out: Path | None) -> Store:
    from benchmarks.store import BOARD_FOLDER, Store

    folder = BOARD_FOLDER if out is None else out
    check_folder(folder)
    return Store(folder)


def _engine(name: EngineName, store: Store, jobs: int, address: str | None) -> Engine:
    from benchmarks.cell import run_cell

    if name == "local":
        from benchmarks.runner.local import LocalEngine

        return LocalEngine(run_cell, store.folder_of, jobs)
    from benchmarks.runner.cluster import RayEngine

    return RayEngine(run_cell, store.folder_of, jobs, address)
