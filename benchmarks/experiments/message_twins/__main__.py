"""`python -m benchmarks.experiments.message_twins --help`: trains, judges, writes the page."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated

import torch
import typer

from benchmarks.experiments.blocks import Cell, measure_all
from benchmarks.experiments.message_twins import page
from benchmarks.experiments.message_twins.known import known_cells
from benchmarks.experiments.message_twins.plan import QUICK, Plan
from benchmarks.experiments.message_twins.trained import OnStep, trained_cells
from benchmarks.experiments.pages import Again, Kept, Out, Quick, places, publish, show_and_keep
from benchmarks.progress import training_progress
from twin_gym.console.error_reporting import ErrorReportingCommand
from twin_gym.console.printing import output
from twin_gym.errors import ConfigError
from twin_gym.files.records import read_records

NAME = "message_twins"

app = typer.Typer(add_completion=False, help=__doc__)


@app.command(cls=ErrorReportingCommand)
def main(
    seeds: Annotated[int, typer.Option(min=1, help="Pairs of logs, and trainings on them.")] = 3,
    cells: Annotated[
        list[str] | None,
        typer.Option(help="Measure cells alone whose name has this part; again for others."),
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="Print the names of the cells, measure nothing.")
    ] = False,
    quick: Quick = False,
    again: Again = False,
    out: Out = None,
    kept: Kept = None,
) -> None:
    """Measures the cells that are not measured yet, seed after seed, and writes the page.

    A run that is stopped goes on where it was, in the middle of a training, too.
    """
    torch.set_num_threads(1)  # one core, and one thread adds up in one order
    folder, file = places(NAME, out, kept, quick=quick, again=again)
    plan = QUICK if quick else Plan()
    checkpoints = file.with_suffix(".training")
    with training_progress() as progress:
        steps = progress.add_task("steps of the training", total=None, visible=not listed)
        task = progress.add_task("cells", total=None, visible=not listed)

        def on_step(step: int, total: int) -> None:
            progress.update(steps, completed=step, total=total)

        everything = all_cells(seeds, plan, checkpoints, on_step)
        chosen = chosen_cells(everything, cells)
        if not listed:
            progress.update(task, total=len(chosen))
            measure_all(chosen, file, on_done=lambda _: progress.advance(task))
    if listed:
        for cell in chosen:
            output().print(name_of(cell), markup=False)
        return
    known = {record["digest"] for record in read_records(file)}
    measured = measure_all(stored_cells(everything, known), file)
    made = page.page(measured, plan, f"{NAME} --seeds {seeds}{' --quick' if quick else ''}")
    figures = [
        lambda end=end, draw=draw: draw(folder / f"{NAME}{end}")
        for end, draw in made.figures.items()
    ]
    show_and_keep(made.text, lambda: publish(folder, NAME, made.text, measured), *figures)


def all_cells(seeds: int, plan: Plan, checkpoints: Path, on_step: OnStep) -> list[Cell]:
    """Every cell; all of a seed before the next one, so that a run that is cut is whole.

    Args:
        seeds: how many, from 1.
        plan: of the run.
        checkpoints: folder of the training that is running.
        on_step: told of its progress.

    Returns:
        The cells in the order in which they are measured.
    """
    return [
        cell
        for seed in range(1, seeds + 1)
        for num_ues in plan.ues
        for cell in (
            *known_cells(num_ues, seed, plan),
            *trained_cells(num_ues, seed, plan, checkpoints, on_step),
        )
    ]


def stored_cells(cells: Sequence[Cell], digests: Collection[str]) -> list[Cell]:
    """The cells that are stored; of a row up to the first seed that is missing.

    Rows are compared seed by seed, so that no seed may stand in the place of another.

    Args:
        cells: in the order of their seeds.
        digests: of what is stored.

    Returns:
        Cells for a page.
    """
    missing: set[tuple[str, float]] = set()
    found = []
    for cell in cells:
        row = (cell.label, cell.x)
        if cell.digest not in digests:
            missing.add(row)
        elif row not in missing:
            found.append(cell)
    return found


def name_of(cell: Cell) -> str:
    """The name of a cell, by which `--cells` finds it."""
    return f"{cell.label}, {cell.x:.0f} UEs, seed {cell.blocks[0]}"


def chosen_cells(cells: Sequence[Cell], parts: Sequence[str] | None) -> list[Cell]:
    """The cells whose name has one of these parts, all of them without any.

    Raises:
        ConfigError: if no cell has one.
    """
    chosen = [cell for cell in cells if not parts or any(part in name_of(cell) for part in parts)]
    if not chosen:
        raise ConfigError(f"no cell has {parts} in its name: `--list` prints the names")
    return chosen


if __name__ == "__main__":
    app()
