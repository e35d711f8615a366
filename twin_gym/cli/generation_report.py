"""Report on generated twins: history, current state and twins side by side, as table or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from twin_gym.cli.backtest import LEAST_WINDOWS, Backtest
from twin_gym.cli.history_input import GeneratorInputs
from twin_gym.console.printing import number, output, table
from twin_gym.scenario import Scenario
from twin_gym.scenario.changes import value_at
from twin_gym.twins.scenarios import Criteria, ParameterSpace

_DRAWN = ("historical", "hybrid", "gan")


@dataclass(frozen=True)
class GenerationReport:
    """The result of `scenario generate`.

    Attributes:
        generator: name of the generator.
        seed: seed of its draws.
        criteria: demands and priorities.
        inputs: history and current state.
        twins: the generated scenarios.
        files: their files, in the same order.
        foretelling: backtest on held-out windows; None: not done.
        rejections: rejected answers of a language model, one line each.
    """

    generator: str
    seed: int
    criteria: Criteria
    inputs: GeneratorInputs
    twins: Sequence[Scenario]
    files: Sequence[Path]
    foretelling: Backtest | None
    rejections: Sequence[str]


@dataclass(frozen=True)
class ParameterSummary:
    """Values of one parameter in the history, in the current state, and in the twins.

    Attributes:
        history: mean over the windows.
        now: last known value; None: unknown, or not requested.
        age_windows: its age in windows; None likewise.
        mean: mean of the twins.
        deviation: standard deviation of the twins.
        least: minimum of the twins.
        most: maximum of the twins.
    """

    history: float
    now: float | None
    age_windows: float | None
    mean: float
    deviation: float
    least: float
    most: float


def rows_of(inputs: GeneratorInputs, twins: Sequence[Scenario]) -> dict[str, ParameterSummary]:
    """The summary of every parameter, by path.

    Args:
        inputs: history and current state.
        twins: one or more, of the same parameter space.
    """
    space, now = inputs.history.space, inputs.now
    history = np.array([_plain(space, point) for point in inputs.history.points])
    made = np.array([[float(value_at(one, path)) for path in space.paths] for one in twins])
    summaries = {}
    for place, path in enumerate(space.paths):
        is_known = now is not None and bool(now.is_known[place])
        one = made[:, place]
        summaries[path] = ParameterSummary(
            history=float(history[:, place].mean()),
            now=_plain(space, now.point)[place] if now is not None and is_known else None,
            age_windows=float(now.ages[place]) if now is not None and is_known else None,
            mean=float(one.mean()),
            deviation=float(one.std(ddof=1)) if len(one) > 1 else 0.0,
            least=float(one.min()),
            most=float(one.max()),
        )
    return summaries


def _plain(space: ParameterSpace, point: NDArray[np.float64]) -> list[float]:
    """The values at a point; NaN for unknown coordinates."""
    return [
        float(one.value(float(x))) if np.isfinite(x) else float("nan")
        for one, x in zip(space.parameters, point, strict=True)
    ]


def as_document(report: GenerationReport) -> dict[str, Any]:
    """The report as JSON values.

    Args:
        report: the report.

    Returns:
        A document with base, history, all parameters, files and digests of all twins, and checks.
    """
    inputs, backtest = report.inputs, report.foretelling
    base = inputs.history.space.base
    rows = rows_of(inputs, report.twins)
    return {
        "scenario": base.name,
        "digest": base.digest,
        "generator": report.generator,
        "seed": report.seed,
        "history": inputs.history.source,
        "windows": len(inputs.history.points),
        "window_s": inputs.window_s,
        "prioritised": sorted(report.criteria.objective.prioritised),
        "parameters": {path: asdict(row) for path, row in rows.items()},
        "twins": [
            {"name": one.name, "digest": one.digest, "file": str(file)}
            for one, file in zip(report.twins, report.files, strict=True)
        ],
        "foretelling": None if backtest is None else asdict(backtest),
        "rejections": list(report.rejections),
    }


def print_report(report: GenerationReport) -> None:
    """Prints the table and the backtest.

    Args:
        report: the report.
    """
    console = output()
    console.print(_table(report))
    history = report.inputs.history
    now = report.inputs.now
    unknown = "" if now is not None and now.is_known.all() else " ?: not known."
    lines = [f"From {history.source}.{unknown}"]
    chosen = sorted(report.criteria.objective.prioritised)
    if chosen:
        lines.append(f"Prioritised: {', '.join(chosen)}.")
    if report.generator in _DRAWN:
        lines.append(_foretold(report.foretelling, len(history.points)))
    for line in lines:
        console.print(f"\n{line}", markup=False)


def _table(report: GenerationReport) -> Table:
    base = report.inputs.history.space.base
    title = f"{len(report.twins)} scenario twins of {base.name} by {report.generator}"
    heads = ["parameter", "history", "now", "twins", "deviation"]
    made = table(title, heads)
    for path, row in rows_of(report.inputs, report.twins).items():
        now = "?" if row.now is None else number(row.now)
        cells = number(row.history), now, number(row.mean), number(row.deviation, 2)
        made.add_row(path, *cells)
    return made


def _foretold(backtest: Backtest | None, windows: int) -> str:
    if backtest is None:
        return (
            f"No backtest on held-out windows: {windows} windows are too few, it needs "
            f"{LEAST_WINDOWS}."
        )
    copied = backtest.copied
    closer = round(copied.share_closer * backtest.held_out)
    verdict = "It may COPY its history" if copied.is_copy else "No copying found"
    return (
        f"Backtest on the last {backtest.held_out} windows: energy distance "
        f"{number(backtest.distance, 2)} (earlier windows: {number(backtest.of_history, 2)}). "
        f"{verdict}: {closer} of {backtest.held_out} draws are closer to a window than usual, "
        f"p = {number(copied.p_value, 2)}."
    )
