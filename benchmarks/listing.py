"""Lists the tracks, the agents, and the anchors (0 and 100) of each track.

The modules that do the work are imported by the commands that need them: help must come at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin_gym.console.printing import messages, output, table
from twin_gym.files.locks import adding_to
from twin_gym.files.places import check_file

if TYPE_CHECKING:
    from benchmarks.protocol import Track


def list_tracks() -> None:
    """List the tracks: what is learned on, what is tested on, and whether it can be run here."""
    from benchmarks.protocol import PROTOCOL
    from benchmarks.tracks import tracks

    heads = ["track", "kind", "what", "scenarios", "worlds", "steps", "here"]
    made = table(None, heads, left=4, wrapped=6)
    for track in tracks().values():
        count = len(track.test)
        made.add_row(
            track.name,
            track.kind,
            track.title,
            "1" if count == 1 else f"{len(track.train)} / {count}",
            f"{count * track.worlds}",
            f"{track.learner_steps:,}",
            track.unavailable() or "yes",
        )
    console = output()
    console.print(f"protocol: {PROTOCOL}", made)
    console.print("scenarios: to learn on / to be tested on; worlds: of each seed; steps: to learn")


def list_agents() -> None:
    """List the agents: rules, exact optima and learners."""
    from benchmarks.contestants import contestants

    made = table(None, ["agent", "kind", "what"], left=3)
    for one in contestants().values():
        made.add_row(one.name, one.kind, one.description)
    output().print(made)


def write_anchors(
    again: Annotated[
        bool, typer.Option("--again", help="Work out those that are there, too.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="The file; without it anchors.toml beside the tracks.")
    ] = None,
) -> None:
    """Work out what 0 and 100 mean on every scenario of every track that can be run here."""
    from benchmarks.protocol import anchors_file
    from benchmarks.tracks import tracks

    files: dict[Path, list[Track]] = {}
    for track in tracks().values():
        files.setdefault(out or anchors_file(track.kind), []).append(track)
    for path, chosen in files.items():
        check_file(path, [".toml"], makes_folder=True)
        with adding_to(path, "--out"):
            count, known = _work_out_missing(path, chosen, again=again)
        messages().print(f"{count} worked out, {known} in {path.name}", markup=False)


def _work_out_missing(path: Path, chosen: Sequence[Track], *, again: bool) -> tuple[int, int]:
    """The number of anchors that were missing, and the number in the file now."""
    from benchmarks.anchors import as_toml, work_out
    from benchmarks.progress import training_progress
    from benchmarks.protocol import read_anchors
    from twin_gym.files.whole import write_text

    known = {} if again else dict(read_anchors(path))
    asked = {
        (scenario.digest, track.objective, track.action or ""): (scenario, track)
        for track in chosen
        if track.unavailable() is None
        for scenario in track.test_scenarios()
    }
    missing = {key: value for key, value in asked.items() if key not in known}
    with training_progress(messages()) as progress:
        task = progress.add_task("anchors", total=len(missing))
        for key, (scenario, track) in missing.items():
            progress.update(task, description=scenario.name)
            known[key] = work_out(scenario, track.objective, track.action)
            write_text(path, as_toml(list(known.values())), makes_folder=True)
            progress.advance(task)
    read_anchors.cache_clear()
    return len(missing), len(known)
