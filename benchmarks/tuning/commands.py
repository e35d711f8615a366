"""`python -m benchmarks tune` and `tune-rules`: learners by studies, rules by one search."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer
from rich.progress import TaskID

from agents.settings import AgentName
from benchmarks.progress import training_progress
from benchmarks.tuning.space import GROUPS, TUNABLE, base_settings, group_named
from twin_gym.console.printing import messages
from twin_gym.files.locks import LOCK_FILE, adding_to, in_turn
from twin_gym.files.places import check_file

KEPT = Path("results") / "tuning" / "trainings.jsonl"
"""The folder of the trainings, from which a killed study resumes."""


def tune(
    agents: Annotated[str, typer.Option(help="Learners, by commas.")] = ",".join(TUNABLE),
    groups: Annotated[str, typer.Option(help="Groups of tracks, by commas.")] = ",".join(GROUPS),
    trials: Annotated[int, typer.Option(help="Settings that are tried for each.")] = 8,
    kept: Annotated[Path, typer.Option(help="Trainings that were run before.")] = KEPT,
) -> None:
    """Tune the learners with Optuna on validation worlds; a killed study goes on."""
    from benchmarks.tuning.page import PAGE, write_page
    from benchmarks.tuning.settings import LEARNED_FILE
    from benchmarks.tuning.study import check_trials, run_study, trainings_of
    from benchmarks.tuning.summary import STUDIES_FILE, read_studies, with_study, write_studies
    from benchmarks.tuning.trainings import Trainings

    chosen_agents = [cast("AgentName", name) for name in agents.split(",")]
    chosen_groups = [group_named(name) for name in groups.split(",")]
    for agent in chosen_agents:
        base_settings(agent, chosen_groups[0], 0)  # refuses an unknown one before the work begins
    check_trials(trials)
    _check_places(kept, STUDIES_FILE, LEARNED_FILE, PAGE)
    console = messages()
    with adding_to(kept), training_progress(console) as progress:
        trainings = Trainings(kept)
        total = len(chosen_agents) * len(chosen_groups) * trainings_of(trials)
        task = progress.add_task("studies", total=total)

        def tell(what: str, per_s: float) -> None:
            progress.update(task, description=f"{what}: {per_s:.5g}")
            progress.advance(task)

        for group in chosen_groups:
            for agent in chosen_agents:
                study = run_study(agent, group, trainings.get, trials=trials, on_training=tell)
                console.print(_line(study.adopted, agent, group.name, study.difference))
                with in_turn(KEPT.with_name(LOCK_FILE)):
                    write_studies(with_study(read_studies(), study))
        progress.update(task, completed=total)
    write_page()


def tune_rules(
    tracks: Annotated[str, typer.Option(help="Tracks, by commas; empty: all.")] = "",
    methods: Annotated[str, typer.Option(help="Rules, by commas; empty: all.")] = "",
    again: Annotated[bool, typer.Option("--again", help="Those that are there, too.")] = False,
) -> None:
    """Tune the classical rules on validation worlds, every method with the same budget."""
    from benchmarks.tracks import track_named
    from benchmarks.tracks import tracks as all_tracks
    from benchmarks.tuning.methods import methods as all_methods
    from benchmarks.tuning.methods import takes_part
    from benchmarks.tuning.page import PAGE, write_page
    from benchmarks.tuning.rules import (
        BUDGET,
        CLASSICAL_FILE,
        check_tunable,
        read_tunings,
        tune_rule,
        write_tunings,
    )

    names = tracks.split(",") if tracks else [n for n, t in all_tracks().items() if not t.data]
    pairs = [
        (track_named(track), method)
        for track in names
        for method in (methods.split(",") if methods else all_methods())
        if methods or takes_part(method, track_named(track)) is None
    ]
    for track, method in pairs:
        check_tunable(method, track)
    _check_places(CLASSICAL_FILE, PAGE)
    done = _tuned_before()
    console = messages()
    with training_progress(console) as progress:
        for track, method in pairs:
            if (track.name, method) in done and not again:
                continue
            if (reason := track.unavailable()) is not None:
                console.print(f"{track.name} is left out: {reason}", markup=False)
                continue
            task = progress.add_task(f"{track.name}, {method}", total=BUDGET)

            def tell(episodes: int, score: float, task: TaskID = task) -> None:
                progress.update(task, completed=episodes)

            tuning = tune_rule(track, method, on_episodes=tell)
            progress.update(task, completed=BUDGET)
            console.print(f"{track.name}, {method}: {tuning.untuned_per_s:.6g} -> ", end="")
            console.print(f"{tuning.tuned_per_s:.6g}, {tuning.episodes} episodes", markup=False)
            with in_turn(KEPT.with_name(LOCK_FILE)):
                read_tunings.cache_clear()  # another run may have written in the meantime
                kept = [x for x in read_tunings() if (x.track, x.method) != (track.name, method)]
                write_tunings([*kept, tuning])
    write_page()


def _tuned_before() -> set[tuple[str, str]]:
    """Tracks and rules whose entries are for the scenarios as they are."""
    from benchmarks.tracks import track_named
    from benchmarks.tuning.rules import read_tunings

    return {
        (one.track, one.method)
        for one in read_tunings()
        if one.digests == tuple(s.digest for s in track_named(one.track).train_scenarios())
    }


def _check_places(*paths: Path) -> None:
    for path in (*paths, KEPT):
        check_file(path, makes_folder=True)


def _line(adopted: bool, agent: str, group: str, difference: tuple[float, float, float]) -> str:
    what = "tuned settings" if adopted else "defaults"
    estimate, low, high = difference
    return f"{agent}, {group}: {what} ({estimate:+.4g} [{low:.4g}, {high:.4g}] a second)"
