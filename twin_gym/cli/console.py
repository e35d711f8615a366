"""What every command prints with: two consoles, tables and numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import Progress, ProgressColumn

from twin_gym.cli.plain import PlainConsole
from twin_gym.cli.tables import WholeTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LEAST_WIDTH = 60
_MOST_DECIMALS = 9
_LEAST_LAST_DIGITS = 3.0  # 0.27 is written as 0.27 and 0.034 as 0.03
_ROUNDING = 1e-12  # of a mean: what equal values may differ by after sums


class _WholeConsole(PlainConsole):
    """A console that cuts nothing off at its edge."""

    def print(self, *objects: Any, crop: bool = False, **given: Any) -> None:
        """As rich's, but for what passes the edge."""
        super().print(*objects, crop=crop, **given)


def output() -> Console:
    """For results, which may pass the edge of a narrow terminal, but are never cut."""
    console = _WholeConsole()
    if console.width < _LEAST_WIDTH:
        console.width = _LEAST_WIDTH
    return console


def messages() -> Console:
    """For progress and remarks: standard error, so that results can be redirected."""
    return PlainConsole(stderr=True)


def progress_bar(*columns: ProgressColumn) -> Progress:
    """A bar on standard error that goes away at the end; none where that is no terminal."""
    console = messages()
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def table(
    title: str | None, columns: Sequence[str], *, left: int = 1, wrapped: int | None = None
) -> WholeTable:
    """An empty table with numbers to the right, of which nothing is ever cut.

    Args:
        title: printed above; None: nothing.
        columns: heads.
        left: how many of the first columns are text.
        wrapped: number of one more column that is text.

    Returns:
        The table, to be filled with `add_row`.
    """
    made = WholeTable(title)
    for index, name in enumerate(columns):
        if index < left or index == wrapped:
            made.add_text(name)
        else:
            made.add_number(name)
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
