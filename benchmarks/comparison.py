"""The table of a comparison: agents between random and a proven bound, each with its interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.runs import Run
from benchmarks.statistics import Interval, interval


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        name: who.
        values: by KPI, estimate and interval; a bound has its revenue alone.
        over: what the interval is over.
    """

    name: str
    values: dict[str, Interval]
    over: str


def learned_row(name: str, runs: Sequence[Run], columns: Iterable[str]) -> Row:
    """An agent over its seeds, by KPI: interquartile mean and bootstrap interval."""
    values = {kpi: interval([run.final[kpi] for run in runs]) for kpi in columns}
    return Row(name, values, f"{len(runs)} seeds")


def as_markdown(rows: Sequence[Row], columns: Mapping[str, str]) -> str:
    """The table as Markdown, estimates with their intervals; headings by KPI."""
    heads = ["", *columns.values(), "interval over"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in rows:
        cells = [cell(row.values.get(name)) for name in columns]
        lines.append("| " + " | ".join([row.name, *cells, row.over]) + " |")
    return "\n".join(lines) + "\n"


def cell(value: Interval | None) -> str:
    """An estimate and half its interval, with the digits that the interval supports."""
    if value is None:
        return ""
    digits = max(0, 3 - int(np.floor(np.log10(max(abs(value.estimate), 1e-12)))))
    digits = min(digits, 6) if abs(value.estimate) < 1 else 2
    if value.low == value.high:
        return f"{value.estimate:.{digits}f}"
    if not value.is_known:
        return f"{value.estimate:.{digits}f} (one value)"
    return f"{value.estimate:.{digits}f} ± {(value.high - value.low) / 2:.{digits}f}"
