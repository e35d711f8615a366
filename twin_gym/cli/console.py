"""What every command prints with: two consoles, tables, numbers, and errors in one line."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import ParamSpec

import typer
from rich import box
from rich.console import Console
from rich.progress import Progress, ProgressColumn
from rich.table import Table

from twin_gym.errors import TwinGymError

P = ParamSpec("P")

FAILED = 2
"""Exit code of a refused request."""


def one_line_errors(command: Callable[P, None]) -> Callable[P, None]:
    """A command whose errors are one line on standard error, and the exit code 2.

    Args:
        command: raises a `TwinGymError` where a request is refused.

    Returns:
        The same command, which answers for these errors.
    """

    @functools.wraps(command)
    def answering(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except TwinGymError as error:
            typer.echo(f"twin-gym: {' '.join(str(error).split())}", err=True)
            raise typer.Exit(FAILED) from None

    return answering


def output() -> Console:
    """For results."""
    return Console(highlight=False)


def messages() -> Console:
    """For progress and remarks: standard error, so that results can be redirected."""
    return Console(stderr=True, highlight=False)


def progress_bar(*columns: ProgressColumn) -> Progress:
    """A bar on standard error that goes away at the end; none where that is no terminal."""
    console = messages()
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def table(
    title: str, columns: Sequence[str], *, left: int = 1, wrapped: int | None = None
) -> Table:
    """An empty table with numbers to the right.

    Args:
        title: printed above.
        columns: heads.
        left: how many of the first columns are text.
        wrapped: number of the column that gives way where space is short.

    Returns:
        The table, to be filled with `add_row`.
    """
    made = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1),
    )
    for index, name in enumerate(columns):
        is_text = index < left or index == wrapped
        made.add_column(name, justify="left" if is_text else "right", no_wrap=index != wrapped)
    return made


def number(value: float, digits: int = 4) -> str:
    """A number in so many significant digits, with thousands apart and without an exponent."""
    if value == 0:
        return "0"
    if abs(value) >= 10**digits:
        return f"{value:,.0f}"
    rounded = f"{value:.{digits}g}"
    return f"{value:.{digits + 3}f}".rstrip("0") if "e" in rounded else rounded


def first_sentence(text: str) -> str:
    """The first line of a description."""
    return text.strip().splitlines()[0] if text.strip() else ""
