"""The page of the study: tables of gains, the matrices and the answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from agents.transfer import Cell, TransferMatrix
from benchmarks.experiments.drawing import save
from benchmarks.experiments.pages import table
from benchmarks.experiments.what_if_training.measuring import (
    LATER,
    TUNED,
    CaseResult,
    as_values,
)
from benchmarks.experiments.what_if_training.trainings import HISTORY, LABELS
from benchmarks.experiments.what_if_training.twins import FAMILIES, RANDOMISED

GENERATED = tuple(LABELS[one] for one in FAMILIES if one != RANDOMISED)
"""The rows that were trained on generated twins."""

_SCALES = ((1.0, ""), (1e3, " in 1,000 s"))
_SMALL = 0.1
_WORST, _BEST = 60.0, 110.0


def main_table(result: CaseResult) -> str:
    """The table of returns on the network that came, with the gains over the two rivals."""
    scale, unit = _scale(result)
    history, random = LABELS[HISTORY], LABELS[RANDOMISED]
    heads = [
        "trained on, or rule", f"revenue{unit or ' a second'}", "of the bound",
        "against history alone", "against randomised",
    ]  # fmt: skip
    lines = []
    for row in result.matrix.rows:
        score = result.matrix.score(row, LATER)
        gains = [
            "" if row == rival else _per_cent(result.matrix, row, rival)
            for rival in (history, random)
        ]
        share = f"{100.0 * score.mean / result.bound_per_s:.1f} %"
        lines.append([row, format_cell(score, scale), share, *gains])
    lines.append(["bound", f"{scale * result.bound_per_s:.2f}", "100 %", "", ""])
    return table(heads, lines)


def matrix_table(result: CaseResult) -> str:
    """Trained on x tested on, in revenue with half the interval over blocks."""
    scale, _ = _scale(result)
    lines = [
        [
            row,
            *(
                format_cell(result.matrix.score(row, column), scale)
                for column in result.matrix.columns
            ),
        ]
        for row in result.matrix.rows
    ]
    return table(["trained on / tested on", *result.matrix.columns], lines)


def format_cell(cell: Cell, scale: float = 1.0) -> str:
    """A mean with half its interval; of a single block, the mean alone."""
    if not np.isfinite(cell.half_width):
        return f"{scale * cell.mean:.2f}"
    return f"{scale * cell.mean:.2f} ± {scale * cell.half_width:.2f}"


def _per_cent(matrix: TransferMatrix, row: str, rival: str) -> str:
    """A paired gain in per cent of the rival's mean, bold where its interval leaves 0 out."""
    gain = matrix.gain(row, rival, LATER)
    unit = 100.0 / matrix.score(rival, LATER).mean
    text = f"{unit * gain.mean:+.1f}"
    if not np.isfinite(gain.half_width):
        return f"{text} %"
    text = f"{text} ± {unit * gain.half_width:.1f} %"
    return f"**{text}**" if gain.is_clear else text


def verdict(result: CaseResult) -> str:
    """In a sentence or two, whether twins help in this case, from the numbers alone."""
    parts = []
    for rival in (LABELS[HISTORY], LABELS[RANDOMISED]):
        by = {row: result.matrix.gain(row, rival, LATER) for row in GENERATED}
        better = [row for row, gain in by.items() if gain.is_clear and gain.mean > 0]
        worse = [row for row, gain in by.items() if gain.is_clear and gain.mean < 0]
        said = [
            f"{what} with {', '.join(rows)}"
            for what, rows in (("better", better), ("worse", worse))
            if rows
        ]
        parts.append(
            f"against {rival}: {'; '.join(said) if said else 'no difference that is clear'}"
        )
    best = max(GENERATED, key=lambda row: result.matrix.score(row, LATER).mean)
    beyond = result.matrix.gain(best, TUNED, LATER)
    relation = "more" if beyond.mean > 0 else "less"
    clear = "clearly " if beyond.is_clear else ""
    return (
        f"Agents trained on generated twins, on what came, {'; '.join(parts)}. The best of them "
        f"({best}) earns {clear}{relation} than the static reservation tuned on history."
    )


def draw(path: Path, cases: Sequence[CaseResult]) -> None:
    """Heat maps of the matrices, in per cent of the reservation tuned on history."""
    figure, axes = plt.subplots(
        len(cases), 1, figsize=(9.5, 4.6 * len(cases)), squeeze=False, layout="constrained"
    )
    for axis, result in zip(axes[:, 0], cases, strict=True):
        image = _heat(axis, result)
    figure.colorbar(
        image, ax=axes[:, 0], shrink=0.5,
        label="revenue, % of the reservation tuned on history in the same worlds",
    )  # fmt: skip
    save(figure, path)


def _heat(axis: Axes, result: CaseResult) -> AxesImage:
    values = 100.0 * result.matrix.relative(TUNED)
    image = axis.imshow(values, cmap="cividis", vmin=_WORST, vmax=_BEST, aspect="auto")
    for i, j in np.ndindex(values.shape):
        dark = values[i, j] < (_WORST + _BEST) / 2.0
        axis.text(
            j, i, f"{values[i, j]:.0f}", ha="center", va="center", fontsize=8,
            color="white" if dark else "black",
        )  # fmt: skip
    names = [name.replace(", held out", "\n(held out)") for name in result.matrix.columns]
    axis.set_xticks(range(len(names)), names, fontsize=7, rotation=20, ha="right")
    axis.set_yticks(range(len(result.matrix.rows)), result.matrix.rows, fontsize=8)
    axis.set_title(f"{result.title.replace('`', '')}\ntrained on (rows), tested on (columns)")
    return image


def as_json(cases: Sequence[CaseResult]) -> str:
    """The numbers of all cases: a mean a block."""
    content = {
        result.case: {
            "bound_per_s": result.bound_per_s, "windows": result.source,
            "training": result.training,
            "spread_of_windows": result.spread, "now": result.now, "fitted": result.base,
            **as_values(result.matrix),
        }
        for result in cases
    }  # fmt: skip
    return json.dumps(content, indent=1) + "\n"


def past(result: CaseResult) -> str:
    """The table of the windows of the history."""
    heads = ["parameter", "fitted", "spread of its logarithm over windows", "last window"]
    lines = [
        [path.removeprefix("slices."), f"{result.base[path]:.4g}", f"{result.spread[path]:.2f}",
         f"{result.now[path]:.2f} times the average"]
        for path in result.base
    ]  # fmt: skip
    return table(heads, lines)


def _scale(result: CaseResult) -> tuple[float, str]:
    """The factor of the revenues on the page, and its name."""
    return _SCALES[1] if result.bound_per_s < _SMALL else _SCALES[0]
