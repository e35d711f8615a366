"""The answer to a what-if question as a figure (matplotlib is an extra: import this file late)."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from twin_gym.files.whole import replacing
from twin_gym.policies.what_if import Difference, WhatIf

_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#666666"
_PERCENT = 100.0
_TITLE_WIDTH = 60  # letters over a panel


def draw(path: Path, answer: WhatIf, changes: str) -> None:
    """Relative differences of the indicators of the whole network, with their intervals.

    Args:
        path: the PNG file, written atomically.
        answer: the result to draw.
        changes: the change, in one line.
    """
    panels = [(f"changed against as it is, under {answer.agent}", answer.by_change, _BLUE)]
    if answer.against is not None:
        heading = f"when changed, {answer.against} instead of {answer.agent}"
        panels.append((heading, answer.by_agent, _ORANGE))
    names = [name for name, one in answer.by_change.items() if _is_drawable(name, one)]
    height = 1.5 + 0.3 * len(names)
    figure = Figure(figsize=(5.2 * len(panels) + 1.0, height), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axis, (title, differences, colour) in zip(axes, panels, strict=True):
        _panel(axis, title, names, differences, colour)
    title = f"{answer.base.name} with {changes}, {len(answer.seeds)} worlds"
    figure.suptitle("\n".join(textwrap.wrap(title, _TITLE_WIDTH * len(panels))), x=0.01, ha="left")
    with replacing(path) as file:
        figure.savefig(file, dpi=130, format="png")


def _is_drawable(name: str, one: Difference) -> bool:
    return "/" not in name and one.before != 0.0


def _panel(
    axis: Axes, title: str, names: list[str], differences: Mapping[str, Difference], colour: str
) -> None:
    for place, name in enumerate(reversed(names)):
        one = differences.get(name)
        if one is None or one.before == 0.0:
            axis.text(0.0, place, "none", color=_GREY, va="center", ha="center", fontsize=8)
            continue
        scale = _PERCENT / abs(one.before)
        axis.errorbar(
            one.mean * scale,
            place,
            xerr=one.half_width * scale,
            fmt="o",
            markersize=5,
            capsize=3,
            color=colour if one.is_clear else _GREY,
        )
    axis.axvline(0.0, color=_GREY, linewidth=0.8)
    axis.set_yticks(range(len(names)), list(reversed(names)))
    axis.set_title(title, loc="left", fontsize=10)
    axis.set_xlabel("difference in %, 95 % interval (grey: may be zero)")
    axis.grid(axis="x", alpha=0.3)
