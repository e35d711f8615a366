"""The command of an experiment: from its options over what is measured to what is published."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from benchmarks.experiments.blocks import Cell, Measured, measure_with_bar
from benchmarks.experiments.pages import (
    Again,
    Kept,
    Learners,
    Out,
    Quick,
    Seeds,
    Worlds,
    places,
    publish,
    show_and_keep,
)
from twin_gym.console.error_reporting import ErrorReportingCommand

_QUICK_SEEDS, _QUICK_WORLDS = 2, 1
_HELP = "Measures what is not measured yet, and writes JSON, PNG and a Markdown page."


@dataclass(frozen=True)
class Asked:
    """The measurements that are asked for.

    Attributes:
        seeds: blocks of worlds, and trainings of an agent.
        worlds: of each block.
        learners: whether agents are trained, too.
        quick: whether a small run is to show that it works.
        command: that asks for them, behind `python -m benchmarks.experiments.`.
    """

    seeds: int
    worlds: int
    learners: bool
    quick: bool
    command: str


@dataclass(frozen=True)
class Page:
    """A page of results and its figures.

    Attributes:
        text: Markdown.
        figures: by the end of the file's name, behind that of the experiment: what writes it.
    """

    text: str
    figures: Mapping[str, Callable[[Path], None]]


def experiment(
    name: str,
    text: str | None,
    cells: Callable[[Asked], list[Cell]],
    page: Callable[[Asked, Sequence[Measured]], Page],
    *,
    seeds: int,
    worlds: int,
    trains: bool = True,
) -> typer.Typer:
    """The command of an experiment; a run that is stopped goes on where it was.

    Args:
        name: of its files.
        text: of its `--help`.
        cells: gives what is to be measured.
        page: gives what is told of it.
        seeds: blocks of worlds, unless others are asked for.
        worlds: of each block, likewise.
        trains: whether agents are trained in it, which `--without-learners` leaves out.

    Returns:
        The application, to be called.
    """

    def main(
        seeds: Seeds = seeds, worlds: Worlds = worlds, learners: Learners = True,
        quick: Quick = False, again: Again = False, out: Out = None, kept: Kept = None,
    ) -> None:  # fmt: skip
        folder, file = places(name, out, kept, quick=quick, again=again)
        if quick:
            seeds, worlds = min(seeds, _QUICK_SEEDS), min(worlds, _QUICK_WORLDS)
        command = f"{name} --seeds {seeds} --worlds {worlds}"
        asked = Asked(seeds, worlds, learners and not quick, quick, command)
        measured = measure_with_bar(cells(asked), file)
        made = page(asked, measured)
        figures = [
            lambda end=end, draw=draw: draw(folder / f"{name}{end}")
            for end, draw in made.figures.items()
        ]
        show_and_keep(made.text, lambda: publish(folder, name, made.text, measured), *figures)

    def main_without_learners(
        seeds: Seeds = seeds, worlds: Worlds = worlds,
        quick: Quick = False, again: Again = False, out: Out = None, kept: Kept = None,
    ) -> None:  # fmt: skip
        main(seeds, worlds, False, quick, again, out, kept)

    app = typer.Typer(add_completion=False, help=text)
    app.command(cls=ErrorReportingCommand, help=_HELP)(main if trains else main_without_learners)
    return app
