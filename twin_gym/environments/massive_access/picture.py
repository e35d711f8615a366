"""The picture of massive access, painted with Pillow (an extra: import this file late)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.canvas import COLOURS, EMPTY, FAINT, HEIGHT, MARGIN, WIDTH, Canvas
from twin_gym.core.drawing import compact
from twin_gym.environments.massive_access.layout import HISTORY
from twin_gym.environments.massive_access.snapshot import PictureState

BLUE, ORANGE, GREEN, RED = COLOURS[0], COLOURS[1], COLOURS[2], COLOURS[5]

_CURVES_TOP, _CURVES_BOTTOM = 162, 282
_BARS_TOP = 318


def paint(snapshot: PictureState) -> NDArray[np.uint8]:
    """Paints a cell: its devices, their backlog and the barring over time, the last preambles.

    Args:
        snapshot: what to show.

    Returns:
        Pixels; shape (420, 720, 3).
    """
    canvas = Canvas()
    _paint_head(canvas, snapshot)
    _paint_devices(canvas, snapshot)
    _paint_curves(canvas, snapshot)
    _paint_preambles(canvas, snapshot)
    return canvas.pixels()


def _paint_head(canvas: Canvas, snapshot: PictureState) -> None:
    scenario = snapshot.scenario
    time = f"{snapshot.slot * scenario.slot_s:,.3f} s of {scenario.horizon_s:,g} s"
    barring = f"barring probability {snapshot.barring:.4f}"
    canvas.head(
        (scenario.name, time), (f"{snapshot.succeeded:,} answered", barring), snapshot.progress
    )


def _paint_devices(canvas: Canvas, snapshot: PictureState) -> None:
    """Paints all devices as one bar, cut by their state."""
    ready = snapshot.waiting - snapshot.backing_off
    parts = (
        ("answered", snapshot.succeeded, GREEN), ("waiting", ready, BLUE),
        ("backing off", snapshot.backing_off, COLOURS[4]), ("lost", snapshot.lost, RED),
        ("not asked yet", snapshot.silent, EMPTY),
    )  # fmt: skip
    left, right = float(MARGIN), float(WIDTH - MARGIN)
    at = left
    for k, (name, count, colour) in enumerate(parts):
        width = (right - left) * count / snapshot.scenario.num_devices
        canvas.box(at, 86, at + width, 104, colour)
        at += width
        label = left + k * (right - left) / len(parts)
        canvas.box(label, 114, label + 10, 124, colour)
        canvas.text(label + 15, 119, f"{name} {count:,}", 12)


def _paint_curves(canvas: Canvas, snapshot: PictureState) -> None:
    """The backlog and the barring (logarithmic, downwards) at the moments that were drawn."""
    left, right = MARGIN + 44, WIDTH - MARGIN - 44
    height = _CURVES_BOTTOM - _CURVES_TOP
    canvas.box(left, _CURVES_BOTTOM, right, _CURVES_BOTTOM + 1, FAINT)
    course, scenario = snapshot.course, snapshot.scenario
    most = max(*course.waiting, scenario.preambles)
    canvas.text(left - 6, _CURVES_TOP, compact(most), 11, BLUE, "rm")
    canvas.text(left - 6, _CURVES_BOTTOM, "0", 11, BLUE, "rm")
    canvas.text(left, _CURVES_TOP - 14, "devices that wait", 12, BLUE)
    canvas.text(right, _CURVES_TOP - 14, "barring probability", 12, ORANGE, "rm")
    canvas.text(right + 6, _CURVES_TOP, "1", 11, ORANGE)
    canvas.text(right + 6, _CURVES_BOTTOM, f"{scenario.least_barring:.2g}", 11, ORANGE)
    step = (right - left) / scenario.num_opportunities
    xs = [left + step * slot for slot in course.slots]
    depths = [_depth(snapshot, barring) for barring in course.barring]
    barring = [_CURVES_TOP + height * depth for depth in depths]
    backlog = [_CURVES_BOTTOM - height * count / most for count in course.waiting]
    if len(xs) == 1:
        middle = (left + right) / 2, (_CURVES_TOP + _CURVES_BOTTOM) / 2
        canvas.text(*middle, "a curve through the moments that were drawn", 11, FAINT, "mm")
    canvas.line(list(zip(xs, barring, strict=True)), ORANGE, 1.0)
    canvas.line(list(zip(xs, backlog, strict=True)), BLUE)
    canvas.dot(xs[-1], barring[-1], 3, ORANGE)
    canvas.dot(xs[-1], backlog[-1], 3, BLUE)


def _depth(snapshot: PictureState, barring: float) -> float:
    """0 where nobody is barred, 1 at the least level and below."""
    if barring <= snapshot.scenario.least_barring:
        return 1.0
    return math.log(barring) / math.log(snapshot.scenario.least_barring)


def _paint_preambles(canvas: Canvas, snapshot: PictureState) -> None:
    """A bar an opportunity, the last one on the right: answered, collided, idle."""
    canvas.text(MARGIN, _BARS_TOP - 12, "preambles of the last opportunities", 12, FAINT)
    names = (("answered", GREEN), ("collided", RED), ("idle", EMPTY))
    for k, (name, colour) in enumerate(names):
        x = WIDTH - MARGIN - 84 * (len(names) - k)
        canvas.box(x, _BARS_TOP - 17, x + 10, _BARS_TOP - 7, colour)
        canvas.text(x + 15, _BARS_TOP - 12, name, 12)
    bottom = HEIGHT - MARGIN - 16
    step = (WIDTH - 2 * MARGIN) / HISTORY
    scale = (bottom - _BARS_TOP) / snapshot.scenario.preambles
    for age, (successes, collisions) in enumerate(snapshot.preambles):
        left = WIDTH - MARGIN - (age + 1) * step + 4
        right = left + step - 8
        first = bottom - scale * successes
        second = first - scale * collisions
        canvas.box(left, _BARS_TOP, right, second, EMPTY)
        canvas.box(left, second, right, first, RED)
        canvas.box(left, first, right, bottom, GREEN)
        canvas.text((left + right) / 2, bottom + 10, f"{successes}", 12, FAINT, "mm")
