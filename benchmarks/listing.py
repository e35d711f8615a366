"""What there is, and what 0 and 100 mean on it: tracks, agents, anchors.

The modules that do the work are imported by the commands that need them: help must come at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table


def list_tracks() -> None:
    """List the tracks: what is learned on, what is tested on, and whether it can be run here."""
    from benchmarks.protocol import PROTOCOL
    from benchmarks.tracks import tracks

    columns = ("kind", "what", "scenarios", "worlds", "steps", "here")
    table = Table(Column("track", no_wrap=True), *columns)
    for track in tracks().values():
        count = len(track.test)
        table.add_row(
            track.name,
            track.kind,
            track.title,
            "1" if count == 1 else f"{len(track.train)} / {count}",
            f"{count * track.worlds}",
            f"{track.learner_steps:,}",
            track.unavailable() or "yes",
        )
    console = Console()
    console.print(f"protocol: {PROTOCOL}", table)
    console.print("scenarios: to learn on / to be tested on; worlds: of each seed; steps: to learn")


def list_agents() -> None:
    """List the agents: rules, exact optima and learners."""
    from benchmarks.entrants import entrants

    table = Table(Column("agent", no_wrap=True), Column("kind", no_wrap=True), "what")
    for one in entrants().values():
        table.add_row(one.name, one.kind, one.description)
    Console().print(table)


def write_anchors(
    again: Annotated[
        bool, typer.Option("--again", help="Work out those that are there, too.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="The file; without it benchmarks/anchors.toml.")
    ] = None,
) -> None:
    """Work out what 0 and 100 mean on every scenario of every track that can be run here."""
    from benchmarks.anchors import as_toml, work_out
    from benchmarks.files import write_text
    from benchmarks.progress import training_progress
    from benchmarks.protocol import ANCHORS_FILE, read_anchors
    from benchmarks.tracks import tracks

    console, path = Console(stderr=True), out or ANCHORS_FILE
    known = {} if again else dict(read_anchors(path))
    wanted = {
        (scenario.digest, track.objective, track.action or ""): (scenario, track)
        for track in tracks().values()
        if track.unavailable() is None
        for scenario in track.test_scenarios()
    }
    missing = {key: value for key, value in wanted.items() if key not in known}
    with training_progress(console) as progress:
        task = progress.add_task("anchors", total=len(missing))
        for key, (scenario, track) in missing.items():
            progress.update(task, description=scenario.name)
            known[key] = work_out(scenario, track.objective, track.action)
            write_text(path, as_toml(list(known.values())))
            progress.advance(task)
    read_anchors.cache_clear()
    console.print(f"{len(missing)} worked out, {len(known)} in {path.name}", markup=False)
