"""Learning curves with intervals, and the lines that they are to be read against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from benchmarks.comparison import Row
from benchmarks.runs import Run
from benchmarks.statistics import curve_bands
from twin_gym.files.whole import replacing

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
"""Okabe and Ito's palette: told apart by colour-blind readers."""

Groups = Mapping[str, Sequence[Run]]


def learning_curves(
    path: Path,
    title: str,
    groups: Groups,
    lines: Sequence[Row],
    *,
    panels: Mapping[str, str],
) -> None:
    """One panel an indicator: interquartile mean over seeds with its 95 % interval.

    Args:
        path: of the PNG; written aside and renamed.
        title: of the figure.
        groups: runs of the same agent by its label.
        lines: rows drawn as horizontal lines where they have the indicator.
        panels: heading of each panel by the name of the indicator in the curves.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(6.0 * len(panels), 4.4), squeeze=False)
    for axis, (name, heading) in zip(axes[0], panels.items(), strict=True):
        for colour, (label, runs) in zip(COLOURS, groups.items(), strict=False):
            _band(axis, runs, name, label, colour)
        _lines(axis, [row for row in lines if name in row.values], name)
        axis.set_title(heading)
        axis.set_xlabel("environment steps (thousands)")
        axis.grid(alpha=0.3)
    axes[0][0].legend(loc="lower right", fontsize=8)
    figure.suptitle(title)
    figure.tight_layout()
    with replacing(path, makes_folder=True) as file:
        figure.savefig(file, dpi=130, format="png")
    plt.close(figure)


def _band(axis: Axes, runs: Sequence[Run], name: str, label: str, colour: str) -> None:
    steps = np.array([point["step"] for point in runs[0].points]) / 1000.0
    curves = np.array([[point[name] for point in run.points] for run in runs])
    is_measured = ~np.isnan(curves).any(axis=0)
    if not is_measured.any():
        return
    middle, low, high = curve_bands(curves[:, is_measured])
    axis.plot(steps[is_measured], middle, color=colour, label=label)
    axis.fill_between(steps[is_measured], low, high, color=colour, alpha=0.2, linewidth=0)


def _lines(axis: Axes, lines: Sequence[Row], name: str) -> None:
    for row in lines:
        value = row.values[name].estimate
        axis.axhline(value, color="0.35", linestyle=":", linewidth=1)
        axis.annotate(
            row.name, (0.0, value), xycoords=("axes fraction", "data"), fontsize=7,
            xytext=(2, 2), textcoords="offset points", color="0.25",
        )  # fmt: skip
