"""Lines with intervals and their names at their ends, in colours that everybody can tell apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import pyplot as plt

from benchmarks.experiments.blocks import Floats
from benchmarks.figures import COLOURS
from twin_gym.files.whole import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benchmarks.statistics import Interval

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_LEAST_GAP = 0.052
"""Between two names at the ends of lines, in heights of the panel."""

Lines = Mapping[str, Sequence[tuple[float, "Interval"]]]
Styles = Mapping[str, int]


def styles_of(labels: Sequence[str]) -> Styles:
    """A number a label, which gives colour and marker, the same in all panels of a figure."""
    return {label: number for number, label in enumerate(dict.fromkeys(labels))}


def draw_lines(axis: Axes, lines: Lines, styles: Styles, *, named: bool = True) -> None:
    """Lines with their intervals as bands.

    Args:
        axis: where; its scales are set before.
        lines: by label, points of increasing x.
        styles: see `styles_of`.
        named: whether their names stand at their right ends.
    """
    for label, points in lines.items():
        xs = [x for x, _ in points]
        colour = COLOURS[styles[label] % len(COLOURS)]
        axis.plot(
            xs, [one.estimate for _, one in points], color=colour, linewidth=1.5, markersize=4.5,
            marker=MARKERS[styles[label] % len(MARKERS)],
            linestyle="--" if styles[label] >= len(COLOURS) else "-",
        )  # fmt: skip
        axis.fill_between(
            xs, [one.low for _, one in points], [one.high for _, one in points], color=colour,
            alpha=0.2, linewidth=0,
        )  # fmt: skip
    axis.grid(alpha=0.3)
    if named:
        name_ends(axis, lines, styles)


def name_ends(axis: Axes, lines: Lines, styles: Styles) -> None:
    """Writes the name of each line beside its last point, none over another.

    Args:
        axis: with its final limits.
        lines: by label, points of increasing x.
        styles: see `styles_of`.
    """
    axis.set_ylim(axis.get_ylim())
    to_share = axis.transLimits.transform
    ends = {}
    for label, points in lines.items():
        scaled = axis.transScale.transform((points[-1][0], points[-1][1].estimate))
        ends[label] = float(to_share(scaled)[1])
    labels = sorted(ends, key=lambda label: ends[label])
    heights = spread(np.array([ends[label] for label in labels]), _LEAST_GAP)
    for label, height in zip(labels, heights, strict=True):
        colour = COLOURS[styles[label] % len(COLOURS)]
        axis.annotate(
            label, (1.0, ends[label]), xycoords="axes fraction", xytext=(1.03, height),
            textcoords="axes fraction", color=colour, fontsize=8, va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.5, "relpos": (0.0, 0.5)},
        )  # fmt: skip


def spread(heights: Floats, gap: float) -> Floats:
    """Moves sorted heights as little as needed for a gap between any two, then into the panel.

    Args:
        heights: rising; shape (names,).
        gap: the least one.

    Returns:
        Shape (names,).
    """
    steps = gap * np.arange(len(heights))
    free = heights - steps
    # Least squares under the order of `free`: neighbours that would cross share their mean.
    groups: list[list[float]] = []
    for value in free:
        groups.append([float(value)])
        while len(groups) > 1 and np.mean(groups[-2]) > np.mean(groups[-1]):
            groups[-2].extend(groups.pop())
    settled = [float(np.mean(group)) for group in groups for _ in group]
    moved: Floats = np.array(settled) + steps
    moved += np.clip(0.02 - moved[0], 0.0, None) - np.clip(moved[-1] - 0.98, 0.0, None)
    return moved


def save(figure: Figure, path: Path) -> None:
    """Writes the PNG aside and renames it.

    Args:
        figure: closed afterwards.
        path: in a folder that is made if it does not exist.
    """
    with replacing(path, makes_folder=True) as file:
        figure.savefig(file, dpi=90, format="png", bbox_inches="tight")
    plt.close(figure)
