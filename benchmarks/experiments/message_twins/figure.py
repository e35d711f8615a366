"""The figure: F1 and exact messages over the number of UEs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib import pyplot as plt

from benchmarks.experiments.blocks import Measured
from benchmarks.experiments.drawing import draw_lines, save, styles_of
from benchmarks.experiments.message_twins.known import TABLE_OF_6, TABLE_OF_16, WINDOW_OF_ALL
from benchmarks.experiments.message_twins.trained import label_of

LABELS = (
    label_of("transformer", "interleaved"),
    label_of("lstm", "interleaved"),
    label_of("transformer", "per-ue"),
    label_of("lstm", "per-ue"),
    TABLE_OF_6,
    TABLE_OF_16,
    "table: last 6 of the log",
    WINDOW_OF_ALL,
)
PANELS = {
    "f1": "F1, all messages", "stateful_f1": "F1, stateful subset",
    "stateful_exact": "exact message, stateful subset",
}  # fmt: skip


def draw(path: Path, points: Mapping[tuple[str, int], Measured]) -> None:
    """Draws a panel a figure, the number of UEs on a scale of powers of two.

    Args:
        path: of the PNG.
        points: by label and number of UEs.
    """
    styles = styles_of(LABELS)
    ues = sorted({count for _, count in points})
    figure, axes = plt.subplots(1, len(PANELS), figsize=(17.0, 4.2), layout="constrained")
    for axis, (name, title) in zip(axes, PANELS.items(), strict=True):
        axis.set_xscale("log", base=2)
        axis.set_xticks(ues, [str(count) for count in ues])
        lines = {
            label: [
                (float(count), points[label, count].interval(name))
                for count in ues
                if (label, count) in points and name in points[label, count].values
            ]
            for label in LABELS
        }
        draw_lines(axis, {label: line for label, line in lines.items() if line}, styles)
        axis.set_title(title)
        axis.set_xlabel("concurrent UEs")
    save(figure, path)
