"""Writes a page, its figure and the numbers of both; each file is written atomically."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.experiments.blocks import Measured
from benchmarks.statistics import Interval
from twin_gym.console.error_reporting import deliver
from twin_gym.console.printing import output
from twin_gym.files.locks import adding_to
from twin_gym.files.places import check_file, check_folder
from twin_gym.files.whole import write_text

PUBLISHED = Path("benchmarks/results")
WORK = Path("results/experiments")
"""The folder of finished work and of quick runs; not part of the repository."""

Seeds = Annotated[int, typer.Option(min=1, help="Blocks of worlds, and trainings of an agent.")]
Worlds = Annotated[int, typer.Option(min=1, help="Worlds of each block.")]
Quick = Annotated[bool, typer.Option("--quick", help="A small run that shows that it works.")]
Again = Annotated[bool, typer.Option("--again", help="Measure anew what is kept from before.")]
Learners = Annotated[
    bool, typer.Option("--learners/--without-learners", help="Whether agents are trained, too.")
]
Out = Annotated[
    Path | None, typer.Option(help=f"Folder of the results; {PUBLISHED}, or of quick runs {WORK}.")
]
Kept = Annotated[
    Path | None, typer.Option(help=f"File of what is done, to go on from; one in {WORK}.")
]


def places(
    name: str, out: Path | None, kept: Path | None, *, quick: bool, again: bool
) -> tuple[Path, Path]:
    """Folder of the results, and file of what is done, which is emptied if asked.

    Args:
        name: of the experiment.
        out: as given, or None.
        kept: as given, or None.
        quick: whether the run is a small one, which publishes nothing unless told where.
        again: whether what is kept is to be forgotten.

    Returns:
        The folder and the file.

    Raises:
        ConfigError: if one of them cannot be written, or another process adds to the file.
    """
    folder = out if out is not None else (WORK / "quick" if quick else PUBLISHED)
    file = kept if kept is not None else WORK / f"{name}.jsonl"
    check_folder(folder)
    check_file(file, makes_folder=True)
    if again:
        with adding_to(file):
            file.unlink(missing_ok=True)
    return folder, file


def show_and_keep(page: str, *keep: Callable[[], None]) -> None:
    """Prints a page and then keeps it: what cannot be written is not lost.

    Args:
        page: Markdown.
        keep: what writes it, its figures and its numbers; each is tried.
    """
    deliver(lambda: output().print(page, markup=False, soft_wrap=True), *keep)


def publish(folder: Path, name: str, page: str, entries: Sequence[Measured]) -> None:
    """Writes the page and its numbers.

    Args:
        folder: made if it does not exist.
        name: of the experiment.
        page: Markdown.
        entries: what was measured.
    """
    content = [
        {
            "label": one.label, "scenario": one.scenario, "x": one.x,
            "values": {key: values.tolist() for key, values in one.values.items()},
        }
        for one in entries
    ]  # fmt: skip
    lines = ",\n".join(json.dumps(entry) for entry in content)
    write_text(folder / f"{name}.json", f"[\n{lines}\n]\n", makes_folder=True)
    write_text(folder / f"{name}.md", page, makes_folder=True)


def page_of(title: str, introduction: str | None, command: str, parts: Sequence[str]) -> str:
    """A page of results.

    Args:
        title: its heading.
        introduction: what the experiment is; the docstring of its module.
        command: that measures it.
        parts: sections in Markdown.

    Returns:
        Markdown.
    """
    machine = platform.processor() or platform.machine()
    measured = (
        f"Measured with `python -m benchmarks.experiments.{command}` on {machine}, Python "
        f"{platform.python_version()}. Figures are means over blocks of worlds with Student's 95 % "
        "interval; all policies meet the same worlds."
    )
    whole = [f"# {title}", (introduction or "").strip(), measured, *parts]
    return "\n\n".join(part for part in whole if part) + "\n"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown.

    Args:
        heads: of the columns.
        rows: as many cells each.

    Returns:
        Lines joined by newlines.
    """
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def format_interval(value: Interval, digits: int = 3, *, scale: float = 1.0) -> str:
    """An estimate with half its interval.

    Args:
        value: the interval.
        digits: behind the point.
        scale: by which it is multiplied, such as 100 for per cent.

    Returns:
        Such as `0.951 ± 0.002`.

    Example:
        >>> format_interval(Interval(0.5, 0.4, 0.6), 1, scale=100.0)
        '50.0 ± 10.0'
    """
    if not value.is_known:
        return f"{scale * value.estimate:.{digits}f} (one value)"
    half = scale * (value.high - value.low) / 2.0
    return f"{scale * value.estimate:.{digits}f} ± {half:.{digits}f}"
