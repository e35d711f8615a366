"""What every command prints with: two consoles, tables, numbers, and errors in one line."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ParamSpec

import typer
from rich import box
from rich.console import Console
from rich.progress import Progress, ProgressColumn
from rich.table import Table

from twin_gym.cli.plain import PlainConsole, plain
from twin_gym.errors import TwinGymError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

P = ParamSpec("P")

FAILED = 2
"""Exit code of a refused request."""

_MOST_DECIMALS = 9
_LEAST_LAST_DIGITS = 3.0  # 0.27 is written as 0.27 and 0.034 as 0.03
_ROUNDING = 1e-12  # of a mean: what equal values may differ by after sums


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
            typer.echo(f"twin-gym: {' '.join(plain(str(error)).split())}", err=True)
            raise typer.Exit(FAILED) from None

    return answering


def output() -> Console:
    """For results."""
    return PlainConsole()


def messages() -> Console:
    """For progress and remarks: standard error, so that results can be redirected."""
    return PlainConsole(stderr=True)


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


def supported_decimals(half: float, most: int = _MOST_DECIMALS) -> int:
    """How many decimals a half-width supports: 0.27 is told as 0.27, and 0.034 as 0.03."""
    decimals = 0
    while decimals < most and 0.0 < half * 10**decimals < _LEAST_LAST_DIGITS:
        decimals += 1
    return decimals


def with_interval(values: NDArray[np.float64], most_decimals: int = _MOST_DECIMALS) -> str:
    """A mean and half of its 95 % interval, to the decimals that the interval supports."""
    from twin_gym.policies.intervals import half_width  # loads the environments: help does not

    mean, half = float(values.mean()), half_width(values)
    if math.isnan(half):
        return number(mean)
    if half <= abs(mean) * _ROUNDING:
        return f"{number(mean)} ± 0"
    decimals = supported_decimals(half, most_decimals)
    return f"{mean:,.{decimals}f} ± {half:,.{decimals}f}"


def first_sentence(text: str) -> str:
    """The first line of a description."""
    return text.strip().splitlines()[0] if text.strip() else ""
