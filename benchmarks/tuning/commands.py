"""`python -m benchmarks tune`: studies of learners, as long as it takes and resumable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console

from agents.settings import AgentName
from benchmarks.progress import training_progress
from benchmarks.tuning.space import GROUPS, TUNABLE, base_settings, group_named

KEPT = Path("results") / "tuning" / "trainings.jsonl"
"""Where trainings are kept, so that a killed study goes on."""


def tune(
    agents: Annotated[str, typer.Option(help="Learners, by commas.")] = ",".join(TUNABLE),
    groups: Annotated[str, typer.Option(help="Groups of tracks, by commas.")] = ",".join(GROUPS),
    trials: Annotated[int, typer.Option(help="Settings that are tried for each.")] = 12,
    kept: Annotated[Path, typer.Option(help="Trainings that were run before.")] = KEPT,
) -> None:
    """Tune the learners with Optuna on validation worlds; a killed study goes on."""
    from benchmarks.tuning.study import run_study, trainings_of
    from benchmarks.tuning.summary import read_studies, with_study, write_studies
    from benchmarks.tuning.trainings import Trainings

    chosen_agents = [cast("AgentName", name) for name in agents.split(",")]
    chosen_groups = [group_named(name) for name in groups.split(",")]
    for agent in chosen_agents:
        base_settings(agent, chosen_groups[0], 0)  # refuses an unknown one before the work begins
    trainings, console = Trainings(kept), Console(stderr=True)
    with training_progress(console) as progress:
        total = len(chosen_agents) * len(chosen_groups) * trainings_of(trials)
        task = progress.add_task("studies", total=total)

        def tell(what: str, per_s: float) -> None:
            progress.update(task, description=f"{what}: {per_s:.5g}")
            progress.advance(task)

        for group in chosen_groups:
            for agent in chosen_agents:
                study = run_study(agent, group, trainings.get, trials=trials, on_training=tell)
                write_studies(with_study(read_studies(), study))
                console.print(_line(study.adopted, agent, group.name, study.difference))
        progress.update(task, completed=total)


def _line(adopted: bool, agent: str, group: str, difference: tuple[float, float, float]) -> str:
    what = "tuned settings" if adopted else "defaults"
    estimate, low, high = difference
    return f"{agent}, {group}: {what} ({estimate:+.4g} [{low:.4g}, {high:.4g}] a second)"
