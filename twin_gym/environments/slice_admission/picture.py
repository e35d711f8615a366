"""The picture of a running network, painted with Pillow (an extra: import this file late)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.canvas import COLOURS, EMPTY, FAINT, HEIGHT, MARGIN, WIDTH, Canvas, Colour
from twin_gym.core.drawing import compact, shortened
from twin_gym.environments.slice_admission.snapshot import PictureState

SLICE_COLOURS = COLOURS
# Cividis from light to dark: how much of its patience a request has used up.
AGE_COLOURS: tuple[Colour, ...] = (
    (254, 232, 56), (219, 197, 81), (187, 174, 105), (155, 151, 118),
    (124, 123, 120), (87, 93, 109), (44, 63, 107), (0, 32, 76),
)  # fmt: skip

_HEAD_HEIGHT = 76
_FOOT_HEIGHT = 30
_LABEL_WIDTH = 104
_QUEUE_LEFT, _QUEUE_WIDTH = 212, 352
_MOST_DOTS = 24
_MOST_DOT_STEP = 18.0


def paint(snapshot: PictureState) -> NDArray[np.uint8]:
    """Paints a network.

    Args:
        snapshot: what to show.

    Returns:
        Pixels; shape (420, 720, 3).
    """
    canvas = Canvas()
    _paint_head(canvas, snapshot)
    resources = len(snapshot.scenario.capacity)
    step = min(32, 128 // resources)
    bottom = _paint_resources(canvas, snapshot, _HEAD_HEIGHT + 12, step)
    _paint_slices(canvas, snapshot, bottom + 14)
    _paint_foot(canvas, snapshot)
    return canvas.pixels()


def _paint_head(canvas: Canvas, snapshot: PictureState) -> None:
    time = f"{snapshot.now_s:,.1f} s of {snapshot.scenario.horizon_s:,g} s"
    rate = f"revenue so far, {snapshot.revenue_rate:.4g} a second"
    canvas.head(
        (snapshot.scenario.name, time), (f"{snapshot.revenue:,.1f}", rate), snapshot.progress
    )


def _paint_resources(canvas: Canvas, snapshot: PictureState, top: float, step: float) -> float:
    """One bar a resource, cut into the shares of the slices; gives where the next may begin."""
    left, right = MARGIN + _LABEL_WIDTH, WIDTH - MARGIN - 92
    size = 13 if step > 18 else 11  # noqa: PLR2004  pixels
    for k, (resource, capacity) in enumerate(snapshot.scenario.capacity.items()):
        middle = top + step * (k + 0.5)
        half = step * 0.34
        canvas.text(MARGIN, middle, shortened(resource, 13), size)
        canvas.box(left, middle - half, right, middle + half, EMPTY)
        at = left
        for s, amount in enumerate(snapshot.held[:, k]):
            width = (right - left) * amount / capacity
            canvas.box(at, middle - half, at + width, middle + half, SLICE_COLOURS[s])
            at += width
        said = f"{compact(snapshot.held[:, k].sum())} of {compact(capacity)}"
        canvas.text(WIDTH - MARGIN, middle, said, size, FAINT, "rm")
    return top + step * len(snapshot.scenario.capacity)


def _paint_slices(canvas: Canvas, snapshot: PictureState, top: float) -> None:
    """One line a slice: its colour, what is served, who waits, what was admitted and lost."""
    slices = snapshot.scenario.slices
    titles = (
        (190, "serving", "rm"), (_QUEUE_LEFT, "waiting, oldest first", "lm"),
        (WIDTH - 92, "admitted", "rm"), (WIDTH - MARGIN, "lost", "rm"),
    )  # fmt: skip
    for x, title, anchor in titles:
        canvas.text(x, top + 6, title, 11, FAINT, anchor)
    step = min(34.0, (HEIGHT - _FOOT_HEIGHT - top - 16) / len(slices))
    size = 13 if step > 18 else 10  # noqa: PLR2004  pixels
    for s, one in enumerate(slices):
        middle = top + 16 + step * (s + 0.5)
        half = min(8.0, step * 0.38)
        canvas.box(MARGIN, middle - half, MARGIN + 2 * half, middle + half, SLICE_COLOURS[s])
        canvas.text(MARGIN + 24, middle, shortened(one.name, 15), size)
        canvas.text(190, middle, str(snapshot.in_service[s]), size, anchor="rm")
        _paint_queue(canvas, middle, half, snapshot, s)
        canvas.text(WIDTH - 92, middle, f"{snapshot.admitted[s]:,}", size, anchor="rm")
        canvas.text(WIDTH - MARGIN, middle, f"{snapshot.lost[s]:,}", size, anchor="rm")


def _paint_queue(
    canvas: Canvas, middle: float, half: float, snapshot: PictureState, s: int
) -> None:
    """A dot a waiting request in the colour of its age, a ring a free place."""
    one, ages = snapshot.scenario.slices[s], snapshot.ages_s[s]
    places = min(max(one.queue_limit, 1), _MOST_DOTS)
    step = min(_MOST_DOT_STEP, _QUEUE_WIDTH / places)
    radius = min(half * 0.85, step * 0.42)
    for place in range(places):
        waits = place < len(ages)
        fill = _age_colour(ages[place] / one.mean_patience_s) if waits else None
        canvas.dot(_QUEUE_LEFT + radius + place * step, middle, radius, fill)
    hidden = len(ages) - places
    if hidden > 0:
        at = _QUEUE_LEFT + places * step + 2
        canvas.text(at, middle, f"+{hidden:,}", 10, FAINT)


def _paint_foot(canvas: Canvas, snapshot: PictureState) -> None:
    y = HEIGHT - 17
    canvas.text(MARGIN, y, snapshot.news[:72], 11, FAINT)
    right = WIDTH - MARGIN
    canvas.text(right, y, "out of patience", 11, FAINT, "rm")
    left = right - 88 - len(AGE_COLOURS) * 9
    for i, colour in enumerate(AGE_COLOURS):
        canvas.box(left + 9 * i, y - 4, left + 9 * i + 9, y + 4, colour)
    canvas.text(left - 7, y, "just came", 11, FAINT, "rm")


def _age_colour(age: float) -> Colour:
    """Colour of a request that has used up this share of the mean patience."""
    return AGE_COLOURS[min(int(age * len(AGE_COLOURS)), len(AGE_COLOURS) - 1)]
