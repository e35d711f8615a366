"""Output of the commands: two consoles, tables and the formatting of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import Progress, ProgressColumn

from twin_gym.console.sanitising import LiteralConsole
from twin_gym.console.tables import WholeTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LEAST_WIDTH = 60
_MOST_DECIMALS = 9
_LEAST_LAST_DIGITS = 3.0  # 0.27 is written as 0.27 and 0.034 as 0.03
_ROUNDING = 1e-12  # of a mean: what equal values may differ by after sums


class _WholeConsole(LiteralConsole):
    """A console that cuts nothing off at its edge."""

    def print(self, *objects: Any, crop: bool = False, **given: Any) -> None:
        """Prints like rich's method, but cuts no line at the edge."""
        super().print(*objects, crop=crop, **given)


def output() -> Console:
    """The console for results: lines may exceed a narrow terminal, but are never cut."""
    console = _WholeConsole()
    if console.width < _LEAST_WIDTH:
        console.width = _LEAST_WIDTH
    return console


def messages() -> Console:
    """The console for progress and remarks: standard error, so that results can be redirected."""
    return LiteralConsole(stderr=True)


def progress_bar(*columns: ProgressColumn) -> Progress:
    """A progress bar on standard error that disappears at the end; hidden without a terminal."""
    console = messages()
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def table(
    title: str | None, columns: Sequence[str], *, left: int = 1, wrapped: int | None = None
) -> WholeTable:
    """An empty table with right-aligned numbers whose cells are never cut.

    Args:
        title: printed above the table; None: no title.
        columns: headings.
        left: number of text columns at the beginning.
        wrapped: index of one more text column.

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
    """A number with this many significant digits, thousands separators and no exponent."""
    if value == 0:
        return "0"
    if abs(value) >= 10**digits:
        return f"{value:,.0f}"
    rounded = f"{value:.{digits}g}"
    return f"{value:.{digits + 3}f}".rstrip("0") if "e" in rounded else rounded


def supported_decimals(half: float, most: int = _MOST_DECIMALS) -> int:
    """Number of decimals that a half-width supports: 0.27 is shown as 0.27, 0.034 as 0.03."""
    decimals = 0
    while decimals < most and 0.0 < half * 10**decimals < _LEAST_LAST_DIGITS:
        decimals += 1
    return decimals


def with_interval(values: NDArray[np.float64], most_decimals: int = _MOST_DECIMALS) -> str:
    """Mean ± half-width of the 95 % interval, with the decimals that the interval supports."""
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
